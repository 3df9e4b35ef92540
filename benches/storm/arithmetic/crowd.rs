//! The crowd inside the simulated application: some workers, one line in front of them, first come
//! first served, and a limit above which nobody is let in.

use std::collections::VecDeque;
use std::time::Duration;

/// `T` is the ticket somebody holds who stands in the line.
pub struct Crowd<T> {
    workers: usize,
    limit: usize,
    busy: usize,
    inside: usize,
    line: VecDeque<T>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Entered {
    /// More are inside than the application bears: this one gets a 500.
    Full,
    /// A worker has begun.
    Working,
    /// In the line, as the one with this ticket.
    Waiting,
}

impl<T> Crowd<T> {
    pub fn new(workers: usize, limit: usize) -> Self {
        Self { workers, limit, busy: 0, inside: 0, line: VecDeque::new() }
    }

    pub fn inside(&self) -> usize {
        self.inside
    }

    pub fn workers(&self) -> usize {
        self.workers
    }

    /// The ticket is made only for who has to wait.
    pub fn enter(&mut self, ticket: impl FnOnce() -> T) -> Entered {
        if self.inside >= self.limit {
            return Entered::Full;
        }
        self.inside += 1;
        if self.busy < self.workers {
            self.busy += 1;
            return Entered::Working;
        }
        self.line.push_back(ticket());
        Entered::Waiting
    }

    /// A worker has done: the ticket of the one it turns to, if anybody waits and it is still one
    /// of the workers.
    pub fn leave(&mut self) -> Option<T> {
        self.inside -= 1;
        let next = if self.busy > self.workers { None } else { self.line.pop_front() };
        if next.is_none() {
            self.busy -= 1;
        }
        next
    }

    /// More workers, or fewer as they get done: the tickets of those who need not wait any longer.
    pub fn resize(&mut self, workers: usize) -> Vec<T> {
        self.workers = workers;
        let free = workers.saturating_sub(self.busy).min(self.line.len());
        self.busy += free;
        self.line.drain(..free).collect()
    }
}

/// What one page takes when its worker begins: `base x (1 + 0.01 x (inside - workers))` as soon as
/// more are inside than workers. 60 inside 8 workers make a page of 20 ms take 30.4 ms, and of 400
/// pages a second 263.
pub fn service_time(base: Duration, inside: usize, workers: usize) -> Duration {
    base.mul_f64(1.0 + 0.01 * inside.saturating_sub(workers) as f64)
}
