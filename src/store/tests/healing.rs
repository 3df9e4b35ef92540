//! Damage in each table, met by the whole store: what is missing is counted, and kept again as soon
//! as the application answers again, in the same file or in a new one.

use super::*;
use crate::breaker::Unsaved;

/// Something that stands in a page of each table, and in no page of another.
const TABLES: [(&str, &[u8]); 5] = [
    ("entries", b"shop.test"),
    ("bodies", b"a word of the body"),
    ("expiry", EXPIRY),
    ("breakers", b"path /a"),
    ("meta", b"next-body"),
];
/// The hour in which the copies expire, a day after [`NOW`].
const EXPIRY: &[u8] = &[0, 8, 13, 185];

#[derive(Clone, Copy, Debug)]
enum Harm {
    Zeroed,
    /// The page's first byte says what it is.
    Kind,
    /// A bit of what was looked for.
    Bit,
}

#[test]
fn damage_in_any_table_is_counted_and_mended_by_the_next_good_answers() {
    std::thread::scope(|scope| {
        for (table, needle) in TABLES {
            for harm in [Harm::Zeroed, Harm::Kind, Harm::Bit] {
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread();
                    let runtime = { runtime }.enable_all().build().unwrap();
                    runtime.block_on(heals(table, needle, harm));
                });
            }
        }
    });
}

async fn heals(table: &str, needle: &[u8], harm: Harm) {
    let house = House::new();
    let pages: Vec<_> = (0..8).map(|n| (key(&format!("/{n}")), body(n))).collect();
    let store = house.open();
    pages.iter().for_each(|(key, copy)| store.put(key.clone(), copy.clone(), true));
    let breakers =
        [Level::Application, Level::Path("/a".into())].map(|level| open_breaker(level, HOUR));
    store.put_breakers(Unsaved::All(breakers.to_vec()), NOW);
    store.close().await;
    assert!(damage(&house, needle, harm) > 0, "{table}: nothing found");

    let store = house.open();
    let mut missing = 0;
    for (key, copy) in &pages {
        match store.find(key, NOW).await {
            Some(found) => assert!(found.body == copy.body, "{table}, {harm:?}"),
            None => missing += 1,
        }
    }
    let remembered = store.breakers(NOW);
    assert!(remembered.iter().all(|known| breakers.contains(known)), "{table}, {harm:?}");
    let seen = store.counters();
    let counted = seen.damaged + seen.faults + seen.set_aside;
    assert!(missing == 0 || counted > 0, "{table}, {harm:?}: {missing} of {seen:?}");
    pages.iter().for_each(|(key, copy)| store.put(key.clone(), copy.clone(), true));
    store.put_breakers(Unsaved::All(breakers.to_vec()), NOW);
    until("all is written", || store.counters().queued == 0);
    store.close().await;

    let store = house.open();
    assert_eq!(store.trouble(), None, "{table}, {harm:?}");
    for (key, copy) in &pages {
        let found = store.find(key, NOW).await;
        assert!(found.is_some_and(|found| found.body == copy.body), "{table}, {harm:?}: {key:?}");
    }
    assert_eq!(store.breakers(NOW).len(), breakers.len(), "{table}, {harm:?}");
    store.close().await;
}

/// Does it to every page that has the needle; how many there are.
fn damage(house: &House, needle: &[u8], harm: Harm) -> usize {
    let mut bytes = std::fs::read(house.path()).unwrap();
    let mut harmed = 0;
    for page in bytes.chunks_mut(4096).skip(1) {
        let Some(at) = page.windows(needle.len()).position(|bytes| bytes == needle) else {
            continue;
        };
        harmed += 1;
        match harm {
            Harm::Zeroed => page.fill(0),
            Harm::Kind => page[0] ^= 1,
            Harm::Bit => page[at] ^= 1,
        }
    }
    std::fs::write(house.path(), bytes).unwrap();
    harmed
}

/// Too short to be compressed.
fn body(n: usize) -> Copy {
    page(format!("a word of the body of page {n}"))
}
