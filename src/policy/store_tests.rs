//! The rules of storing, as one table, and what must hold whatever the answer says.

#[path = "store_properties.rs"]
mod properties;

use super::super::NoStore;
use super::*;
use crate::key::Identity;
use globset::Glob;
use http::{HeaderValue, Request, Response};

const SECRET: Secret = Secret([3; 32]);
const ASKED: [(&str, &str); 1] = [("host", "example.com")];
const SESSION: (&str, &str) = ("cookie", "PHPSESSID=a");

type Fields<'a> = &'a [(&'a str, &'a str)];

/// One exchange: a GET of `/a` answered 200, unless told otherwise.
struct Exchange {
    request: http::request::Builder,
    response: http::response::Builder,
    framing: Framing,
    settings: Settings,
}

impl Exchange {
    fn of(target: &str) -> Self {
        let mut request = Request::builder().uri(target);
        for (name, value) in ASKED {
            request = request.header(name, value);
        }
        Self {
            request,
            response: Response::builder(),
            framing: Framing::Length(10),
            settings: Settings::default(),
        }
    }

    fn asks(mut self, fields: Fields<'_>) -> Self {
        for (name, value) in fields {
            self.request = self.request.header(*name, *value);
        }
        self
    }

    fn says(mut self, fields: Fields<'_>) -> Self {
        for (name, value) in fields {
            self.response = self.response.header(*name, *value);
        }
        self
    }

    fn status(mut self, status: u16) -> Self {
        self.response = self.response.status(status);
        self
    }

    fn framed(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    fn method(mut self, method: &str) -> Self {
        self.request = self.request.method(method);
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// The decision, and under whose identity it would be stored, compared with the request's.
    fn decide(self) -> (CacheKey, MayStore) {
        let request = self.request.body(()).unwrap().into_parts().0;
        let response = self.response.body(()).unwrap().into_parts().0;
        let keys = key::Settings {
            detect_session: self.settings.detect_session,
            ..key::Settings::default()
        };
        let key = CacheKey::of(&request, &keys).unwrap();
        let decision = may_store(&request, &key, &response, self.framing, &keys, &self.settings);
        (key, decision)
    }

    fn word(self) -> String {
        match self.decide().1 {
            MayStore::Store(Storable { why, on_disk: true, .. }) => why.as_str().to_owned(),
            MayStore::Store(Storable { why, .. }) => format!("{} in memory", why.as_str()),
            MayStore::Skip(reason) => format!("skip {}", reason.as_str()),
            MayStore::Forget => "forget".to_owned(),
        }
    }
}

fn get() -> Exchange {
    Exchange::of("/a")
}

fn declared(settings: &mut Settings) {
    settings.public = vec![Glob::new("/a*").unwrap().compile_matcher()];
}

fn undetected(settings: &mut Settings) {
    settings.detect_session = false;
}

/// Checks `(what the request brings, what the answer says, the decision)`.
fn check(table: &[(Fields<'_>, Fields<'_>, &str)], change: fn(&mut Settings)) {
    for (asked, said, expected) in table {
        let word = get().asks(asked).says(said).with(change).word();
        assert_eq!(word, *expected, "asked {asked:?}, answered {said:?}");
    }
}

fn as_it_is(_: &mut Settings) {}

#[test]
fn what_the_application_says_about_privacy_is_obeyed() {
    let cc = |value| ("cache-control", value);
    let php = cc("no-store, no-cache, must-revalidate");
    let set = ("set-cookie", "PHPSESSID=b; path=/");
    let same = ("set-cookie", "PHPSESSID=a; path=/");
    let gone = ("set-cookie", "PHPSESSID=deleted; Max-Age=0");
    let basic = ("authorization", "Basic dTpw");
    let bearer = ("authorization", "Bearer t");
    check(
        &[
            (&[], &[], "anonymous"),
            (&[], &[cc("no-cache, max-age=0, s-maxage=0, must-revalidate")], "anonymous"),
            (&[("cookie", "_ga=1")], &[], "anonymous"),
            (&[], &[cc("public")], "public"),
            (&[], &[cc("public"), set], "public"),
            (&[], &[cc("public, private")], "skip private"),
            (&[], &[cc("private")], "skip private"),
            (&[], &[cc("private=\"x-user\"")], "skip private"),
            (&[], &[php], "skip no-store"),
            (&[], &[cc("public"), php], "skip no-store"),
            (&[], &[("set-cookie", "_ga=1")], "skip set-cookie"),
            (&[], &[("set-cookie2", "a=1")], "skip set-cookie"),
            (&[], &[gone], "skip set-cookie"),
            (&[], &[set], "identity"),
            (&[], &[set, php], "identity-no-store"),
            (&[], &[set, cc("private")], "identity-private"),
            (&[SESSION], &[], "identity"),
            (&[SESSION], &[cc("public")], "identity"),
            (&[SESSION], &[cc("private")], "identity-private"),
            (&[SESSION], &[cc("private"), php], "identity-no-store"),
            (&[SESSION], &[same], "identity"),
            (&[SESSION], &[set], "skip rotating-session"),
            (&[SESSION], &[gone], "skip ended-session"),
            (&[SESSION], &[gone, set], "skip rotating-session"),
            (&[SESSION], &[("clear-site-data", "\"cookies\"")], "skip ended-session"),
            (&[SESSION], &[("set-cookie", "theme=dark")], "identity"),
            (&[("cookie", "theme=a")], &[set], "identity"),
            (&[("cookie", "theme=a")], &[("set-cookie", "theme=b")], "skip rotating-session"),
            (&[bearer], &[cc("private")], "identity-private"),
            (&[basic], &[], "identity in memory"),
            (&[basic], &[php], "identity-no-store in memory"),
            (&[basic, SESSION], &[], "identity"),
            (&[("x-api-key", "k")], &[], "identity"),
        ],
        as_it_is,
    );
}

#[test]
fn what_varies_is_kept_by_the_request_fields_that_it_depends_on() {
    let public = ("cache-control", "public");
    let allowed = |origin| ("access-control-allow-origin", origin);
    for (brought, said, expected) in [
        (&[][..], &[("vary", "Accept-Encoding")][..], "anonymous by "),
        (&[], &[("vary", "accept-encoding, Accept-Encoding"), ("vary", "")], "anonymous by "),
        (
            &[],
            &[("vary", "X-B, Accept-Language"), ("vary", "x-b")],
            "anonymous by x-b, accept-language",
        ),
        (&[], &[("vary", "Cookie"), public], "public by cookie"),
        (&[SESSION], &[("vary", "Cookie")], "identity by cookie"),
        (&[], &[allowed("*")], "anonymous by "),
        (&[], &[allowed("https://a.example")], "anonymous by origin"),
        (&[], &[allowed("https://a.example"), ("vary", "Origin")], "anonymous by origin"),
        (&[SESSION], &[allowed("null")], "identity by origin"),
        (&[], &[("vary", "*")], "skip vary"),
        (&[], &[("vary", "Accept-Language, *")], "skip vary"),
        (&[], &[("vary", "two words")], "skip vary"),
        (&[], &[("vary", "ä")], "skip vary"),
        (&[], &[("vary", "a,b,c,d,e,f,g,h")], "anonymous by a, b, c, d, e, f, g, h"),
        (&[], &[("vary", "a,b,c,d,e,f,g,h,i")], "skip vary"),
    ] {
        let exchange = get().asks(brought).says(said);
        let (_, decision) = exchange.decide();
        let word = match &decision {
            MayStore::Store(storable) => {
                let names: Vec<_> = storable.varies.iter().map(HeaderName::as_str).collect();
                format!("{} by {}", storable.why.as_str(), names.join(", "))
            }
            MayStore::Skip(reason) => format!("skip {}", reason.as_str()),
            MayStore::Forget => "forget".to_owned(),
        };
        assert_eq!(word, expected, "{brought:?} {said:?}");
    }
}

#[test]
fn a_page_declared_public_is_kept_whatever_the_application_says_but_not_from_persons() {
    let cc = |value| ("cache-control", value);
    let set = ("set-cookie", "PHPSESSID=b");
    check(
        &[
            (&[], &[], "declared-public"),
            (&[], &[cc("private, no-store"), set], "declared-public"),
            (&[], &[("vary", "Cookie, Accept-Encoding")], "declared-public"),
            (&[], &[("vary", "*")], "skip vary"),
            (&[], &[("vary", "Accept-Language")], "declared-public"),
            (&[SESSION], &[], "identity"),
            (&[("cookie", "theme=a")], &[cc("private")], "identity-private"),
            (&[("range", "bytes=0-1")], &[], "skip range-request"),
        ],
        declared,
    );
    let elsewhere = Exchange::of("/b").with(declared).says(&[cc("private")]);
    assert_eq!(elsewhere.word(), "skip private");
}

#[test]
fn without_session_detection_persons_store_only_what_is_public() {
    let cc = |value| ("cache-control", value);
    let set = ("set-cookie", "PHPSESSID=a");
    let bearer = ("authorization", "Bearer t");
    check(
        &[
            (&[], &[], "anonymous"),
            (&[], &[set], "skip set-cookie"),
            (&[], &[cc("public"), set], "public"),
            (&[SESSION], &[], "skip identified"),
            (&[SESSION], &[cc("private")], "skip identified"),
            (&[SESSION], &[cc("public")], "public"),
            (&[SESSION], &[cc("public, no-store")], "skip identified"),
            (&[SESSION], &[cc("public"), set], "skip set-cookie"),
            (&[bearer], &[cc("public")], "public"),
            (&[bearer], &[cc("must-revalidate, s-maxage=60")], "skip identified"),
        ],
        undetected,
    );
}

#[test]
fn no_store_is_kept_as_the_operator_says_and_for_an_identity_only() {
    let php = ("cache-control", "no-store");
    for (nostore, kept) in [
        (NoStore::Sealed, "identity-no-store"),
        (NoStore::Memory, "identity-no-store in memory"),
        (NoStore::Refuse, "skip no-store"),
    ] {
        let with = |exchange: Exchange| exchange.says(&[php]).with(|s| s.nostore = nostore).word();
        assert_eq!(with(get().asks(&[SESSION])), kept);
        assert_eq!(with(get()), "skip no-store");
    }
    let memory = get().asks(&[SESSION]).with(|s| s.nostore = NoStore::Memory);
    assert_eq!(memory.word(), "identity", "only no-store answers are kept off the disk");
}

#[test]
fn only_a_whole_page_that_was_plainly_asked_for_is_stored() {
    let ranged = [("range", "bytes=0-1")];
    for (exchange, expected) in [
        (get().method("HEAD"), "skip method"),
        (get().asks(&[("content-length", "0")]), "anonymous"),
        (get().asks(&ranged), "skip range-request"),
        (get().asks(&ranged).status(206), "skip range-request"),
        (Exchange::of("/%61"), "skip odd-spelling"),
        (get().status(206).with(|s| s.statuses.push(206)), "skip partial"),
        (get().says(&[("content-range", "bytes 0-1/2")]), "skip partial"),
        (get().framed(Framing::Chunked), "anonymous"),
        (get().framed(Framing::Close), "skip unframed"),
        (get().framed(Framing::Close).with(|s| s.store_unframed = true), "anonymous"),
        (get().framed(Framing::Length(8 << 20)), "anonymous"),
        (get().framed(Framing::Length((8 << 20) + 1)), "skip too-large"),
        (get().says(&[("x-accel-redirect", "/x")]), "skip handed-over"),
        (get().says(&[("x-sendfile", "/x")]), "skip handed-over"),
    ] {
        assert_eq!(exchange.word(), expected);
    }
}

#[test]
fn statuses_are_stored_forgotten_or_left_alone() {
    for (status, expected) in [
        (200, "anonymous"),
        (203, "anonymous"),
        (300, "anonymous"),
        (301, "anonymous"),
        (308, "anonymous"),
        (204, "skip status"),
        (302, "skip status"),
        (304, "skip status"),
        (401, "skip status"),
        (403, "skip status"),
        (500, "skip status"),
        (404, "forget"),
        (410, "forget"),
    ] {
        assert_eq!(get().status(status).word(), expected, "{status}");
    }
}

#[test]
fn only_who_could_have_stored_a_copy_can_have_it_forgotten() {
    for (exchange, expected) in [
        (get().asks(&[SESSION]), "forget"),
        (get().asks(&[SESSION]).with(undetected), "skip status"),
        (get().method("HEAD"), "skip method"),
        (get().asks(&[("range", "bytes=0-1")]), "skip range-request"),
        (Exchange::of("/%61"), "skip odd-spelling"),
        (get().with(|s| s.statuses.push(404)), "anonymous"),
    ] {
        assert_eq!(exchange.status(404).word(), expected);
    }
}

#[test]
fn only_codings_that_can_be_taken_off_are_stored() {
    for (coding, expected) in [
        ("gzip", "anonymous"),
        ("X-GZIP", "anonymous"),
        ("deflate", "anonymous"),
        ("zstd", "anonymous"),
        ("identity", "anonymous"),
        ("identity, gzip", "anonymous"),
        ("", "anonymous"),
        ("br", "skip coding"),
        ("gzip, gzip", "skip coding"),
        ("aes128gcm", "skip coding"),
        ("gzip, ä", "skip coding"),
    ] {
        assert_eq!(get().says(&[("content-encoding", coding)]).word(), expected, "{coding}");
    }
}

#[test]
fn a_newcomers_first_page_is_found_when_he_comes_again() {
    let (key, decision) = get().says(&[("set-cookie", "PHPSESSID=n; HttpOnly")]).decide();
    let MayStore::Store(storable) = decision else { panic!("not stored") };
    let (again, _) = get().asks(&[("cookie", "PHPSESSID=n; _ga=1")]).decide();
    let found = again.lookups(&SECRET, &key::Settings::default()).remove(0);
    assert!(found.own);
    assert_eq!(found.key, storable.store_key(&key, &SECRET));
}

#[test]
fn strictness_comes_before_what_the_operator_and_sessions_would_allow() {
    let cc = |value| ("cache-control", value);
    let strict = |settings: &mut Settings| settings.strict = true;
    let declared = |settings: &mut Settings| {
        declared(settings);
        settings.strict = true;
    };
    check(
        &[
            (&[SESSION], &[cc("private")], "skip private"),
            (&[SESSION], &[cc("no-store")], "skip no-store"),
            (&[SESSION], &[cc("no-cache")], "skip no-cache"),
            (&[SESSION], &[cc("max-age=0")], "identity"),
            (&[("authorization", "Bearer t")], &[], "skip authorization"),
            (&[("authorization", "Bearer t")], &[cc("s-maxage=9")], "identity"),
            (&[cc("no-store")], &[cc("public")], "skip no-store"),
            (&[], &[("set-cookie", "_ga=1")], "skip set-cookie"),
        ],
        strict,
    );
    check(&[(&[], &[cc("no-store")], "skip no-store"), (&[], &[], "declared-public")], declared);
}
