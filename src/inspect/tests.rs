use super::*;
use crate::key::{Identity, Person, Place, StoreKey};
use crate::policy::Why;
use crate::store::{Copy, Settings, Store};
use http::{HeaderMap, StatusCode};

#[test]
fn durations_are_said_in_their_two_largest_units() {
    let said = |seconds| words(Duration::from_secs(seconds));
    assert_eq!(said(0), "0s");
    assert_eq!(said(59), "59s");
    assert_eq!(said(185), "3m 5s");
    assert_eq!(said(3_600), "1h");
    assert_eq!(said(86_400 * 6 + 3_600 * 23 + 59), "6d 23h");
    assert_eq!(said(86_400 + 59), "1d");
}

#[test]
fn nothing_that_a_terminal_obeys_is_printed() {
    assert_eq!(printable("/a\u{1b}[2J\tb"), "/a\u{fffd}[2J\u{fffd}b");
}

#[test]
fn a_missing_file_is_named_with_its_remedy() {
    let error = dump(Path::new("no-such.redb"), UnixMillis(0), &mut Vec::new()).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("no-such.redb") && said.contains("store.path"), "{said}");
}

/// A file with an anonymous page and a person's page in it.
async fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("retter.redb");
    let store = Store::open(settings(&path), "http://localhost:8088", NOW);
    let person = Identity::Person(Person { tag: [0xab; 16], seal: [1; 32] });
    store.put(key("/a", Identity::Anonymous), page(), true);
    store.put(key("/b", person), page(), true);
    store.close().await;
    (folder, path)
}

fn settings(path: &Path) -> Settings {
    Settings {
        path: path.to_owned(),
        ttl: Duration::from_secs(7 * 86_400),
        maxsize: 1 << 30,
        commit: Duration::ZERO,
        refresh: Duration::ZERO,
        cache: 1 << 20,
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
    StoreKey { place, identity, variant: Vec::new() }
}

fn page() -> Copy {
    Copy {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: "words ".repeat(1_000).into(),
        stored_at: NOW,
        why: Why::Public,
    }
}

#[tokio::test]
async fn every_copy_is_one_line_of_eight_fields() {
    let (_folder, path) = file().await;
    let mut printed = Vec::new();
    let later = UnixMillis(NOW.0 + 185_000);
    assert_eq!(dump(&path, later, &mut printed).unwrap(), 2);
    let text = String::from_utf8(printed).unwrap();
    let mut lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    lines.sort();
    let [anonymous, person] = &lines[..] else { panic!("{text}") };
    assert_eq!(anonymous[..3], ["http://shop.test/a?q=1", "-", "200"]);
    assert_eq!(anonymous[3..5], ["age 3m 5s", "expires in 6d 23h"]);
    assert!(anonymous[5].ends_with("/6000"), "{text}");
    assert_eq!(anonymous[6..], ["identity+zstd", "public"]);
    assert_eq!(person[1], "abababababababab");
    assert_eq!(person[6], "identity+zstd+sealed");
}

#[tokio::test]
async fn copy_past_its_time_is_said_to_be_expired() {
    let (_folder, path) = file().await;
    let mut printed = Vec::new();
    dump(&path, UnixMillis(NOW.0 + 8 * 86_400_000), &mut printed).unwrap();
    assert!(String::from_utf8(printed).unwrap().lines().all(|line| line.contains("\texpired\t")));
}

#[tokio::test]
async fn closed_pipe_is_no_error() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(ErrorKind::BrokenPipe.into())
        }
    }
    let (_folder, path) = file().await;
    assert!(dump(&path, NOW, &mut Closed).is_ok());
}

#[tokio::test]
async fn file_without_copies_has_no_lines() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("retter.redb");
    Store::open(settings(&path), "http://localhost:8088", NOW).close().await;
    assert_eq!(dump(&path, NOW, &mut Vec::new()).unwrap(), 0);
}

const NOW: UnixMillis = UnixMillis(1_900_000_000_000);
