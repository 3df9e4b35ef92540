//! `cache.strict`: what is kept and given is what RFC 9111 lets a shared cache keep and give, and
//! RFC 5861 (`stale-if-error`) in an outage.
//!
//! These rules come on top of all others and only ever take away. Where an RFC leaves the choice,
//! the careful one is made: no heuristic freshness (section 4.2.2), `no-store` counts beside
//! `must-understand` as well, fields named by `no-cache` and `private` make no difference, and what
//! must not be used without asking is not kept, since a copy is used when asking is of no use.
//! `only-if-cached` goes on to the application like any request: RETTER keeps copies for its
//! failures, and is not what that client is asking.
//!
//! The time an answer was under way is not known of a copy; where the application sends a `Date`,
//! the age has it (section 4.2.3: the apparent age).

use super::cache_control::{Directives, Said};
use super::{RefuseReason, SkipReason};
use crate::headers::{list, text};
use http::{HeaderMap, StatusCode, header, request, response};
use std::time::{Duration, SystemTime};

/// Why there is no answer of the application's to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distress {
    /// It answered with this status.
    Status(StatusCode),
    /// It was not asked: a breaker is open, or as many as it can work on are inside.
    NotAsked,
    /// It was reached, and what came was no whole answer.
    Broken,
    /// It cannot be reached, or says nothing: the cache is disconnected (section 4.2.4).
    Unreachable,
}

/// A copy that might be given, and to what.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    pub request: &'a HeaderMap,
    /// The copy's fields.
    pub fields: &'a HeaderMap,
    pub stored_at: SystemTime,
    /// Since then.
    pub age: Duration,
    /// The operator took its freshness away.
    pub purged: bool,
    pub distress: Distress,
}

/// May the answer be stored (section 3)?
pub(super) fn may_store(
    request: &request::Parts,
    response: &response::Parts,
) -> Result<(), SkipReason> {
    let (said, answer) = (Said::by(&response.headers), Directives::of(&response.headers));
    if said.no_store || Directives::of(&request.headers).says("no-store") {
        return Err(SkipReason::NoStore);
    }
    if said.private {
        return Err(SkipReason::Private);
    }
    if answer.says("no-cache") {
        return Err(SkipReason::NoCache);
    }
    if is_withheld(&request.headers, said, &answer) {
        return Err(SkipReason::Authorization);
    }
    let status = response.status.as_u16();
    let explicit = said.is_for_everybody()
        || response.headers.contains_key(header::EXPIRES)
        || answer.permits("max-age")
        || answer.permits("s-maxage");
    let understood = !answer.says("must-understand") || HEURISTIC.contains(&status);
    let storable = understood && (explicit || HEURISTIC.contains(&status));
    if storable { Ok(()) } else { Err(SkipReason::Status) }
}

/// Why a copy that is this visitor's must not be given all the same (section 4).
pub fn strict_refusal(offer: &Offer<'_>) -> Option<RefuseReason> {
    let (said, answer) = (Said::by(offer.fields), Directives::of(offer.fields));
    let asked = Directives::of(offer.request);
    // It may have been stored before the operator said `cache.strict`.
    let kept_wrongly = [
        (said.no_store, RefuseReason::NoStore),
        (said.private, RefuseReason::Private),
        (is_withheld(offer.request, said, &answer), RefuseReason::Authorization),
        (answer.says("no-cache"), RefuseReason::NoCache),
        (asked.says("no-cache"), RefuseReason::RequestNoCache),
    ];
    if let Some((_, reason)) = kept_wrongly.iter().find(|(applies, _)| *applies) {
        return Some(*reason);
    }
    let (age, lifetime) = (age(offer), lifetime(offer, &answer));
    if asked.seconds("max-age").is_some_and(|most| age > most) {
        return Some(RefuseReason::RequestMaxAge);
    }
    if asked.seconds("min-fresh").is_some_and(|least| lifetime.saturating_sub(age) < least) {
        return Some(RefuseReason::RequestMinFresh);
    }
    if lifetime > age { None } else { stale(offer, &answer, &asked, age - lifetime) }
}

/// Why a copy must not be given that has been stale for so many seconds (section 4.2.4).
fn stale(
    offer: &Offer<'_>,
    answer: &Directives<'_>,
    asked: &Directives<'_>,
    staleness: u64,
) -> Option<RefuseReason> {
    let forbidding = [
        ("must-revalidate", RefuseReason::MustRevalidate),
        ("proxy-revalidate", RefuseReason::ProxyRevalidate),
        // Section 5.2.2.10: it has the meaning of `proxy-revalidate`.
        ("s-maxage", RefuseReason::SMaxage),
    ];
    if let Some((_, reason)) = forbidding.iter().find(|(word, _)| answer.says(word)) {
        return Some(*reason);
    }
    let max_stale = asked.seconds_or_any("max-stale");
    if max_stale.is_none() && asked.says("max-age") {
        // Section 5.2.1.1: who says `max-age` wants nothing stale, unless he says so.
        return Some(RefuseReason::RequestMaxAge);
    }
    if max_stale.is_some_and(|most| staleness > most) {
        return Some(RefuseReason::RequestMaxStale);
    }
    let on_error = || answer.seconds("stale-if-error").max(asked.seconds("stale-if-error"));
    let permitted = max_stale.is_some()
        || match offer.distress {
            Distress::Unreachable => true,
            Distress::Status(status) if !ERRORS.contains(&status.as_u16()) => false,
            _ => on_error().is_some_and(|most| staleness <= most),
        };
    (!permitted).then_some(RefuseReason::StrictStale)
}

/// Made for who brought `Authorization`, and nothing says that others may have it (section 3.5).
fn is_withheld(request: &HeaderMap, said: Said, answer: &Directives<'_>) -> bool {
    let shared =
        said.is_for_everybody() || answer.permits("must-revalidate") || answer.permits("s-maxage");
    request.contains_key(header::AUTHORIZATION) && !shared
}

/// Seconds for which it is fresh (section 4.2.1).
fn lifetime(offer: &Offer<'_>, answer: &Directives<'_>) -> u64 {
    if offer.purged || answer.is_broken {
        return 0;
    }
    let said = answer.seconds("s-maxage").or_else(|| answer.seconds("max-age"));
    said.unwrap_or_else(|| expires_after(offer))
}

/// `Expires` minus `Date`; in doubt it has expired (section 5.3).
fn expires_after(offer: &Offer<'_>) -> u64 {
    let mut lines = offer.fields.get_all(header::EXPIRES).iter();
    let one = lines.next().filter(|first| lines.all(|line| line == first));
    let expires = one.and_then(|line| httpdate::parse_http_date(line.to_str().ok()?).ok());
    let date = match offer.fields.contains_key(header::DATE) {
        true => date(offer.fields),
        false => Some(offer.stored_at),
    };
    let after = expires.zip(date).and_then(|(expires, date)| expires.duration_since(date).ok());
    after.map_or(0, |after| after.as_secs())
}

/// Seconds since the application made it (section 4.2.3).
fn age(offer: &Offer<'_>) -> u64 {
    let apparent = date(offer.fields).and_then(|date| offer.stored_at.duration_since(date).ok());
    let came_with = list(offer.fields, &header::AGE).next().and_then(|age| age.parse().ok());
    let initial = apparent.map_or(0, |age| age.as_secs()).max(came_with.unwrap_or(0));
    initial.saturating_add(offer.age.as_secs())
}

fn date(fields: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(text(fields, &header::DATE)?).ok()
}

/// Statuses that may be kept when nothing is said about it (RFC 9110 section 15.1), all of which are
/// understood here.
const HEURISTIC: [u16; 11] = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];

/// What `stale-if-error` means (RFC 5861 section 4).
const ERRORS: [u16; 4] = [500, 502, 503, 504];

#[cfg(test)]
mod tests;
