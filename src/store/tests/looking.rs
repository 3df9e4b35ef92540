use super::*;
use crate::store::reader::{Reader, Row};
use std::fs;

fn all(house: &House) -> Vec<Row> {
    let mut reader = Reader::open(house.path()).unwrap();
    let mut rows = Vec::new();
    loop {
        let some = reader.rows().unwrap();
        if some.is_empty() {
            return rows;
        }
        rows.extend(some.into_iter().map(Result::unwrap));
    }
}

#[tokio::test]
async fn reader_sees_every_copy_with_what_may_be_known() {
    let copy = page("words ".repeat(1_000));
    let house = House::with(&[(&key("/a"), &copy), (&persons("/b", 1), &copy)]).await;
    let rows = all(&house);
    assert_eq!(rows.len(), 2);
    let own = rows.iter().find(|row| row.place.path == "/b").unwrap();
    assert_eq!((own.identity, own.sealed, own.packed), (Some([7; 16]), true, true));
    assert_eq!((own.status, own.why, own.raw_bytes), (200, Why::Anonymous, 6_000));
    assert_eq!(own.expires_at.since(own.stored_at), house.settings.ttl);
    assert!(own.stored_bytes < 600);
    assert!(!rows.iter().find(|row| row.place.path == "/a").unwrap().sealed);
}

#[tokio::test]
async fn reader_follows_a_running_store_and_hinders_it_not() {
    let house = House::new();
    let store = house.open();
    store.put(key("/a"), page("a"), true);
    until("a row written", || store.counters().writes == 1);
    assert_eq!(all(&house).len(), 1);
    store.put(key("/b"), page("b"), true);
    until("another row written", || store.counters().writes == 2);
    assert_eq!(all(&house).len(), 2);
    store.close().await;
}

#[tokio::test]
async fn reader_sees_all_after_a_kill_and_changes_nothing() {
    let pages: Vec<_> = (0..2_500).map(|n| (key(&format!("/{n}")), page(format!("{n}")))).collect();
    let borrowed: Vec<_> = pages.iter().map(|(key, copy)| (key, copy)).collect();
    let house = House::with(&borrowed).await;
    let store = house.open();
    store.put(key("/last"), page("last"), true);
    until("the last one written", || store.counters().copies == 2_501);
    let killed = house.killed();
    store.close().await;
    let (before, modified) = state(&killed);
    assert!(Reader::open(killed.path()).unwrap().is_put_in_order(), "it was not closed");
    assert_eq!(all(&killed).len(), 2_501);
    assert!(state(&killed) == (before, modified), "the file was touched");
    assert_eq!(killed.open().counters().copies, 2_501);
}

#[tokio::test]
async fn reader_of_a_closed_file_changes_nothing() {
    let house = House::with(&[(&key("/"), &page("x"))]).await;
    let before = state(&house);
    assert_eq!(all(&house).len(), 1);
    assert!(state(&house) == before, "the file was touched");
}

#[tokio::test]
async fn reader_names_what_is_wrong() {
    let house = House::new();
    assert_eq!(Reader::open(house.path()).err(), Some(Trouble::Missing));
    fs::write(house.path(), "nothing of the kind".repeat(500)).unwrap();
    assert!(matches!(Reader::open(house.path()).err(), Some(Trouble::NotOurs(_))));
}

fn state(house: &House) -> (Vec<u8>, std::time::SystemTime) {
    let modified = fs::metadata(house.path()).unwrap().modified().unwrap();
    (fs::read(house.path()).unwrap(), modified)
}
