//! The breakers' memory in real files.

use super::*;
use crate::breaker::{LONGEST_NAME, Unsaved};
use crate::store::breakers::list;
use crate::store::file::{BREAKERS, begin_write};

fn open(level: Level) -> Saved {
    open_breaker(level, Duration::from_secs(20))
}

fn path(name: &str) -> Saved {
    open(Level::Path(name.into()))
}

fn closed() -> Saved {
    Saved { state: State::Closed, ..open(Level::Application) }
}

fn later(milliseconds: u64) -> UnixMillis {
    UnixMillis(NOW.0 + milliseconds)
}

/// Puts them and waits until they are in the file.
fn write(store: &Store, unsaved: Unsaved, at: UnixMillis) {
    let before = store.counters().commits;
    store.put_breakers(unsaved, at);
    until("the breakers written", || store.counters().commits > before);
}

fn levels(saved: &[Saved]) -> Vec<&Level> {
    saved.iter().map(|saved| &saved.level).collect()
}

#[tokio::test]
async fn what_a_breaker_has_become_does_not_wait_for_the_next_commit() {
    let mut house = House::new();
    house.settings.commit = HOUR;
    let store = house.open();
    store.put(key("/"), page("waits"), true);
    write(&store, Unsaved::All(vec![open(Level::Application)]), NOW);
    assert_eq!(house.killed().open().breakers(NOW).len(), 1);
    store.close().await;
}

#[tokio::test]
async fn breakers_survive_a_kill_with_their_time_running_on() {
    let house = House::new();
    let store = house.open();
    write(&store, Unsaved::All(vec![open(Level::Application), path("/a")]), NOW);
    let killed = house.killed().open();
    let found = killed.breakers(later(7_000));
    assert_eq!(levels(&found), [&Level::Application, &Level::Path("/a".into())]);
    for saved in found {
        assert_eq!((saved.state, saved.open_time), (State::Open, Duration::from_secs(20)));
        assert_eq!(saved.remaining, Duration::from_secs(13));
        assert_eq!(saved.age, Duration::from_secs(7));
    }
    store.close().await;
}

#[tokio::test]
async fn what_was_put_last_is_committed_at_the_end() {
    let mut house = House::new();
    house.settings.commit = HOUR;
    let store = house.open();
    store.put_breakers(Unsaved::All(vec![closed(), path("/a")]), NOW);
    store.put_breakers(Unsaved::Counts(Box::new(open(Level::Application))), NOW);
    store.close().await;
    let store = house.open();
    let found = store.breakers(NOW);
    assert_eq!((found.len(), found[0].state), (2, State::Open));
    store.close().await;
}

#[tokio::test]
async fn path_that_has_closed_has_no_row_any_more() {
    let house = House::new();
    let store = house.open();
    write(&store, Unsaved::All(vec![closed(), path("/a"), path("/b")]), NOW);
    write(&store, Unsaved::All(vec![closed(), path("/b")]), NOW);
    let found = store.breakers(NOW);
    assert_eq!(levels(&found), [&Level::Application, &Level::Path("/b".into())]);
    write(&store, Unsaved::Counts(Box::new(closed())), NOW);
    assert_eq!(store.breakers(NOW).len(), 2, "counts say nothing about paths");
    store.close().await;
}

#[tokio::test]
async fn path_that_did_not_change_is_as_old_as_its_last_change() {
    let house = House::new();
    let store = house.open();
    write(&store, Unsaved::All(vec![closed(), path("/a")]), NOW);
    let running = Saved { remaining: Duration::from_millis(10_020), ..path("/a") };
    write(&store, Unsaved::All(vec![closed(), running]), later(10_000));
    let over = Saved { remaining: Duration::ZERO, ..path("/a") };
    write(&store, Unsaved::All(vec![closed(), over]), later(90_000));
    let ages = store.breakers(later(90_000)).into_iter().map(|saved| saved.age.as_secs());
    assert_eq!(ages.collect::<Vec<_>>(), [0, 90]);
    let again = Saved { open_for: Duration::from_secs(40), ..path("/a") };
    write(&store, Unsaved::All(vec![closed(), again]), later(91_000));
    assert_eq!(store.breakers(later(91_000))[1].age, Duration::ZERO);
    store.close().await;
}

#[tokio::test]
async fn another_application_begins_without_the_breakers_of_the_old_one() {
    let house = House::new();
    let store = house.open();
    write(&store, Unsaved::All(vec![open(Level::Application), path("/a")]), NOW);
    store.close().await;
    let other = Store::open(house.settings.clone(), "http://localhost:9999", NOW);
    assert_eq!(other.breakers(NOW), []);
    other.close().await;
    assert_eq!(house.open().breakers(NOW), []);
}

#[tokio::test]
async fn ten_thousand_paths_with_the_longest_names_fit() {
    let house = House::new();
    let store = house.open();
    let name = |n: usize| format!("/{n:0width$}", width = LONGEST_NAME - 1);
    let paths = (0..10_000).map(|n| path(&name(n)));
    let all: Vec<_> = std::iter::once(closed()).chain(paths).collect();
    store.put_breakers(Unsaved::All(all), NOW);
    store.close().await;
    let store = house.open();
    assert_eq!(store.breakers(NOW).len(), 10_001);
    write(&store, Unsaved::All(vec![closed()]), NOW);
    assert_eq!(store.breakers(NOW).len(), 1);
    store.close().await;
}

#[tokio::test]
async fn damaged_breaker_is_dropped_and_the_others_are_not() {
    let house = House::new();
    let store = house.open();
    write(&store, Unsaved::All(vec![open(Level::Application), path("/a")]), NOW);
    store.close().await;
    let (db, _) = house.opened();
    let transaction = begin_write(db.own().unwrap()).unwrap();
    let row = [0xff; 40];
    transaction.open_table(BREAKERS).unwrap().insert("application", row.as_slice()).unwrap();
    transaction.commit().unwrap();
    let table = db.begin_read().unwrap().open_table(BREAKERS).unwrap();
    let listed = list(&table).unwrap();
    assert!(listed[0].as_ref().is_err_and(|damaged| damaged.name == "application"));
    drop((table, db));
    let store = house.open();
    assert_eq!(levels(&store.breakers(NOW)), [&Level::Path("/a".into())]);
    write(&store, Unsaved::Counts(Box::new(closed())), NOW);
    assert_eq!(store.breakers(NOW).len(), 2);
    store.close().await;
}

#[tokio::test]
async fn breakers_that_wait_survive_a_fault_of_the_file() {
    let house = House::new();
    let store = house.open();
    let db = store.shared.file.get().unwrap();
    store.shared.lost(&db, &redb::Error::Corrupted("a test".into()));
    store.put_breakers(Unsaved::All(vec![open(Level::Application)]), NOW);
    drop(db);
    until("written to the file opened anew", || store.breakers(NOW).len() == 1);
    store.close().await;
}

#[tokio::test]
async fn without_a_file_there_is_nothing_to_remember() {
    let mut house = House::new();
    house.settings.path = house.folder.path().join("no/such/retter.redb");
    let store = house.open();
    store.put_breakers(Unsaved::All(vec![open(Level::Application)]), NOW);
    assert_eq!(store.breakers(NOW), []);
    store.close().await;
}
