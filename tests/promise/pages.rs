//! The words around the answers: freshness, our own pages, and a RETTER without a file.

use super::{ME, page, page_text, visit};
use crate::support::client::get;
use crate::support::origin::{Origin, Seen, answer, computed, fail, ok};
use crate::support::retter::Setup;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn an_older_copy_is_called_last_known_success() {
    let origin = Origin::new().elsewhere(computed(page));
    let retter = Setup::before(&origin).without_breaker().set("CACHE_TTL", "1ms").start();
    retter.get("/page");
    retter.wait_for_copies(&["/page"]);
    origin.down();
    let answer = retter.get("/page");
    assert_eq!(answer.text(), page_text("/page", ""));
    assert_eq!(answer.retter(), "last-known-success");
}

#[test]
fn our_pages_speak_the_language_that_is_asked_for() {
    let origin = Origin::new();
    let retter = Setup::before(&origin).without_breaker().start();
    origin.down();
    for (accept, kind, begins) in [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html", "<"),
        ("application/json", "application/json", "{"),
    ] {
        let answer = retter.visit(&get("/").header("Accept", accept));
        let found = answer.header("content-type").unwrap_or_default();
        assert!(found.starts_with(kind), "{accept} gives {found}");
        assert!(answer.text().trim_start().starts_with(begins), "{}", answer.text());
    }
}

#[test]
fn an_application_without_an_address_is_a_502_that_does_not_name_it() {
    let retter = Setup::bare()
        .set("SERVER_LISTEN", "127.0.0.1:0")
        .set("BACKEND_BASEURL", "http://no-such-host.invalid:8088")
        .set("BACKEND_TIMEOUT", "2")
        .start();
    let asked = Instant::now();
    let answer = retter.get("/");
    // A resolver that does not answer at all is a connection that takes too long.
    assert!(matches!(answer.status, 502 | 504), "{answer:?}");
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert!(!answer.text().contains("no-such-host"));
}

#[test]
fn a_copy_has_nothing_that_pins_it_downstream() {
    let page = ok("a page").header("CDN-Cache-Control", "max-age=3600").header("Pragma", "public");
    let page = page.header("Expires", "Thu, 01 Jan 2099 00:00:00 GMT");
    let origin = Origin::new().elsewhere(page.header("Cache-Control", "public, s-maxage=3600"));
    let retter = Setup::before(&origin).without_breaker().start();
    let pins = ["cdn-cache-control", "expires", "pragma"];
    let fresh = retter.get("/page");
    assert!(pins.iter().all(|name| fresh.header(name).is_some()), "its own answer is untouched");
    retter.wait_for_copies(&["/page"]);
    origin.down();
    let copy = retter.get("/page");
    assert_eq!((copy.status, copy.all("cache-control")), (200, vec!["no-cache"]));
    assert_eq!(pins.map(|name| copy.header(name)), [None; 3]);
}

#[test]
#[ignore = "waits the ten seconds that lie between two farewells"]
fn a_page_that_is_gone_is_forgotten_for_visitors_with_a_session_too() {
    let public = |seen: &Seen| page(seen).header("Cache-Control", "public");
    let origin = Origin::new().elsewhere(computed(public));
    let retter = Setup::before(&origin).without_breaker().start();
    for path in ["/gone", "/back", "/known"] {
        retter.get(path);
    }
    retter.wait_for_copies(&["/gone", "/back", "/known"]);
    let ask = |path: &str| retter.visit(&visit(path, ME));
    for path in ["/gone", "/back"] {
        origin.set(path, fail(404));
        assert_eq!(ask(path).status, 404);
    }
    thread::sleep(Duration::from_secs(5));
    origin.set("/back", computed(public));
    retter.get("/back");
    thread::sleep(Duration::from_millis(5500));
    origin.set("/back", fail(404));
    for path in ["/gone", "/back"] {
        assert_eq!(ask(path).status, 404);
    }
    origin.down();
    for (path, status) in [("/known", 200), ("/back", 200), ("/gone", 502)] {
        assert_eq!((ask(path).status, retter.get(path).status), (status, status), "{path}");
    }
}

#[test]
fn retter_without_a_file_proxies_and_rescues_from_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let origin = Origin::new().elsewhere(computed(page));
    // A folder stands where the file should be.
    let path = folder.path().display().to_string();
    let retter = Setup::before(&origin).without_breaker().set("STORE_PATH", &path).start();
    let fresh = retter.get("/page");
    assert_eq!((fresh.status, fresh.retter()), (200, "backend"));
    assert!(retter.log().contains(&path), "the log names the file");
    origin.down();
    let copy = retter.get("/page");
    assert_eq!((copy.text(), copy.retter()), (page_text("/page", ""), "cache"));
}

#[test]
fn the_newest_head_is_kept_though_its_body_is_the_same() {
    let to = |place: &str| answer(301, "").header("Location", place);
    let origin = Origin::new().route("/moved", to("/one")).then(to("/two")).then(fail(503));
    let retter = Setup::before(&origin).start();
    for place in ["/one", "/two", "/two"] {
        assert_eq!(retter.get("/moved").header("location"), Some(place));
    }
}
