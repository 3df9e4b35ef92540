//! `retter-db purge` on the real RETTER: through its socket while it runs, on the file when it does
//! not. `socket` holds what is claimed of the socket itself.

mod socket;

use crate::support::client::get;
use crate::support::origin::{Origin, computed, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

#[test]
fn softly_purged_page_is_kept_for_an_outage_and_not_fresh() {
    let origin = Origin::new().elsewhere(ok("well"));
    let mut retter =
        Setup::before(&origin).set("CACHE_TTL", 600).set("BREAKER_CONSECUTIVE_FAIL", 2).start();
    retter.get("/page");
    retter.wait_for_copies(&["/page"]);
    done(&purge(&retter, &["--path", "/page"]), "1 copy, 4 bytes: kept for an outage only");
    assert_eq!(purged_in_file(&retter), [true]);
    origin.down();
    let asked_in_vain = retter.get("/page");
    assert_eq!((asked_in_vain.text().as_str(), asked_in_vain.retter()), ("well", LAST));
    retter.restart();
    // From the file now, and at last without asking.
    assert!(until(SOON, || retter.get("/page").circuit() == "OPEN"));
    let not_asked = retter.get("/page");
    assert_eq!((not_asked.text().as_str(), not_asked.retter()), ("well", LAST));
    let status = not_asked.header("cache-status").expect("it says why").to_owned();
    let ttl = status.split("ttl=").nth(1).and_then(|rest| rest.split(';').next());
    assert!(ttl.is_some_and(|ttl| ttl.parse::<i64>().is_ok_and(|ttl| ttl <= 0)), "{status}");
}

#[test]
fn next_good_answer_takes_the_place_of_a_softly_purged_page_at_once() {
    let (origin, retter) = kept(&["/page"]);
    // Within the second in which it was kept, and within store.refresh.
    done(&purge(&retter, &["--all"]), "1 copy");
    retter.get("/page");
    assert!(until(SOON, || purged_in_file(&retter) == [false]), "{:?}", purged_in_file(&retter));
    origin.down();
    assert_eq!(retter.get("/page").retter(), "cache");
}

#[test]
fn hard_purged_page_does_not_come_back_after_a_kill() {
    let (origin, mut retter) = kept(&["/gone", "/stays"]);
    done(
        &purge(&retter, &["--hard", "--key", "http://shop.example/gone"]),
        "1 copy, 5 bytes: removed",
    );
    retter.kill9();
    origin.down();
    retter.restart();
    nothing_is_left(&retter, "/gone");
    assert_eq!(retter.get("/stays").text(), "/stays");
}

#[test]
fn dry_run_counts_and_changes_nothing() {
    let (origin, retter) = kept(&["/a", "/b"]);
    let before = std::fs::read(retter.file()).expect("the file");
    let dry = purge(&retter, &["--all", "--hard", "--dry-run", "--json"]);
    assert_eq!(code(&dry), 0, "{}", text(&dry.stderr));
    let object: Value = serde_json::from_slice(&dry.stdout).expect("an object");
    let expected = serde_json::json!({
        "kind": "purged", "copies": 2, "bytes": 4, "hard": true, "dry_run": true,
    });
    assert_eq!(object, expected);
    assert!(before == std::fs::read(retter.file()).expect("the file"), "it changed the file");
    origin.down();
    assert_eq!(retter.get("/a").retter(), "cache");
}

#[test]
fn sealed_copies_are_purged_without_their_sessions() {
    let origin = Origin::new().elsewhere(computed(|seen| {
        ok(format!("personal: {}", seen.header("cookie").unwrap_or_default()))
    }));
    let mut retter = before(&origin);
    let own = |number: u32| get("/cart").cookie(&format!("PHPSESSID=session-{number}"));
    (0..3).for_each(|number| assert_eq!(retter.visit(&own(number)).status, 200));
    assert!(until(SOON, || purged_in_file(&retter).len() == 3));
    done(&purge(&retter, &["--key", "http://shop.example/cart"]), "3 copies");
    origin.down();
    retter.restart();
    for number in 0..3 {
        let answer = retter.visit(&own(number));
        assert!(answer.text().ends_with(&format!("session-{number}")), "{answer:?}");
        assert_eq!(answer.retter(), LAST);
    }
    done(&purge(&retter, &["--path", "/cart", "--hard"]), "3 copies");
    (0..3).for_each(|number| assert_eq!(retter.visit(&own(number)).retter(), "no-cache"));
}

#[test]
fn copies_that_live_in_memory_only_are_purged() {
    let (origin, retter) = kept(&["/open"]);
    let own = get("/secret").header("Authorization", "Basic YWxpY2U6d29uZGVybGFuZA==");
    retter.visit(&own);
    origin.down();
    assert_eq!(retter.visit(&own).retter(), "cache");
    done(&purge(&retter, &["--path", "/secret"]), "1 copy");
    assert_eq!(retter.visit(&own).retter(), LAST);
    done(&purge(&retter, &["--path", "/secret", "--hard"]), "1 copy");
    assert_eq!(retter.visit(&own).retter(), "no-cache");
    assert_eq!(retter.get("/open").retter(), "cache");
}

#[test]
fn path_host_and_age_choose_together() {
    let (origin, retter) = kept(&["/blog/a", "/blog/a/b", "/shop/a"]);
    retter.visit(&get("/blog/c").header("Host", "other.example"));
    retter.wait_for_copies(&["other.example/blog/c"]);
    let count = |selectors: &[&str]| {
        let output = purge(&retter, &[selectors, &["--dry-run", "--json"]].concat());
        let object: Value = serde_json::from_slice(&output.stdout).expect("an object");
        let copies = object["copies"].as_u64().expect("a number");
        assert_eq!(code(&output), i32::from(copies == 0), "{selectors:?}");
        copies
    };
    assert_eq!(count(&["--path", "/blog/*"]), 2);
    assert_eq!(count(&["--path", "/blog/**"]), 3);
    assert_eq!(count(&["--host", "Other.Example"]), 1);
    assert_eq!(count(&["--host", "other.example", "--path", "/shop/*"]), 0);
    assert_eq!(count(&["--older", "1 hour"]), 0);
    assert_eq!(count(&["--older", "0", "--path", "/**"]), 4);
    // So old they are soon.
    assert!(until(SOON, || count(&["--older", "100ms", "--path", "/blog/*"]) == 2));
    done(&purge(&retter, &["--hard", "--path", "/blog/*", "--host", "shop.example"]), "1 copy");
    origin.down();
    nothing_is_left(&retter, "/blog/a");
    assert_eq!(retter.get("/blog/a/b").text(), "/blog/a/b");
    assert_eq!(retter.visit(&get("/blog/c").header("Host", "other.example")).text(), "/blog/c");
}

#[test]
fn without_a_retter_the_file_itself_is_purged() {
    for killed in [true, false] {
        let (origin, mut retter) = kept(&["/gone", "/last", "/stays"]);
        if killed {
            retter.kill9();
        } else {
            retter.term();
            assert!(retter.ended(SOON).is_some());
        }
        done(&purge(&retter, &["--path", "/gone", "--hard", "--dry-run"]), "would be removed");
        done(&purge(&retter, &["--path", "/gone", "--hard"]), "1 copy, 5 bytes: removed");
        done(&purge(&retter, &["--path", "/last"]), "1 copy, 5 bytes: kept for an outage only");
        let again = purge(&retter, &["--path", "/gone", "--hard"]);
        assert_eq!(
            (code(&again), text(&again.stdout).as_str()),
            (1, "no copy matches: nothing to do\n")
        );
        origin.down();
        retter.restart();
        nothing_is_left(&retter, "/gone");
        assert_eq!(retter.get("/last").retter(), LAST);
        assert_eq!(retter.get("/stays").retter(), "cache");
    }
}

#[test]
fn what_cannot_be_done_is_said_and_exits_with_2() {
    let (_origin, retter) = kept(&["/page"]);
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing.redb");
    for (arguments, said) in [
        (&[][..], "give a key"),
        (&["--hard"], "give a key"),
        (&["--key", "what?"], "what?"),
        (&["--path", "shop/*"], "shop/*"),
        (&["--older", "banana"], "older"),
        (&["--host", "http://a"], "host"),
    ] {
        refused(&purge(&retter, arguments), said);
    }
    refused(&purge_file(&missing, &["--all"]), "store.path");
    assert!(!missing.exists());
    assert_eq!(purged_in_file(&retter), [false]);
}

#[test]
fn a_file_that_is_locked_where_nobody_answers_is_left_alone() {
    let (_origin, retter) = kept(&["/page"]);
    std::fs::remove_file(socket::of(&retter)).expect("a socket");
    let output = purge(&retter, &["--all", "--hard"]);
    refused(&output, "locked by another process");
    assert!(text(&output.stderr).contains("retter.redb.sock"), "{}", text(&output.stderr));
    assert_eq!(purged_in_file(&retter), [false]);
}

/// Pages that say their own path, in the file of a running RETTER.
fn kept(paths: &[&str]) -> (Origin, Retter) {
    let origin = Origin::new().elsewhere(computed(|seen| ok(seen.path())));
    let retter = before(&origin);
    paths.iter().for_each(|path| assert_eq!(retter.get(path).status, 200));
    retter.wait_for_copies(paths);
    assert!(until(SOON, || socket::of(&retter).exists()), "no socket");
    (origin, retter)
}

fn before(origin: &Origin) -> Retter {
    Setup::before(origin).without_breaker().set("CACHE_TTL", 600).start()
}

fn purge(retter: &Retter, arguments: &[&str]) -> Output {
    purge_file(&retter.file(), arguments)
}

fn purge_file(file: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_retter-db"));
    command.arg("purge").args(arguments).arg(file).stdin(Stdio::null());
    command.env_clear().env("NO_COLOR", "1").output().expect("the binary starts")
}

fn done(output: &Output, said: &str) {
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(code(output), 0, "{error}");
    assert!(out.contains(said), "{out}");
}

fn refused(output: &Output, said: &str) {
    let error = text(&output.stderr);
    assert_eq!((code(output), output.stdout.len()), (2, 0), "{error}");
    assert!(error.contains(said), "{error}");
}

fn nothing_is_left(retter: &Retter, path: &str) {
    let answer = retter.get(path);
    assert!(matches!(answer.status, 502..=504), "{answer:?}");
    assert_eq!(answer.retter(), "no-cache");
}

/// What `dump --json` says of every copy.
fn purged_in_file(retter: &Retter) -> Vec<bool> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_retter-db"));
    let output = command.args(["dump", "--json"]).arg(retter.file()).env_clear().output();
    let lines = text(&output.expect("the binary starts").stdout);
    let objects = lines.lines().map(|line| serde_json::from_str(line).expect("an object"));
    let copies = objects.filter(|object: &Value| object["kind"] == "copy");
    copies.map(|copy| copy["purged"].as_bool().expect("true or false")).collect()
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const LAST: &str = "last-known-success";
