//! `cache.strict`: what may have changed a page makes its copies invalid (RFC 9111 section 4.4), those
//! of all visitors, and those of the pages that the answer names on the same host.
//!
//! Invalid means not to be given without asking, and a copy is given when asking is of no use: so
//! they are removed for good, not kept softly for an outage. At once they are given to nobody any
//! more; a sweep of the file then takes them out, the first right away, the next when some time has
//! passed, since each reads all rows.

use super::Proxy;
use super::asked::{Asked, Kind};
use crate::clock::{self, UnixMillis};
use crate::headers::Scheme;
use crate::key::{self, CacheKey, Place, SharedPlace};
use crate::store::select::{Outdated, Purge, Selection};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Uri, response};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

/// The places, and the signal that there is something to sweep.
#[derive(Default)]
pub(super) struct Changed {
    places: Mutex<Outdated>,
    marked: Notify,
}

impl Changed {
    /// A copy of this place, stored then, is out of date.
    pub(super) fn means(&self, place: &Place, stored_at: UnixMillis) -> bool {
        self.places.lock().means(place, stored_at)
    }
}

impl Proxy {
    /// The application has answered; whoever asks from now on is not to see what was before.
    pub(super) fn invalidate(&self, asked: &Asked, answer: &response::Parts) {
        let changes = asked.kind == Kind::Other && !is_safe(&asked.head.method);
        let well = answer.status.is_success() || answer.status.is_redirection();
        if !(self.settings.policy.strict && changes && well) {
            return;
        }
        let now = UnixMillis::read();
        for place in places(asked, &answer.headers, &self.settings.key) {
            debug!(path = place.path, "its copies are out of date");
            if !self.changed.places.lock().mark(&place, now) {
                warn!("more pages are changed than can be swept: copies of some stay");
            }
        }
        self.changed.marked.notify_one();
    }

    /// Takes out what is out of date, whenever there is anything; never returns.
    pub async fn sweep_outdated(self: Arc<Self>) {
        loop {
            self.changed.marked.notified().await;
            let began = clock::mono();
            if !self.sweep_now().await {
                // Whatever keeps it is said by the store.
                self.changed.marked.notify_one();
            }
            let took = clock::mono().saturating_duration_since(began);
            sleep(SWEEPS_APART.max(took * SHARE)).await;
        }
    }

    /// A last time, for some seconds, while the file is still this RETTER's.
    pub async fn sweep_last(self: &Arc<Self>) {
        let _ = timeout(LAST_SWEEP, self.sweep_now()).await;
    }

    /// True: nothing is left that could be taken out.
    async fn sweep_now(self: &Arc<Self>) -> bool {
        let outdated = self.changed.places.lock().clone();
        if outdated.is_empty() {
            return true;
        }
        let (store, meant) = (self.store.clone(), outdated.clone());
        let purge = Purge { selection: Selection::outdated(meant), hard: true, dry_run: false };
        let purging =
            tokio::task::spawn_blocking(move || store.purge(&purge, UnixMillis::read(), |_| {}));
        let swept = matches!(purging.await, Ok(Ok(_)));
        if swept {
            self.changed.places.lock().forget(&outdated);
        }
        swept
    }
}

/// RFC 9110 section 9.2.1. A method that nobody knows may change anything.
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// The target, and what the answer names on the same host.
fn places(asked: &Asked, answer: &HeaderMap, settings: &key::Settings) -> Vec<SharedPlace> {
    let host = asked.head.headers.get(header::HOST);
    let scheme = asked.client.scheme;
    let Some(target) = place(&asked.head.uri, host, scheme, settings) else { return Vec::new() };
    let named = [header::LOCATION, header::CONTENT_LOCATION].into_iter().filter_map(|name| {
        let uri = resolved(&asked.head.uri, answer.get(name)?.to_str().ok()?)?;
        let named = uri.authority().map(|it| HeaderValue::from_str(it.as_str()));
        let host = named.transpose().ok()?;
        let host = host.as_ref().or(asked.head.headers.get(header::HOST));
        let named = place(&uri, host, scheme, settings)?;
        (named.host == target.host && named != target).then_some(named)
    });
    let named: Vec<_> = named.collect();
    [target].into_iter().chain(named).collect()
}

/// What a GET of it would be kept under; `None`: nothing would.
fn place(
    uri: &Uri,
    host: Option<&HeaderValue>,
    scheme: Scheme,
    settings: &key::Settings,
) -> Option<SharedPlace> {
    let request = Request::get(uri.path_and_query()?.as_str()).header(header::HOST, host?);
    let head = request.body(()).ok()?.into_parts().0;
    Some(CacheKey::over(scheme, &head, settings).ok()?.place)
}

/// RFC 3986 section 5.2, without dot segments: those have no copies.
fn resolved(base: &Uri, reference: &str) -> Option<Uri> {
    let reference = reference.split('#').next().unwrap_or_default();
    let whole = match reference.as_bytes() {
        [] => return None,
        [b'/', b'/', ..] => format!("http:{reference}"),
        [b'/', ..] => reference.to_owned(),
        [b'?', ..] => format!("{}{reference}", base.path()),
        _ if reference.contains("://") => reference.to_owned(),
        _ => format!("{}/{reference}", base.path().rsplit_once('/')?.0),
    };
    whole.parse().ok()
}

/// Between two sweeps...
const SWEEPS_APART: Duration = Duration::from_secs(10);
/// ... of which each may take this part of the time.
const SHARE: u32 = 20;
const LAST_SWEEP: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::{Client, Via};
    use crate::key::Places;
    use std::net::IpAddr;

    /// The addresses that become invalid by an answer with these fields.
    fn invalid(target: &str, answer: &[(header::HeaderName, &'static str)]) -> Vec<String> {
        let request = Request::post(target).header("host", "Shop.example:80");
        let head = request.body(()).unwrap().into_parts().0;
        let client = Client::new(IpAddr::from([203, 0, 113, 7]), false);
        let settings = key::Settings::default();
        let via = Via::new("me".to_owned());
        let asked = Asked::of(head, false, client, &via, &Places::default(), &settings);
        let mut fields = HeaderMap::new();
        for (name, value) in answer {
            fields.append(name, HeaderValue::from_static(value));
        }
        places(&asked, &fields, &settings).iter().map(|place| place.to_string()).collect()
    }

    #[test]
    fn the_target_and_what_is_named_on_the_same_host_are_invalid() {
        let target = "http://shop.example/cart/add?x=1";
        let location = |value| [(header::LOCATION, value)];
        assert_eq!(invalid("/cart/add?x=1", &[]), [target]);
        for (named, place) in [
            ("/cart", Some("http://shop.example/cart")),
            ("/cart?a#b", Some("http://shop.example/cart?a")),
            ("http://shop.example/cart", Some("http://shop.example/cart")),
            ("https://SHOP.example/cart", Some("http://shop.example/cart")),
            ("//shop.example/cart", Some("http://shop.example/cart")),
            ("list", Some("http://shop.example/cart/list")),
            ("?y", Some("http://shop.example/cart/add?y")),
            ("/cart/add?x=1", None),
            ("http://other.example/cart", None),
            ("//other.example/cart", None),
            ("../cart", None),
            ("", None),
        ] {
            let expected: Vec<_> = [target].into_iter().chain(place).collect();
            assert_eq!(invalid("/cart/add?x=1", &location(named)), expected, "{named}");
        }
        let both = [(header::LOCATION, "/a"), (header::CONTENT_LOCATION, "/b")];
        assert_eq!(invalid("/c", &both).len(), 3);
    }

    #[test]
    fn only_four_methods_are_safe() {
        for (method, safe) in [
            ("GET", true),
            ("HEAD", true),
            ("OPTIONS", true),
            ("TRACE", true),
            ("POST", false),
            ("PUT", false),
            ("PATCH", false),
            ("DELETE", false),
            ("get", false),
            ("PURGE", false),
        ] {
            assert_eq!(is_safe(&Method::from_bytes(method.as_bytes()).unwrap()), safe, "{method}");
        }
    }
}
