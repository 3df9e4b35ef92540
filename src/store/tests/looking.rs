use super::damage::{change_body, change_row, opened};
use super::*;
use crate::key::{CacheKey, Session};
use crate::store::reader::{Look, People, Reader, Row};
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

/// The key of a page that this session got, under the file's own secret.
async fn own_key(house: &House, path: &str, session: &str) -> StoreKey {
    let request = http::Request::get(path).header("host", "shop.test").header("cookie", session);
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let settings = crate::key::Settings::default();
    let store = house.open();
    let key = CacheKey::of(&parts, &settings).unwrap();
    let identity = key.visitor.identity(&store.secret());
    store.close().await;
    key.store_key(identity)
}

fn people(reader: &Reader, said: &str) -> People {
    reader.people(&Session::read(&[said]).ok().unwrap()).unwrap()
}

#[tokio::test]
async fn reader_opens_a_sealed_copy_for_its_own_session_only() {
    let house = House::new();
    let own = own_key(&house, "/", "sid=a1").await;
    let copy = page(noise(200_000));
    house.keep(&[(&own, &copy)]).await;
    let reader = Reader::open(house.path()).unwrap();
    let look = |said| reader.look(own.id(), &people(&reader, said)).unwrap();
    let Look::Open(found) = look("sid=a1") else { panic!("it is his own") };
    assert_same(Some(Arc::new(*found)), &copy);
    assert!(matches!(look("sid=a2"), Look::Sealed));
    assert!(matches!(reader.look(own.id(), &People::default()).unwrap(), Look::Sealed));
    assert!(matches!(reader.look(key("/").id(), &People::default()).unwrap(), Look::Gone));
}

#[tokio::test]
async fn reader_shows_nothing_damaged() {
    let change = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
    for damage in [change_row, change_body] as [fn(&Handle, fn(&mut Vec<u8>)); 2] {
        let house = House::with(&[(&key("/"), &page("some words ".repeat(100)))]).await;
        damage(&opened(&house), change);
        let reader = Reader::open(house.path()).unwrap();
        let look = reader.look(key("/").id(), &People::default()).unwrap();
        assert!(matches!(look, Look::Damaged(_)));
    }
}

#[tokio::test]
async fn reader_finds_what_is_wanted_between_two_ids() {
    let pages: Vec<_> = (0..2_500).map(|n| (key(&format!("/{n}")), page("x"))).collect();
    let house = House::with(&pages.iter().map(|(k, c)| (k, c)).collect::<Vec<_>>()).await;
    let mut reader = Reader::open(house.path()).unwrap();
    let (low, high) = (EntryId([0; 16]), EntryId([255; 16]));
    assert_eq!(reader.find(low..=high, 5_000, |_| true).unwrap().len(), 2_500);
    assert_eq!(reader.find(low..=high, 3, |_| true).unwrap().len(), 3);
    let id = key("/77").id();
    for ids in [id..=id, id..=high, low..=id] {
        let is_it = |found: &reader::Found| found.as_ref().is_ok_and(|row| row.place.path == "/77");
        let found = reader.find(ids, 2, is_it).unwrap();
        assert_eq!(found.len(), 1);
    }
    assert_eq!(reader.find(id..=id, 9, |_| true).unwrap().len(), 1);
}

fn state(house: &House) -> (Vec<u8>, std::time::SystemTime) {
    let modified = fs::metadata(house.path()).unwrap().modified().unwrap();
    (fs::read(house.path()).unwrap(), modified)
}
