//! The story of one request.
//!
//! `Proxy::handle` is the visitor's side: ask the application or not, and what to answer if that
//! brought nothing good. The application's side, [`errand`], goes on when the visitor has left. Which
//! page belongs to whom, what may be kept and whether to ask at all is decided elsewhere (`key`,
//! `policy`, `breaker`); here is only the order of things.

mod accompanied;
mod answer;
mod asked;
mod body;
mod bounded;
mod carry;
mod coded;
mod copied;
mod covered;
mod door;
mod entrance;
mod errand;
mod forms;
mod gatekeeper;
mod gathered;
mod hand;
mod hold;
mod judge;
mod keep;
mod leave;
mod outdated;
mod pages;
mod parts;
mod pump;
mod refresh;
mod remember;
mod rescue;
mod served;
mod settings;
mod strict;
mod suit;
mod timers;
mod tunnel;
mod upload;
mod variants;

pub use body::{Body, Cut};
pub use settings::{ErrorPage, Settings};
pub use tunnel::{Tunnel, TunnelFigures};

use crate::breaker::{self, Ask};
use crate::capture::Budget;
use crate::clock::{self, Now};
use crate::gate;
use crate::headers::{Client, Via};
use crate::key::{CacheKey, Lookup, Places};
use crate::meter::{Tally, Times, TimesRead};
use crate::policy::{Farewells, Newcomers};
use crate::store::Store;
use crate::upstream::{Counts, RequestBody, Upstream};
use asked::{Asked, Kind};
use covered::Covered;
use entrance::Admitted;
use errand::{Brought, Errand};
use gatekeeper::{Gatekeeper, Refresh};
use http::{Request, Response, StatusCode};
use judge::{Judge, Rejected, Ticket};
use outdated::Changed;
use parking_lot::Mutex;
use rescue::Why;
use served::{Refusal, Rescue, Served};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use timers::Timers;
use tokio::sync::{Semaphore, mpsc};

/// Everything one request meets. One for the process, shared by all connections.
pub struct Proxy {
    settings: Settings,
    upstream: Upstream,
    store: Store,
    judge: Arc<Judge>,
    gatekeeper: Arc<Gatekeeper>,
    /// Until somebody sees to them.
    refreshes: Mutex<Option<mpsc::UnboundedReceiver<Refresh>>>,
    farewells: Mutex<Farewells>,
    newcomers: Mutex<Newcomers>,
    variants: variants::Lists,
    forms: Arc<forms::Forms>,
    /// Work that nobody waits for.
    beside: Arc<Semaphore>,
    captures: Budget,
    /// By what they are for: each is set to nearly the same time again and again.
    patience: Timers,
    slowness: Timers,
    tunnels: Arc<tunnel::Counts>,
    via: Via,
    places: Places,
    meter: Meter,
    covered: Covered,
    changed: Changed,
}

/// What the proxy counts.
#[derive(Default)]
struct Meter {
    times: Times,
    served: Tally,
    skipped: Tally,
    withheld: Tally,
    refused: Tally,
}

/// What has been served until now, for `/health`.
pub struct Figures {
    /// Requests, and the time until the heads of their answers were ready.
    pub times: TimesRead,
    /// Answers by the value of `X-Retter`.
    pub served: BTreeMap<&'static str, u64>,
    /// Good answers that no copy was made of, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Copies that were there and were not given, by reason.
    pub withheld: BTreeMap<&'static str, u64>,
    /// Requests turned away at the door, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// The application's breaker and those of single paths.
    pub breakers: usize,
    /// How the gate stands, if there is one, and what happened at it.
    pub gate: Option<gate::Figures>,
    pub at_the_gate: BTreeMap<&'static str, u64>,
    /// Connections to the application.
    pub upstream: Counts,
    pub tunnels: TunnelFigures,
}

impl Proxy {
    /// Puts the parts together; the breakers go on from what the store remembers of them.
    pub fn new(
        settings: Settings,
        breaker: breaker::Settings,
        gate: gate::Settings,
        upstream: Upstream,
        store: Store,
    ) -> Self {
        let now = Now::read();
        let (gatekeeper, refreshes) = Gatekeeper::new(gate);
        let at_the_gate = Arc::clone(&gatekeeper);
        let judge = Judge::remembering(breaker, store.breakers(now.wall), at_the_gate, now);
        Self {
            judge: Arc::new(judge),
            gatekeeper,
            refreshes: Mutex::new(Some(refreshes)),
            farewells: Mutex::new(Farewells::default()),
            newcomers: Mutex::new(Newcomers::default()),
            variants: variants::Lists::default(),
            forms: Arc::default(),
            beside: Arc::new(Semaphore::new(BESIDE_MAX)),
            captures: Budget::new(CAPTURES_BYTES),
            patience: Timers::default(),
            slowness: Timers::default(),
            tunnels: Arc::default(),
            via: own_via(),
            places: Places::default(),
            meter: Meter::default(),
            covered: Covered::new(now.mono),
            changed: Changed::default(),
            settings,
            upstream,
            store,
        }
    }

    /// Answers one request. Every way of not getting a good answer ends in a copy, in the
    /// application's own answer or in a refusal of ours, as the table in the README has it.
    // No `async fn`, whose future would have room for the head and all arguments twice.
    pub fn handle(
        self: &Arc<Self>,
        request: Request<RequestBody>,
        client: Client,
    ) -> impl Future<Output = Response<Body>> {
        let began = clock::mono();
        let (mut head, body) = request.into_parts();
        let entered = door::admit(&mut head, &client, &self.via, &self.settings)
            .and_then(|()| bounded::admit(&body, self.settings.body));
        let (via, settings) = (&self.via, &self.settings.key);
        let asked = Asked::of(head, !body.is_empty(), client, via, &self.places, settings);
        let asked = Arc::new(asked);
        async move {
            let served = match entered {
                Ok(()) => self.serve(&asked, body, began).await,
                Err(refusal) => Served::Refused(refusal),
            };
            self.answer(served, &asked, began).await
        }
    }

    async fn answer(&self, served: Served, asked: &Asked, began: Instant) -> Response<Body> {
        let (from, why, turned_away) = (served.as_str(), served.why(), served.turned_away());
        let state = self.judge.state(asked, clock::mono());
        let response = answer::of(served, asked, state, &self.settings).await;
        let took = clock::mono().saturating_duration_since(began);
        self.meter.times.add(took);
        self.meter.served.up(from);
        if let Some(reason) = turned_away {
            self.meter.refused.up(reason);
        }
        served::log(asked, response.status(), from, why, took);
        response
    }

    /// What has been served until now.
    pub fn figures(&self) -> Figures {
        Figures {
            times: self.meter.times.read(),
            served: self.meter.served.read(),
            skipped: self.meter.skipped.read(),
            withheld: self.meter.withheld.read(),
            refused: self.meter.refused.read(),
            breakers: self.judge.count(),
            gate: self.gatekeeper.figures(),
            at_the_gate: self.gatekeeper.happened(),
            upstream: self.upstream.counts(),
            tunnels: self.tunnels.read(),
        }
    }

    async fn serve(
        self: &Arc<Self>,
        asked: &Arc<Asked>,
        body: RequestBody,
        now: Instant,
    ) -> Served {
        let (body, too_long) = bounded::at_most(body, self.settings.body);
        let has_body = !body.is_empty();
        let admitted = match self.enter(asked, has_body, now) {
            Ok(admitted) => Ok(admitted),
            // Boxed: on a good day every request would make room for it in vain.
            Err(why) => Box::pin(self.stay_outside(asked, has_body, why)).await,
        };
        let Admitted { at, ticket, slot } = match admitted {
            Ok(admitted) => admitted,
            Err(served) => return served,
        };
        // Nobody is to wait for a probe of what hung before, if he has a copy.
        let patience = match ticket.as_ref().is_some_and(Ticket::may_hang) {
            true => self.settings.patience.min(PROBE_PATIENCE),
            false => self.settings.patience,
        };
        let (proxy, its) = (Arc::clone(self), Arc::clone(asked));
        let errand = Errand { proxy, asked: its, began: at, ticket, slot }.run_for_visitor(body);
        let brought = match self.with_patience(asked, errand, at + patience).await {
            Ok(brought) => brought,
            Err(rescue) => return Served::Rescued(rescue),
        };
        if too_long.is_so() {
            return Served::Refused(bounded::too_long());
        }
        match brought {
            Brought::Answer(answer) if self.is_failure(answer.head.status) => {
                let why = Why::Status(answer.head.status);
                self.rescue(asked, why).await.unwrap_or(Served::Failed(answer, why))
            }
            Brought::Answer(answer) => Served::Backend(answer),
            // Without a copy the visitor gets what there is, cut off where it broke.
            Brought::Broken(answer, failure) => {
                let why = Why::Failure(failure);
                self.rescue(asked, why).await.unwrap_or(Served::Failed(answer, why))
            }
            Brought::Nothing(failure) => self
                .rescue(asked, Why::Failure(failure))
                .await
                .unwrap_or(Served::Refused(Refusal::failure(failure))),
        }
    }

    /// Waits for what the errand brings, but for a visitor who has a copy only so long. It goes on
    /// without him then, refreshes the copy if it ends well, and the breaker hears of it.
    async fn with_patience(
        &self,
        asked: &Asked,
        mut errand: impl Future<Output = Brought> + Unpin,
        until: Instant,
    ) -> Result<Brought, Rescue> {
        if asked.key.is_err() {
            return Ok(errand.await);
        }
        tokio::select! {
            biased;
            brought = &mut errand => return Ok(brought),
            () = self.patience.at(until) => {}
        }
        match self.copy_for(asked, Why::Patience).await {
            Some(rescue) => {
                asked.leave_alone();
                Err(rescue)
            }
            None => Ok(errand.await),
        }
    }

    /// The breaker's leave to ask. None: the call is not judged. That is so for other methods, which
    /// are never refused either, and for a GET or HEAD with a body: how long that takes is the
    /// client's doing.
    fn ticket(
        &self,
        asked: &Arc<Asked>,
        has_body: bool,
        now: Instant,
    ) -> Result<Option<Ticket>, Rejected> {
        match asked.kind {
            Kind::Other => Ok(None),
            Kind::Get if !has_body => self.judge.admit(asked, Ask::MayProbe, now).map(Some),
            Kind::Upgrade => self.judge.admit(asked, Ask::NeverProbe, now).map(Some),
            Kind::Head if !has_body => self.judge.admit(asked, Ask::NeverProbe, now).map(Some),
            Kind::Get | Kind::Head => self.judge.admit(asked, Ask::NeverProbe, now).map(|_| None),
        }
    }

    /// The breaker said no.
    async fn without_asking(&self, asked: &Asked, rejected: Rejected) -> Served {
        let why = match rejected.forced {
            true => Why::ForcedOpen,
            false => Why::NotAsked(rejected.state),
        };
        let rescued = self.rescue(asked, why).await;
        rescued.unwrap_or(Served::Refused(Refusal::not_asked(rejected.retry_after)))
    }

    async fn rescue(&self, asked: &Asked, why: Why) -> Option<Served> {
        let rescue = self.copy_for(asked, why).await;
        if rescue.is_none() {
            self.covered.missed(asked, why);
        }
        rescue.map(Served::Rescued)
    }

    /// The application says that the page is gone; believed at the second time. It is gone for this
    /// visitor and, where he would be given the copy that is for everybody, for everybody.
    async fn forget(&self, asked: &Asked, key: &CacheKey, now: Now) {
        for lookup in self.lookups(key) {
            let id = lookup.key.id();
            if !self.farewells.lock().gone(id, now.mono) {
                continue;
            }
            let shown = variants::find(&self.store, lookup.key.clone(), asked, now).await;
            if lookup.own || shown.is_some_and(|found| found.copy.why.is_for_everybody()) {
                variants::forget(&self.store, &lookup.key, now).await;
            }
        }
    }

    /// Does what needs the file, which an answer must not wait for. False: too much of that is under
    /// way, and this is left out.
    fn beside(&self, work: impl Future<Output = ()> + Send + 'static) -> bool {
        let Ok(place) = Arc::clone(&self.beside).try_acquire_owned() else { return false };
        tokio::spawn(async move {
            work.await;
            drop(place);
        });
        true
    }

    /// The application has the page, whoever was told before that it is gone. On most days nobody
    /// was, and that costs a look.
    fn alive(&self, key: &CacheKey) {
        let mut farewells = self.farewells.lock();
        if farewells.is_empty() {
            return;
        }
        self.lookups(key).iter().for_each(|lookup| farewells.alive(lookup.key.id()));
    }

    fn lookups(&self, key: &CacheKey) -> Vec<Lookup> {
        key.lookups(&self.store.secret(), &self.settings.key)
    }

    fn is_failure(&self, status: StatusCode) -> bool {
        self.judge.is_failure(status)
    }
}

/// A name for this process, so that a loop can be told from another RETTER in the chain.
fn own_via() -> Via {
    Via::new(format!("retter-{:08x}", fastrand::u32(..)))
}

/// Copies being captured at one time; past it answers pass uncaptured.
const CAPTURES_BYTES: u64 = 32 * 1024 * 1024;
/// What a recovered application needs for a page is often less.
const PROBE_PATIENCE: Duration = Duration::from_millis(10);
/// Each may hold a copy, and wait for the file.
const BESIDE_MAX: usize = 32;
