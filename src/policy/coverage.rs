//! How much of the traffic has a copy, and what kept the rest out.
//!
//! A page is an address that was asked for with GET, whoever asked; it counts with what was decided
//! about it last. The 10,000 pages asked for last are remembered, by a hash of their address: past
//! that the one asked for longest ago is let go, and the figures are those of the others, which
//! [`Coverage::summary`] says. Nothing here is a decision about a request.

use super::Why;
use lru::LruCache;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// The pages of the last hour.
pub struct Coverage {
    pages: LruCache<u64, Page>,
    began: Instant,
    /// When a page that counted was let go.
    let_go: Option<Instant>,
    /// Something was noted since [`Coverage::take_changed`].
    changed: bool,
}

struct Page {
    verdict: Verdict,
    asked: Instant,
}

/// What was decided about a page last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has a copy.
    Kept(Why),
    /// It has none, or an older one at best.
    Refused(&'static str),
}

/// The figures of one hour: counts and reasons, no address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How far back it looks: an hour, or less after a start.
    pub span: Duration,
    /// False: there were more pages than are remembered.
    pub complete: bool,
    /// Pages with a copy, by the reason it is kept for.
    pub kept: BTreeMap<String, u64>,
    /// Pages without, by the reason they were refused for.
    pub refused: BTreeMap<String, u64>,
}

impl Coverage {
    /// Nothing so far. Takes memory only as pages come.
    pub fn new(now: Instant) -> Self {
        Self { pages: LruCache::sparse(MOST), began: now, let_go: None, changed: false }
    }

    /// `page` was asked for and decided about.
    pub fn note(&mut self, page: u64, verdict: Verdict, now: Instant) {
        self.changed = true;
        if let Some(known) = self.pages.get_mut(&page) {
            *known = Page { verdict, asked: now };
        } else {
            self.remember(page, verdict, now);
        }
    }

    /// `page` was asked for in a way that says nothing about its copy; `verdict` counts only if
    /// nothing better is known of it.
    pub fn touch(&mut self, page: u64, verdict: Verdict, now: Instant) {
        self.changed = true;
        if let Some(known) = self.pages.get_mut(&page) {
            let verdict = if is_of_now(known.asked, now) { known.verdict } else { verdict };
            *known = Page { verdict, asked: now };
        } else {
            self.remember(page, verdict, now);
        }
    }

    /// The last hour's figures; `None`: nothing was asked for.
    pub fn summary(&self, now: Instant) -> Option<Summary> {
        let mut summary = Summary {
            span: now.saturating_duration_since(self.began).min(HOUR),
            complete: !self.let_go.is_some_and(|at| is_of_now(at, now)),
            ..Summary::default()
        };
        // The one asked for last comes first.
        for (_, page) in self.pages.iter().take_while(|(_, page)| is_of_now(page.asked, now)) {
            let (counts, reason) = match page.verdict {
                Verdict::Kept(why) => (&mut summary.kept, why.as_str()),
                Verdict::Refused(reason) => (&mut summary.refused, reason),
            };
            match counts.get_mut(reason) {
                Some(count) => *count += 1,
                None => drop(counts.insert(reason.to_owned(), 1)),
            }
        }
        (summary.pages() > 0).then_some(summary)
    }

    /// Has anything been noted since this was asked last?
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    fn remember(&mut self, page: u64, verdict: Verdict, now: Instant) {
        let gone = self.pages.push(page, Page { verdict, asked: now });
        if gone.is_some_and(|(_, gone)| is_of_now(gone.asked, now)) {
            self.let_go = Some(now);
        }
    }
}

impl Summary {
    /// Pages that were asked for.
    pub fn pages(&self) -> u64 {
        self.copies() + self.refused.values().sum::<u64>()
    }

    /// Pages that have a copy.
    pub fn copies(&self) -> u64 {
        self.kept.values().sum()
    }

    /// For people: `412 of 600 pages have a copy; 150 refused: set-cookie, 38: no-store`.
    pub fn words(&self) -> String {
        let of = if self.complete { "" } else { "the last " };
        let mut words = match self.pages() {
            1 => format!("{} of {of}1 page has a copy", self.copies()),
            pages => format!("{} of {of}{pages} pages have a copy", self.copies()),
        };
        let mut refused: Vec<_> = self.refused.iter().collect();
        refused.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), reason.as_str()));
        for (at, (reason, count)) in refused.into_iter().enumerate() {
            let between =
                if at == 0 { format!("; {count} refused:") } else { format!(", {count}:") };
            words.extend([between.as_str(), " ", reason]);
        }
        words
    }
}

fn is_of_now(then: Instant, now: Instant) -> bool {
    now.saturating_duration_since(then) <= HOUR
}

/// How far back the figures look.
const HOUR: Duration = Duration::from_secs(3_600);
const MOST: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

#[cfg(test)]
mod tests {
    use super::*;

    const COOKIE: Verdict = Verdict::Refused("set-cookie");
    const KEPT: Verdict = Verdict::Kept(Why::Anonymous);

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_page_counts_once_and_with_what_was_decided_last() {
        let start = Instant::now();
        let mut coverage = Coverage::new(start);
        assert_eq!(coverage.summary(start), None);
        coverage.note(1, COOKIE, start);
        coverage.note(1, KEPT, start);
        coverage.note(2, KEPT, start);
        coverage.note(2, Verdict::Refused("forget"), after(start, 10));
        let summary = coverage.summary(after(start, 20)).unwrap();
        assert_eq!((summary.pages(), summary.copies()), (2, 1));
        assert_eq!(summary.kept, BTreeMap::from([("anonymous".to_owned(), 1)]));
        assert_eq!(summary.refused, BTreeMap::from([("forget".to_owned(), 1)]));
        assert_eq!((summary.span, summary.complete), (Duration::from_secs(20), true));
    }

    #[test]
    fn only_the_last_hour_counts() {
        let start = Instant::now();
        let mut coverage = Coverage::new(start);
        coverage.note(1, KEPT, start);
        coverage.note(2, COOKIE, after(start, 1));
        let summary = coverage.summary(after(start, 3_601)).unwrap();
        assert_eq!((summary.pages(), summary.copies()), (1, 0));
        assert_eq!(summary.span, HOUR);
        assert_eq!(coverage.summary(after(start, 3_602)), None);
    }

    #[test]
    fn who_only_asks_takes_no_verdict_away() {
        let start = Instant::now();
        let mut coverage = Coverage::new(start);
        coverage.note(1, KEPT, start);
        coverage.touch(1, Verdict::Refused("range-request"), after(start, 3_000));
        coverage.touch(2, Verdict::Refused("range-request"), after(start, 3_000));
        let summary = coverage.summary(after(start, 6_000)).unwrap();
        assert_eq!((summary.pages(), summary.copies()), (2, 1));
        coverage.touch(1, COOKIE, after(start, 9_000));
        assert_eq!(coverage.summary(after(start, 9_000)).unwrap().copies(), 0, "that was long ago");
    }

    #[test]
    fn past_ten_thousand_pages_the_last_ten_thousand_count_and_that_is_said() {
        let start = Instant::now();
        let mut coverage = Coverage::new(start);
        (0..10_000).for_each(|page| coverage.note(page, COOKIE, start));
        assert!(coverage.summary(start).unwrap().complete);
        coverage.note(10_000, KEPT, start);
        let summary = coverage.summary(start).unwrap();
        assert_eq!((summary.pages(), summary.copies(), summary.complete), (10_000, 1, false));
        let words = "1 of the last 10000 pages have a copy; 9999 refused: set-cookie";
        assert_eq!(summary.words(), words);
        // A page of yesterday is no loss.
        coverage.note(10_001, KEPT, after(start, 9_000));
        assert!(coverage.summary(after(start, 9_000)).unwrap().complete);
    }

    #[test]
    fn the_words_name_the_largest_reasons_first() {
        let count = |counts: &[(&str, u64)]| {
            counts.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect()
        };
        let summary = Summary {
            span: HOUR,
            complete: true,
            kept: count(&[("anonymous", 400), ("public", 12)]),
            refused: count(&[("no-store", 38), ("set-cookie", 150)]),
        };
        let words = "412 of 600 pages have a copy; 150 refused: set-cookie, 38: no-store";
        assert_eq!(summary.words(), words);
        let all = Summary { kept: count(&[("public", 1)]), complete: true, ..Summary::default() };
        assert_eq!(all.words(), "1 of 1 page has a copy");
    }

    #[test]
    fn a_change_is_seen_once() {
        let start = Instant::now();
        let mut coverage = Coverage::new(start);
        assert!(!coverage.take_changed());
        coverage.note(1, KEPT, start);
        assert!(coverage.take_changed() && !coverage.take_changed());
    }
}
