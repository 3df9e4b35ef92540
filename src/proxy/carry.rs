//! Bytes both ways between two connections, until both have come to their end or neither has said
//! anything for too long.
//!
//! What is read is written at once, from the stack; only what the other side does not take is kept,
//! and nothing more is read before it is gone. So a silent tunnel holds no buffer, and a fast sender
//! goes at the pace of a slow reader. The end of one direction is passed on and leaves the other as
//! it is.
//!
//! While something waits for the application its visitor is not read, and whether he is there cannot be
//! seen. So an application that takes nothing for as long as it may take to answer ends the tunnel; a
//! visitor who takes nothing is the affair of his socket.

use crate::clock::LazyTimer;
use bytes::{Buf, Bytes};
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// A connection, and what was read from it already.
pub(super) struct Side<S> {
    pub(super) stream: S,
    pub(super) read: Bytes,
}

/// What was carried, in bytes, and how that ended.
pub(super) struct Carried {
    pub(super) up: u64,
    pub(super) down: u64,
    pub(super) end: End,
}

pub(super) enum End {
    /// Both sides have ended it.
    Closed,
    /// Nothing came from either side for too long.
    Idle,
    /// The application has taken nothing for too long of what waits for it.
    Stuck,
    /// One of the connections broke.
    Broken(io::Error),
}

/// Carries what `front` says to `back` and the other way round. Silence of both for `idle` ends it,
/// never if that is zero; once one of them has ended its direction, silence for a minute does in any
/// case, for then the other is most likely gone. `back` may take nothing for `stuck`; zero is no limit.
pub(super) async fn carry<F, B>(
    front: Side<F>,
    back: Side<B>,
    idle: Duration,
    stuck: Duration,
) -> Carried
where
    F: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (mut up, mut down) = (Way::new(front.read), Way::new(back.read));
    let (mut front, mut back) = (front.stream, back.stream);
    let (mut silence, mut waiting) = (Silence::new(), Silence::new());
    let end = poll_fn(|cx| {
        let before = (up.moves, down.moves);
        let rising = up.poll(&mut front, &mut back, cx);
        let falling = down.poll(&mut back, &mut front, cx);
        let ended = match (rising, falling) {
            (Poll::Ready(Err(error)), _) | (_, Poll::Ready(Err(error))) => {
                return Poll::Ready(End::Broken(error));
            }
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(End::Closed),
            (rising, falling) => rising.is_ready() || falling.is_ready(),
        };
        if before != (up.moves, down.moves) {
            silence.since = Instant::now();
        }
        if before.0 != up.moves {
            waiting.since = silence.since;
        }
        if up.waits() && !stuck.is_zero() && waiting.poll(stuck, cx).is_ready() {
            return Poll::Ready(End::Stuck);
        }
        match longest_silence(idle, ended) {
            Some(limit) => silence.poll(limit, cx).map(|()| End::Idle),
            None => Poll::Pending,
        }
    })
    .await;
    Carried { up: up.carried, down: down.carried, end }
}

fn longest_silence(idle: Duration, half_ended: bool) -> Option<Duration> {
    match (idle.is_zero(), half_ended) {
        (true, false) => None,
        (false, false) => Some(idle),
        (true, true) => Some(HALF_ENDED),
        (false, true) => Some(idle.min(HALF_ENDED)),
    }
}

/// One direction.
struct Way {
    /// Read, and not taken by the other side yet.
    held: Bytes,
    /// Where it comes from has ended it.
    over: bool,
    /// The other side knows.
    told: bool,
    carried: u64,
    /// Grows with everything that happens.
    moves: u64,
}

impl Way {
    fn new(held: Bytes) -> Self {
        Self { held, over: false, told: false, carried: 0, moves: 0 }
    }

    /// Ready when its end has been passed on.
    fn poll<R, W>(&mut self, from: &mut R, to: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        for _ in 0..PIECES_IN_A_ROW {
            if self.told {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_held(to, cx))?;
            if self.over {
                ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                self.told = true;
                continue;
            }
            ready!(self.poll_piece(from, to, cx))?;
        }
        // The other direction is to have its turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_held<W: AsyncWrite + Unpin>(
        &mut self,
        to: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let taken = ready!(Pin::new(&mut *to).poll_write(cx, &self.held))?;
            self.took(taken)?;
            self.held.advance(taken);
        }
        // An empty one would still keep its memory.
        self.held = Bytes::new();
        Poll::Ready(Ok(()))
    }

    fn poll_piece<R, W>(
        &mut self,
        from: &mut R,
        to: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let mut room = [MaybeUninit::uninit(); PIECE_BYTES];
        let mut piece = ReadBuf::uninit(&mut room);
        if Pin::new(from).poll_read(cx, &mut piece)?.is_pending() {
            // Each time: that it cannot be passed on may be found out late.
            let _ = Pin::new(to).poll_flush(cx)?;
            return Poll::Pending;
        }
        self.moves += 1;
        let read = piece.filled();
        if read.is_empty() {
            self.over = true;
            return Poll::Ready(Ok(()));
        }
        let taken = match Pin::new(to).poll_write(cx, read)? {
            Poll::Ready(taken) => {
                self.took(taken)?;
                taken
            }
            Poll::Pending => 0,
        };
        self.held = Bytes::copy_from_slice(&read[taken..]);
        Poll::Ready(Ok(()))
    }

    /// Something waits for the other side, and nothing more is read.
    fn waits(&self) -> bool {
        !self.held.is_empty() || (self.over && !self.told)
    }

    fn took(&mut self, bytes: usize) -> io::Result<()> {
        if bytes == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.carried += bytes as u64;
        self.moves += 1;
        Ok(())
    }
}

/// How long nothing has moved. Its timer is moved on only when it goes off, so that a busy
/// tunnel never touches it.
struct Silence {
    since: Instant,
    timer: LazyTimer,
}

impl Silence {
    fn new() -> Self {
        Self { since: Instant::now(), timer: LazyTimer::default() }
    }

    /// Ready when it has lasted for `limit`.
    fn poll(&mut self, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.poll_until(self.since + limit, cx)
    }
}

/// As much as is read at once.
const PIECE_BYTES: usize = 16 * 1024;
/// What one direction carries before it is the other's turn. Both together have to do with what tokio
/// lets a task read in one turn.
const PIECES_IN_A_ROW: usize = 4;
const HALF_ENDED: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::{has_read, is_the_stream_inside};
    use std::pin::pin;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, WriteHalf, duplex, join, split};
    use tokio::task::JoinHandle;

    /// The visitor's end, the application's end, and what carries between them.
    fn tunnel(idle: u64) -> (DuplexStream, DuplexStream, JoinHandle<Carried>) {
        let (visitor, front) = duplex(1 << 10);
        let (application, back) = duplex(1 << 10);
        let front = Side { stream: front, read: Bytes::from_static(b"early ") };
        let back = Side { stream: back, read: Bytes::from_static(b"said ") };
        let carried = carry(front, back, Duration::from_secs(idle), Duration::from_secs(STUCK));
        (visitor, application, tokio::spawn(carried))
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_before_comes_first_and_ends_pass_one_by_one() {
        let (mut visitor, mut application, carried) = tunnel(0);
        let mut came = Vec::new();
        let saying = async {
            visitor.write_all(&[b'u'; 100_000]).await.unwrap();
            visitor.shutdown().await.unwrap();
        };
        let hearing = async { application.read_to_end(&mut came).await.unwrap() };
        tokio::join!(saying, hearing);
        assert!(came.starts_with(b"early u") && came.len() == 100_006);
        application.write_all(b"down").await.unwrap();
        drop(application);
        let mut came = String::new();
        visitor.read_to_string(&mut came).await.unwrap();
        assert_eq!(came, "said down");
        let carried = carried.await.unwrap();
        assert!(matches!(carried.end, End::Closed));
        assert_eq!((carried.up, carried.down), (100_006, 9));
    }

    const STUCK: u64 = 15;

    #[tokio::test(start_paused = true)]
    async fn an_application_that_takes_nothing_is_waited_for_as_for_an_answer() {
        let (mut visitor, mut application, carried) = tunnel(0);
        let began = Instant::now();
        let saying = tokio::spawn(async move { visitor.write_all(&[b'u'; 100_000]).await });
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_secs(STUCK - 1)).await;
            application.read_exact(&mut [0; 100]).await.unwrap();
        }
        assert!(matches!(carried.await.unwrap().end, End::Stuck));
        assert_eq!(began.elapsed().as_secs(), 4 * (STUCK - 1) + STUCK);
        assert!(saying.await.unwrap().is_err());
    }

    /// Takes everything, says that it is on its way, and finds out later that it is not.
    struct Late {
        inner: WriteHalf<DuplexStream>,
        taken: Vec<u8>,
        asked: bool,
    }

    impl AsyncWrite for Late {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.taken.extend(bytes);
            self.asked = false;
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            if !std::mem::replace(&mut self.asked, true) {
                cx.waker().wake_by_ref();
                return Poll::Ready(Ok(()));
            }
            let Late { inner, taken, .. } = &mut *self;
            while !taken.is_empty() {
                let sent = ready!(Pin::new(&mut *inner).poll_write(cx, taken))?;
                taken.drain(..sent);
            }
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.asked = true;
            ready!(self.as_mut().poll_flush(cx))?;
            Pin::new(&mut self.inner).poll_shutdown(cx)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_taken_and_got_stuck_is_passed_on_and_waited_for() {
        let (mut visitor, front) = duplex(1 << 10);
        let (mut application, back) = duplex(1 << 10);
        let late = |stream| {
            let (from, inner) = split(stream);
            let stream = join(from, Late { inner, taken: Vec::new(), asked: true });
            Side { stream, read: Bytes::new() }
        };
        let began = Instant::now();
        let stuck = Duration::from_secs(STUCK);
        let carried = tokio::spawn(carry(late(front), late(back), Duration::ZERO, stuck));
        let passed_on = async {
            application.write_all(b"down").await.unwrap();
            visitor.read_exact(&mut [0; 4]).await.unwrap();
            visitor.write_all(&[b'u'; 1000]).await.unwrap();
            application.read_exact(&mut [0; 1000]).await.unwrap();
        };
        tokio::time::timeout(stuck, passed_on).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 0);
        visitor.write_all(&[b'u'; 2000]).await.unwrap();
        visitor.shutdown().await.unwrap();
        assert!(matches!(carried.await.unwrap().end, End::Stuck));
        assert_eq!(began.elapsed().as_secs(), STUCK);
    }

    /// Reads are paid for, as those of sockets are.
    enum Paid {
        Duplex(DuplexStream),
    }

    is_the_stream_inside!(Paid: Duplex => has_read);

    #[tokio::test]
    async fn an_upload_without_end_leaves_the_other_direction_its_turn() {
        let side = |stream| Side { stream: Paid::Duplex(stream), read: Bytes::new() };
        let (mut visitor, front) = duplex(1 << 20);
        let (mut application, back) = duplex(1 << 20);
        visitor.write_all(&[b'u'; 1 << 20]).await.unwrap();
        application.write_all(b"down").await.unwrap();
        let one_turn = tokio::spawn(async move {
            let mut carried = pin!(carry(side(front), side(back), Duration::ZERO, Duration::ZERO));
            poll_fn(|cx| Poll::Ready(carried.as_mut().poll(cx).is_pending())).await
        });
        assert!(one_turn.await.unwrap());
        visitor.read_exact(&mut [0; 4]).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn one_side_that_speaks_is_no_silence() {
        let (visitor, mut application, carried) = tunnel(10);
        let began = Instant::now();
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(9)).await;
            application.write_all(b"x").await.unwrap();
        }
        assert!(matches!(carried.await.unwrap().end, End::Idle));
        assert_eq!(began.elapsed().as_secs(), 55);
        drop(visitor);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_silence_lasts_until_one_side_ends_it() {
        let (mut visitor, application, carried) = tunnel(0);
        tokio::time::sleep(Duration::from_secs(1_000_000)).await;
        assert!(!carried.is_finished());
        let ended = Instant::now();
        visitor.shutdown().await.unwrap();
        assert!(matches!(carried.await.unwrap().end, End::Idle));
        assert_eq!(ended.elapsed(), HALF_ENDED);
        drop(application);
    }
}
