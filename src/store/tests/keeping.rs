use super::*;
use crate::store::body::CHUNK;

#[tokio::test]
async fn copy_comes_back_after_a_restart() {
    let copy = page("<p>hello</p>".repeat(1_000));
    let house = House::with(&[(&key("/"), &copy)]).await;
    assert_same(house.get(&key("/")).await, &copy);
}

#[tokio::test]
async fn copy_that_was_committed_survives_a_kill() {
    let (house, copy) = (House::new(), page("<p>hello</p>".repeat(1_000)));
    let store = house.open();
    for path in ["/a", "/b", "/c"] {
        store.put(key(path), copy.clone(), true);
    }
    until("three rows written", || store.counters().writes == 3);
    let killed = house.killed();
    for path in ["/a", "/b", "/c"] {
        assert_same(killed.get(&key(path)).await, &copy);
    }
    store.close().await;
}

#[tokio::test]
async fn file_dropped_without_close_opens_again() {
    let (house, copy) = (House::new(), page("x"));
    let store = house.open();
    store.put(key("/"), copy.clone(), true);
    until("a row written", || store.counters().writes == 1);
    drop(store);
    until("the file is free and its page there", || house.open().counters().copies == 1);
}

#[tokio::test]
async fn large_file_opens_after_a_kill_without_a_repair() {
    let house = House::new();
    let store = house.open();
    let copies: Vec<_> =
        (0..12).map(|n| (key(&format!("/{n}")), page(noise(1_000_000 + n)))).collect();
    for (n, (key, copy)) in copies.iter().enumerate() {
        store.put(key.clone(), copy.clone(), true);
        until("a row written", || store.counters().writes == n as u64 + 1);
    }
    let killed = house.killed();
    assert!(
        std::fs::metadata(killed.path()).unwrap().len() > 8 << 20,
        "a repair would be declined"
    );
    assert_eq!(killed.open().trouble(), None);
    until("the file is free", || killed.open().trouble().is_none());
    store.close().await;
}

#[tokio::test]
async fn bodies_of_every_length_around_a_chunk_come_back_whole() {
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1] {
        let copy = page(noise(length));
        let house = House::with(&[(&key("/"), &copy), (&persons("/", 1), &copy)]).await;
        assert_same(house.get(&key("/")).await, &copy);
        assert_same(house.get(&persons("/", 1)).await, &copy);
    }
}

#[tokio::test]
async fn newest_copy_is_seen_at_once_and_from_the_file() {
    let house = House::new();
    let store = house.open();
    for version in 0..50 {
        store.put(key("/"), page(format!("version {version}")), true);
        assert_eq!(store.find(&key("/"), NOW).await.unwrap().body, format!("version {version}"));
    }
    store.close().await;
    assert_eq!(house.get(&key("/")).await.unwrap().body, "version 49");
    let store = house.open();
    assert_eq!(store.counters().copies, 1);
}

#[tokio::test]
async fn what_waits_for_the_writer_is_found_without_the_memory_tier() {
    let mut house = House::new();
    (house.settings.memory, house.settings.commit) = (0, HOUR);
    let store = house.open();
    store.put(key("/"), page("waiting"), true);
    assert_eq!(store.counters().commits, 0);
    assert_eq!(store.find(&key("/"), NOW).await.unwrap().body, "waiting");
    assert!(store.has(key("/").id()).await);
    store.close().await;
    assert_eq!(house.get(&key("/")).await.unwrap().body, "waiting");
}

#[tokio::test]
async fn copy_for_memory_only_is_not_in_the_file() {
    let house = House::new();
    let store = house.open();
    store.put(key("/"), page("secret"), false);
    assert!(store.find(&key("/"), NOW).await.is_some());
    store.close().await;
    assert!(house.get(&key("/")).await.is_none());
}

#[tokio::test]
async fn forgotten_page_is_gone_at_once_and_for_good() {
    let house = House::with(&[(&key("/"), &page("old")), (&key("/b"), &page("other"))]).await;
    let store = house.open();
    assert!(store.find(&key("/"), NOW).await.is_some());
    store.forget(key("/").id());
    assert!(store.find(&key("/"), NOW).await.is_none());
    assert!(!store.has(key("/").id()).await);
    store.close().await;
    assert!(house.get(&key("/")).await.is_none());
    assert!(house.get(&key("/b")).await.is_some());
}

#[tokio::test]
async fn age_is_checked_at_every_read() {
    let house = House::with(&[(&key("/"), &page("x"))]).await;
    let late = UnixMillis(NOW.0 + house.settings.ttl.as_millis() as u64);
    let too_late = UnixMillis(late.0 + 1);
    let store = house.open();
    assert!(store.find(&key("/"), too_late).await.is_none(), "from the file");
    assert!(store.find(&key("/"), late).await.is_some());
    assert!(store.find(&key("/"), too_late).await.is_none(), "from memory");
    store.close().await;
}

#[tokio::test]
async fn index_knows_what_the_file_has_and_leaves_out_what_has_expired() {
    let house = House::with(&[(&key("/"), &page("x"))]).await;
    let store = house.open();
    until("the index is loaded", || store.shared.index.is_loaded());
    assert!(store.has(key("/").id()).await);
    assert!(!store.has(key("/other").id()).await);
    assert_eq!(store.counters().disk_reads, 0);
    store.close().await;
    let later = UnixMillis(NOW.0 + 26 * 3_600_000);
    let store = Store::open(house.settings.clone(), APPLICATION, later);
    until("the index is loaded", || store.shared.index.is_loaded());
    assert!(!store.has(key("/").id()).await);
    store.close().await;
}

#[tokio::test]
async fn until_the_index_is_loaded_a_miss_asks_the_file() {
    let house = House::with(&[(&key("/"), &page("x"))]).await;
    let (db, _) = house.opened();
    let store = Store::new(house.settings.clone(), APPLICATION, Secret([0; 32]), NOW);
    store.shared.file.set(db);
    assert!(store.has(key("/").id()).await);
    assert!(!store.has(key("/other").id()).await);
}

#[tokio::test]
async fn another_application_starts_with_no_copies() {
    let house = House::with(&[(&key("/"), &page(noise(200_000))), (&key("/b"), &page("b"))]).await;
    let secret = house.open().secret().0;
    let store = loop {
        let store = Store::open(house.settings.clone(), "http://other:1", NOW);
        if store.trouble().is_none() {
            break store;
        }
    };
    assert!(store.find(&key("/"), NOW).await.is_none());
    assert_eq!((store.counters().copies, store.counters().live_bytes), (0, 0));
    assert_eq!(store.secret().0, secret);
    store.close().await;
    assert!(house.get(&key("/")).await.is_none());
}

#[tokio::test]
async fn secret_outlives_a_restart_and_differs_between_files() {
    let (house, other) = (House::with(&[]).await, House::with(&[]).await);
    let store = house.open();
    let secret = store.secret().0;
    store.close().await;
    assert_eq!(house.open().secret().0, secret);
    assert_ne!(other.open().secret().0, secret);
}

#[tokio::test]
async fn live_bytes_return_to_zero_when_everything_is_forgotten() {
    let copy = page(noise(3 * CHUNK));
    let house = House::with(&[(&key("/"), &copy), (&persons("/", 1), &copy)]).await;
    house.keep(&[(&key("/"), &page("smaller")), (&persons("/", 1), &page("smaller"))]).await;
    let store = house.open();
    assert!(store.counters().live_bytes > 0);
    store.forget(key("/").id());
    store.forget(persons("/", 1).id());
    store.close().await;
    let (db, meta) = house.opened();
    assert_eq!((meta.live, meta.copies), (0, 0));
    assert_eq!(damage::rows(&db), [0, 0, 0], "entries, bodies, expiries");
}

#[tokio::test]
async fn page_forgotten_while_the_index_loads_is_not_brought_back() {
    let house = House::with(&[(&key("/a"), &page("a")), (&key("/b"), &page("b"))]).await;
    let db = Arc::new(house.opened().0);
    let index = Index::default();
    index.remove(key("/a").id());
    index.remove(key("/b").id());
    index.insert(key("/b").id());
    assert!(index.load(2, || Some(db.clone()), NOW).is_ok() && index.is_loaded());
    assert!(!index.contains(key("/a").id()));
    assert!(index.contains(key("/b").id()));
}
