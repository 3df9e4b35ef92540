//! The query: what of it is part of the key, what is a session id, what is a secret, and what the
//! operator leaves out.

use super::credentials::{Credentials, Kind};
use super::normalize::{decoded, normal};
use super::settings::matches;
use super::{NoKey, Settings};
use http::Uri;
use std::borrow::Cow;

/// The query as it stands in the key: with the leading `?`, or empty.
pub(super) struct Query {
    pub text: String,
    pub odd: bool,
}

/// What is sent on as path and query: the client's own bytes, without the parameters that
/// `cache.query.ignore` names. They are left out here exactly as they are left out of the key, or
/// a client could put into a copy what its key does not show.
pub fn forwarded<'a>(uri: &'a Uri, settings: &Settings) -> Cow<'a, str> {
    let whole = uri.path_and_query().map_or("/", |target| target.as_str());
    let Some(query) = uri.query() else {
        return Cow::Borrowed(whole);
    };
    let is_ignored = |piece: &&str| ignored(piece, settings);
    if whole.starts_with('/') && !query.split('&').any(|piece| is_ignored(&piece)) {
        return Cow::Borrowed(whole);
    }
    let mut target = uri.path().to_owned();
    query
        .split('&')
        .filter(|piece| !is_ignored(piece))
        .for_each(|piece| join(&mut target, piece, uri.path().len()));
    Cow::Owned(target)
}

/// The query for the key. Ids go to `credentials`; a secret means that there is no key.
pub(super) fn read(
    query: Option<&str>,
    settings: &Settings,
    credentials: &mut Credentials<'_>,
) -> Result<Query, NoKey> {
    let mut read =
        Query { text: String::with_capacity(query.map_or(0, |q| q.len() + 1)), odd: false };
    for piece in query.into_iter().flat_map(|query| query.split('&')) {
        if ignored(piece, settings) {
            continue;
        }
        let spelling = normal(piece);
        if let Some(id) = spelling.text.strip_prefix(QUERY_ID) {
            credentials.add(Kind::QueryId, b"PHPSESSID", id.as_bytes());
            continue;
        }
        if tells_a_session(piece) || is_secret(piece, settings) {
            return Err(NoKey::SecretParameter);
        }
        if settings.detect_query {
            join(&mut read.text, &spelling.text, 0);
            read.odd |= spelling.odd;
        }
    }
    Ok(read)
}

/// True if a session id of PHP or of a servlet container may be in this text, under a name that we
/// do not take it from: another case, `PHPSESSID[]`, `%20PHPSESSID` (PHP drops leading blanks), or
/// inside the address that another parameter holds. What an application makes of that is its
/// secret, so such a request has no key.
pub(super) fn tells_a_session(text: &str) -> bool {
    let plain = decoded(text);
    SESSION_IDS.iter().any(|id| contains_ignoring_case(&plain, id))
}

/// True if the name of this parameter, or of one inside its value (an address to return to, say),
/// is a secret one. `user[password]`, `token[]` and `api.key` are seen by their parts.
pub(super) fn is_secret(piece: &str, settings: &Settings) -> bool {
    decoded(piece).split(|byte| b"&;?#".contains(byte)).any(|parameter| {
        let name = parameter.split(|byte| *byte == b'=').next().unwrap_or_default();
        let mut parts = name.split(|byte| b"[].".contains(byte));
        is_secret_name(name, settings) || parts.any(|part| is_secret_name(part, settings))
    })
}

fn is_secret_name(name: &[u8], settings: &Settings) -> bool {
    let blank = |byte: &u8| matches!(byte, b'+' | b'\0') || byte.is_ascii_whitespace();
    let start = name.iter().position(|byte| !blank(byte)).unwrap_or(name.len());
    let end = name.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    let name = &name[start..end];
    settings.query_secret.iter().any(|secret| name.eq_ignore_ascii_case(secret.as_bytes()))
}

fn ignored(piece: &str, settings: &Settings) -> bool {
    if settings.query_ignore.is_empty() {
        return false;
    }
    let name = piece.split('=').next().unwrap_or_default();
    matches(&settings.query_ignore, &decoded(name))
}

/// Adds a parameter to what begins at `start`: the first with `?`, the others with `&`.
fn join(text: &mut String, piece: &str, start: usize) {
    text.push(if text.len() == start { '?' } else { '&' });
    text.push_str(piece);
}

fn contains_ignoring_case(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

const QUERY_ID: &str = "PHPSESSID=";
const SESSION_IDS: [&str; 2] = ["phpsessid", "jsessionid"];
