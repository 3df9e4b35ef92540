//! May this copy be shown to this visitor, and under which name.

use super::Why;
use std::time::Duration;

/// The answer to [`may_serve`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayServe {
    /// Yes.
    Serve(Freshness),
    /// No.
    Refuse(RefuseReason),
}

/// `X-Retter: cache` or `last-known-success`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// No older than `cache.ttl`.
    Fresh,
    /// Older, or purged: the last known good.
    Stale,
}

/// Why a copy is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefuseReason {
    /// It was made for somebody else, and nobody said that it is for everybody.
    NotYours,
    /// It is none, but a list of variants.
    NoPage,
    // From here on: `cache.strict`.
    /// `no-store`: it must not be here.
    NoStore,
    /// `private`: it must not be here.
    Private,
    /// Made for who brought `Authorization`.
    Authorization,
    /// Not without asking the application.
    NoCache,
    /// Stale, and nothing lets a stale one be given now.
    StrictStale,
    /// Stale, which it forbids.
    MustRevalidate,
    /// As `MustRevalidate`.
    ProxyRevalidate,
    /// As `MustRevalidate`.
    SMaxage,
    /// The visitor wants no copy.
    RequestNoCache,
    /// The visitor wants none so old, or nothing stale.
    RequestMaxAge,
    /// The visitor wants none that becomes stale so soon.
    RequestMinFresh,
    /// The visitor wants none so long stale.
    RequestMaxStale,
    /// Something that may have changed the page was sent after it was kept.
    Invalidated,
}

/// `own`: the copy was found under the visitor's own identity (or both are anonymous), see
/// `key::Lookup`. `purged`: the operator said that the page is not what it should be; it is better
/// than an error, and no more. How long a copy is kept at all (`store.ttl`) is the store's affair.
pub fn may_serve(why: Why, own: bool, purged: bool, age: Duration, ttl: Duration) -> MayServe {
    if why == Why::Variants {
        return MayServe::Refuse(RefuseReason::NoPage);
    }
    if !own && !why.is_for_everybody() {
        return MayServe::Refuse(RefuseReason::NotYours);
    }
    MayServe::Serve(if age <= ttl && !purged { Freshness::Fresh } else { Freshness::Stale })
}

impl Freshness {
    /// The value of `X-Retter`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "cache",
            Self::Stale => "last-known-success",
        }
    }
}

impl RefuseReason {
    /// For log and metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotYours => "not-yours",
            Self::NoPage => "no-page",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::Authorization => "authorization",
            Self::NoCache => "no-cache",
            Self::StrictStale => "strict-stale",
            Self::MustRevalidate => "must-revalidate",
            Self::ProxyRevalidate => "proxy-revalidate",
            Self::SMaxage => "s-maxage",
            Self::RequestNoCache => "request-no-cache",
            Self::RequestMaxAge => "request-max-age",
            Self::RequestMinFresh => "request-min-fresh",
            Self::RequestMaxStale => "request-max-stale",
            Self::Invalidated => "invalidated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(5);

    #[test]
    fn a_visitor_with_an_identity_sees_an_anonymous_copy_only_if_it_is_for_everybody() {
        for number in 1..=6 {
            let why = Why::try_from(number).unwrap();
            let served = matches!(may_serve(why, false, false, TTL, TTL), MayServe::Serve(_));
            assert_eq!(served, why.is_for_everybody(), "{why:?}");
            assert!(matches!(may_serve(why, true, false, TTL, TTL), MayServe::Serve(_)), "{why:?}");
        }
    }

    #[test]
    fn a_list_of_variants_is_shown_to_nobody() {
        for own in [true, false] {
            let refused = MayServe::Refuse(RefuseReason::NoPage);
            assert_eq!(may_serve(Why::Variants, own, false, TTL, TTL), refused);
        }
    }

    #[test]
    fn a_copy_is_fresh_up_to_its_ttl_and_last_known_good_after_it() {
        let later = TTL + Duration::from_millis(1);
        for (age, freshness) in [(TTL, Freshness::Fresh), (later, Freshness::Stale)] {
            let served = may_serve(Why::Anonymous, true, false, age, TTL);
            assert_eq!(served, MayServe::Serve(freshness));
        }
    }

    #[test]
    fn a_purged_copy_is_never_fresh_and_is_shown_to_the_same_visitors() {
        for age in [Duration::ZERO, TTL, TTL * 2] {
            let served = may_serve(Why::Anonymous, true, true, age, TTL);
            assert_eq!(served, MayServe::Serve(Freshness::Stale));
        }
        let refused = MayServe::Refuse(RefuseReason::NotYours);
        assert_eq!(may_serve(Why::Anonymous, false, true, TTL, TTL), refused);
    }
}
