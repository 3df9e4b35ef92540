//! What a check of the whole file finds, and what it does not.

use super::damage::{change_body, change_row, opened};
use super::*;
use crate::store::file::{BODIES, BREAKERS, ENTRIES, EXPIRY, META, begin_write};
use crate::store::reader::{Check, Flaw, Part, Reader, Tally};
use redb::ReadableTable;

fn checked(house: &House) -> (Vec<Flaw>, Tally) {
    finished(Check::of(Reader::open(house.path()).unwrap()).unwrap())
}

fn finished(mut check: Check) -> (Vec<Flaw>, Tally) {
    let mut flaws = Vec::new();
    while let Some(some) = check.step().unwrap() {
        flaws.extend(some);
    }
    (flaws, check.tally())
}

fn words(flaws: &[Flaw]) -> Vec<(Part, &str)> {
    flaws.iter().map(|flaw| (flaw.part, flaw.reason.as_str())).collect()
}

/// A page of everybody's in three chunks, and a person's.
async fn house() -> House {
    let (open, own) = (page(noise(150_000)), page("some words ".repeat(100)));
    House::with(&[(&key("/open"), &open), (&persons("/own", 1), &own)]).await
}

fn change(house: &House, change: impl Fn(&redb::WriteTransaction)) {
    let db = opened(house);
    let transaction = begin_write(db.own().unwrap()).unwrap();
    change(&transaction);
    transaction.commit().unwrap();
}

#[tokio::test]
async fn a_sound_file_has_no_flaw_and_its_figures_are_right() {
    let house = house().await;
    let (flaws, tally) = checked(&house);
    assert_eq!(flaws, []);
    let seen = (tally.copies, tally.orphans, tally.compared, tally.breakers);
    assert_eq!(seen, (2, 0, true, 0));
    assert!(tally.stored_bytes > 150_000);
    assert_eq!((tally.rows, tally.expected), (9, 9), "2 rows, 2 expiries, 4 + 1 chunks");
}

#[tokio::test]
async fn a_file_of_many_short_looks_is_sound_after_a_kill_too() {
    let pages: Vec<_> = (0..1_200).map(|n| (key(&format!("/{n}")), page("x"))).collect();
    let house = House::with(&pages.iter().map(|(k, c)| (k, c)).collect::<Vec<_>>()).await;
    let store = house.open();
    store.forget(key("/7").id());
    until("one forgotten", || store.counters().copies == 1_199);
    let (flaws, tally) = checked(&house.killed());
    assert_eq!((words(&flaws), tally.copies, tally.compared), (vec![], 1_199, true));
    store.close().await;
}

#[tokio::test]
async fn flipped_bits_in_row_and_body_are_found() {
    for at in (0..600).step_by(40) {
        for in_row in [true, false] {
            let house = house().await;
            let flip = |bytes: &mut Vec<u8>| {
                let place = at % bytes.len();
                bytes[place] ^= 1;
            };
            let db = opened(&house);
            if in_row {
                change_row(&db, flip)
            } else {
                change_body(&db, flip)
            }
            drop(db);
            let (flaws, _) = checked(&house);
            assert_eq!(flaws.len(), 1, "{at}: {flaws:?}");
            assert_eq!(flaws[0].part, Part::Copy);
        }
    }
}

#[tokio::test]
async fn a_missing_chunk_is_the_damage_of_its_copy() {
    let house = house().await;
    change(&house, |file| {
        let mut bodies = file.open_table(BODIES).unwrap();
        let last = *bodies.last().unwrap().unwrap().0.value();
        bodies.remove(&last).unwrap();
    });
    let (flaws, _) = checked(&house);
    assert_eq!(words(&flaws), [(Part::Copy, "body missing or of another length")]);
}

#[tokio::test]
async fn a_row_under_another_id_is_found() {
    let house = house().await;
    change(&house, |file| {
        let mut entries = file.open_table(ENTRIES).unwrap();
        let row = entries.get(&key("/open").id().0).unwrap().unwrap().value().to_vec();
        entries.insert(&key("/other").id().0, row.as_slice()).unwrap();
    });
    let (flaws, tally) = checked(&house);
    assert_eq!(words(&flaws), [(Part::Copy, "row checksum")]);
    assert!(!tally.compared, "nobody knows what the unreadable row counted for");
}

#[tokio::test]
async fn copies_and_expiry_rows_need_each_other() {
    let house = house().await;
    change(&house, |file| drop(file.open_table(EXPIRY).unwrap().pop_first().unwrap()));
    assert_eq!(words(&checked(&house).0), [(Part::Expiry, "no expiry row")]);
    let house = self::house().await;
    change(&house, |file| {
        let mut expiry = file.open_table(EXPIRY).unwrap();
        let mut wrong = *expiry.first().unwrap().unwrap().0.value();
        wrong[3] ^= 1;
        expiry.insert(&wrong, [].as_slice()).unwrap();
        expiry.insert(&[9; 20], [].as_slice()).unwrap();
    });
    let (flaws, _) = checked(&house);
    let found = words(&flaws);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.contains(&(Part::Expiry, "expiry row of another hour")), "{found:?}");
    assert!(found.contains(&(Part::Expiry, "expiry row without a copy")), "{found:?}");
}

#[tokio::test]
async fn bodies_that_nobody_names_are_counted_and_no_damage() {
    let house = House::with(&[(&key("/a"), &page(noise(70_000))), (&key("/b"), &page("b"))]).await;
    // What RETTER does to a row that it cannot read.
    change(&house, |file| {
        let mut entries = file.open_table(ENTRIES).unwrap();
        let mut row = entries.get(&key("/a").id().0).unwrap().unwrap().value().to_vec();
        row[40] ^= 1;
        entries.insert(&key("/a").id().0, row.as_slice()).unwrap();
    });
    house.keep(&[(&key("/a"), &page("a"))]).await;
    let (flaws, tally) = checked(&house);
    assert_eq!(flaws, []);
    assert_eq!((tally.orphans, tally.orphan_bytes), (1, 70_000));
}

#[tokio::test]
async fn wrong_figures_and_breakers_are_found() {
    let house = house().await;
    let db = opened(&house);
    let transaction = begin_write(db.own().unwrap()).unwrap();
    let live = |bytes: u64| {
        let mut meta = transaction.open_table(META).unwrap();
        meta.insert("live", bytes.to_be_bytes().as_slice()).unwrap();
        meta.insert("next-body", 1u64.to_be_bytes().as_slice()).unwrap();
    };
    live(1);
    transaction.open_table(BREAKERS).unwrap().insert("application", [1].as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(db);
    let (flaws, tally) = checked(&house);
    assert!(tally.compared);
    let names: Vec<_> = flaws.iter().map(|flaw| (flaw.part, flaw.name.as_str())).collect();
    let expected =
        [(Part::Meta, "next-body"), (Part::Breaker, "application"), (Part::Meta, "live")];
    assert_eq!(names, expected, "{flaws:?}");
}

#[tokio::test]
async fn what_a_running_store_moves_is_no_damage() {
    let pages: Vec<_> = (0..1_200).map(|n| (key(&format!("/{n}")), page("x"))).collect();
    let house = House::with(&pages.iter().map(|(k, c)| (k, c)).collect::<Vec<_>>()).await;
    let store = house.open();
    let mut check = Check::of(Reader::open(house.path()).unwrap()).unwrap();
    assert_eq!(check.step().unwrap(), Some(vec![]));
    for (number, (key, _)) in pages.iter().enumerate().step_by(12) {
        store.forget(key.id());
        store.put(pages[number + 1].0.clone(), page(format!("new {number}")), true);
    }
    until("some forgotten", || store.counters().copies == 1_100);
    until("others replaced", || store.counters().queued == 0);
    let (flaws, tally) = finished(check);
    assert_eq!((words(&flaws), tally.orphans, tally.compared), (vec![], 0, false));
    store.close().await;
    let (flaws, tally) = checked(&house);
    assert_eq!((words(&flaws), tally.copies, tally.compared), (vec![], 1_100, true));
}

#[tokio::test]
async fn zeroed_pages_are_found_and_the_check_ends() {
    let pages: Vec<_> = (0..40).map(|n| (key(&format!("/{n}")), page(noise(9_000 + n)))).collect();
    let house = House::with(&pages.iter().map(|(k, c)| (k, c)).collect::<Vec<_>>()).await;
    let whole = std::fs::read(house.path()).unwrap();
    let mut found = 0;
    for at in (1..whole.len() / 4096).step_by(9) {
        let mut bytes = whole.clone();
        bytes[at * 4096..(at + 1) * 4096].fill(0);
        std::fs::write(house.path(), bytes).unwrap();
        let check = Reader::open(house.path()).and_then(Check::of);
        let Ok(check) = check else {
            found += 1;
            continue;
        };
        let (flaws, tally) = finished(check);
        found += usize::from(!flaws.is_empty());
        let lost = |flaw: &Flaw| flaw.part == Part::Pages && flaw.name == "entries";
        assert!(tally.orphans == 0 || !flaws.iter().any(lost), "nobody knows whose they are");
    }
    assert!(found > 10, "{found}");
}
