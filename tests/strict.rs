//! `cache.strict = true`: what the application says about freshness is obeyed in an outage too.

use crate::support::client::{get, visit};
use crate::support::origin::{Answer, Origin, fail, ok};
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
