//! What the claims are checked with: an application that misbehaves on command, the real RETTER in
//! front of it, and a client that notices when it is told less than the whole.

pub mod apart;
pub mod client;
pub mod filled;
pub mod frames;
pub mod origin;
pub mod pair;
pub mod plain;
pub mod retter;
pub mod session;
pub mod talk;
pub mod tls;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for anything that should happen soon on a busy machine.
pub const SOON: Duration = Duration::from_secs(10);

/// Asks again every few milliseconds until the condition holds; false when `limit` has passed.
#[must_use]
pub fn until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Checks every row, a few at a time, and fails with all the names that did not hold, not only
/// the first.
pub fn for_each_row<T: Sync>(
    rows: &[T],
    name: impl Fn(&T) -> String + Sync,
    check: impl Fn(&T) + Sync,
) {
    let next = Mutex::new(rows.iter());
    let broken = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..ROWS_AT_A_TIME {
            scope.spawn(|| {
                while let Some(row) = take(&next) {
                    if catch_unwind(AssertUnwindSafe(|| check(row))).is_err() {
                        take_note(&broken, name(row));
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().expect("no checker dies");
    assert!(broken.is_empty(), "{} of {} do not hold: {broken:#?}", broken.len(), rows.len());
}

fn take<'a, T>(next: &Mutex<std::slice::Iter<'a, T>>) -> Option<&'a T> {
    next.lock().expect("taking a row does not panic").next()
}

fn take_note(broken: &Mutex<Vec<String>>, name: String) {
    broken.lock().expect("noting a row does not panic").push(name);
}

const ROWS_AT_A_TIME: usize = 6;
