//! `cache.strict = true`: what the application says about freshness is obeyed in an outage too.

use crate::support::client::{get, post, visit};
use crate::support::origin::{Answer, Origin, answer, fail, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};

/// Every page has been asked for once, and those that may be kept are.
fn kept(pages: &[(&str, &str)], setup: fn(Setup) -> Setup) -> (Origin, Retter) {
    let origin = Origin::new().elsewhere(ok("page"));
    for (path, said) in pages {
        let page = ok(format!("page {path}"));
        origin.set(path, if said.is_empty() { page } else { page.header("Cache-Control", said) });
    }
    let retter = setup(Setup::before(&origin).set("CACHE_STRICT", "true")).start();
    pages.iter().for_each(|(path, _)| drop(retter.get(path)));
    (origin, retter)
}

const PAGES: [(&str, &str); 7] = [
    ("/plain", ""),
    ("/fresh", "max-age=600"),
    ("/stale", "max-age=0"),
    ("/on-error", "max-age=0, stale-if-error=600"),
    ("/must", "max-age=0, must-revalidate, stale-if-error=600"),
    ("/shared", "s-maxage=0"),
    ("/asked", "no-cache"),
];

#[test]
fn a_failure_is_covered_only_as_far_as_the_application_allows() {
    let (origin, retter) = kept(&PAGES, Setup::without_breaker);
    origin.set_all(fail(503));
    for (path, status) in [
        ("/plain", 503),
        ("/fresh", 200),
        ("/stale", 503),
        ("/on-error", 200),
        ("/must", 503),
        ("/shared", 503),
        ("/asked", 503),
    ] {
        assert_eq!(retter.get(path).status, status, "{path}");
    }
    let wants = get("/stale").header("Cache-Control", "stale-if-error=60");
    assert_eq!(retter.visit(&wants).status, 200);
    let wants_none = get("/fresh").header("Cache-Control", "no-cache");
    assert_eq!(retter.visit(&wants_none).status, 503);
    assert_eq!(retter.get("/fresh").retter(), "cache", "words for its age are the same");
    let log = retter.log();
    for reason in ["strict-stale", "must-revalidate", "s-maxage", "request-no-cache"] {
        assert!(log.contains(reason), "{reason} is not said");
        assert!(retter.figure(&["withheld", reason]) >= 1.0, "{reason} is not counted");
    }
}

#[test]
fn an_application_out_of_reach_may_be_covered_by_what_is_stale() {
    let (origin, retter) = kept(&PAGES, Setup::without_breaker);
    origin.down();
    for (path, status) in [
        ("/plain", 200),
        ("/fresh", 200),
        ("/stale", 200),
        ("/on-error", 200),
        ("/must", 502),
        ("/shared", 502),
        ("/asked", 502),
    ] {
        assert_eq!(retter.get(path).status, status, "{path}");
    }
}

#[test]
fn an_open_breaker_is_a_failure_and_no_lost_connection() {
    let (origin, retter) =
        kept(&PAGES, |setup| setup.set("BREAKER_OPEN_MIN", "60").set("BREAKER_FAIL_RATE", 1));
    origin.down();
    let opened = || {
        retter.get("/none");
        retter.breaker_has_changed()
    };
    assert!(until(SOON, opened), "it opens");
    for (path, status) in [("/fresh", 200), ("/on-error", 200), ("/plain", 503), ("/must", 503)] {
        let answer = retter.get(path);
        assert_eq!((answer.status, answer.circuit()), (status, "OPEN"), "{path}");
    }
}

#[test]
fn private_pages_are_not_even_kept_sealed() {
    let (origin, retter) = kept(&[], Setup::without_breaker);
    let page = |said: &str| -> Answer { ok("his").header("Cache-Control", said) };
    let him = |path| get(path).cookie("PHPSESSID=0a1b2c3d");
    for (path, said, reason) in [
        ("/p", "private", "private"),
        ("/n", "no-store", "no-store"),
        ("/c", "no-cache", "no-cache"),
    ] {
        origin.set(path, page(said));
        retter.visit(&him(path));
        assert_eq!(retter.figure(&["skipped", reason]), 1.0, "{path}");
    }
    origin.set("/own", page("max-age=60"));
    retter.visit(&him("/own"));
    retter.wait_for_copies(&["/own"]);
    origin.down();
    let status = |path| retter.visit(&him(path)).status;
    assert_eq!(["/p", "/n", "/c", "/own"].map(status), [502, 502, 502, 200]);
}

#[test]
fn without_the_setting_nothing_of_this_holds() {
    let origin = Origin::new();
    PAGES
        .iter()
        .for_each(|(path, said)| origin.set(path, ok("page").header("Cache-Control", said)));
    let retter = Setup::before(&origin).without_breaker().start();
    PAGES.iter().for_each(|(path, _)| drop(retter.get(path)));
    retter.visit(&visit("DELETE", "/fresh"));
    origin.set_all(fail(503));
    for (path, _) in PAGES {
        assert_eq!(retter.get(path).status, 200, "{path}");
    }
}

/// The page has a copy of nobody in particular and one of a visitor; then something is sent.
fn after(method: &'static str, path: &str, reply: Answer) -> (Origin, Retter) {
    let origin = Origin::new().elsewhere(ok("the old page").header("Cache-Control", "max-age=600"));
    let setup = Setup::before(&origin).set("CACHE_STRICT", "true");
    let retter = setup.without_breaker().start();
    for path in ["/page", "/other"] {
        retter.get(path);
        retter.visit(&get(path).cookie("PHPSESSID=0a1b2c3d"));
    }
    retter.wait_for_copies(&["/page", "/other"]);
    assert!(until(SOON, || copies(&retter) == 4), "{} copies", copies(&retter));
    origin.set_all(reply);
    retter.visit(&visit(method, path).body("x"));
    (origin, retter)
}

fn copies(retter: &Retter) -> usize {
    let dump = String::from_utf8_lossy(&retter.dump().stdout).into_owned();
    dump.lines().filter(|line| line.starts_with("http://shop.example/")).count()
}

fn has_copies(retter: &Retter, path: &str) -> [bool; 2] {
    let visits = [get(path), get(path).cookie("PHPSESSID=0a1b2c3d")];
    visits.map(|visit| retter.visit(&visit).status == 200)
}

#[test]
fn what_may_have_changed_a_page_takes_everybodys_copies_of_it() {
    let created = || answer(201, "");
    for (method, reply, gone) in [
        ("POST", created(), true),
        ("PUT", answer(200, ""), true),
        ("DELETE", answer(303, ""), true),
        ("BREW", answer(200, ""), true),
        ("OPTIONS", answer(200, ""), false),
        ("POST", fail(500), false),
        ("POST", answer(403, ""), false),
    ] {
        let status = reply.status;
        let (origin, mut retter) = after(method, "/page", reply);
        origin.down();
        assert_eq!(has_copies(&retter, "/page"), [!gone; 2], "{method}, {status}: at once");
        assert_eq!(has_copies(&retter, "/other"), [true; 2], "{method}, {status}");
        if gone {
            assert!(until(SOON, || copies(&retter) == 2), "{method}, {status}: in the file");
        }
        retter.restart();
        assert_eq!(has_copies(&retter, "/page"), [!gone; 2], "{method}, {status}: after a kill");
    }
}

#[test]
fn the_page_that_an_answer_names_is_another_page_than_before() {
    let reply = answer(303, "").header("Location", "/other?x").header("Content-Location", "/other");
    let (origin, retter) = after("POST", "/cart", reply);
    origin.down();
    assert_eq!(has_copies(&retter, "/other"), [false; 2]);
    assert_eq!(has_copies(&retter, "/page"), [true; 2]);
}

#[test]
fn a_page_that_comes_after_the_change_is_a_copy_again() {
    let (origin, retter) = after("POST", "/page", answer(200, ""));
    std::thread::sleep(std::time::Duration::from_millis(5));
    // The very same page as before: the time it was kept at is what tells them apart.
    origin.set_all(ok("the old page").header("Cache-Control", "max-age=600"));
    retter.get("/page");
    retter.visit(&post("/elsewhere", "x"));
    origin.down();
    assert_eq!(has_copies(&retter, "/page"), [true, false]);
}
