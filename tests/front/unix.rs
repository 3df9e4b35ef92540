//! A socket at a path instead of a port.

use crate::support::client::{Visit, get};
use crate::support::origin::{Origin, echo, ok, pattern, websocket};
use crate::support::retter::Setup;
use crate::support::session::Session;
use crate::support::{SOON, until};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

#[test]
fn it_serves_at_a_path_for_its_owner_and_group_and_leaves_nothing_behind() {
    let (folder, path) = place();
    let origin = Origin::new().elsewhere(ok("page"));
    let mut retter = at(&origin, &path).start();
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    assert!(asks(&path, &page().bytes()).ends_with("page"));
    retter.term();
    assert_eq!(retter.ended(SOON).and_then(|status| status.code()), Some(0));
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn who_comes_that_way_is_trusted_as_loopback_is() {
    let visit = page().header("X-Forwarded-For", "203.0.113.9");
    for (trusted, seen) in [("loopback", "203.0.113.9, 127.0.0.1"), ("none", "127.0.0.1")] {
        let (_folder, path) = place();
        let origin = Origin::new().elsewhere(ok("page"));
        let _retter = at(&origin, &path).set("SERVER_TRUSTED", trusted).start();
        asks(&path, &visit.bytes());
        assert_eq!(origin.last("/").header("x-forwarded-for").as_deref(), Some(seen));
    }
}

#[test]
fn large_bodies_and_slow_heads_are_what_they_are_elsewhere() {
    let (_folder, path) = place();
    let origin = Origin::new().elsewhere(ok(pattern(0, 3_000_000)));
    let _retter = at(&origin, &path).set("LIMIT_HEAD", "300ms").start();
    let answer = bytes_of(&path, &page().bytes());
    assert!(answer.ends_with(&pattern(0, 3_000_000)), "{} bytes", answer.len());
    let mut late = UnixStream::connect(&path).expect("it listens");
    late.write_all(b"GET / HTTP/1.1\r\nHo").expect("sent");
    let mut answer = String::new();
    late.read_to_string(&mut answer).expect("an answer and an end");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn what_a_crash_left_is_replaced() {
    let (_folder, path) = place();
    let origin = Origin::new().elsewhere(ok("page"));
    let mut crashed = at(&origin, &path).start();
    crashed.kill9();
    assert!(path.exists() && UnixStream::connect(&path).is_err(), "it is stale");
    let _retter = at(&origin, &path).start();
    assert!(asks(&path, &page().bytes()).ends_with("page"));
}

#[test]
fn what_answers_or_is_no_socket_is_left_alone() {
    let (_folder, path) = place();
    let origin = Origin::new().elsewhere(ok("page"));
    let first = at(&origin, &path).start();
    is_refused(&at(&origin, &path), &path);
    assert!(asks(&path, &page().bytes()).ends_with("page"), "the first goes on");
    drop(first);
    fs::remove_file(&path).expect("it was killed");
    fs::write(&path, "a letter").expect("written");
    is_refused(&at(&origin, &path), &path);
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "a letter");
}

#[test]
fn what_somebody_put_in_its_place_is_not_taken_away() {
    let (_folder, path) = place();
    let origin = Origin::new().elsewhere(ok("page"));
    let mut retter = at(&origin, &path).start();
    fs::remove_file(&path).expect("it is there");
    let _other = UnixListener::bind(&path).expect("a free path");
    retter.term();
    assert!(retter.ended(SOON).is_some() && UnixStream::connect(&path).is_ok());
}

#[test]
fn a_proxy_says_whose_a_connection_is_there_too() {
    let (_folder, path) = place();
    let origin = Origin::new().elsewhere(ok("page"));
    let _retter = at(&origin, &path).set("SERVER_PROXYPROTOCOL", "on").start();
    let header = b"PROXY TCP4 203.0.113.9 192.0.2.1 1 2\r\n".to_vec();
    assert!(asks(&path, &[header, page().bytes()].concat()).ends_with("page"));
    assert_eq!(origin.last("/").header("x-forwarded-for").as_deref(), Some("203.0.113.9"));
    assert_eq!(asks(&path, &page().bytes()), "", "none without");
}

#[test]
fn http_2_is_spoken_there_too() {
    let (_folder, path) = place();
    let origin = Origin::new().elsewhere(ok("page"));
    let _retter = at(&origin, &path).start();
    let mut session = Session::at(&path);
    assert_eq!(session.get("/").expect("a reply").text(), "page");
    assert_eq!(session.get("/").expect("a reply").text(), "page");
    // In pieces, and what only begins so.
    let mut slow = UnixStream::connect(&path).expect("it listens");
    for piece in ["P", "R", "OPFIND / HTTP/1.1\r\nHost: a\r\n", "Connection: close\r\n\r\n"] {
        slow.write_all(piece.as_bytes()).expect("sent");
        thread::sleep(Duration::from_millis(20));
    }
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("an answer and an end");
    assert!(answer.ends_with("page") && origin.last("/").method() == "PROPFIND", "{answer}");
}

#[test]
fn a_tunnel_may_begin_there() {
    let (_folder, path) = place();
    let origin = Origin::new().elsewhere(websocket(echo));
    let _retter = at(&origin, &path).start();
    let mut stream = UnixStream::connect(&path).expect("it listens");
    stream.set_read_timeout(Some(SOON)).expect("an option every system has");
    let asks = get("/").header("Upgrade", "websocket").header("Connection", "Upgrade");
    let asks = asks.header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    stream.write_all(&asks.header("Sec-WebSocket-Version", "13").bytes()).expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    stream.write_all(b"hello").expect("sent");
    let mut heard = [0; 5];
    stream.read_exact(&mut heard).expect("an echo");
    assert_eq!(&heard, b"hello");
}

#[test]
fn it_stays_after_a_hangup() {
    let (_folder, path) = place();
    let origin = Origin::new().elsewhere(ok("page"));
    let mut retter = at(&origin, &path).start();
    retter.signal("HUP");
    assert!(until(SOON, || retter.log().contains("SIGHUP passed over")), "{}", retter.log());
    assert!(asks(&path, &page().bytes()).ends_with("page"));
    assert!(retter.ended(Duration::ZERO).is_none());
}

/// After whose answer the connection ends.
fn page() -> Visit {
    get("/").header("Connection", "close")
}

fn at(origin: &Origin, path: &Path) -> Setup {
    Setup::before(origin).set("SERVER_LISTEN", format!("unix:{}", path.display()))
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("front.sock");
    (folder, path)
}

fn is_refused(setup: &Setup, path: &Path) {
    let output = setup.run();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&path.display().to_string()), "{said}");
}

fn asks(path: &Path, bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes_of(path, bytes)).into_owned()
}

/// Says this and hears all.
fn bytes_of(path: &Path, bytes: &[u8]) -> Vec<u8> {
    let mut heard = Vec::new();
    let mut stream = UnixStream::connect(path).expect("it listens");
    stream.set_read_timeout(Some(SOON)).expect("an option every system has");
    // Closed by the other side already, otherwise.
    let _ = stream.write_all(bytes);
    // A reset ends it too.
    let _ = stream.read_to_end(&mut heard);
    heard
}
