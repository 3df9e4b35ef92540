//! How much of the traffic has a copy, as the operator is told it.

use crate::support::SOON;
use crate::support::client::{get, post};
use crate::support::origin::{Origin, answer, ok};
use crate::support::retter::{Retter, Setup};
use serde_json::{Value, json};
use std::process::Command;

#[test]
fn stats_say_how_much_has_a_copy_and_what_kept_the_rest_out() {
    let cookie = ok("cookie").header("Set-Cookie", "_ga=1");
    let origin = Origin::new()
        .route("/private", ok("secret").header("Cache-Control", "no-store"))
        .route("/cookie", cookie.clone())
        .route("/basket", cookie)
        .route("/gone", answer(404, "gone"))
        .elsewhere(ok("page"));
    let mut retter = Setup::before(&origin).start();
    for path in ["/a", "/a", "/b", "/b?x", "/private", "/cookie", "/basket", "/gone"] {
        retter.get(path);
    }
    retter.get("/login?token=one");
    retter.get("/login?token=two");
    retter.visit(&get("/a").header("Range", "bytes=0-1"));
    retter.visit(&post("/post", "x"));
    retter.visit(&get("/b").cookie("PHPSESSID=1"));
    retter.wait_for_copies(&["/a", "/b"]);
    assert_eq!(stats(&retter, &["--json"])["coverage"], Value::Null, "not in the first minute");
    end(&mut retter);
    let coverage = stats(&retter, &["--json"])["coverage"].clone();
    assert_eq!((&coverage["pages"], &coverage["copies"]), (&json!(8), &json!(3)), "{coverage}");
    assert_eq!(coverage["kept"], json!({"anonymous": 2, "identity": 1}));
    let refused = json!({"forget": 1, "no-store": 1, "secret-parameter": 1, "set-cookie": 2});
    assert_eq!((&coverage["refused"], &coverage["complete"]), (&refused, &json!(true)));
    let text = text(&retter, &[]);
    let line = "coverage\t3 of 8 pages have a copy; 2 refused: set-cookie, 1: forget, 1: no-store, \
                1: secret-parameter (in ";
    assert!(text.contains(line), "{text}");
    let file = std::fs::read(retter.file()).expect("the file");
    assert!(!file.windows(7).any(|some| some == b"/basket"), "an address without a copy is in it");
    assert!(!retter.log().contains("in the last hour"), "no hour has passed: {}", retter.log());
}

#[test]
fn a_retter_that_nobody_asks_writes_nothing() {
    let origin = Origin::new().elsewhere(ok("page"));
    let mut retter = Setup::before(&origin).start();
    retter.get("/a");
    end(&mut retter);
    let before = text(&retter, &["--json"]);
    retter.restart();
    end(&mut retter);
    let coverage =
        |said: &str| serde_json::from_str::<Value>(said).expect("JSON")["coverage"].clone();
    assert_eq!(coverage(&text(&retter, &["--json"])), coverage(&before));
    assert_eq!(coverage(&before)["pages"], 1);
}

#[test]
fn a_page_that_rescues_has_a_copy_and_one_that_cannot_has_none() {
    let origin = Origin::new().elsewhere(ok("page"));
    let mut retter = Setup::before(&origin).without_breaker().start();
    retter.get("/a");
    retter.wait_for_copies(&["/a"]);
    origin.down();
    assert_eq!((retter.get("/a").status, retter.get("/b").status), (200, 502));
    end(&mut retter);
    let coverage = stats(&retter, &["--json"])["coverage"].clone();
    let said = (&coverage["kept"], &coverage["refused"]);
    assert_eq!(said, (&json!({"anonymous": 1}), &json!({"no-good-answer": 1})));
}

fn end(retter: &mut Retter) {
    retter.term();
    assert!(retter.ended(SOON).is_some_and(|status| status.success()));
}

fn stats(retter: &Retter, options: &[&str]) -> Value {
    serde_json::from_str(&text(retter, options)).expect("one object")
}

fn text(retter: &Retter, options: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_retter-db"));
    command.arg("stats").args(options).arg(retter.file()).env_clear();
    String::from_utf8(command.output().expect("the binary starts").stdout).expect("text")
}
