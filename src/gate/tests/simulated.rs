//! An application with so many workers, and more demand than it can meet.

use super::*;
use fastrand::Rng;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What may change while it runs.
#[derive(Clone)]
pub(super) struct Application {
    pub(super) workers: usize,
    /// Milliseconds by page; all pages are asked for equally.
    pub(super) pages: Vec<f64>,
    /// Each call takes from nothing to many times its page's time.
    pub(super) random: bool,
    /// Above so many inside it fails at once.
    pub(super) fails_above: usize,
    /// This share fails whatever is inside.
    pub(super) failing: f64,
}

impl Application {
    pub(super) fn of(workers: usize, page: f64) -> Self {
        let (fails_above, failing) = (usize::MAX, 0.0);
        Self { workers, pages: vec![page], random: false, fails_above, failing }
    }

    /// Calls a second when no worker is idle.
    fn capacity(&self) -> f64 {
        let mean = self.pages.iter().sum::<f64>() / self.pages.len() as f64;
        self.workers as f64 * 1000.0 / mean
    }
}

/// What was seen in a stretch of time.
#[derive(Debug)]
pub(super) struct Seen {
    /// Of the capacity.
    pub(super) used: f64,
    /// The worst half second of that.
    pub(super) least_used: f64,
    pub(super) failed: u64,
    pub(super) limit: f64,
    pub(super) lowest: u32,
    pub(super) highest: u32,
}

pub(super) struct Simulation {
    pub(super) application: Application,
    gate: Gate<u32, u32>,
    start: Instant,
    /// Milliseconds since the start.
    time: f64,
    /// When each worker is free.
    free: Vec<f64>,
    inside: BinaryHeap<Reverse<(u64, u64)>>,
    calls: std::collections::HashMap<u64, Call>,
    number: u64,
    random: Rng,
}

struct Call {
    slot: Slot,
    began: f64,
    page: usize,
    good: bool,
}

impl Simulation {
    pub(super) fn new(application: Application, limit: u32) -> Self {
        let (mut gate, start) = gate(&settings());
        gate.limiter = Limiter::new(limit, settings().min, settings().max, start);
        Self {
            free: vec![0.0; application.workers],
            application,
            gate,
            start,
            time: 0.0,
            inside: BinaryHeap::new(),
            calls: Default::default(),
            number: 0,
            random: Rng::with_seed(1),
        }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_secs_f64(self.time / 1000.0)
    }

    /// More ask than there are places, for so long.
    pub(super) fn storm(&mut self, time: Duration) -> Seen {
        let (begin, end) = (self.time, self.time + time.as_secs_f64() * 1000.0);
        self.free.resize(self.application.workers, self.time);
        let (mut halves, mut failed) = (vec![0_u64; (time.as_millis() / 500) as usize + 1], 0);
        let (mut limits, mut samples, mut lowest, mut highest) = (0.0, 0.0, u32::MAX, 0);
        while self.time < end {
            while let Some(slot) = self.gate.enter(self.now()) {
                self.begin(slot);
            }
            let next = self.inside.peek().map_or(f64::MAX, |Reverse((at, _))| *at as f64 / 1000.0);
            // Somebody asks every millisecond.
            self.time = next.min(self.time + 1.0);
            if next <= self.time
                && let Some(Reverse((_, number))) = self.inside.pop()
            {
                let good = self.finish(number);
                halves[((self.time - begin) / 500.0) as usize] += u64::from(good);
                failed += u64::from(!good);
            }
            let limit = self.gate.limit(self.now());
            (limits, samples) = (limits + f64::from(limit), samples + 1.0);
            (lowest, highest) = (lowest.min(limit), highest.max(limit));
        }
        halves.pop();
        let capacity = self.application.capacity();
        let finished: u64 = halves.iter().sum();
        Seen {
            used: finished as f64 / time.as_secs_f64() / capacity,
            least_used: halves.iter().min().map_or(0.0, |least| *least as f64 * 2.0 / capacity),
            failed,
            limit: limits / samples,
            lowest,
            highest,
        }
    }

    /// So many ask in a second, at random moments. The share of them that found the gate full.
    pub(super) fn day(&mut self, rate: f64, time: Duration) -> f64 {
        let (end, mut asked, mut full) = (self.time + time.as_secs_f64() * 1000.0, 0.0, 0.0);
        let mut next = self.time;
        while self.time < end {
            let ends = self.inside.peek().map_or(f64::MAX, |Reverse((at, _))| *at as f64 / 1000.0);
            self.time = next.min(ends);
            if ends <= self.time
                && let Some(Reverse((_, number))) = self.inside.pop()
            {
                self.finish(number);
                continue;
            }
            asked += 1.0;
            match self.gate.enter(self.now()) {
                Some(slot) => self.begin(slot),
                None => full += 1.0,
            }
            next += -self.random.f64().max(1e-9).ln() * 1000.0 / rate;
        }
        full / asked
    }

    fn begin(&mut self, slot: Slot) {
        let page = self.random.usize(..self.application.pages.len());
        let crowded = self.calls.len() >= self.application.fails_above;
        let good = !crowded && self.random.f64() >= self.application.failing;
        let mut took = self.application.pages[page];
        if self.application.random {
            took *= -self.random.f64().max(1e-9).ln();
        }
        let ends = if crowded {
            self.time + 1.0
        } else {
            let least = (0..self.free.len()).min_by(|a, b| self.free[*a].total_cmp(&self.free[*b]));
            let worker = &mut self.free[least.expect("there are workers")];
            *worker = worker.max(self.time) + took;
            *worker
        };
        self.number += 1;
        self.inside.push(Reverse(((ends * 1000.0) as u64, self.number)));
        self.calls.insert(self.number, Call { slot, began: self.time, page, good });
    }

    fn finish(&mut self, number: u64) -> bool {
        let Call { slot, began, page, good } = self.calls.remove(&number).expect("it is inside");
        let latency = Duration::from_secs_f64((self.time - began).max(0.0) / 1000.0);
        let ended = Ended { path: Some(page as u64), latency, good: Some(good) };
        self.gate.leave(slot, ended, self.now());
        good
    }
}
