//! Purges: what is gone is gone, what is kept is not fresh, and nothing else is touched.

use super::*;
use crate::store::queue::Chunk;
use crate::store::select::{Purge, Words};
use std::fs;

fn words(hard: bool) -> Words {
    Words { all: true, hard, ..Words::default() }
}

fn read(words: Words) -> Purge {
    words.read().unwrap()
}

fn of_path(path: &str, hard: bool) -> Purge {
    read(Words { all: false, path: Some(path.into()), ..words(hard) })
}

fn purge(store: &Store, purge: &Purge) -> Purged {
    store.purge(purge, NOW, |_| {}).unwrap()
}

/// A store whose memory and index know nothing yet of its file with these pages.
async fn store_with(paths: &[&str]) -> (House, Store) {
    let house = House::new();
    let store = house.open();
    for path in paths {
        store.put(key(path), page(path.to_string()), true);
    }
    store.close().await;
    let store = house.open();
    (house, store)
}

/// Asks from the file, without the memory tier's help.
async fn in_file(house: &House, path: &str) -> Option<bool> {
    Some(house.killed().get(&key(path)).await?.purged)
}

#[tokio::test]
async fn hard_purge_is_committed_when_it_returns() {
    let (house, store) = store_with(&["/a", "/b/1", "/b/2"]).await;
    assert!(store.find(&key("/b/1"), NOW).await.is_some(), "in memory as well");
    let purged = purge(&store, &of_path("/b/*", true));
    assert_eq!(purged, Purged { copies: 2, bytes: 8 });
    let killed = house.killed();
    for path in ["/b/1", "/b/2"] {
        assert!(store.find(&key(path), NOW).await.is_none(), "{path}");
        assert!(!store.has(key(path).id()).await, "{path}");
        assert!(killed.get(&key(path)).await.is_none(), "{path} came back after a crash");
    }
    assert_same(killed.get(&key("/a")).await, &page("/a"));
    store.close().await;
}

#[tokio::test]
async fn soft_purge_keeps_the_copy_and_its_body_and_says_so_until_the_next_put() {
    let (house, store) = store_with(&["/a", "/b"]).await;
    assert!(store.find(&key("/a"), NOW).await.is_some(), "one of them in memory");
    assert_eq!(purge(&store, &read(words(false))).copies, 2);
    for path in ["/a", "/b"] {
        assert!(store.has(key(path).id()).await);
        assert_same(store.find(&key(path), NOW).await, &page(path).purged());
        assert_eq!(in_file(&house, path).await, Some(true));
    }
    assert!(store.just_kept(&key("/a"), NOW).is_none(), "it must be kept again");
    store.put(key("/a"), page("/a"), true);
    assert_same(store.find(&key("/a"), NOW).await, &page("/a"));
    store.close().await;
    let (db, meta) = house.opened();
    assert_eq!(meta.next_body, 2, "no body was written again");
    drop(db);
    assert_eq!(in_file(&house, "/a").await, Some(false));
    assert_eq!(in_file(&house, "/b").await, Some(true));
}

#[tokio::test]
async fn next_good_answer_after_a_soft_purge_does_not_wait_for_its_refresh() {
    let mut house = House::new();
    house.settings.refresh = HOUR;
    let store = house.open();
    store.put(key("/"), page("first"), true);
    until("a row written", || store.counters().writes == 1 && store.counters().queued == 0);
    // One that waits for its refresh is purged as well.
    store.put(key("/"), page("second"), true);
    assert_eq!(purge(&store, &read(words(false))).copies, 1);
    assert_same(store.find(&key("/"), NOW).await, &page("second").purged());
    until("the second written", || store.counters().queued == 0);
    assert_same(house.killed().get(&key("/")).await, &page("second").purged());
    let before = store.counters().writes;
    store.put(key("/"), page("third"), true);
    until("the third written", || store.counters().writes > before);
    store.close().await;
    assert_same(house.get(&key("/")).await, &page("third"));
}

#[tokio::test]
async fn what_only_waits_or_only_is_in_memory_is_purged_too() {
    for hard in [true, false] {
        let mut house = House::new();
        house.settings.commit = HOUR;
        let store = house.open();
        store.put(key("/waits"), page("waits"), true);
        store.put(key("/memory"), page("memory"), false);
        assert_eq!(purge(&store, &read(words(hard))).copies, 2);
        for path in ["/waits", "/memory"] {
            let found = store.find(&key(path), NOW).await;
            assert_eq!(found.map(|copy| copy.purged), (!hard).then_some(true), "{path}");
        }
        store.close().await;
        assert_eq!(in_file(&house, "/waits").await, (!hard).then_some(true));
        assert_eq!(in_file(&house, "/memory").await, None);
    }
}

#[tokio::test]
async fn without_a_file_memory_is_purged_all_the_same() {
    let house = House::new();
    fs::write(house.path(), "somebody's diary".repeat(1_000)).unwrap();
    let store = house.open();
    store.put(key("/"), page("kept"), true);
    assert_eq!(purge(&store, &read(words(true))).copies, 1);
    assert!(store.find(&key("/"), NOW).await.is_none());
}

#[tokio::test]
async fn dry_run_counts_the_same_and_changes_nothing() {
    let (house, store) = store_with(&["/a", "/b"]).await;
    store.put(key("/memory"), page("m"), false);
    let before = fs::read(house.path()).unwrap();
    let dry = purge(&store, &read(Words { dry_run: true, ..words(true) }));
    assert_eq!(dry, Purged { copies: 3, bytes: 5 });
    assert!(fs::read(house.path()).unwrap() == before);
    assert_eq!(purge(&store, &read(words(true))), dry);
    store.close().await;
}

#[tokio::test]
async fn sealed_copy_is_purged_without_its_seal_and_opens_with_it_afterwards() {
    let house = House::with(&[(&persons("/", 1), &page("personal"))]).await;
    let store = house.open();
    assert_eq!(purge(&store, &read(words(false))).copies, 1);
    assert_same(store.find(&persons("/", 1), NOW).await, &page("personal").purged());
    assert!(store.find(&persons("/", 2), NOW).await.is_none());
    assert_eq!(store.counters().damaged, 0);
    assert_eq!(purge(&store, &read(words(true))).copies, 1);
    assert!(store.find(&persons("/", 1), NOW).await.is_none());
    store.close().await;
}

#[tokio::test]
async fn newest_of_a_copy_says_how_old_it_is() {
    let mut house = House::new();
    (house.settings.refresh, house.settings.memory) = (HOUR, 0);
    let old = Copy { stored_at: UnixMillis(NOW.0 - 7_200_000), ..page("old") };
    house.keep(&[(&key("/renewed"), &old), (&key("/old"), &old)]).await;
    let store = house.open();
    store.put(key("/renewed"), page("new"), true);
    let older = Words { older: Some("1 hour".into()), hard: true, ..Words::default() };
    assert_eq!(purge(&store, &read(older)).copies, 1);
    assert_same(store.find(&key("/renewed"), NOW).await, &page("new"));
    assert!(store.find(&key("/old"), NOW).await.is_none());
    store.close().await;
}

#[tokio::test]
async fn more_than_a_transaction_carries_is_purged_in_several() {
    let house = House::new();
    let store = house.open();
    for number in 0..600 {
        store.put(key(&format!("/{number}")), page("x"), true);
    }
    until("all written", || store.counters().copies == 600);
    let mut told = Vec::new();
    let before = store.counters().commits;
    let purged = store.purge(&read(words(true)), NOW, |so_far| told.push(so_far.copies)).unwrap();
    assert_eq!((purged.copies, store.counters().copies), (600, 0));
    assert!(store.counters().commits >= before + 3);
    assert!(told.len() >= 3 && told.is_sorted() && told[0] == 250, "{told:?}");
    store.close().await;
    let db = damage::opened(&house);
    assert_eq!(damage::rows(&db), [0, 0, 0], "entries, bodies, expiries");
}

#[tokio::test]
async fn copy_put_after_its_purge_stays() {
    let (house, store) = store_with(&["/"]).await;
    let chunk = Chunk::new(vec![key("/").id()], true);
    // As it takes effect, before it is in the file.
    let waited = store.shared.queue.purge(&chunk, SOON, || {});
    store.put(key("/"), page("newer"), true);
    assert_eq!(waited, crate::store::queue::Waited::Done);
    assert_same(store.find(&key("/"), NOW).await, &page("newer"));
    store.close().await;
    assert_same(house.get(&key("/")).await, &page("newer"));
}

#[tokio::test]
async fn damaged_row_goes_with_all_and_by_its_id() {
    for by_id in [true, false] {
        let (house, store) = store_with(&["/"]).await;
        store.close().await;
        let db = damage::opened(&house);
        damage::change_row(&db, |row| *row.last_mut().unwrap() ^= 1);
        drop(db);
        let store = house.open();
        let id = by_id.then(|| key("/").id().to_string());
        let words = Words { key: id, all: !by_id, hard: true, ..Words::default() };
        assert_eq!(purge(&store, &read(words)), Purged { copies: 1, bytes: 0 });
        assert_eq!(store.counters().copies, 0);
        store.close().await;
    }
}

#[tokio::test]
async fn closed_file_is_purged_without_a_store_and_keeps_its_owner() {
    let (house, store) = store_with(&["/a", "/b", "/c"]).await;
    assert_eq!(purge_closed(house.path(), &read(words(true)), NOW), Err(Trouble::Locked));
    store.close().await;
    let dry = Purge { dry_run: true, ..of_path("/a", true) };
    let before = fs::read(house.path()).unwrap();
    assert_eq!(purge_closed(house.path(), &dry, NOW), Ok(Purged { copies: 1, bytes: 2 }));
    assert!(fs::read(house.path()).unwrap() == before);
    assert_eq!(purge_closed(house.path(), &of_path("/a", true), NOW).unwrap().copies, 1);
    assert_eq!(purge_closed(house.path(), &of_path("/b", false), NOW).unwrap().copies, 1);
    assert!(house.get(&key("/a")).await.is_none());
    assert_same(house.get(&key("/b")).await, &page("/b").purged());
    assert_same(house.get(&key("/c")).await, &page("/c"));
    let missing = house.folder.path().join("missing.redb");
    assert_eq!(purge_closed(&missing, &of_path("/a", true), NOW), Err(Trouble::Missing));
    assert!(!missing.exists());
}

#[tokio::test]
async fn purge_goes_on_after_a_fault_of_the_file() {
    let (house, store) = store_with(&["/a"]).await;
    store.put(key("/waits"), page("waits"), true);
    let db = store.shared.file.get().unwrap();
    store.shared.lost(&db, &redb::Error::Corrupted("a test".into()));
    drop(db);
    let chunk = Chunk::new(vec![key("/a").id()], true);
    assert_eq!(store.shared.queue.purge(&chunk, SOON, || {}), crate::store::queue::Waited::Done);
    assert!(in_file(&house, "/a").await.is_none());
    store.close().await;
    assert_same(house.get(&key("/waits")).await, &page("waits"));
}

/// What a broken purge may hold up these tests.
const SOON: Duration = Duration::from_secs(20);
