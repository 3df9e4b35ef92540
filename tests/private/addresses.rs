//! Addresses with a secret in them: forwarded as they are, and written down nowhere.

use super::{before, contains, nothing_is_shown};
use crate::support::client::{get, head, post};
use crate::support::origin::{Origin, fail, ok};
use crate::support::retter::Setup;

#[test]
fn secrets_in_an_address_keep_it_out_of_the_store() {
    let origin = Origin::new().elsewhere(ok("for who knows the secret"));
    let retter = before(&origin);
    let guarded = ["/reset?token=t0p5ecret", "/login?x=1&code=t0p5ecret", "/a/%2e%2e/b", "/a/../b"];
    for target in guarded.iter().chain(&["/open"]) {
        assert_eq!(retter.get(target).status, 200, "{target} is forwarded");
    }
    retter.wait_for_copies(&["/open"]);
    origin.down();
    for target in guarded {
        nothing_is_shown(&retter.get(target), target);
    }
    assert!(!contains(&retter.dump().stdout, b"t0p5ecret"));
    assert!(!contains(retter.log().as_bytes(), b"t0p5ecret"), "{}", retter.log());
}

#[test]
fn an_escaped_secret_in_a_path_is_written_nowhere() {
    let origin = Origin::new().elsewhere(ok("for who knows the secret"));
    let setup = Setup::before(&origin).set("LOG_FILTER", "info,retter=trace");
    let mut retter = setup.set("BREAKER_OPEN_MIN", "30").start();
    for (path, id) in [("/session", "%3Bjsessionid="), ("/reset", "%3btoken=")] {
        let secret = format!("{path}{id}t0p5ecret");
        for visit in [get(&secret), head(&secret), post(&secret, "x")] {
            assert_eq!(retter.visit(&visit).status, 200, "{secret} is forwarded");
        }
        origin.set(&secret, fail(500));
        for _ in 0..5 {
            assert_eq!(retter.get(&secret).status, 500);
        }
        assert_eq!(retter.get(&secret).circuit(), "OPEN");
    }
    retter.get("/open");
    retter.wait_for_copies(&["/open"]);
    let (dump, log) = (retter.dump().stdout, retter.log());
    retter.kill9();
    let file = std::fs::read(retter.file()).expect("the file");
    for (place, bytes) in [("the file", &file), ("the dump", &dump), ("the log", &log.into_bytes())]
    {
        assert!(!contains(bytes, b"t0p5ecret"), "{place}");
        assert!(contains(bytes, b"/open"), "the search works in {place}");
    }
    // The breakers of both paths have opened, and said so.
    let opened =
        |path: &str| retter.log().lines().any(|it| it.contains("OPEN") && it.contains(path));
    assert!(opened("/session") && opened("/reset"), "{}", retter.log());
}
