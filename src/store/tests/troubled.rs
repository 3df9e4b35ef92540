use super::*;
use crate::store::change::New;
use crate::store::entry::Header;
use crate::store::file::{ENTRIES, META, begin_write};
use std::fs;

/// Serves from memory, and says why.
async fn assert_memory_only(house: &House, trouble: Trouble) {
    let before = fs::read(house.path()).ok();
    let store = house.open();
    assert_eq!(store.trouble(), Some(trouble));
    store.put(key("/"), page("kept"), true);
    assert!(store.find(&key("/"), NOW).await.is_some());
    assert!(store.has(key("/").id()).await);
    assert!(!store.has(key("/b").id()).await);
    store.forget(key("/").id());
    assert!(store.find(&key("/"), NOW).await.is_none());
    store.close().await;
    assert!(fs::read(house.path()).ok() == before, "the file was touched");
}

#[tokio::test]
async fn second_store_reads_beside_the_first_and_takes_over_with_what_it_collected() {
    let house = House::with(&[(&persons("/mine", 1), &page("from before"))]).await;
    let first = house.open();
    let second = house.open();
    assert_eq!(second.trouble(), Some(Trouble::Locked));
    assert_eq!(second.secret().0, first.secret().0);
    assert_same(second.find(&persons("/mine", 1), NOW).await, &page("from before"));
    assert!(second.has(persons("/mine", 1).id()).await);
    first.put(key("/first"), page("written by the first"), true);
    until("the first has written", || first.counters().writes == 1);
    assert_same(second.find(&key("/first"), NOW).await, &page("written by the first"));
    second.put(key("/second"), page("collected"), true);
    assert_eq!(second.counters().writes, 0);
    first.yield_file();
    until("the second writes", || second.counters().writes == 1);
    assert_eq!(second.trouble(), None);
    // The first has its place as a reader, and keeps what it still gets.
    until("the first reads beside", || first.shared.file.get().is_some());
    assert!(first.find(&key("/second"), NOW).await.is_some());
    first.put(key("/late"), page("late"), true);
    first.close().await;
    second.close().await;
    assert_same(house.get(&key("/second")).await, &page("collected"));
    assert!(house.get(&key("/late")).await.is_none(), "somebody else has the file");
}

#[tokio::test]
async fn what_comes_after_yielding_is_written_at_the_end_if_nobody_took_the_file() {
    let house = House::new();
    let store = house.open();
    store.yield_file();
    until("it is given up", || !store.shared.file.is_own());
    store.put(key("/late"), page("late"), true);
    store.close().await;
    assert_same(house.get(&key("/late")).await, &page("late"));
}

#[tokio::test]
async fn file_of_another_application_is_not_read_beside_its_writer() {
    let house = House::with(&[(&key("/"), &page("the other's"))]).await;
    let first = house.open();
    let second = Store::open(house.settings.clone(), "http://localhost:9", NOW);
    assert!(second.find(&key("/"), NOW).await.is_none());
    assert_ne!(second.secret().0, first.secret().0);
    second.put(key("/"), page("own"), true);
    assert_same(second.find(&key("/"), NOW).await, &page("own"));
    second.close().await;
    first.close().await;
    assert_same(house.get(&key("/")).await, &page("the other's"));
}

#[tokio::test]
async fn missing_folder_leaves_memory() {
    let mut house = House::new();
    house.settings.path = house.folder.path().join("no/such/retter.redb");
    assert_memory_only(&house, Trouble::NoFolder).await;
}

#[tokio::test]
async fn file_of_something_else_is_not_touched() {
    let house = House::new();
    fs::write(house.path(), "not a database".repeat(1_000)).unwrap();
    let store = house.open();
    let Some(trouble @ Trouble::NotOurs(_)) = store.trouble() else {
        panic!("{:?}", store.trouble())
    };
    assert_memory_only(&house, trouble).await;
}

#[tokio::test]
async fn file_whose_making_was_broken_off_gives_way_to_a_new_one() {
    let house = House::with(&[]).await;
    let made = fs::read(house.path()).unwrap();
    let unmarked = [&[0; 9], &made[9..512], &vec![0; 1 << 20]].concat();
    for unfinished in [vec![0; 5], vec![0; 1 << 20], unmarked] {
        fs::write(house.path(), unfinished).unwrap();
        house.keep(&[(&key("/"), &page("kept"))]).await;
        assert_same(house.get(&key("/")).await, &page("kept"));
    }
}

#[tokio::test]
async fn file_of_a_newer_retter_is_left_alone() {
    let house = House::with(&[]).await;
    let (db, _) = house.opened();
    let transaction = begin_write(db.own().unwrap()).unwrap();
    let version = 7u32.to_be_bytes();
    transaction.open_table(META).unwrap().insert("schema", version.as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(db);
    let known = crate::migrations::LATEST;
    let trouble = Trouble::Newer { found: 7, known };
    assert!(trouble.to_string().contains('7') && trouble.to_string().contains(&known.to_string()));
    assert_memory_only(&house, trouble).await;
}

#[tokio::test]
async fn file_in_need_of_repair_is_declined() {
    let house = House::new();
    // Past the size that is repaired at once, and committed without the allocator's state.
    let db = file::builder().create(house.path()).unwrap();
    let transaction = db.begin_write().unwrap();
    {
        let table = redb::TableDefinition::<&str, &[u8]>::new("x");
        let mut table = transaction.open_table(table).unwrap();
        table.insert("x", vec![1; 12 << 20].as_slice()).unwrap();
    }
    transaction.commit().unwrap();
    let killed = house.killed();
    let store = killed.open();
    assert_eq!((store.trouble(), store.counters().set_aside), (None, 1));
    store.close().await;
}

/// Copies of an open file whose last commit left the allocator's state out: too large to be
/// repaired at once.
async fn in_need_of_repair(pages: &[(&StoreKey, &Copy)]) -> House {
    let house = House::with(pages).await;
    let (db, _) = house.opened();
    let transaction = db.own().unwrap().begin_write().unwrap();
    {
        let table = redb::TableDefinition::<&str, &[u8]>::new("filler");
        let mut table = transaction.open_table(table).unwrap();
        table.insert("x", vec![1; 12 << 20].as_slice()).unwrap();
    }
    transaction.commit().unwrap();
    house.killed()
}

#[tokio::test]
async fn copies_of_a_file_set_aside_come_back_peoples_too() {
    let (own, large) = (persons("/mine", 1), page(noise(200_000)));
    let (old, newer) = (page("old"), page("newer"));
    let house =
        in_need_of_repair(&[(&own, &large), (&key("/a"), &page("a")), (&key("/b"), &old)]).await;
    let store = house.open();
    store.put(key("/b"), newer.clone(), true);
    let aside = aside::unrepaired(house.path());
    until("the old file is gone", || !aside.exists());
    assert_eq!(store.counters().brought_back, 3);
    until("everything is written", || store.counters().queued == 0);
    assert_eq!(store.counters().copies, 3);
    store.close().await;
    assert_same(house.get(&own).await, &large);
    assert_same(house.get(&key("/a")).await, &page("a"));
    assert_same(house.get(&key("/b")).await, &newer);
}

#[tokio::test]
async fn damaged_file_is_set_aside_once_and_a_new_one_begun() {
    let house = House::with(&[(&key("/"), &page("lost"))]).await;
    for _ in 0..2 {
        let mut bytes = fs::read(house.path()).unwrap();
        // All but redb's own header: it is a file of ours, and nothing in it can be read.
        bytes[4096..].fill(0xff);
        fs::write(house.path(), bytes).unwrap();
        let store = house.open();
        assert_eq!((store.trouble(), store.counters().set_aside), (None, 1));
        store.put(key("/"), page("new"), true);
        store.close().await;
        assert_same(house.get(&key("/")).await, &page("new"));
        assert!(aside::damaged(house.path()).exists());
    }
}

#[tokio::test]
async fn file_that_fails_again_and_again_is_set_aside() {
    let house = House::with(&[(&key("/"), &page("x"))]).await;
    let store = house.open();
    for _ in 0..3 {
        until("it is open", || store.shared.file.is_own());
        let db = store.shared.file.get().unwrap();
        store.shared.lost(&db, &redb::Error::Corrupted("a test".into()));
    }
    until("it is set aside", || store.counters().set_aside == 1);
    until("a new one is open", || store.shared.file.is_own());
    store.put(key("/new"), page("new"), true);
    store.close().await;
    assert_same(house.get(&key("/new")).await, &page("new"));
}

#[cfg(unix)]
#[tokio::test]
async fn file_is_the_owners_alone_and_an_open_one_is_closed_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::with(&[]).await;
    let mode = || fs::metadata(house.path()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    fs::set_permissions(house.path(), fs::Permissions::from_mode(0o644)).unwrap();
    house.keep(&[]).await;
    assert_eq!(mode(), 0o600);
}

#[tokio::test]
async fn what_is_being_brought_back_hides_nothing_that_is_there() {
    let mut house = House::with(&[(&key("/"), &page("newer"))]).await;
    (house.settings.memory, house.settings.commit) = (0, HOUR);
    let store = house.open();
    let entries = store.shared.file.get().unwrap().begin_read().unwrap();
    let row = entries.open_table(ENTRIES).unwrap().get(&key("/").id().0).unwrap().unwrap();
    let header = Header::decode(key("/").id(), row.value()).unwrap();
    let old = New {
        row: row.value().to_vec(),
        expires_at: header.expires_at,
        body: header.body,
        bytes: Some(b"older".to_vec()),
    };
    drop((row, entries));
    assert!(store.shared.queue.push_in_turn(key("/").id(), Change::Restore(Box::new(old))));
    assert!(store.has(key("/").id()).await);
    assert_same(store.find(&key("/"), NOW).await, &page("newer"));
    store.close().await;
    assert_same(house.get(&key("/")).await, &page("newer"));
}
