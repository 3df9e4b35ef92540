//! From the door into the application: past the breaker and through the gate, or to a copy.

use super::asked::{Asked, Kind};
use super::gatekeeper::{Entered, Held, Turn};
use super::judge::{Rejected, Ticket};
use super::rescue::{self, Why};
use super::served::{Refusal, Rescue, Served};
use super::{Errand, Proxy};
use crate::clock;
use crate::gate::Key;
use crate::key::StoreKey;
use http::header::{self, HeaderName};
use std::sync::Arc;
use std::time::Instant;

/// What a call holds while it is inside; each `None` where it needs none.
pub(super) struct Admitted {
    pub(super) at: Instant,
    pub(super) ticket: Option<Ticket>,
    pub(super) slot: Option<Held>,
}

/// Why a request was not let in at once.
pub(super) enum NotIn {
    /// The breaker said no.
    Rejected(Rejected),
    /// There is no free slot.
    Full,
}

impl Proxy {
    /// Admitted to ask, or why not.
    pub(super) fn enter(
        &self,
        asked: &Arc<Asked>,
        has_body: bool,
        now: Instant,
    ) -> Result<Admitted, NotIn> {
        let ticket = self.ticket(asked, has_body, now).map_err(NotIn::Rejected)?;
        if self.judge.is_ignored(asked) {
            // Long polling: it waits for something, and the application does not work on it.
            return Ok(Admitted { at: now, ticket, slot: None });
        }
        let is_probe = ticket.as_ref().is_some_and(Ticket::is_probe_of_all);
        match self.gatekeeper.enter(asked, is_probe, now) {
            Entered::In(slot) => Ok(Admitted { at: now, ticket, slot }),
            // While it waits it is nothing to the breaker.
            Entered::Full => Err(NotIn::Full),
        }
    }

    /// Admitted after all, or what the visitor gets instead.
    pub(super) async fn stay_outside(
        &self,
        asked: &Arc<Asked>,
        has_body: bool,
        why: NotIn,
    ) -> Result<Admitted, Served> {
        let rejected = match why {
            NotIn::Rejected(rejected) => rejected,
            NotIn::Full => {
                let slot = Some(self.at_the_full_gate(asked, has_body).await?);
                let at = clock::mono();
                match self.ticket(asked, has_body, at) {
                    Ok(ticket) => return Ok(Admitted { at, ticket, slot }),
                    Err(rejected) => rejected,
                }
            }
        };
        Err(self.without_asking(asked, rejected).await)
    }

    /// Who has a copy gets it, and it is refreshed when there is a slot left. Others wait.
    async fn at_the_full_gate(&self, asked: &Arc<Asked>, has_body: bool) -> Result<Held, Served> {
        if let Some(rescue) = self.copy_for(asked, Why::GateFull).await {
            self.gatekeeper.tally.up("rescued");
            if self.shared_key(asked, has_body) == Some(rescue.id.0) {
                self.gatekeeper.want_refresh(asked, rescue.id.0, rescue.copy.stored_at.0);
            }
            return Err(Served::Rescued(rescue));
        }
        self.wait(asked, has_body).await
    }

    async fn wait(&self, asked: &Arc<Asked>, has_body: bool) -> Result<Held, Served> {
        let deadline = self.gatekeeper.deadline();
        let mut key = self.shared_key(asked, has_body);
        loop {
            match self.gatekeeper.wait(asked, key, deadline).await {
                Some(Turn::Slot(slot)) => return Ok(slot),
                Some(Turn::Look) => {
                    if let Some(rescue) = self.copy_for(asked, Why::Joined).await {
                        return Err(Served::Rescued(rescue));
                    }
                    // What was brought is not for him after all.
                    key = None;
                }
                Some(Turn::Displaced) | None => break,
            }
        }
        // Meanwhile somebody else may have brought it.
        if let Some(rescue) = self.copy_for(asked, Why::GateFull).await {
            return Err(Served::Rescued(rescue));
        }
        self.covered.missed(asked, Why::GateFull);
        Err(Served::Refused(Refusal::gate_full()))
    }

    /// What has no key has no copy.
    pub(super) async fn copy_for(&self, asked: &Asked, why: Why) -> Option<Rescue> {
        // Boxed: on a good day every request would make room for it in vain.
        let rescue = Box::pin(rescue::find(self, asked, why)).await?;
        self.covered.kept(asked, rescue.copy.why, clock::mono());
        Some(rescue)
    }

    /// Page and identity, if what the application says to this request may be for others with the
    /// same, or renew their copy: not for parts or conditions, which only he asked for.
    fn shared_key(&self, asked: &Asked, has_body: bool) -> Option<Key> {
        let only_his = ONLY_HIS.iter().any(|name| asked.head.headers.contains_key(name));
        if asked.kind != Kind::Get || has_body || only_his {
            return None;
        }
        self.own_key(asked).map(|key| key.id().0)
    }

    /// The name of the copy that is the asker's own.
    pub(super) fn own_key(&self, asked: &Asked) -> Option<StoreKey> {
        let lookups = self.lookups(asked.key.as_ref().ok()?);
        lookups.into_iter().find(|lookup| lookup.own).map(|lookup| lookup.key)
    }

    /// Refreshes copies with the slots that are left; never returns.
    pub async fn refresh_copies(self: Arc<Self>) {
        let Some(mut begun) = self.refreshes.lock().take() else { return };
        while let Some((asked, slot)) = begun.recv().await {
            // The breaker may say no by now.
            let began = clock::mono();
            if let Ok(ticket) = self.ticket(&asked, false, began) {
                let (proxy, slot) = (Arc::clone(&self), Some(slot));
                tokio::spawn(Errand { proxy, asked, began, ticket, slot }.run_alone());
            }
        }
    }
}

/// With these the application may give less than the page.
static ONLY_HIS: [HeaderName; 5] = [
    header::RANGE,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_MATCH,
    header::IF_UNMODIFIED_SINCE,
];
