//! The visitors: an open loop. A request is due when it is due, whatever became of those before,
//! and its wait counts from then on: a proxy that stalls is charged for everybody it kept
//! waiting, also for those who could not even ask (no coordinated omission).
//!
//! All on one thread, over connections that are kept and shared, as those of browsers are; a new
//! one is made when all are busy. A visitor waits so long and then leaves, which closes his.

mod answer;
mod connection;
mod sample;

pub use sample::{Kind, Sample};

use crate::arithmetic::arrivals::{Arrivals, Span};
use crate::arithmetic::zipf::Zipf;
use crate::page::{self, Wanted};
use connection::Pool;
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::task::LocalSet;
use tokio::time::{sleep_until, timeout_at};

pub struct Load {
    pub target: SocketAddr,
    pub spans: Vec<Span>,
    /// None: all are nobody in particular.
    pub sessions: usize,
    /// When the first span begins.
    pub begin: Instant,
    /// So long a visitor waits.
    pub waits: Duration,
    pub so_far: Arc<SoFar>,
}

/// For who watches.
#[derive(Default)]
pub struct SoFar {
    pub answered: AtomicU64,
    pub good: AtomicU64,
}

/// What all visitors share.
struct Shared {
    pool: Pool,
    samples: RefCell<Vec<Sample>>,
    begin: Instant,
    waits: Duration,
    so_far: Arc<SoFar>,
}

impl Load {
    /// Until the last visitor has his answer or has left, in no order.
    pub fn run(&self) -> io::Result<Vec<Sample>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Rc::new(Shared {
            pool: Pool::new(self.target),
            samples: RefCell::default(),
            begin: self.begin,
            waits: self.waits,
            so_far: self.so_far.clone(),
        });
        LocalSet::new().block_on(&runtime, self.send(&shared));
        let samples = shared.samples.take();
        Ok(samples)
    }

    async fn send(&self, shared: &Rc<Shared>) {
        let (zipf, mut random) = (Zipf::new(PAGES, EXPONENT), fastrand::Rng::with_seed(SEED));
        for due in Arrivals::new(&self.spans, SEED) {
            let due = Duration::from_secs_f64(due);
            if self.begin + due > Instant::now() {
                sleep_until((self.begin + due).into()).await;
            }
            let page = zipf.pick(random.f64());
            let session = (self.sessions > 0).then(|| random.usize(..self.sessions));
            let visit = shared.clone().visit(due, Wanted { page, session });
            tokio::task::spawn_local(visit);
        }
        let end = Instant::now() + self.waits + Duration::from_millis(100);
        sleep_until(end.into()).await;
    }
}

impl Shared {
    async fn visit(self: Rc<Self>, due: Duration, wanted: Wanted) {
        let late = self.begin.elapsed().saturating_sub(due);
        let leaves = self.begin + due + self.waits;
        let mut request = Vec::with_capacity(256);
        page::write_request(wanted, &mut request);
        let asked = timeout_at(leaves.into(), self.pool.ask(&request)).await;
        let took = self.begin.elapsed().saturating_sub(due);
        let seen = match asked {
            Ok(answer) => answer::judge(wanted, answer),
            Err(_) => answer::Seen::nothing(Kind::Lost),
        };
        self.so_far.answered.fetch_add(1, Relaxed);
        self.so_far.good.fetch_add(u64::from(seen.kind.is_good()), Relaxed);
        self.samples.borrow_mut().push(Sample { due, late, took, wanted, seen });
    }
}

pub const PAGES: usize = 100;
/// Warmed with 5,000 requests, 12.7 % of those that follow ask for what nobody has asked for yet.
const EXPONENT: f64 = 1.3;
/// The same requests in every run.
const SEED: u64 = 6;
