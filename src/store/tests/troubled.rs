use super::*;
use crate::store::file::{META, begin_write};
use std::fs;

/// Serves from memory, and says why.
async fn assert_memory_only(house: &House, trouble: Trouble) {
    let before = fs::read(house.path()).ok();
    let store = house.open();
    assert_eq!(store.trouble(), Some(trouble));
    store.put(key("/"), page("kept"), true);
    assert!(store.get(&key("/"), NOW).await.is_some());
    assert!(store.has(key("/").id()).await);
    assert!(!store.has(key("/b").id()).await);
    store.forget(key("/").id());
    assert!(store.get(&key("/"), NOW).await.is_none());
    store.close().await;
    assert!(fs::read(house.path()).ok() == before, "the file was touched");
}

#[tokio::test]
async fn locked_file_leaves_memory() {
    let house = House::new();
    let writer = house.open();
    assert_memory_only(&house, Trouble::Locked).await;
    writer.close().await;
    assert_eq!(house.open().trouble(), None);
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
async fn file_of_a_newer_retter_is_left_alone() {
    let house = House::with(&[]).await;
    let opened = file::open(&house.settings, APPLICATION).unwrap();
    let transaction = begin_write(&opened.db).unwrap();
    let version = 7u32.to_be_bytes();
    transaction.open_table(META).unwrap().insert("schema", version.as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(opened);
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
    assert_memory_only(&killed, Trouble::NeedsRepair).await;
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
