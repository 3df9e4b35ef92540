//! The variants of a page: an answer with `Vary` is one of several that share an address
//! (RFC 9111 section 4.1).
//!
//! Beside the page there is then a list ([`Why::Variants`]): by which request fields the page varies,
//! and which variants there are. Each variant has a key of its own. A request is given the variant that
//! its own fields name and no other. There are at most 16 of a page: whoever makes values up must not
//! be able to push out those that visitors need, so a new one takes the place of one that was not seen
//! for an hour, or is not kept; and so with the fields by which the page varies.
//!
//! [`Why::Variants`]: super::Why::Variants

use super::SkipReason;
use crate::headers::list;
use crate::key::Variant;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::time::Duration;

/// What stands under the key of a page that varies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variants {
    names: Vec<HeaderName>,
    /// With the time of the last answer (since 1970) or a little earlier.
    seen: Vec<(Variant, Duration)>,
}

impl Variants {
    /// None yet, of a page that varies by these fields.
    pub fn by(names: Vec<HeaderName>) -> Self {
        Self { names, seen: Vec::new() }
    }

    /// From what [`Variants::written`] made of it; `None`: it is no such thing.
    pub fn read(head: &HeaderMap, body: &[u8]) -> Option<Self> {
        let names = list(head, &header::VARY).map(|name| name.parse().ok());
        let (rows, rest) = body.as_chunks::<ROW>();
        let seen = rows.iter().map(|row| {
            let (mut variant, mut seen) = ([0; 16], [0; 8]);
            variant.copy_from_slice(&row[..16]);
            seen.copy_from_slice(&row[16..]);
            (Variant(variant), Duration::from_millis(u64::from_be_bytes(seen)))
        });
        let read = Self { names: names.collect::<Option<_>>()?, seen: seen.collect() };
        let sound = rest.is_empty() && read.seen.len() <= VARIANTS_MAX && !read.names.is_empty();
        sound.then_some(read)
    }

    /// Head and body of a copy.
    pub fn written(&self) -> (HeaderMap, Bytes) {
        let mut head = HeaderMap::new();
        for name in &self.names {
            head.append(header::VARY, HeaderValue::from(name.clone()));
        }
        let rows = self
            .seen
            .iter()
            .flat_map(|(variant, seen)| variant.0.into_iter().chain(millis(*seen).to_be_bytes()));
        (head, rows.collect())
    }

    /// The request fields that choose.
    pub fn names(&self) -> &[HeaderName] {
        &self.names
    }

    /// Are these fields among those that choose? Who varies by fewer is told apart all the same.
    pub fn covers(&self, names: &[HeaderName]) -> bool {
        names.iter().all(|name| self.names.contains(name))
    }

    /// A variant was seen within the hour. `now` since 1970.
    pub fn is_needed(&self, now: Duration) -> bool {
        self.newest().is_some_and(|newest| now.saturating_sub(newest) < UNSEEN)
    }

    /// Does a copy of the page that is the same for all still count? Not when only variants have
    /// come for an hour. `stored_at` since 1970.
    pub fn counts_beside(&self, stored_at: Duration) -> bool {
        self.newest().is_none_or(|newest| newest.saturating_sub(stored_at) < UNSEEN)
    }

    /// Is it one of them?
    pub fn has(&self, variant: Variant) -> bool {
        self.all().any(|known| known == variant)
    }

    /// All there are.
    pub fn all(&self) -> impl Iterator<Item = Variant> {
        self.seen.iter().map(|(variant, _)| *variant)
    }

    /// The list changed a moment ago: it may be on its way to where it is read from. `now` since 1970.
    pub fn is_new(&self, now: Duration) -> bool {
        self.seen.iter().any(|(_, seen)| now.saturating_sub(*seen) < ON_ITS_WAY)
    }

    /// An answer for this variant has come, and would be kept: it has a place now, and the variant that
    /// comes back has lost its own. `now` since 1970.
    ///
    /// # Errors
    /// There is no place for it.
    pub fn admit(&mut self, variant: Variant, now: Duration) -> Result<Option<Variant>, Full> {
        if let Some((_, seen)) = self.seen.iter_mut().find(|(known, _)| *known == variant) {
            *seen = now;
            return Ok(None);
        }
        if self.seen.len() < VARIANTS_MAX {
            self.seen.push((variant, now));
            return Ok(None);
        }
        match self.seen.iter_mut().min_by_key(|(_, seen)| *seen) {
            Some(oldest) if now.saturating_sub(oldest.1) >= UNSEEN => {
                let (old, _) = std::mem::replace(oldest, (variant, now));
                Ok(Some(old))
            }
            _ => Err(Full),
        }
    }

    fn newest(&self) -> Option<Duration> {
        self.seen.iter().map(|(_, seen)| *seen).max()
    }
}

/// Sixteen variants are kept and asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The request fields that this answer depends on, of those that count: `Accept-Encoding` does not,
/// as copies are transcoded for readers who need it, and what was `declared` the same for everybody
/// does not depend on `Cookie`. An answer that lets a particular `Origin` read it depends on that
/// one, whether it says so or not (the Fetch standard asks for `Vary: Origin` there, and many forget).
pub(super) fn chosen_by(answer: &HeaderMap, declared: bool) -> Result<Vec<HeaderName>, SkipReason> {
    let mut names = Vec::new();
    let is_text = |line: &HeaderValue| line.to_str().is_ok();
    if !answer.get_all(header::VARY).iter().all(is_text) {
        return Err(SkipReason::Vary);
    }
    for name in list(answer, &header::VARY) {
        // `*` is no name: it depends on what is not in the request at all.
        let name = name.parse::<HeaderName>().ok().filter(|_| name != "*");
        add(&mut names, name.ok_or(SkipReason::Vary)?, declared);
    }
    let mut origins = answer.get_all(header::ACCESS_CONTROL_ALLOW_ORIGIN).iter();
    if !origins.all(|origin| origin == "*") {
        add(&mut names, header::ORIGIN, declared);
    }
    if names.len() > NAMES_MAX { Err(SkipReason::Vary) } else { Ok(names) }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn add(names: &mut Vec<HeaderName>, name: HeaderName, declared: bool) {
    let counts = name != header::ACCEPT_ENCODING && !(declared && name == header::COOKIE);
    if counts && !names.contains(&name) {
        names.push(name);
    }
}

/// Variants of a page.
const VARIANTS_MAX: usize = 16;
/// Request fields that a page may depend on: no page needs more.
const NAMES_MAX: usize = 8;
/// A variant that was not asked for that long makes room for a new one.
const UNSEEN: Duration = Duration::from_secs(3_600);
/// More than a list needs to where it is read from.
const ON_ITS_WAY: Duration = Duration::from_secs(10);
/// Bytes of a variant in the list.
const ROW: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn variant(number: u8) -> Variant {
        Variant([number; 16])
    }

    fn full(at: u64) -> Variants {
        let mut variants = Variants::by(vec![header::ACCEPT_LANGUAGE]);
        for number in 0..16 {
            let admitted =
                variants.admit(variant(number), Duration::from_millis(at + u64::from(number)));
            assert_eq!(admitted, Ok(None));
        }
        variants
    }

    #[test]
    fn sixteen_have_a_place_and_a_seventeenth_waits_for_one_that_nobody_needs() {
        let mut variants = full(HOUR);
        let now = Duration::from_millis(2 * HOUR - 1);
        assert_eq!(variants.admit(variant(99), now), Err(Full));
        assert_eq!(variants.admit(variant(0), now), Ok(None), "it is needed");
        let later = Duration::from_millis(2 * HOUR + 1);
        assert_eq!(variants.admit(variant(99), later), Ok(Some(variant(1))));
        assert_eq!(variants.all().count(), 16);
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let variants = full(HOUR);
        let (head, body) = variants.written();
        assert_eq!(Variants::read(&head, &body), Some(variants));
        assert_eq!(Variants::read(&head, &body[1..]), None);
        assert_eq!(Variants::read(&HeaderMap::new(), &body), None);
        assert_eq!(Variants::read(&head, &[0; 17 * ROW]), None);
    }

    #[test]
    fn fewer_fields_are_covered_and_others_are_not() {
        let variants = full(0);
        assert!(variants.covers(&[header::ACCEPT_LANGUAGE]) && variants.covers(&[]));
        assert!(!variants.covers(&[header::ACCEPT_LANGUAGE, header::ORIGIN]));
        assert!(!variants.covers(&[header::ORIGIN]));
    }

    #[test]
    fn what_nobody_asked_for_in_an_hour_is_not_needed() {
        let (variants, hour) = (full(0), Duration::from_millis(HOUR));
        let newest = Duration::from_millis(15);
        assert!(variants.is_needed(newest + hour - Duration::from_millis(1)));
        assert!(!variants.is_needed(newest + hour));
        let later = full(HOUR);
        assert!(later.counts_beside(newest + Duration::from_millis(1)));
        assert!(!later.counts_beside(newest));
    }
}
