//! Packing and migrating: nothing is lost, and what is refused stays as it is.

use super::damage::opened;
use super::*;
use crate::migrations::LATEST;
use crate::store::file::{META, begin_write, builder};
use crate::store::reader::{Check, Reader};
use crate::store::upkeep::{Packing, UpkeepError, compact, migrate};
use std::fs;

/// Most of what was in it is gone again; what is left lies far apart, so that redb cannot cut the
/// end of the file off by itself.
async fn airy() -> House {
    let pages: Vec<_> = (0..80).map(|n| (key(&format!("/{n}")), page(noise(30_000 + n)))).collect();
    let house = House::with(&pages.iter().map(|(k, c)| (k, c)).collect::<Vec<_>>()).await;
    let store = house.open();
    let gone = pages.iter().enumerate().filter(|(number, _)| number % 4 != 0);
    gone.for_each(|(_, (key, _))| store.forget(key.id()));
    until("most of it forgotten", || store.counters().copies == 20);
    store.close().await;
    // On a busy disk it may take longer than a store waits for it.
    until("the file let go", || builder().open(house.path()).is_ok());
    house
}

fn is_sound(house: &House) -> u64 {
    let mut check = Check::of(Reader::open(house.path()).unwrap()).unwrap();
    while let Some(flaws) = check.step().unwrap() {
        assert_eq!(flaws, []);
    }
    check.tally().copies
}

fn left_over(house: &House) -> PathBuf {
    house.folder.path().join("retter.redb.compact")
}

#[tokio::test]
async fn a_packed_file_is_smaller_and_has_every_copy() {
    let house = airy().await;
    let length = || fs::metadata(house.path()).unwrap().len();
    let before = length();
    let mut said = Vec::new();
    let packed = compact(house.path(), &mut |done| said.push(done)).unwrap();
    assert_eq!((packed.before, packed.after), (before, length()));
    assert!(packed.after < before, "{packed:?}");
    assert_eq!(is_sound(&house), 20);
    assert_eq!(said.first(), Some(&Packing::Copying { done: 0, of: before }));
    assert_eq!(said.last(), Some(&Packing::Packing));
    assert!(!left_over(&house).exists());
    assert_same(house.get(&key("/40")).await, &page(noise(30_040)));
}

#[tokio::test]
async fn a_file_that_a_retter_has_is_not_packed() {
    let house = airy().await;
    let store = house.open();
    let before = fs::read(house.path()).unwrap();
    let refused = compact(house.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(refused, UpkeepError::InUse(_)), "{refused}");
    assert!(fs::read(house.path()).unwrap() == before, "the file was touched");
    assert!(!left_over(&house).exists());
    store.close().await;
}

#[tokio::test]
async fn no_retter_writes_a_file_that_is_being_packed() {
    let house = airy().await;
    let mut troubles = Vec::new();
    compact(house.path(), &mut |_| troubles.push(house.open().trouble())).unwrap();
    assert!(troubles.len() >= 2);
    assert!(troubles.iter().all(|trouble| *trouble == Some(Trouble::Locked)), "{troubles:?}");
    assert_eq!(is_sound(&house), 20);
}

#[tokio::test]
async fn a_kill_while_packing_leaves_the_file_and_the_next_run_removes_the_rest() {
    let house = airy().await;
    let mut killed = Vec::new();
    compact(house.path(), &mut |done| {
        let other = house.killed();
        fs::write(left_over(&other), "half a copy").unwrap();
        killed.push((done, other));
    })
    .unwrap();
    for (moment, other) in &killed {
        // Opening it needs no full repair.
        assert_eq!(reader::peek_version(other.path()), Ok(LATEST), "{moment:?}");
        assert_eq!(is_sound(other), 20, "{moment:?}");
        let packed = compact(other.path(), &mut |_| {}).unwrap();
        assert!(packed.after < packed.before && !left_over(other).exists(), "{moment:?}");
        assert_eq!(is_sound(other), 20, "{moment:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_packed_file_keeps_its_rights_and_its_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let house = airy().await;
    fs::set_permissions(house.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let link = house.folder.path().join("link");
    symlink(house.path(), &link).unwrap();
    compact(&link, &mut |_| {}).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(house.path()).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(is_sound(&house), 20);
}

#[tokio::test]
async fn a_file_before_the_first_version_is_brought_to_the_latest_once() {
    let house = House::new();
    drop(builder().create(house.path()).unwrap());
    let done = migrate(house.path()).unwrap();
    assert_eq!((done.from, done.to), (0, LATEST));
    let before = fs::read(house.path()).unwrap();
    let done = migrate(house.path()).unwrap();
    assert_eq!((done.from, done.to), (LATEST, LATEST));
    assert!(fs::read(house.path()).unwrap() == before, "there was nothing to do");
    assert_eq!(house.open().trouble(), None);
}

#[tokio::test]
async fn what_is_newer_strange_or_missing_is_neither_migrated_nor_packed() {
    let newer = House::with(&[]).await;
    let db = opened(&newer);
    let transaction = begin_write(db.own().unwrap()).unwrap();
    let version = 77u32.to_be_bytes();
    transaction.open_table(META).unwrap().insert("schema", version.as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(db);
    let before = fs::read(newer.path()).unwrap();
    for refused in [migrate(newer.path()).err(), compact(newer.path(), &mut |_| {}).err()] {
        let said = refused.unwrap().to_string();
        let latest = LATEST.to_string();
        for words in ["retter.redb", "77", &latest, "start the newer RETTER"] {
            assert!(said.contains(words), "{words} is missing in: {said}");
        }
    }
    assert!(fs::read(newer.path()).unwrap() == before, "the file was touched");

    let strange = House::new();
    let db = builder().create(strange.path()).unwrap();
    let transaction = begin_write(&db).unwrap();
    let other = redb::TableDefinition::<&str, &[u8]>::new("others");
    transaction.open_table(other).unwrap().insert("a", [1].as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(db);
    let refused = migrate(strange.path()).unwrap_err().to_string();
    assert!(refused.contains("not a RETTER file"), "{refused}");

    let missing = House::new();
    assert!(migrate(missing.path()).unwrap_err().to_string().contains("store.path"));
    assert!(compact(missing.path(), &mut |_| {}).unwrap_err().to_string().contains("store.path"));
    assert!(!missing.path().exists());
}
