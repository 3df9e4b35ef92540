//! The claims that need a file.

mod whole;

use super::*;
use crate::key::{Identity, Person, Place, StoreKey};
use crate::policy::Why;
use crate::store::{Copy, Settings, Store};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;
use std::time::Duration;

#[test]
fn a_missing_file_is_named_with_its_remedy() {
    let error =
        dump(Path::new("no-such.redb"), Format::Text, UnixMillis(0), &mut Vec::new()).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("no-such.redb") && said.contains("store.path"), "{said}");
}

/// A file with an anonymous page and a person's page in it.
async fn file() -> (tempfile::TempDir, PathBuf) {
    let person = Identity::Person(Person { tag: [0xab; 16], seal: [1; 32] });
    file_with(vec![(key("/a", Identity::Anonymous), page()), (key("/b", person), page())]).await
}

async fn file_with(pages: Vec<(StoreKey, Copy)>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("retter.redb");
    let store = Store::open(settings(&path), "http://localhost:8088", NOW);
    for (key, page) in pages {
        store.put(key, page, true);
    }
    store.close().await;
    (folder, path)
}

/// What is shown of the copy that `key` means.
fn shown(path: &Path, key: &str, change: impl FnOnce(&mut Asked)) -> Result<String, InspectError> {
    let mut asked = Asked {
        key: key.to_owned(),
        sessions: Vec::new(),
        format: Format::Text,
        head_only: false,
        terminal: false,
    };
    change(&mut asked);
    let mut printed = Vec::new();
    show(path, &asked, NOW, &mut printed)?;
    Ok(String::from_utf8_lossy(&printed).into_owned())
}

fn json(asked: &mut Asked) {
    asked.format = Format::Json;
}

fn settings(path: &Path) -> Settings {
    Settings {
        path: path.to_owned(),
        ttl: Duration::from_secs(7 * 86_400),
        maxsize: 1 << 30,
        commit: Duration::ZERO,
        refresh: Duration::ZERO,
        cache: 1 << 20,
        sharing: crate::store::Sharing::Live,
        memory: 1 << 20,
    }
}

fn key(path: &str, identity: Identity) -> StoreKey {
    let place = Place {
        scheme: "http".into(),
        host: "shop.test".into(),
        path: path.into(),
        query: "?q=1".into(),
    };
    StoreKey { place: place.into(), identity, variant: Vec::new() }
}

fn page() -> Copy {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("text/html"));
    Copy {
        status: StatusCode::OK,
        headers,
        body: "words ".repeat(1_000).into(),
        at_rest: None,
        stored_at: NOW,
        why: Why::Public,
        purged: false,
    }
}

#[tokio::test]
async fn every_copy_is_one_line_of_nine_fields() {
    let (_folder, path) = file().await;
    let mut printed = Vec::new();
    let later = UnixMillis(NOW.0 + 185_000);
    assert_eq!(dump(&path, Format::Text, later, &mut printed).unwrap(), 2);
    let text = String::from_utf8(printed).unwrap();
    let mut lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    lines.sort();
    let [anonymous, person] = &lines[..] else { panic!("{text}") };
    assert_eq!(anonymous[..3], ["http://shop.test/a?q=1", "-", "200"]);
    assert_eq!(anonymous[3..5], ["age 3m 5s", "expires in 6d 23h"]);
    assert!(anonymous[5].ends_with("/6000"), "{text}");
    assert_eq!(anonymous[6..8], ["identity+zstd", "public"]);
    assert_eq!(anonymous[8], key("/a", Identity::Anonymous).id().to_string());
    assert_eq!(anonymous.len(), 9);
    assert_eq!(person[1], "abababababababab");
    assert_eq!(person[6], "identity+zstd+sealed");
}

#[tokio::test]
async fn copy_past_its_time_is_said_to_be_expired() {
    let (_folder, path) = file().await;
    let mut printed = Vec::new();
    dump(&path, Format::Text, UnixMillis(NOW.0 + 8 * 86_400_000), &mut printed).unwrap();
    assert!(String::from_utf8(printed).unwrap().lines().all(|line| line.contains("\texpired\t")));
}

/// A pipe that nobody reads.
struct Closed;
impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Err(ErrorKind::BrokenPipe.into())
    }
}

#[tokio::test]
async fn closed_pipe_is_no_error() {
    let (_folder, path) = file().await;
    assert!(dump(&path, Format::Text, NOW, &mut Closed).is_ok());
    assert!(dump(&path, Format::Json, NOW, &mut Closed).is_ok());
    let asked = |format| Asked {
        key: "http://shop.test/a?q=1".into(),
        sessions: vec![],
        format,
        head_only: false,
        terminal: false,
    };
    assert!(show(&path, &asked(Format::Text), NOW, &mut Closed).is_ok());
    assert!(show(&path, &asked(Format::Json), NOW, &mut Closed).is_ok());
}

#[tokio::test]
async fn file_without_copies_has_no_lines() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("retter.redb");
    Store::open(settings(&path), "http://localhost:8088", NOW).close().await;
    assert_eq!(dump(&path, Format::Text, NOW, &mut Vec::new()).unwrap(), 0);
}

#[tokio::test]
async fn an_object_has_every_name_that_is_written_down() {
    let (_folder, path) = file().await;
    let mut printed = Vec::new();
    let later = UnixMillis(NOW.0 + 185_999);
    assert_eq!(dump(&path, Format::Json, later, &mut printed).unwrap(), 2);
    let text = String::from_utf8(printed).unwrap();
    let mut objects: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    objects.sort_by_key(|object| object["path"].to_string());
    let stored_bytes = objects[0]["stored_bytes"].as_u64().unwrap();
    let expected = serde_json::json!({
        "kind": "copy", "id": key("/a", Identity::Anonymous).id().to_string(),
        "address": "http://shop.test/a?q=1", "scheme": "http", "host": "shop.test", "path": "/a",
        "query": "?q=1", "identity": null, "sealed": false, "status": 200,
        "stored_at": 1_900_000_000_000u64, "age_seconds": 185,
        "expires_in_seconds": 7 * 86_400 - 185, "bytes": 6_000, "stored_bytes": stored_bytes,
        "encoding": "identity", "packed": true, "content_type": "text/html", "why": "public",
        "purged": false,
    });
    assert_eq!(objects[0], expected);
    assert!(stored_bytes < 600, "{text}");
    assert_eq!(objects[1]["identity"], "ab".repeat(16));
    assert_eq!((&objects[1]["sealed"], &objects[1]["content_type"]), (&true.into(), &Value::Null));
}

#[test]
fn a_row_that_cannot_be_read_is_a_line_of_its_own() {
    use crate::store::reader::{EntryId, Unreadable};
    let row = Unreadable { id: EntryId([1; 16]), reason: "header checksum" };
    let lines = |format| {
        let mut printed = Vec::new();
        Printer::new(format, &mut printed).print(&row).unwrap();
        String::from_utf8(printed).unwrap()
    };
    let id = "01".repeat(16);
    assert_eq!(lines(Format::Text), format!("{id}\tunreadable: header checksum\n"));
    let object = format!(r#"{{"kind":"unreadable","id":"{id}","reason":"header checksum"}}"#);
    assert_eq!(lines(Format::Json), object + "\n");
}

#[tokio::test]
async fn a_copy_is_shown_as_it_was_sent() {
    let (_folder, path) = file().await;
    let id = key("/a", Identity::Anonymous).id().to_string();
    let whole = format!("HTTP/1.1 200 OK\ncontent-type: text/html\n\n{}", "words ".repeat(1_000));
    for key in ["http://shop.test/a?q=1", &id, &id[..8], &id.to_uppercase()] {
        assert_eq!(shown(&path, key, |_| {}).unwrap(), whole, "{key}");
    }
    let head = shown(&path, &id, |asked| asked.head_only = true).unwrap();
    assert_eq!(head, "HTTP/1.1 200 OK\ncontent-type: text/html\n");
}

#[tokio::test]
async fn an_object_of_show_has_head_and_body() {
    let (_folder, path) = file().await;
    let object = |change: fn(&mut Asked)| -> Value {
        serde_json::from_str(&shown(&path, "http://shop.test/a?q=1", change).unwrap()).unwrap()
    };
    let whole = object(json);
    assert_eq!((&whole["kind"], &whole["bytes"]), (&"copy".into(), &6_000.into()));
    assert_eq!(whole["headers"], serde_json::json!([["content-type", "text/html"]]));
    assert_eq!(whole["body"], "words ".repeat(1_000));
    assert_eq!(whole["body_encoding"], "utf-8");
    let head = object(|asked| (asked.format, asked.head_only) = (Format::Json, true));
    assert_eq!((&head["headers"], &head["body"]), (&whole["headers"], &Value::Null));
    assert_eq!(head["body_encoding"], Value::Null);
}

#[tokio::test]
async fn a_body_that_is_no_text_is_base64_and_kept_from_a_terminal() {
    let copy = Copy { body: vec![0xff, 0xfe, 0x1b].into(), ..page() };
    let (_folder, path) = file_with(vec![(key("/", Identity::Anonymous), copy)]).await;
    let object = shown(&path, "http://shop.test/?q=1", json).unwrap();
    let object: Value = serde_json::from_str(&object).unwrap();
    assert_eq!((&object["body"], &object["body_encoding"]), (&"//4b".into(), &"base64".into()));
    let on_terminal = shown(&path, "http://shop.test/?q=1", |asked| asked.terminal = true).unwrap();
    assert!(on_terminal.ends_with("\n\n(3 bytes that are no text: for a file or a pipe)\n"));
}

#[tokio::test]
async fn what_a_terminal_obeys_is_escaped_and_still_a_key() {
    let mut copy = page();
    copy.headers.insert("x-odd", HeaderValue::from_bytes(b"\x9b2J\xe4").unwrap());
    let odd = key("/\u{9b}2J\u{202e}", Identity::Anonymous);
    let address = odd.place.to_string();
    let (_folder, path) = file_with(vec![(odd, copy)]).await;
    let mut printed = Vec::new();
    dump(&path, Format::Text, NOW, &mut printed).unwrap();
    let line = String::from_utf8(printed).unwrap();
    let as_printed = line.split('\t').next().unwrap();
    assert_eq!(as_printed, "http://shop.test/\\u{9b}2J\\u{202e}?q=1");
    for key in [as_printed, &address] {
        assert!(shown(&path, key, |_| {}).unwrap().contains("x-odd: \\u{9b}2Jä\n"));
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_told_from_one_that_is_not_there() {
    let (_folder, path) = file().await;
    for key in ["", "xyz", "/a", &"a".repeat(33)] {
        let error = shown(&path, key, |_| {}).unwrap_err();
        assert!(matches!(error, InspectError::Key(_)) && !error.is_nothing_found(), "{error}");
    }
    for key in ["http://shop.test/A?q=1", &"0".repeat(32)] {
        assert!(shown(&path, key, |_| {}).unwrap_err().is_nothing_found(), "{key}");
    }
}

#[tokio::test]
async fn several_copies_are_listed_and_none_is_chosen() {
    let many = (0..30).map(|n| {
        let person = Identity::Person(Person { tag: [n; 16], seal: [n; 32] });
        (key("/b", person), page())
    });
    let (_folder, path) = file_with(many.collect()).await;
    let error = shown(&path, "http://shop.test/b?q=1", |_| {}).unwrap_err();
    assert!(!error.is_nothing_found());
    let said = error.to_string();
    assert_eq!(said.lines().filter(|line| line.starts_with("  ")).count(), 21, "{said}");
    assert!(said.ends_with("and more"), "{said}");
    let wrong = |asked: &mut Asked| asked.sessions = vec!["sid=1".into()];
    let error = shown(&path, "http://shop.test/b?q=1", wrong).unwrap_err();
    assert!(error.is_nothing_found() && error.to_string().contains("session"), "{error}");
}

const NOW: UnixMillis = UnixMillis(1_900_000_000_000);
