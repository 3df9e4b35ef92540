//! What leaves the file by itself.

use super::*;
use crate::store::commit::Ledger;
use crate::store::file::{EXPIRY, begin_write};
use crate::store::index::expiry_key;
use crate::store::sweep::{Aim, Swept};

const ALL_MAY_STAY: u64 = u64::MAX;

fn hours_later(hours: u32) -> UnixMillis {
    UnixMillis(NOW.0 + (HOUR * hours).as_millis() as u64)
}

/// A page that was refreshed at this moment.
fn of(moment: UnixMillis, bytes: usize) -> Copy {
    Copy { stored_at: moment, ..page(noise(bytes)) }
}

/// One sweep, and what is left.
fn sweep(house: &House, now: UnixMillis, live: u64) -> (Option<Swept>, Meta) {
    let (db, meta) = house.opened();
    let mut ledger = Ledger { meta };
    let swept = ledger.sweep(db.own().unwrap(), Aim { now, live }).unwrap();
    (swept.map(|(swept, _)| swept), ledger.meta)
}

#[tokio::test]
async fn copies_leave_when_their_time_is_over_and_nothing_is_left_of_them() {
    let (early, late) = (of(NOW, 70_000), of(hours_later(5), 70_000));
    let house = House::with(&[(&key("/early"), &early), (&key("/late"), &late)]).await;
    assert_eq!(sweep(&house, hours_later(23), ALL_MAY_STAY).0, None);
    let (swept, meta) = sweep(&house, hours_later(26), ALL_MAY_STAY);
    assert_eq!(swept, Some(Swept { expired: 1, evicted: 0, full: false }));
    assert_eq!(meta.copies, 1);
    assert_same(house.get(&key("/late")).await, &late);
    sweep(&house, hours_later(31), ALL_MAY_STAY);
    let (db, meta) = house.opened();
    assert_eq!((damage::rows(&db), meta.live, meta.copies), ([0, 0, 0], 0, 0));
}

#[tokio::test]
async fn those_refreshed_least_recently_make_room() {
    let house = House::new();
    for hour in [3, 0, 2, 1] {
        house.keep(&[(&key(&format!("/{hour}")), &of(hours_later(hour), 10_000))]).await;
    }
    // A refresh moves a copy to the end of the line.
    house.keep(&[(&key("/0"), &of(hours_later(4), 10_000))]).await;
    let (swept, meta) = sweep(&house, NOW, 25_000);
    assert_eq!(swept, Some(Swept { expired: 0, evicted: 2, full: false }));
    assert!(meta.live <= 25_000 && meta.live > 20_000, "{}", meta.live);
    for (path, is_there) in [("/0", true), ("/1", false), ("/2", false), ("/3", true)] {
        assert_eq!(house.get(&key(path)).await.is_some(), is_there, "{path}");
    }
}

#[tokio::test]
async fn one_sweep_takes_some_hundred_at_the_most() {
    let pages: Vec<_> = (0..300).map(|n| (key(&format!("/{n}")), of(NOW, 10))).collect();
    let borrowed: Vec<_> = pages.iter().map(|(key, copy)| (key, copy)).collect();
    let house = House::with(&borrowed).await;
    let first = sweep(&house, hours_later(26), ALL_MAY_STAY).0;
    assert_eq!(first, Some(Swept { expired: 250, evicted: 0, full: true }));
    let second = sweep(&house, hours_later(26), ALL_MAY_STAY).0;
    assert_eq!(second, Some(Swept { expired: 50, evicted: 0, full: false }));
}

#[tokio::test]
async fn row_of_expiry_that_leads_nowhere_goes_and_takes_nothing_with_it() {
    let house = House::with(&[(&key("/"), &page("stays"))]).await;
    let (db, _) = house.opened();
    let transaction = begin_write(db.own().unwrap()).unwrap();
    for id in [key("/").id(), key("/never").id()] {
        let stray = expiry_key(NOW.0 - 1, id);
        transaction.open_table(EXPIRY).unwrap().insert(&stray, [].as_slice()).unwrap();
    }
    transaction.commit().unwrap();
    drop(db);
    assert_eq!(sweep(&house, hours_later(1), ALL_MAY_STAY).0, Some(Swept::default()));
    let (db, _) = house.opened();
    assert_eq!(damage::rows(&db), [1, 1, 1]);
    drop(db);
    assert_same(house.get(&key("/")).await, &page("stays"));
}

#[tokio::test]
async fn damaged_row_leaves_like_any_other() {
    let house = House::with(&[(&key("/"), &page("x"))]).await;
    let db = damage::opened(&house);
    damage::change_row(&db, |row| row[20] ^= 1);
    drop(db);
    sweep(&house, hours_later(26), ALL_MAY_STAY);
    let [entries, _, expiries] = damage::rows(&damage::opened(&house));
    assert_eq!((entries, expiries), (0, 0));
}

#[tokio::test]
async fn file_never_outgrows_maxsize_and_the_newest_are_in_it() {
    let mut house = House::new();
    house.settings.maxsize = 100_000;
    let store = house.open();
    for n in 0..40 {
        store.put(key(&format!("/{n}")), of(hours_later(n), 9_000), true);
        until("it is written", || store.counters().queued == 0);
        assert!(store.counters().live_bytes <= 100_000);
    }
    let figures = store.counters();
    assert_eq!(figures.dropped, [0; 4]);
    assert!(figures.evicted >= 29 && figures.copies + figures.evicted == 40, "{figures:?}");
    assert!(!store.shared.index.contains(key("/0").id()));
    store.close().await;
    assert!(house.get(&key("/39")).await.is_some());
    assert!(house.get(&key("/0")).await.is_none());
}

#[tokio::test]
async fn what_is_larger_than_the_file_may_be_is_refused_and_empties_nothing_for_it() {
    let mut house = House::new();
    house.settings.maxsize = 50_000;
    let store = house.open();
    store.put(key("/a"), page(noise(10_000)), true);
    until("it is written", || store.counters().copies == 1);
    store.put(key("/huge"), page(noise(60_000)), true);
    until("it is refused", || store.counters().dropped[Dropped::MaxSize as usize] == 1);
    assert!(store.find(&key("/huge"), NOW).await.is_some(), "memory has it");
    store.close().await;
    assert_same(house.get(&key("/a")).await, &page(noise(10_000)));
}
