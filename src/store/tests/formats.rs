//! Files of released formats, opened by the living code. What is in them is written down in
//! `tests/fixtures/README.md`; a new format gets a new file, and no old one is ever written again.

use super::*;
use crate::breaker::{Level, Saved, State, Tally, Unsaved};
use crate::key::{self, CacheKey};
use crate::store::file::{ENTRIES, begin_write, builder};
use crate::store::reader::{Look, Reader, Session};
use http::Request;
use http::header::{COOKIE, HOST, LOCATION};
use redb::{ReadableDatabase, ReadableTable};
use std::fs;
use std::path::Path;

/// A house with a file of this format in it.
fn house_of(version: u32) -> House {
    let house = House::new();
    fs::copy(fixture(version), house.path()).unwrap();
    house
}

fn fixture(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/v{version}.redb"))
}

/// Everything that is in a fixture, but the breakers.
fn pages(secret: &Secret) -> Vec<(StoreKey, Copy)> {
    let public = Copy { why: Why::Public, ..page("public ".repeat(200)) };
    let mut moved = Copy { status: StatusCode::MOVED_PERMANENTLY, ..page("") };
    moved.headers.insert(LOCATION, HeaderValue::from_static("/new"));
    let mut picture = page(picture());
    picture.headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/png"));
    let personal = Copy { why: Why::Identity, ..page("personal, and for one visitor") };
    vec![
        (key("/open"), page("for everybody who is nobody")),
        (key("/public"), public),
        (key("/old"), moved),
        (key("/picture.png"), picture),
        (account(secret), personal),
    ]
}

/// Two chunks, and nothing that zstd could make smaller.
fn picture() -> Vec<u8> {
    (0..70_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// The key of `/account` for the visitor with [`SESSION`].
fn account(secret: &Secret) -> StoreKey {
    let request = Request::get("/account").header(HOST, "shop.test").header(COOKIE, SESSION);
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let key = CacheKey::of(&parts, &key::Settings::default()).unwrap();
    key.store_key(key.visitor.identity(secret))
}

fn report() -> Saved {
    Saved {
        level: Level::Path("/report".into()),
        state: State::Open,
        tally: Tally::default(),
        open_for: Duration::from_secs(20),
        remaining: Duration::from_secs(20),
        open_time: Duration::from_secs(40),
        age: Duration::ZERO,
    }
}

fn version_of(house: &House) -> u32 {
    let db = builder().open_read_only(house.path()).unwrap();
    crate::migrations::version_of(&db.begin_read().unwrap()).unwrap()
}

fn row_versions(house: &House) -> Vec<u8> {
    let db = builder().open_read_only(house.path()).unwrap();
    let table = db.begin_read().unwrap().open_table(ENTRIES).unwrap();
    table.iter().unwrap().map(|row| row.unwrap().1.value()[0]).collect()
}

async fn assert_all_is_there(store: &Store) {
    assert_eq!(store.trouble(), None);
    for (key, copy) in pages(&store.secret()) {
        assert!(store.has(key.id()).await, "{}", key.place);
        assert_same(store.find(&key, NOW).await, &copy);
    }
    assert_eq!((store.counters().copies, store.counters().damaged), (5, 0));
    let breakers = store.breakers(NOW);
    let application = Saved { level: Level::Application, state: State::Closed, ..report() };
    assert_eq!(breakers, [application, report()]);
}

#[tokio::test]
async fn file_of_version_1_is_opened_with_everything_in_it() {
    let house = house_of(1);
    assert_eq!(version_of(&house), 1);
    for _ in ["at its migration", "after it"] {
        let store = house.open();
        assert_all_is_there(&store).await;
        store.close().await;
        assert_eq!(version_of(&house), crate::migrations::LATEST);
    }
    assert_eq!(row_versions(&house), [1; 5], "the step wrote rows");
    house.keep(&[(&key("/open"), &page("another"))]).await;
    assert_eq!(row_versions(&house).iter().filter(|byte| **byte == 2).count(), 1);
}

#[tokio::test]
async fn file_of_version_1_is_read_beside_without_being_migrated() {
    let house = house_of(1);
    let before = fs::read(house.path()).unwrap();
    let mut reader = Reader::open(house.path()).unwrap();
    let people = reader.people(&Session::read(&[SESSION]).unwrap()).unwrap();
    let rows: Vec<_> = reader.rows().unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!((rows.len(), rows.iter().filter(|row| row.sealed).count()), (5, 1));
    for row in rows {
        assert!(matches!(reader.look(row.id, &people), Ok(Look::Open(_))), "{}", row.place);
    }
    assert!(reader.breakers().unwrap().iter().all(Result::is_ok));
    drop(reader);
    assert!(fs::read(house.path()).unwrap() == before, "looking changed the file");
}

/// `cargo test --lib -- --ignored writes_the_fixture` writes the file of the present format, for
/// the day of its release. It refuses to replace one.
#[ignore = "writes a fixture"]
#[tokio::test]
async fn writes_the_fixture_of_the_present_format() {
    let target = fixture(crate::migrations::LATEST);
    assert!(!target.exists(), "a released file is never written again");
    let house = House::new();
    let store = house.open();
    for (key, copy) in pages(&store.secret()) {
        store.put(key, copy, true);
    }
    let application = Saved { level: Level::Application, state: State::Closed, ..report() };
    store.put_breakers(Unsaved::All(vec![application, report()]), NOW);
    store.close().await;
    let mut db = builder().create(house.path()).unwrap();
    db.compact().unwrap();
    // One more commit as RETTER makes them: a file that RETTER closed is opened without repair.
    begin_write(&db).unwrap().commit().unwrap();
    drop(db);
    fs::copy(house.path(), target).unwrap();
}

const SESSION: &str = "PHPSESSID=a1b2c3d4e5f6";
