//! What the operator says about keys, with the defaults.

use crate::headers::Names;

/// What the operator says about keys (`cache.detect.*`, `cache.session.*`, `cache.query.*`).
#[derive(Clone, Debug)]
pub struct Settings {
    /// `cache.detect.query`: false = the query is no part of the key (it is still forwarded).
    pub detect_query: bool,
    /// `cache.detect.session`: false = requests that carry an identity have no copies of their own.
    pub detect_session: bool,
    /// `cache.session.cookies`: names of session cookies, `*` at the end allowed. Case counts.
    pub session_cookies: Vec<String>,
    /// `cache.session.harmless`: names of cookies that say nothing about who it is, `*` at the end
    /// allowed. A name that is in both lists is a session cookie.
    pub session_harmless: Vec<String>,
    /// `cache.query.ignore`: parameters left out of the key and of what is forwarded, `*` at the
    /// end allowed. Case counts.
    pub query_ignore: Vec<String>,
    /// `cache.query.secret`: parameters whose presence means the request has no key. Case does not
    /// count.
    pub query_secret: Vec<String>,
    /// `backend.names`: which header fields the application gets to see.
    pub names: Names,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            detect_query: true,
            detect_session: true,
            session_cookies: owned(&SESSION_COOKIES),
            session_harmless: owned(&SESSION_HARMLESS),
            query_ignore: Vec::new(),
            query_secret: owned(&QUERY_SECRET),
            names: Names::default(),
        }
    }
}

/// Default of `cache.session.cookies`: the session cookies of the usual frameworks.
pub const SESSION_COOKIES: [&str; 18] = [
    "PHPSESSID",
    "JSESSIONID",
    "ci_session",
    "DokuWiki",
    "wordpress_logged_in_*",
    "wp_woocommerce_session_*",
    "laravel_session",
    "symfony",
    "sessionid",
    "connect.sid",
    "ASP.NET_SessionId",
    ".AspNetCore.*",
    "_session_id",
    "SESS*",
    "SSESS*",
    "frontend",
    "sid",
    "session",
];

/// Default of `cache.session.harmless`: counters of visits and answers to consent banners.
pub const SESSION_HARMLESS: [&str; 21] = [
    "_ga*",
    "_gid",
    "_gcl_*",
    "__utm*",
    "_fbp",
    "_fbc",
    "_pk_*",
    "_hj*",
    "_clck",
    "_clsk",
    "__cf_bm",
    "CookieConsent",
    "cookieconsent_status",
    "cookie_notice_accepted",
    "cookielawinfo-*",
    "cmplz_*",
    "OptanonConsent",
    "OptanonAlertBoxClosed",
    "borlabs-cookie",
    "euconsent*",
    "wordpress_test_cookie",
];

/// Default of `cache.query.secret`.
pub const QUERY_SECRET: [&str; 6] = ["token", "access_token", "code", "key", "sig", "password"];

/// True if one of the patterns is this name, or ends in `*` and begins it.
pub(super) fn matches(patterns: &[String], name: &[u8]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning.as_bytes()),
        None => name == pattern.as_bytes(),
    })
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_whole_unless_a_star_ends_the_pattern() {
        let patterns = owned(&["sid", "SESS*"]);
        for (name, matched) in
            [("sid", true), ("sidecar", false), ("SID", false), ("SESS", true), ("SESSabc", true)]
        {
            assert_eq!(matches(&patterns, name.as_bytes()), matched, "{name}");
        }
    }
}
