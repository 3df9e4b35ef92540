//! Large files, made by the real store in seconds instead of by visitors in minutes.

use super::client::HOST;
use http::{Request, StatusCode};
use retter::clock::UnixMillis;
use retter::key::{self, CacheKey, Identity, StoreKey};
use retter::policy::Why;
use retter::store::{Copy, Settings, Sharing, Store};
use std::path::Path;
use std::time::Duration;

/// A file for the application at `url` with `count` pages of `bytes` each, which no compression
/// makes smaller: [`address`] and [`body`].
pub fn file(path: &Path, url: &str, count: u64, bytes: usize) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut number = 0;
    while number < count {
        // A store that is being closed writes without a pause.
        let store = Store::open(settings(path), url, UnixMillis::read());
        let end = count.min(number + A_CLOSE);
        for number in number..end {
            store.put(key_of(&address(number)), copy(number, bytes), true);
        }
        number = end;
        runtime.block_on(store.close());
        assert_eq!(store.counters().copies, number, "{:?}", store.counters());
    }
}

pub fn address(number: u64) -> String {
    format!("/filled/{number}")
}

/// A page that can be checked by itself.
pub fn body(number: u64, bytes: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(number);
    let mut body = format!("page {number}\n").into_bytes();
    let written = body.len();
    body.resize(bytes, 0);
    random.fill(&mut body[written..]);
    body
}

fn copy(number: u64, bytes: usize) -> Copy {
    Copy {
        status: StatusCode::OK,
        headers: Default::default(),
        body: body(number, bytes).into(),
        at_rest: None,
        stored_at: UnixMillis::read(),
        why: Why::Anonymous,
        purged: false,
    }
}

fn key_of(address: &str) -> StoreKey {
    let request = Request::get(address).header("host", HOST).body(()).expect("a request");
    let key = CacheKey::of(&request.into_parts().0, &key::Settings::default());
    key.expect("a page with a key").store_key(Identity::Anonymous)
}

fn settings(path: &Path) -> Settings {
    Settings {
        path: path.to_owned(),
        ttl: Duration::from_secs(7 * 24 * 3_600),
        maxsize: u64::MAX,
        commit: Duration::ZERO,
        refresh: Duration::ZERO,
        cache: 64 << 20,
        sharing: Sharing::Live,
        memory: 0,
    }
}

/// Copies between two closings: less than the queue has room for.
const A_CLOSE: u64 = 1_500;
