//! How long a task may keep its worker thread.
//!
//! tokio gives a task 128 reads (or other steps) before it is others' turn. That is little if each
//! brings a line, and up to 8 MiB of parsing if each brings a full buffer: a tenth of a second, in which
//! nobody may be looking at the other sockets. So reads are paid for by what they bring; and whenever a
//! task looks for more, what the worker holds for others is sent if it has waited long enough.

use super::batch::send_what_is_late;
use std::task::{Context, Poll, Waker};
use tokio::task::coop;

/// To be called after each look at a socket, with the number of bytes that it brought.
pub(crate) fn has_read(bytes: usize) {
    let steps = bytes / BYTES_A_STEP;
    for _ in 0..steps {
        // Without a budget it would ask for another turn; the task's next read does that.
        if !coop::has_budget_remaining() {
            break;
        }
        if let Poll::Ready(step) = coop::poll_proceed(&mut Context::from_waker(Waker::noop())) {
            step.made_progress();
        }
    }
    send_what_is_late(steps + 1);
}

/// In bytes; with tokio's budget of 128 steps a task reads about 256 KiB in one turn.
const BYTES_A_STEP: usize = 2048;

#[cfg(test)]
mod tests;
