//! The visitors: connections that are kept, one request after the other on each, as fast as the
//! answers come, from one thread.

use crate::pages::{self, Pages};
use crate::wire::{self, Framing};
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

/// Who asks whom for what.
#[derive(Clone, Copy)]
pub struct Load {
    pub target: SocketAddr,
    pub pages: Pages,
    pub connections: usize,
}

/// What came of it.
#[derive(Default)]
pub struct Tally {
    /// Requests that ended, well or not.
    pub requests: u64,
    /// Not 200, not that page, or no whole answer at all.
    pub errors: u64,
    /// The wait for each good answer, from the request's first byte to the body's last, sorted.
    pub waits: Vec<Duration>,
}

impl Tally {
    /// The wait that this part of the answers did not exceed; none without answers.
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let last = self.waits.len().checked_sub(1)?;
        self.waits.get((last as f64 * part).round() as usize).copied()
    }
}

impl Load {
    /// Asks for pages all over the site for that time.
    pub fn during(self, time: Duration) -> io::Result<Tally> {
        let end = Instant::now() + time;
        self.over(self.pages.endlessly().take_while(move |_| Instant::now() < end))
    }

    /// Asks for these pages.
    pub fn over(self, numbers: impl Iterator<Item = u64> + 'static) -> io::Result<Tally> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let shared = Rc::new(RefCell::new((numbers, Tally::default())));
        let mut visitors = JoinSet::new();
        let local = LocalSet::new();
        for _ in 0..self.connections {
            let shared = shared.clone();
            visitors.spawn_local_on(async move { self.visitor(&shared).await }, &local);
        }
        local.block_on(&runtime, async { while visitors.join_next().await.is_some() {} });
        let mut tally = std::mem::take(&mut shared.borrow_mut().1);
        tally.waits.sort_unstable();
        Ok(tally)
    }

    async fn visitor(self, shared: &RefCell<(impl Iterator<Item = u64>, Tally)>) {
        let mut kept = None;
        loop {
            // No borrow lives across an await: all visitors share one thread.
            let Some(number) = shared.borrow_mut().0.next() else {
                return;
            };
            let waited = self.ask(&mut kept, number).await;
            let tally = &mut shared.borrow_mut().1;
            tally.requests += 1;
            match waited {
                Ok(wait) => tally.waits.push(wait),
                Err(_) => {
                    tally.errors += 1;
                    kept = None;
                }
            }
        }
    }

    /// One request, on the connection that is kept; the page is compared after the clock stops.
    async fn ask(&self, kept: &mut Option<Wire>, number: u64) -> io::Result<Duration> {
        let wire = match kept {
            Some(wire) => wire,
            None => kept.insert(Wire::open(self.target).await?),
        };
        let started = Instant::now();
        let framing = wire.ask(self.pages.size, number).await?;
        let wait = started.elapsed();
        let whole = pages::is_page(self.pages.size, number, &wire.answer[framing.head..]);
        if whole { Ok(wait) } else { Err(wire::wrong("another body")) }
    }
}

/// One connection with its buffers.
struct Wire {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Wire {
    async fn open(target: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: Vec::new(), answer: Vec::with_capacity(BUFFER) })
    }

    async fn ask(&mut self, size: usize, number: u64) -> io::Result<Framing> {
        wire::write_request(size, number, &mut self.request);
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        let mut framing = None;
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if framing.is_none() {
                framing = wire::framing(&self.answer)?;
            }
            match framing {
                Some(framing) if self.answer.len() >= framing.whole => return Ok(framing),
                _ => {}
            }
        }
    }
}

const BUFFER: usize = 32 << 10;
