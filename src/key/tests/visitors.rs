//! Who a visitor is, before and after the answer.

use super::*;

#[test]
fn harmless_cookies_leave_a_visitor_anonymous() {
    for cookies in ["_ga=1", "_ga_X=1; _gid=2;_fbp=3", "_pk_id.1=a", ""] {
        assert_eq!(identity(cookies), Identity::Anonymous, "{cookies}");
    }
    assert_ne!(identity("_GA=1"), Identity::Anonymous);
}

#[test]
fn a_named_session_makes_the_identity_alone() {
    let session = identity("PHPSESSID=a");
    assert_eq!(identity("theme=dark; PHPSESSID=a; _ga=1"), session);
    assert_ne!(identity("PHPSESSID=a; sid=b"), session);
    assert_ne!(identity("PHPSESSID=b"), session);
    assert_ne!(identity("phpsessid=a"), session);
    assert_ne!(identity("PHPSESSID=\"a\""), session);
    assert_ne!(identity("PHPSESSID=a; PHPSESSID=a"), session);
    assert_ne!(identity("XPHPSESSID=a"), session);
}

#[test]
fn without_a_named_session_all_unknown_cookies_make_the_identity() {
    let unknown = identity("theme=dark; lang=de");
    assert_eq!(identity("lang=de; theme=dark; _ga=1"), unknown);
    assert_ne!(identity("theme=dark"), unknown);
    assert_ne!(identity("theme=dark; lang=en"), unknown);
    assert_ne!(identity("a"), identity("a="));
    assert_ne!(identity("a"), Identity::Anonymous);
}

#[test]
fn cookies_on_several_lines_all_count() {
    let split = get("/").with("cookie", "sid=1").with("cookie", "session=2").key();
    assert_eq!(split.visitor.identity(&SECRET), identity("sid=1; session=2"));
}

#[test]
fn ids_and_credentials_outside_of_cookies_are_identities_of_their_own() {
    let visitors = [
        get("/;jsessionid=a").key(),
        get("/?PHPSESSID=a").key(),
        get("/").with("authorization", "a").key(),
        get("/").with("x-api-key", "a").key(),
        get("/").with("x-remote-user", "a").key(),
        get("/").with("cookie", "PHPSESSID=a").key(),
        get("/").with("cookie", "JSESSIONID=a").key(),
        get("/").key(),
    ]
    .map(|key| key.visitor.identity(&SECRET));
    for (i, one) in visitors.iter().enumerate() {
        assert!(visitors[i + 1..].iter().all(|other| other != one), "{i}");
    }
}

#[test]
fn only_credentials_that_can_be_guessed_are_guessable() {
    let guessable = |name, value| get("/").with(name, value).key().visitor.is_guessable();
    assert!(guessable("authorization", "Basic dTpw"));
    assert!(guessable("authorization", "bASIC dTpw"));
    assert!(guessable("x-remote-user", "alice"));
    assert!(!guessable("authorization", "Bearer abc"));
    assert!(!guessable("cookie", "PHPSESSID=a"));
    assert!(!guessable("accept", "*/*"));
    let both = get("/").with("authorization", "Basic dTpw").with("cookie", "sid=a").key();
    assert!(!both.visitor.is_guessable());
}

#[test]
fn a_newcomer_becomes_who_the_answer_makes_him() {
    assert_eq!(after("", &["PHPSESSID=a; path=/; HttpOnly"]), identity("PHPSESSID=a"));
    assert_eq!(after("theme=dark", &["sid=\"a\""]), identity("sid=\"a\""));
    assert_eq!(after("", &["_ga=1"]), Identity::Anonymous);
    assert_eq!(after("", &["PHPSESSID=deleted; Max-Age=0"]), Identity::Anonymous);
    assert_eq!(after("sid=a", &["sid=a; Secure"]), identity("sid=a"));
    assert_eq!(after("sid=a", &["sid=b", "sid=c"]), identity("sid=c"));
    assert_eq!(after("sid=a; x=1", &["sid=; Max-Age=0"]), identity("x=1"));
}

#[test]
fn clear_site_data_leaves_nothing_but_headers_and_ids() {
    let visitor = get("/").with("cookie", "sid=1").with("x-api-key", "k").key().visitor;
    let mut cleared = HeaderMap::new();
    cleared.insert("clear-site-data", HeaderValue::from_static("\"*\""));
    let after = visitor.after(&cleared, &Settings::default()).identity(&SECRET);
    let rest = get("/").with("x-api-key", "k").key().visitor.identity(&SECRET);
    assert_eq!(after, rest);
    assert!(visitor.ended_by(&cleared));
}

#[test]
fn a_rotated_and_an_ended_session_are_noticed() {
    for (cookies, line, rotated, ended) in [
        ("sid=a", "sid=b", true, false),
        ("sid=a", "sid=", true, false),
        ("sid=a", "sid=a", false, false),
        ("sid=a", "sid=gone; Max-Age=0", false, true),
        ("sid=a", "other=b", false, false),
        ("sid=a; theme=x", "theme=y", false, false),
        ("theme=x", "theme=y", true, false),
        ("theme=x", "theme=; Max-Age=0", false, true),
        ("sid=a; sid=b", "sid=a", true, false),
        ("", "sid=a", false, false),
    ] {
        let visitor = get("/").with("cookie", cookies).key().visitor;
        let answer = answer(&[line]);
        let noticed = (visitor.rotated_by(&answer), visitor.ended_by(&answer));
        assert_eq!(noticed, (rotated, ended), "{cookies} then {line}");
    }
}
