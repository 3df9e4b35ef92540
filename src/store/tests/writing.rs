use super::*;
use http::header::CONTENT_ENCODING;

#[tokio::test]
async fn idle_store_commits_nothing() {
    let house = House::new();
    let store = house.open();
    let modified = std::fs::metadata(house.path()).unwrap().modified().unwrap();
    assert!(!store.shared.queue.wait_for_end(Duration::from_millis(100)));
    assert_eq!(store.counters().commits, 0);
    assert_eq!(std::fs::metadata(house.path()).unwrap().modified().unwrap(), modified);
    store.close().await;
}

#[tokio::test]
async fn page_is_written_once_per_refresh_and_the_newest_at_the_end() {
    let mut house = House::new();
    house.settings.refresh = HOUR;
    let store = house.open();
    store.put(key("/"), page("first"), true);
    until("a row written", || store.counters().writes == 1 && store.counters().queued == 0);
    for version in 0..20 {
        store.put(key("/"), page(format!("version {version}")), true);
    }
    store.put(key("/new"), page("new"), true);
    // Counted as written a moment before it leaves the queue, in which the refresh stays.
    until("the new page written", || store.counters().writes == 2 && store.counters().queued == 1);
    assert_eq!(house.killed().get(&key("/")).await.unwrap().body, "first");
    store.close().await;
    assert_eq!(house.get(&key("/")).await.unwrap().body, "version 19");
}

#[tokio::test]
async fn page_that_waits_for_its_refresh_is_written_when_it_is_due() {
    let mut house = House::new();
    house.settings.refresh = Duration::from_millis(50);
    let store = house.open();
    store.put(key("/"), page("first"), true);
    until("a row written", || store.counters().writes == 1);
    store.put(key("/"), page("second"), true);
    until("the second written", || store.counters().writes == 2);
    assert_eq!(house.killed().get(&key("/")).await.unwrap().body, "second");
    store.close().await;
}

#[tokio::test]
async fn page_of_another_class_does_not_wait_for_its_refresh() {
    let mut house = House::new();
    house.settings.refresh = HOUR;
    let store = house.open();
    let mut copy = page("x");
    let mut written = 0;
    let mut put = |copy: &Copy| {
        store.put(key("/"), copy.clone(), true);
        written += 1;
        until("it is written", || store.counters().writes == written);
    };
    put(&copy);
    copy.status = StatusCode::MOVED_PERMANENTLY;
    put(&copy);
    copy.why = Why::Public;
    put(&copy);
    copy.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    put(&copy);
    copy.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    put(&copy);
    store.forget(key("/").id());
    until("it is forgotten", || store.counters().copies == 0);
    store.close().await;
}

#[tokio::test]
async fn unchanged_body_is_not_written_again() {
    for owner in [key("/"), persons("/", 1)] {
        let house = House::with(&[(&owner, &page("the same"))]).await;
        let newer = Copy { stored_at: UnixMillis(NOW.0 + 1), ..page("the same") };
        house.keep(&[(&owner, &newer)]).await;
        let (db, meta) = house.opened();
        assert_eq!(meta.next_body, 1, "one body was ever written");
        drop(db);
        assert_same(house.get(&owner).await, &newer);
        house.keep(&[(&owner, &page("another"))]).await;
        let (db, meta) = house.opened();
        assert_eq!(meta.next_body, 2);
        assert_eq!(damage::rows(&db), [1, 1, 1]);
    }
}

#[tokio::test]
async fn what_is_too_large_for_a_row_stays_in_memory() {
    let house = House::new();
    let store = house.open();
    let mut copy = page("x");
    copy.headers.insert("x-long", HeaderValue::from_str(&"y".repeat(200_000)).unwrap());
    store.put(key("/"), copy, true);
    assert_eq!(store.counters().dropped[Dropped::TooLarge as usize], 1);
    assert!(store.find(&key("/"), NOW).await.is_some());
    store.close().await;
}

#[tokio::test]
async fn closing_twice_and_putting_afterwards_is_harmless() {
    let house = House::new();
    let store = house.open();
    store.close().await;
    store.close().await;
    store.put(key("/"), page("late"), true);
    assert!(store.find(&key("/"), NOW).await.is_some());
    assert_eq!(store.counters().dropped[Dropped::NoFile as usize], 1);
}

#[tokio::test]
async fn after_a_fault_the_file_is_opened_again_and_nothing_is_lost() {
    let house = House::new();
    let store = house.open();
    store.put(key("/a"), page("a"), true);
    until("a row written", || store.counters().writes == 1);
    let db = store.shared.file.get().unwrap();
    store.shared.lost(&db, &redb::Error::Corrupted("a test".into()));
    store.put(key("/b"), page("b"), true);
    assert!(store.find(&key("/a"), NOW).await.is_some(), "from memory");
    drop(db);
    until("written to the file opened anew", || store.counters().writes == 2);
    assert_eq!(store.trouble(), None);
    store.close().await;
    assert_same(house.get(&key("/a")).await, &page("a"));
    assert_same(house.get(&key("/b")).await, &page("b"));
}

#[test]
fn a_panic_in_the_storage_is_an_error() {
    let result: Result<(), redb::Error> = file::guarded(|| panic!("zeroed page"));
    assert!(result.unwrap_err().to_string().contains("zeroed page"));
}
