//! What `cache.strict` adds to a rescue.

use super::Proxy;
use super::asked::Asked;
use super::rescue::Why;
use crate::policy::{self, Distress, MayServe, Offer, RefuseReason};
use crate::store::Copy;
use crate::upstream::Failure;
use std::time::{Duration, UNIX_EPOCH};

/// The decision, if the strict rules leave it.
pub(super) fn weigh(
    may_serve: MayServe,
    proxy: &Proxy,
    asked: &Asked,
    copy: &Copy,
    age: Duration,
    why: Why,
) -> MayServe {
    if !proxy.settings.policy.strict || matches!(may_serve, MayServe::Refuse(_)) {
        return may_serve;
    }
    let place = asked.key.as_ref().map(|key| &key.place);
    if place.is_ok_and(|place| proxy.changed.means(place, copy.stored_at)) {
        return MayServe::Refuse(RefuseReason::Invalidated);
    }
    let refused = policy::strict_refusal(&Offer {
        request: &asked.head.headers,
        fields: &copy.headers,
        stored_at: UNIX_EPOCH + Duration::from_millis(copy.stored_at.0),
        age,
        purged: copy.purged,
        distress: distress(why),
    });
    refused.map_or(may_serve, MayServe::Refuse)
}

fn distress(why: Why) -> Distress {
    match why {
        Why::NotAsked(_) | Why::ForcedOpen | Why::GateFull | Why::Joined => Distress::NotAsked,
        Why::Patience => Distress::Unreachable,
        Why::Status(status) => Distress::Status(status),
        Why::Failure(Failure::Timeout | Failure::NoSocket) => Distress::Unreachable,
        Why::Failure(failure) if failure.is_transport() => Distress::Unreachable,
        Why::Failure(_) => Distress::Broken,
    }
}
