//! What an HTTP/2 connection owes its client: the requests under way, and the bytes of answers that
//! have not been written.
//!
//! hyper lets go of a body when h2 has its last piece, and h2 keeps that piece until there is a window
//! for it. So a piece tells by itself when it leaves: it is the buffer that h2 writes from. What is no
//! answer (PONG, SETTINGS, WINDOW_UPDATE) has no part in this, whatever its size.

use bytes::{Buf, Bytes};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::time::Instant;

/// The account of one connection.
#[derive(Clone, Default)]
pub(super) struct Owed(Arc<Mutex<Account>>);

#[derive(Default)]
struct Account {
    /// Requests under way.
    streams: u32,
    /// Of their answers, taken from the application's side and not written.
    bytes: usize,
    /// When something of an answer was last written, or else when what waits or rests began to.
    moved: Option<Instant>,
}

/// How a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The client is to take something, and has taken nothing since then.
    Waits(Instant),
    /// The application's turn, or the client's to send a body.
    Busy,
    /// Nothing is owed since then.
    Free(Instant),
}

/// Bytes of an answer, on their way to the client.
pub(super) struct Piece {
    bytes: Bytes,
    owed: Owed,
}

impl Owed {
    pub(super) fn begin_stream(&self) {
        self.0.lock().streams += 1;
    }

    pub(super) fn end_stream(&self) {
        let mut account = self.0.lock();
        account.streams -= 1;
        account.rest();
    }

    /// The client has sent something of a body: it is there, whatever it does not take meanwhile.
    pub(super) fn hear(&self) {
        self.0.lock().moved = Some(Instant::now());
    }

    pub(super) fn piece(&self, bytes: Bytes) -> Piece {
        let mut account = self.0.lock();
        account.rest();
        account.bytes += bytes.len();
        drop(account);
        Piece { bytes, owed: self.clone() }
    }

    pub(super) fn standing(&self) -> Standing {
        let mut account = self.0.lock();
        let moved = *account.moved.get_or_insert_with(Instant::now);
        match (account.bytes, account.streams) {
            (0, 0) => Standing::Free(moved),
            (0, _) => Standing::Busy,
            _ => Standing::Waits(moved),
        }
    }
}

impl Account {
    /// Unless something waits, a time begins; if something does, its time goes on.
    fn rest(&mut self) {
        if self.bytes == 0 {
            self.moved = Some(Instant::now());
        }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, written: usize) {
        self.bytes.advance(written);
        let mut account = self.owed.0.lock();
        account.bytes -= written;
        account.moved = Some(Instant::now());
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            let mut account = self.owed.0.lock();
            account.bytes -= self.bytes.len();
            account.rest();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn an_answer_waits_until_its_last_byte_is_written_or_given_up() {
        let (owed, second) = (Owed::default(), Duration::from_secs(1));
        owed.begin_stream();
        assert_eq!(owed.standing(), Standing::Busy);
        tokio::time::sleep(second).await;
        let (began, mut first) = (Instant::now(), owed.piece(Bytes::from_static(b"abc")));
        tokio::time::sleep(second).await;
        let other = owed.piece(Bytes::from_static(b"de"));
        owed.end_stream();
        assert_eq!(owed.standing(), Standing::Waits(began), "more of it is no progress");
        first.advance(1);
        assert_eq!(owed.standing(), Standing::Waits(Instant::now()));
        tokio::time::sleep(second).await;
        drop(other);
        assert_eq!(owed.standing(), Standing::Waits(Instant::now() - second));
        first.advance(2);
        drop(first);
        assert_eq!(owed.standing(), Standing::Free(Instant::now()));
    }
}
