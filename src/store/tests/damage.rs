use super::*;
use crate::store::file::{BODIES, ENTRIES, EXPIRY, begin_write};
use crate::store::handle::Handle;
use crate::store::lookup::Answer;
use redb::{ReadableTable, ReadableTableMetadata};

/// Rows of entries, bodies and expiries.
pub(super) fn rows(db: &Handle) -> [u64; 3] {
    let read = db.begin_read().unwrap();
    [
        read.open_table(ENTRIES).unwrap().len().unwrap(),
        read.open_table(BODIES).unwrap().len().unwrap(),
        read.open_table(EXPIRY).unwrap().len().unwrap(),
    ]
}

pub(super) fn opened(house: &House) -> Handle {
    house.opened().0
}

pub(super) fn change_row(db: &Handle, change: impl Fn(&mut Vec<u8>)) {
    let transaction = begin_write(db.own().unwrap()).unwrap();
    {
        let mut table = transaction.open_table(ENTRIES).unwrap();
        let first = table.first().unwrap().map(|(id, row)| (*id.value(), row.value().to_vec()));
        let (id, mut row) = first.unwrap();
        change(&mut row);
        table.insert(&id, row.as_slice()).unwrap();
    }
    transaction.commit().unwrap();
}

pub(super) fn change_body(db: &Handle, change: impl Fn(&mut Vec<u8>)) {
    let transaction = begin_write(db.own().unwrap()).unwrap();
    {
        let mut table = transaction.open_table(BODIES).unwrap();
        let first = table.first().unwrap().map(|(id, chunk)| (*id.value(), chunk.value().to_vec()));
        let (id, mut chunk) = first.unwrap();
        change(&mut chunk);
        table.insert(&id, chunk.as_slice()).unwrap();
    }
    transaction.commit().unwrap();
}

fn read(db: &Handle, key: &StoreKey) -> Answer {
    lookup::read(db, key.id(), key, UnixMillis(0)).unwrap()
}

#[tokio::test]
async fn no_flipped_bit_in_header_or_body_is_ever_served() {
    for owner in [key("/"), persons("/", 1)] {
        let house = House::with(&[(&owner, &page("some words ".repeat(100)))]).await;
        let db = opened(&house);
        assert!(matches!(read(&db, &owner), Answer::Copy(_)));
        for at in 0..150 {
            let flip = |bytes: &mut Vec<u8>| {
                let place = at * 7 % bytes.len();
                bytes[place] ^= 1 << (at % 8);
            };
            change_row(&db, flip);
            assert!(matches!(read(&db, &owner), Answer::Damaged { .. }), "row, {at}");
            change_row(&db, flip);
            change_body(&db, flip);
            assert!(matches!(read(&db, &owner), Answer::Damaged { .. }), "body, {at}");
            change_body(&db, flip);
        }
        assert!(matches!(read(&db, &owner), Answer::Copy(_)));
    }
}

#[tokio::test]
async fn shortened_lengthened_and_missing_bodies_are_damaged() {
    let house = House::with(&[(&key("/"), &page(noise(1_000)))]).await;
    let db = opened(&house);
    let changes: [fn(&mut Vec<u8>); 3] = [|b| b.truncate(999), |b| b.push(0), |b| b.clear()];
    for change in changes {
        change_body(&db, change);
        assert!(matches!(read(&db, &key("/")), Answer::Damaged { .. }));
    }
}

#[tokio::test]
async fn damaged_copy_is_counted_dropped_and_replaced_by_the_next_good_answer() {
    let house = House::with(&[(&key("/"), &page("words"))]).await;
    let db = opened(&house);
    change_body(&db, |body| body[0] ^= 1);
    drop(db);
    let store = house.open();
    assert!(store.find(&key("/"), NOW).await.is_none());
    assert_eq!(store.counters().damaged, 1);
    store.close().await;
    let db = opened(&house);
    assert_eq!(rows(&db), [0, 0, 0]);
    drop(db);
    house.keep(&[(&key("/"), &page("words"))]).await;
    assert_same(house.get(&key("/")).await, &page("words"));
}

#[tokio::test]
async fn damage_seen_in_an_old_row_does_not_drop_its_successor() {
    let house = House::with(&[(&key("/"), &page("words"))]).await;
    let store = house.open();
    store.shared.queue.push(key("/").id(), Some(Change::Discard { row_hash: [0; 16] }), || {});
    store.close().await;
    assert_same(house.get(&key("/")).await, &page("words"));
}

#[tokio::test]
async fn row_under_another_id_is_never_served() {
    let house = House::with(&[(&key("/a"), &page("a"))]).await;
    let db = opened(&house);
    let transaction = begin_write(db.own().unwrap()).unwrap();
    {
        let mut table = transaction.open_table(ENTRIES).unwrap();
        let row = table.get(&key("/a").id().0).unwrap().unwrap().value().to_vec();
        table.insert(&key("/b").id().0, row.as_slice()).unwrap();
    }
    transaction.commit().unwrap();
    assert!(matches!(read(&db, &key("/b")), Answer::Damaged { .. }));
}

#[tokio::test]
async fn zeroed_pages_neither_panic_nor_are_served() {
    let pages: Vec<_> = (0..40).map(|n| (key(&format!("/{n}")), page(noise(9_000 + n)))).collect();
    let borrowed: Vec<_> = pages.iter().map(|(key, copy)| (key, copy)).collect();
    let house = House::with(&borrowed).await;
    let whole = std::fs::read(house.path()).unwrap();
    for at in (1..whole.len() / 4096).step_by(5) {
        let mut bytes = whole.clone();
        bytes[at * 4096..(at + 1) * 4096].fill(0);
        std::fs::write(house.path(), bytes).unwrap();
        let store = house.open();
        for (key, copy) in &pages {
            if let Some(found) = store.find(key, NOW).await {
                assert!(found.body == copy.body, "page {at}");
            }
        }
        store.close().await;
    }
}
