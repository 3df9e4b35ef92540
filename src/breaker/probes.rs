//! The probes of a half-open breaker: who is inside, and how many were good.
//!
//! Every place is a lease. Without one, a probe that is lost on its way back (a panic, a bug, a
//! task that was dropped) would leave the breaker half-open for ever.

use super::settings::Settings;
use std::time::{Duration, Instant};

/// One generation's probes.
#[derive(Clone, Debug, Default)]
pub(super) struct Probes {
    inside: Vec<Probe>,
    good: u32,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    permit: u64,
    began: Instant,
}

/// Added to the lease: a call ends by `backend.timeout` itself, and a probe that times out on the
/// dot must not find its place, and with it its verdict, just given away.
const GRACE: Duration = Duration::from_millis(500);

impl Probes {
    pub(super) fn has_place(&self, now: Instant, settings: &Settings) -> bool {
        let held = self.inside.iter().filter(|probe| probe.holds(now, settings)).count();
        held < settings.probes.max(1) as usize
    }

    /// Lost probes make room: what they say later is dropped, since they are no longer listed.
    pub(super) fn enter(&mut self, permit: u64, now: Instant, settings: &Settings) {
        self.inside.retain(|probe| probe.holds(now, settings));
        self.inside.push(Probe { permit, began: now });
    }

    pub(super) fn contains(&self, permit: u64) -> bool {
        self.inside.iter().any(|probe| probe.permit == permit)
    }

    /// Frees the place; false if the permit has none (any more).
    pub(super) fn leave(&mut self, permit: u64) -> bool {
        let place = self.inside.iter().position(|probe| probe.permit == permit);
        place.map(|index| self.inside.swap_remove(index)).is_some()
    }

    /// One more good probe; true if that is enough to close.
    pub(super) fn succeed(&mut self, settings: &Settings) -> bool {
        self.good = self.good.saturating_add(1);
        self.good >= settings.close
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.inside.len()
    }
}

impl Probe {
    fn holds(self, now: Instant, settings: &Settings) -> bool {
        now.saturating_duration_since(self.began) < settings.lease.saturating_add(GRACE)
    }
}
