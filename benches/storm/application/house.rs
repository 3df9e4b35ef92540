//! The application's process: one thread that takes its orders, one that does all the work.
//!
//! Its time is reckoned, not slept away: a worker that turns to the next in the line begins when
//! the page before was due to end, not when the system woke it up. So its capacity is the same on
//! a machine that is busy.

use super::connection::serve;
use super::counts::Counting;
use super::orders::Mood;
use super::{LIMIT, SERVICE_MS};
use crate::arithmetic::crowd::{Crowd, Entered, service_time};
use crate::page;
use std::cell::RefCell;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep_until};

/// From one start to the next crash.
pub struct House {
    crowd: RefCell<Crowd<oneshot::Sender<Instant>>>,
    counting: Arc<Counting>,
    mood: watch::Receiver<Mood>,
}

/// What came of a request.
pub enum Outcome {
    Page,
    Error,
    Overflow,
}

impl House {
    /// One request, to its end: nobody leaves the line or takes a worker away because a client has
    /// gone, as with PHP.
    pub async fn work(&self) -> Outcome {
        let Some(begin) = self.worker().await else {
            // Even a 500 takes somebody who is not hanging.
            self.until_it_moves().await;
            self.counting.overflows.fetch_add(1, Relaxed);
            return Outcome::Overflow;
        };
        let end = begin + self.service_time();
        sleep_until(end - WAKING).await;
        let end = self.until_it_moves().await.unwrap_or(end);
        self.leave(end);
        let (counted, outcome) = self.fate();
        counted.fetch_add(1, Relaxed);
        outcome
    }

    /// When a worker has begun; none if the application is full.
    async fn worker(&self) -> Option<Instant> {
        let (ticket, turn) = oneshot::channel();
        let entered = self.crowd.borrow_mut().enter(|| ticket);
        self.counting.see_inside(self.crowd.borrow().inside());
        match entered {
            Entered::Full => None,
            Entered::Working => Some(Instant::now()),
            // The house stands as long as anybody is in it.
            Entered::Waiting => turn.await.ok(),
        }
    }

    fn leave(&self, end: Instant) {
        let next = self.crowd.borrow_mut().leave();
        self.counting.see_inside(self.crowd.borrow().inside());
        // Whoever waits has not left.
        let _ = next.map(|ticket| ticket.send(end));
    }

    fn service_time(&self) -> Duration {
        let crowd = self.crowd.borrow();
        let page = service_time(PAGE, crowd.inside(), crowd.workers());
        page.mul_f64(self.mood.borrow().slower)
    }

    fn fate(&self) -> (&std::sync::atomic::AtomicU64, Outcome) {
        if fastrand::f64() < self.mood.borrow().errors {
            (&self.counting.errors, Outcome::Error)
        } else {
            (&self.counting.finished, Outcome::Page)
        }
    }

    /// While it hangs, waits; then says when it went on.
    async fn until_it_moves(&self) -> Option<Instant> {
        let mut mood = self.mood.clone();
        if !mood.borrow().hangs {
            return None;
        }
        // An error is the end of the process.
        let _ = mood.wait_for(|mood| !mood.hangs).await;
        Some(Instant::now())
    }

    fn follow(&self, workers: usize) {
        for ticket in self.crowd.borrow_mut().resize(workers) {
            let _ = ticket.send(Instant::now());
        }
    }
}

pub fn run() -> io::Result<()> {
    page::prepare();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    println!("{}", serde_json::to_string(&address)?);
    let (orders, mood) = watch::channel(Mood::WELL);
    let counting = Arc::<Counting>::default();
    let told = counting.clone();
    thread::spawn(move || obey(&orders, &told));
    LocalSet::new().block_on(&runtime, live(listener, address, mood, counting))
}

/// Until its stdin ends, and with it the last who could change its mood.
fn obey(orders: &watch::Sender<Mood>, counting: &Counting) -> io::Result<()> {
    for line in io::stdin().lines() {
        if let Some(mood) = serde_json::from_str::<Option<Mood>>(&line?)? {
            orders.send_replace(mood);
        }
        writeln!(io::stdout(), "{}", serde_json::to_string(&counting.read())?)?;
    }
    Ok(())
}

/// Up and down, as it is told.
async fn live(
    listener: TcpListener,
    address: SocketAddr,
    mut mood: watch::Receiver<Mood>,
    counting: Arc<Counting>,
) -> io::Result<()> {
    let mut listener = Some(listener);
    loop {
        let up = match listener.take() {
            Some(listener) => listener,
            None => TcpListener::bind(address).await?,
        };
        open(up, &mood, &counting).await;
        counting.see_inside(0);
        // An error is the end of its stdin.
        let told = mood.has_changed().is_ok() && mood.wait_for(|mood| !mood.refused).await.is_ok();
        if !told {
            return Ok(());
        }
    }
}

/// Serves until it is told to refuse, or for ever; what was going on then is cut.
async fn open(listener: TcpListener, mood: &watch::Receiver<Mood>, counting: &Arc<Counting>) {
    let crowd = RefCell::new(Crowd::new(mood.borrow().workers, LIMIT));
    let house = Rc::new(House { crowd, counting: counting.clone(), mood: mood.clone() });
    let (mut connections, mut mood) = (JoinSet::new(), mood.clone());
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn_local(serve(stream, house.clone()));
            },
            Some(_) = connections.join_next() => {}
            changed = mood.changed() => {
                let now = *mood.borrow_and_update();
                if changed.is_err() || now.refused {
                    return;
                }
                house.follow(now.workers);
            }
        }
    }
}

/// How much later than asked for tokio's timer and the system wake one up, on average.
const WAKING: Duration = Duration::from_millis(1);
const PAGE: Duration = Duration::from_millis(SERVICE_MS);
