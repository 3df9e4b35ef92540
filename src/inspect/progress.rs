//! How far a long look is, for who waits for it.
//!
//! One line on the terminal that is written over, five times a second at most, and wiped away at
//! the end. Whoever sends stderr to a file or a pipe gets none of it.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Says how far it is, or nothing.
pub struct Progress {
    out: Option<Box<dyn Write>>,
    last: Option<Instant>,
}

impl Progress {
    /// On stderr, if that is a terminal.
    pub fn on_terminal() -> Self {
        let out = stderr().is_terminal().then(|| Box::new(stderr()) as Box<dyn Write>);
        Self { out, last: None }
    }

    pub fn none() -> Self {
        Self { out: None, last: None }
    }

    /// What cannot be written is not worth an error.
    pub(super) fn say(&mut self, words: impl FnOnce() -> String) {
        let is_early = self.last.is_some_and(|last| last.elapsed() < OFTEN);
        if let Some(out) = self.out.as_mut().filter(|_| !is_early) {
            let _ = write!(out, "{WIPED}{}", words()).and_then(|()| out.flush());
            self.last = Some(Instant::now());
        }
    }

    /// `done` of so many rows, in percent.
    pub(super) fn rows(&mut self, done: u64, of: u64) {
        let percent = u128::from(done) * 100 / u128::from(of.max(1));
        // A running RETTER may have added some.
        self.say(|| format!("{done} rows, {} %", percent.min(100)));
    }

    /// Leaves the line free for what is printed.
    pub(super) fn wipe(&mut self) {
        if let (Some(out), Some(_)) = (&mut self.out, self.last.take()) {
            let _ = write!(out, "{WIPED}").and_then(|()| out.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.wipe();
    }
}

const OFTEN: Duration = Duration::from_millis(200);
/// To the beginning of the line, and the rest of it cleared.
const WIPED: &str = "\r\x1b[K";

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Terminal(Arc<Mutex<Vec<u8>>>);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn one_line_is_written_over_and_wiped_away() {
        let terminal = Terminal::default();
        let mut progress = Progress { out: Some(Box::new(terminal.clone())), last: None };
        progress.rows(5, 10);
        progress.rows(6, 10);
        drop(progress);
        let written = String::from_utf8(terminal.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written, "\r\x1b[K5 rows, 50 %\r\x1b[K");
    }
}
