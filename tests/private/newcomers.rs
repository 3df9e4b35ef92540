//! Newcomers: what is made for somebody before he has anything to be told by.

use super::{PERSONAL, before, contains, nothing_is_shown};
use crate::support::client::get;
use crate::support::origin::{Origin, Seen, computed, ok};

#[test]
fn a_newcomers_first_page_becomes_his_own_copy() {
    let origin = Origin::new().elsewhere(computed(|seen: &Seen| {
        let session = seen.header("cookie").unwrap_or_default();
        let answer = ok(format!("{PERSONAL} of session [{session}]"));
        if session.is_empty() { answer.header("Set-Cookie", NEWCOMER) } else { answer }
    }));
    let mut retter = before(&origin);
    let first = retter.get("/start");
    assert_eq!(first.header("set-cookie"), Some(NEWCOMER));
    retter.wait_for_copies(&["/start"]);
    origin.down();
    let again = retter.visit(&get("/start").cookie("PHPSESSID=n3wc0m3rsv4lu3"));
    assert_eq!((again.text(), again.header("set-cookie")), (first.text(), None));
    nothing_is_shown(&retter.get("/start"), "another newcomer");
    retter.kill9();
    let file = std::fs::read(retter.file()).expect("the file");
    assert!(!contains(&file, b"n3wc0m3rsv4lu3") && !contains(&file, PERSONAL.as_bytes()));
}

#[test]
fn a_session_makes_a_newcomers_private_page_his_own() {
    let page = |said: &str| {
        let answer = ok(PERSONAL).header("Cache-Control", said);
        answer.header("Set-Cookie", "lang=de; Path=/").header("Set-Cookie", NEWCOMER)
    };
    let origin = Origin::new().route("/private", page("private"));
    let origin = origin.route("/no-store", page("no-store, must-revalidate"));
    let retter = before(&origin);
    for path in ["/private", "/no-store"] {
        retter.get(path);
    }
    retter.wait_for_copies(&["/private", "/no-store"]);
    origin.down();
    for path in ["/private", "/no-store"] {
        let own = get(path).cookie("lang=de; PHPSESSID=n3wc0m3rsv4lu3");
        assert_eq!(retter.visit(&own).text(), PERSONAL, "{path}");
        for other in ["lang=de", "lang=de; PHPSESSID=s0m3b0dy3ls3"] {
            nothing_is_shown(&retter.visit(&get(path).cookie(other)), other);
        }
    }
}

#[test]
fn a_cookie_that_many_have_does_not_show_a_newcomers_private_page() {
    let page = || ok(PERSONAL).header("Set-Cookie", "lang=de; Path=/");
    let origin = Origin::new()
        .route("/private", page().header("Cache-Control", "private"))
        .route("/no-store", page().header("Cache-Control", "no-store"))
        .elsewhere(ok("for everybody"));
    let retter = before(&origin);
    for path in ["/private", "/no-store", "/open"] {
        retter.get(path);
    }
    retter.wait_for_copies(&["/open"]);
    origin.down();
    for path in ["/private", "/no-store"] {
        nothing_is_shown(&retter.visit(&get(path).cookie("lang=de")), path);
        nothing_is_shown(&retter.get(path), path);
    }
}

const NEWCOMER: &str = "PHPSESSID=n3wc0m3rsv4lu3; Path=/";
