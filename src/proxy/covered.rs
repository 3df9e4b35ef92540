//! How much of what visitors ask for has a copy: noted request by request, said once an hour, and
//! handed to the store once a minute if anything has changed. A RETTER that nobody asks says nothing.

use super::Proxy;
use super::asked::{Asked, Kind};
use super::rescue::Why;
use crate::clock::{self, Now};
use crate::policy::{Coverage, Summary, Verdict};
use http::header;
use parking_lot::Mutex;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use tracing::info;

/// The pages, behind their lock, which is held for some dozens of nanoseconds.
pub(super) struct Covered {
    pages: Mutex<Coverage>,
    hasher: RandomState,
}

impl Covered {
    pub(super) fn new(now: Instant) -> Self {
        Self { pages: Mutex::new(Coverage::new(now)), hasher: RandomState::new() }
    }

    /// A copy was made of the answer, or given instead of one.
    pub(super) fn kept(&self, asked: &Asked, why: crate::policy::Why, now: Instant) {
        self.note(asked, Verdict::Kept(why), Coverage::note, now);
    }

    /// No copy was made of the answer. That may be for what the request was and not for what the
    /// page is; then it counts only if nothing else is known.
    pub(super) fn refused(&self, asked: &Asked, reason: &'static str) {
        let has = |name| asked.head.headers.contains_key(name);
        let is_unchanged = || has(header::IF_NONE_MATCH) || has(header::IF_MODIFIED_SINCE);
        let is_the_requests =
            THE_REQUESTS.contains(&reason) || (reason == STATUS && is_unchanged());
        let note = if is_the_requests { Coverage::touch } else { Coverage::note };
        self.note(asked, Verdict::Refused(reason), note, clock::mono());
    }

    /// The application gave no good answer, and there was no copy.
    pub(super) fn missed(&self, asked: &Asked, why: Why) {
        let reason = match why {
            Why::NotAsked(_) | Why::ForcedOpen | Why::GateFull | Why::Joined => "not-asked",
            Why::Status(_) | Why::Failure(_) | Why::Patience => "no-good-answer",
        };
        self.note(asked, Verdict::Refused(reason), Coverage::touch, clock::mono());
    }

    fn note(
        &self,
        asked: &Asked,
        verdict: Verdict,
        note: fn(&mut Coverage, u64, Verdict, Instant),
        now: Instant,
    ) {
        if asked.kind == Kind::Get {
            let page = self.page(asked);
            note(&mut self.pages.lock(), page, verdict, now);
        }
    }

    /// Where there is no key, the path is what can be told without a secret in it.
    fn page(&self, asked: &Asked) -> u64 {
        match &asked.key {
            Ok(key) => key.place.id().number(),
            Err(_) => {
                let host = asked.head.headers.get(header::HOST).map(|host| host.as_bytes());
                self.hasher.hash_one((host, asked.path()))
            }
        }
    }

    fn changed_summary(&self, now: Instant) -> Option<Summary> {
        let mut pages = self.pages.lock();
        if pages.take_changed() { pages.summary(now) } else { None }
    }
}

/// When it is said.
struct Hourly {
    apart: Duration,
    next: Instant,
}

impl Hourly {
    fn begin(now: Instant, apart: Duration) -> Self {
        Self { apart, next: now + apart }
    }

    /// The line for the log, if it is time and anything was asked for.
    fn line(&mut self, pages: &Coverage, now: Instant) -> Option<String> {
        if now < self.next {
            return None;
        }
        self.next = now + self.apart;
        Some(pages.summary(now)?.words())
    }
}

impl Proxy {
    /// Says once in `said` how much has a copy, and hands that to the store once in `written`;
    /// never returns.
    pub async fn report_coverage(&self, said: Duration, written: Duration) {
        let mut hourly = Hourly::begin(clock::mono(), said);
        loop {
            sleep(written).await;
            self.write_coverage();
            let line = hourly.line(&self.covered.pages.lock(), clock::mono());
            if let Some(line) = line {
                info!("in the last hour: {line}");
            }
        }
    }

    /// Hands over what has changed since the last time; at the end too, before the store is closed.
    pub fn write_coverage(&self) {
        let now = Now::read();
        if let Some(summary) = self.covered.changed_summary(now.mono) {
            self.store.put_coverage(summary, now.wall);
        }
    }
}

/// Reasons that lie in a request, and leave the copy of its page as it was.
const THE_REQUESTS: [&str; 4] = ["range-request", "odd-spelling", "slow-client", "capture-budget"];
/// What a 304 is refused for.
const STATUS: &str = "status";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_an_hour_and_only_if_somebody_asked() {
        let (start, hour) = (Instant::now(), Duration::from_secs(3_600));
        let mut pages = Coverage::new(start);
        let mut hourly = Hourly::begin(start, hour);
        pages.note(1, Verdict::Refused("set-cookie"), start + hour / 2);
        assert_eq!(hourly.line(&pages, start + hour / 2), None, "too early");
        let line = hourly.line(&pages, start + hour);
        assert_eq!(line.as_deref(), Some("0 of 1 page has a copy; 1 refused: set-cookie"));
        assert_eq!(hourly.line(&pages, start + hour), None, "once");
        assert_eq!(hourly.line(&pages, start + hour * 2), None, "nobody has asked since");
    }
}
