//! An application without a wire, and a visitor, for a paused clock.

use super::super::call::{Call, Tries};
use super::super::retry::{Again, Lost};
use super::super::{
    BaseUrl, Ca, Ended, Failure, Hedge, Leave, Outgoing, Reply, ReplyBody, RequestBody, Retry,
    Settings, Step,
};
use super::origin::once;
use crate::policy::Framing;
use http::{HeaderMap, Method, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// What a try ends in.
#[derive(Clone, Copy)]
pub enum Says {
    Status(u16),
    /// With this `Retry-After`.
    Later(u16, &'static str),
    Fails(Failure),
    /// Nothing was sent.
    Unsent(Failure),
    Hangs,
}

/// Each try ends so many milliseconds after it was sent in that; the last one again and again.
pub struct Script {
    steps: Vec<(u64, Says)>,
    began: Instant,
    /// When each try was sent, in milliseconds.
    pub sent: Mutex<Vec<u64>>,
    pub bodies: Mutex<Vec<Vec<u8>>>,
    /// Tries that were cancelled.
    pub cancelled: AtomicUsize,
}

/// The caller: everything may be sent again unless something is set.
#[derive(Default)]
pub struct Visitor {
    pub breaker_opens_at: Option<u64>,
    pub patience: Option<u64>,
    pub gate_is_full: bool,
    pub asked_for_copy: AtomicUsize,
    pub slot: Arc<AtomicBool>,
    pub steps: Mutex<Vec<Step>>,
    began: Mutex<Option<Instant>>,
}

/// Says that it is there.
pub struct Slot(Arc<AtomicBool>);

/// A request, and everything around it.
pub struct Story {
    pub method: Method,
    pub body: RequestBody,
    pub retry: Retry,
    pub hedge: Hedge,
    pub visitor: Visitor,
    pub script: Script,
    pub again: Again,
    pub timeout: Duration,
}

/// How it ended, and when in milliseconds.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    pub ended: Ended,
    pub at: u64,
    pub sent: Vec<u64>,
}

/// A GET that is tried twice, with 50 ms between the tries.
pub fn story(steps: &[(u64, Says)]) -> Story {
    let retry = Retry { attempts: 2, ..once() };
    let again = Again::new(&retry);
    Story {
        method: Method::GET,
        body: RequestBody::Empty,
        retry,
        hedge: Hedge::Off,
        visitor: Visitor::default(),
        script: Script {
            steps: steps.to_vec(),
            began: Instant::now(),
            sent: Mutex::default(),
            bodies: Mutex::default(),
            cancelled: AtomicUsize::new(0),
        },
        again,
        timeout: Duration::from_secs(15),
    }
}

impl Story {
    pub async fn run(&mut self) -> End {
        self.script.began = Instant::now();
        *self.visitor.began.lock() = Some(self.script.began);
        let settings = Settings {
            base: BaseUrl::parse("http://app").unwrap(),
            ca: Ca::System,
            sni: None,
            timeout: self.timeout,
            connect: self.timeout,
            retry: self.retry.clone(),
            hedge: self.hedge,
        };
        let fields = HeaderMap::new;
        let target = Uri::from_static("/");
        let head = Outgoing { method: &self.method, target, headers: &fields };
        let call = Call::new(
            &self.script,
            &settings,
            &self.again,
            &head,
            &self.visitor,
            self.script.began,
        );
        let body = std::mem::replace(&mut self.body, RequestBody::Empty);
        let ended = call.run(body).await.map(|reply| reply.head.status);
        let sent = std::mem::take(&mut *self.script.sent.lock());
        End { ended, at: millis(self.script.began), sent }
    }

    /// Its end when it is told nothing else.
    pub async fn of(steps: &[(u64, Says)]) -> End {
        story(steps).run().await
    }
}

impl End {
    pub fn good(at: u64, sent: &[u64]) -> Self {
        Self::status(200, at, sent)
    }

    pub fn status(status: u16, at: u64, sent: &[u64]) -> Self {
        Self { ended: Ok(StatusCode::from_u16(status).unwrap()), at, sent: sent.to_vec() }
    }

    pub fn failed(failure: Failure, at: u64, sent: &[u64]) -> Self {
        Self { ended: Err(failure), at, sent: sent.to_vec() }
    }
}

impl Tries for Script {
    async fn send(
        &self,
        _: &Outgoing<'_>,
        body: RequestBody,
        deadline: Instant,
    ) -> Result<Reply, Lost> {
        let number = {
            let mut sent = self.sent.lock();
            sent.push(millis(self.began));
            sent.len()
        };
        let (after, says) = *self.steps.get(number - 1).or(self.steps.last()).unwrap();
        if let Says::Unsent(failure) = says {
            return Err(Lost { failure, unsent: Some(body) });
        }
        let mut inside = Inside { cancelled: &self.cancelled, ended: false };
        if let Ok(whole) = body.collect().await {
            self.bodies.lock().push(whole.to_bytes().to_vec());
        }
        let at = Instant::now() + Duration::from_millis(after);
        let hangs = matches!(says, Says::Hangs) || at > deadline;
        sleep_until(if hangs { deadline } else { at }).await;
        inside.ended = true;
        match says {
            _ if hangs => Err(lost(Failure::Timeout)),
            Says::Status(status) => Ok(reply(status, None)),
            Says::Later(status, retry_after) => Ok(reply(status, Some(retry_after))),
            Says::Fails(failure) | Says::Unsent(failure) => Err(lost(failure)),
            Says::Hangs => unreachable!("it hangs"),
        }
    }
}

impl Leave for Visitor {
    type Slot = Slot;
    fn is_failure(&self, status: StatusCode) -> bool {
        status.is_server_error()
    }
    fn may_retry(&self) -> bool {
        let now = millis(self.began.lock().unwrap());
        self.breaker_opens_at.is_none_or(|at| now < at)
    }
    fn may_wait(&self, _wait: Duration) -> bool {
        true
    }

    fn may_hedge(&self) -> Option<Slot> {
        if self.gate_is_full || !self.may_retry() {
            return None;
        }
        self.slot.store(true, Ordering::Relaxed);
        Some(Slot(self.slot.clone()))
    }
    async fn copy_until(&self, began: Instant, _: Ended) -> Option<Instant> {
        self.asked_for_copy.fetch_add(1, Ordering::Relaxed);
        self.patience.map(|millis| began + Duration::from_millis(millis))
    }
    fn note(&self, step: Step) {
        self.steps.lock().push(step);
    }
}

fn reply(status: u16, retry_after: Option<&str>) -> Reply {
    let mut response = Response::builder().status(status);
    if let Some(retry_after) = retry_after {
        response = response.header("Retry-After", retry_after);
    }
    let (head, ()) = response.body(()).unwrap().into_parts();
    Reply { head: Box::new(head), framing: Framing::Length(0), body: ReplyBody::whole() }
}

fn lost(failure: Failure) -> Lost {
    Lost { failure, unsent: None }
}

fn millis(since: Instant) -> u64 {
    since.elapsed().as_millis() as u64
}

/// A try under way.
struct Inside<'a> {
    cancelled: &'a AtomicUsize,
    ended: bool,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
