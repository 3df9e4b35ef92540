//! The socket beside the file: whose it is, how long it is there, and what it makes of bad requests.

use super::{before, done, kept, purge};
use crate::support::origin::{Origin, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

pub fn of(retter: &Retter) -> PathBuf {
    let mut path = retter.file().into_os_string();
    path.push(".sock");
    path.into()
}

#[test]
fn the_socket_is_its_owners_alone_and_gone_after_the_stop() {
    let (_origin, mut retter) = kept(&["/page"]);
    let metadata = std::fs::symlink_metadata(of(&retter)).expect("a socket");
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    retter.term();
    assert!(retter.ended(SOON).is_some_and(|status| status.success()));
    assert!(!of(&retter).exists());
}

#[test]
fn what_a_kill_left_behind_is_replaced() {
    let (_origin, mut retter) = kept(&["/page"]);
    retter.kill9();
    assert!(of(&retter).exists(), "nothing was left behind");
    retter.restart();
    assert!(until(SOON, || UnixStream::connect(of(&retter)).is_ok()), "{}", retter.log());
    done(&purge(&retter, &["--all", "--hard"]), "1 copy");
}

#[test]
fn something_else_in_its_place_is_left_there_and_retter_serves_on() {
    let (_origin, mut retter) = kept(&["/page"]);
    retter.term();
    assert!(retter.ended(SOON).is_some());
    std::fs::write(of(&retter), "somebody's notes").expect("room");
    retter.restart();
    assert!(until(SOON, || retter.log().contains("no socket")));
    assert_eq!(retter.get("/page").status, 200);
    retter.term();
    assert!(retter.ended(SOON).is_some());
    assert_eq!(std::fs::read_to_string(of(&retter)).expect("a file"), "somebody's notes");
}

#[test]
fn a_path_too_long_for_a_socket_is_a_line_in_the_log() {
    let origin = Origin::new().elsewhere(ok("well"));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("long".repeat(30));
    let retter = Setup::before(&origin).set("STORE_PATH", file.display()).start();
    assert!(until(SOON, || retter.log().contains("no socket")), "{}", retter.log());
    assert_eq!(retter.get("/page").text(), "well");
}

#[test]
fn a_retter_that_waits_for_the_file_leaves_the_socket_to_the_other() {
    let (origin, retter) = kept(&["/page"]);
    let second = Setup::before(&origin).set("STORE_PATH", retter.file().display()).start();
    assert!(until(SOON, || second.log().contains("locked by another process")));
    assert_eq!(second.get("/page").status, 200);
    done(&purge(&retter, &["--all"]), "1 copy");
    second.term();
    assert!(of(&retter).exists());
    done(&purge(&retter, &["--all"]), "1 copy");
}

#[test]
fn bad_requests_are_told_what_is_wrong_and_do_no_harm() {
    let (origin, retter) = kept(&["/page"]);
    let long = format!("{{\"v\":1,\"verb\":\"{}\"}}\n", "x".repeat(70_000));
    for (request, said) in [
        ("\n", "no JSON object"),
        ("what?\n", "no JSON object"),
        ("{}\n", "no version"),
        ("{\"v\":2,\"verb\":\"purge\",\"all\":true}\n", "protocol version 2"),
        ("{\"v\":1}\n", "no verb"),
        ("{\"v\":1,\"verb\":\"explode\"}\n", "explode"),
        ("{\"v\":1,\"verb\":\"purge\"}\n", "give a key"),
        ("{\"v\":1,\"verb\":\"purge\",\"all\":true,\"pth\":\"/a\"}\n", "pth"),
        ("{\"v\":1,\"verb\":\"ping\",\"all\":true}\n", "all"),
        (&long, "65536 bytes"),
    ] {
        let answer = ask(&retter, request.as_bytes());
        let error = answer["error"].as_str().unwrap_or_else(|| panic!("{request}: {answer}"));
        assert!(error.contains(said), "{request}: {error}");
        assert_eq!(answer["v"], 1);
    }
    // Half a request, and then nobody.
    let half = UnixStream::connect(of(&retter)).expect("a socket");
    (&half).write_all(b"{\"v\":1,\"verb\":\"purge\",\"all\":true}").expect("room");
    drop(half);
    assert_eq!(
        ask(&retter, b"{\"v\":1,\"verb\":\"ping\"}\n")["done"]["retter"],
        env!("CARGO_PKG_VERSION")
    );
    origin.down();
    assert_eq!(retter.get("/page").retter(), "cache");
}

#[test]
fn nobody_can_keep_the_socket_to_himself() {
    let origin = Origin::new().elsewhere(ok("well"));
    let retter = before(&origin);
    let ping = b"{\"v\":1,\"verb\":\"ping\"}\n";
    assert!(until(SOON, || ask(&retter, ping)["done"].is_object()));
    // Eight that say nothing: a ninth is told so, and has room again when one of them leaves.
    let mut silent: Vec<_> =
        (0..8).map(|_| UnixStream::connect(of(&retter)).expect("room")).collect();
    let is_full = || ask(&retter, ping)["error"].as_str().is_some_and(|e| e.contains("8 others"));
    assert!(until(SOON, is_full));
    silent.pop();
    assert!(until(SOON, || ask(&retter, ping)["done"].is_object()));
    // And who says nothing is sent away.
    let mut answer = String::new();
    silent[0].set_read_timeout(Some(SOON * 3)).expect("a timeout");
    silent[0].read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains("no request within"), "{answer}");
}

/// The last line of the answer; null if none came, or nobody listens.
fn ask(retter: &Retter, request: &[u8]) -> Value {
    let Ok(mut stream) = UnixStream::connect(of(retter)) else { return Value::Null };
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    // Not all of it may be wanted.
    let _ = stream.write_all(request);
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.last().and_then(|line| serde_json::from_str(&line).ok()).unwrap_or(Value::Null)
}
