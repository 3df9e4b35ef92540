//! The store's claims, on real files.

mod amplification;
mod audit;
mod checking;
mod covering;
mod damage;
mod disk;
mod faults;
mod formats;
mod healing;
mod keeping;
mod life;
mod looking;
mod packing;
mod power;
mod purging;
mod remembering;
mod rot;
mod sealed;
mod sweeping;
mod troubled;
mod writing;

use super::handle::Handle;
use super::meta::Meta;
use super::*;
use crate::breaker::{Level, Saved, State, Tally};
use crate::encoding;
use crate::key::{Identity, Person, Place};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use std::path::PathBuf;
use tempfile::TempDir;

const APPLICATION: &str = "http://localhost:8088";
const NOW: UnixMillis = UnixMillis(1_900_000_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

/// A folder with a file in it, and the settings to open it.
struct House {
    folder: TempDir,
    settings: Settings,
}

impl Store {
    async fn find(&self, key: &StoreKey, now: UnixMillis) -> Option<Arc<Copy>> {
        self.get(key.id(), key, now).await
    }
}

impl House {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let settings = Settings {
            path: folder.path().join("retter.redb"),
            ttl: 24 * HOUR,
            maxsize: 1 << 30,
            commit: Duration::from_millis(1),
            refresh: Duration::ZERO,
            cache: 32 << 20,
            sharing: Sharing::Live,
            memory: 64 << 20,
        };
        Self { folder, settings }
    }

    fn path(&self) -> &PathBuf {
        &self.settings.path
    }

    fn open(&self) -> Store {
        Store::open(self.settings.clone(), APPLICATION, NOW)
    }

    /// A store that has these pages in its file, and was closed.
    async fn with(pages: &[(&StoreKey, &Copy)]) -> Self {
        let house = Self::new();
        house.keep(pages).await;
        house
    }

    async fn keep(&self, pages: &[(&StoreKey, &Copy)]) {
        let store = self.open();
        assert_eq!(store.trouble(), None);
        for (key, copy) in pages {
            store.put((*key).clone(), (*copy).clone(), true);
        }
        store.close().await;
    }

    /// The file, and what it says about itself.
    fn opened(&self) -> (Handle, Meta) {
        let opened = file::open(&self.settings, APPLICATION, Meta::default()).unwrap();
        (Handle::Own(opened.db.into()), opened.meta)
    }

    /// What `kill -9` leaves: the bytes of the file at this moment, in another folder.
    fn killed(&self) -> Self {
        let mut other = Self::new();
        std::fs::copy(self.path(), other.path()).unwrap();
        other.settings = Settings { path: other.path().clone(), ..self.settings.clone() };
        other
    }

    async fn get(&self, key: &StoreKey) -> Option<Arc<Copy>> {
        let store = self.open();
        let copy = store.find(key, NOW).await;
        store.close().await;
        copy
    }
}

fn key(path: &str) -> StoreKey {
    let place = Place {
        scheme: "http".into(),
        host: "shop.test".into(),
        path: path.into(),
        query: String::new(),
    };
    StoreKey { place: place.into(), identity: Identity::Anonymous, variant: Vec::new() }
}

fn persons(path: &str, seal: u8) -> StoreKey {
    let person = Person { tag: [7; 16], seal: [seal; 32] };
    StoreKey { identity: Identity::Person(person), ..key(path) }
}

fn page(body: impl Into<Bytes>) -> Copy {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    headers.append("link", HeaderValue::from_static("</a>"));
    headers.append("link", HeaderValue::from_bytes(b"</\xe4>").unwrap());
    let (body, why) = (body.into(), Why::Anonymous);
    let status = StatusCode::OK;
    Copy { status, headers, body, at_rest: None, stored_at: NOW, why, purged: false }
}

/// A breaker that is open for this long, since now.
fn open_breaker(level: Level, time: Duration) -> Saved {
    Saved {
        level,
        state: State::Open,
        tally: Tally::default(),
        open_for: time,
        remaining: time,
        open_time: time,
        age: Duration::ZERO,
    }
}

/// A body that zstd cannot make smaller.
fn noise(bytes: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(bytes as u64);
    (0..bytes).map(|_| random.u8(..)).collect()
}

fn assert_same(found: Option<Arc<Copy>>, copy: &Copy) {
    let found = found.expect("there is a copy");
    assert_eq!(found.status, copy.status);
    assert_eq!(found.headers, copy.headers);
    assert!(found.body == copy.body, "{} and {} bytes", found.body.len(), copy.body.len());
    assert_eq!((found.stored_at, found.why), (copy.stored_at, copy.why));
    assert_eq!(found.purged, copy.purged);
    if let Some(at_rest) = &found.at_rest {
        assert!(at_rest.len() < copy.body.len());
        let plain = encoding::decode("zstd", at_rest, copy.body.len());
        assert!(plain.as_deref() == Ok(&copy.body[..]), "what rests is another body");
    }
}

/// Waits for the other threads, not for the clock.
fn until(what: &str, holds: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "never happened: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
