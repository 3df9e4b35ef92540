//! The socket under hyper, and what about it hyper does not tell: whether a byte of an answer was
//! heard (a request may be sent again only if not), whether an upload moves, and whom to wake.
//!
//! hyper wakes its driver for its own channels too, which here never have anything new for it:
//! whoever uses them drives the connection in the same poll. So hyper gets a waker of ours
//! ([`Traffic::turn`]), and the socket and the client's body get the one of the task. It spares
//! every request two polls that find nothing to do.

use super::stream::Stream;
use parking_lot::Mutex;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop;

/// A socket that notes its traffic.
pub(super) struct Wire {
    stream: Stream,
    traffic: Arc<Traffic>,
}

/// What has passed, and whom to wake for what will. Shared, because hyper owns the socket; relaxed,
/// because one task at a time drives a connection.
#[derive(Default)]
pub(super) struct Traffic {
    heard: AtomicBool,
    writes: AtomicU64,
    client_awaited: AtomicBool,
    /// The task that drives the connection.
    task: Mutex<Option<Waker>>,
    /// hyper has asked for another turn.
    again: AtomicBool,
    /// A look at the socket was in vain in this turn; the task will be woken when there is more.
    dry: AtomicBool,
    /// The last look was in vain whatever was there, because the task's budget was spent.
    blind: AtomicBool,
}

impl Wire {
    pub(super) fn new(stream: Stream, traffic: Arc<Traffic>) -> Self {
        Self { stream, traffic }
    }

    pub(super) fn into_inner(self) -> Stream {
        self.stream
    }
}

impl Traffic {
    /// From now on only new bytes count as heard.
    pub(super) fn listen(&self) {
        self.heard.store(false, Ordering::Relaxed);
    }

    pub(super) fn heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// How often bytes were taken on their way to the application.
    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// The client's body was asked for its next frame, and has none yet.
    pub(super) fn await_client(&self, awaited: bool) {
        self.client_awaited.store(awaited, Ordering::Relaxed);
    }

    /// It is the client's turn, not the application's.
    pub(super) fn is_client_awaited(&self) -> bool {
        self.client_awaited.load(Ordering::Relaxed)
    }

    /// Lets hyper do what it can do now. The task of `cx` is woken when the socket or the client's
    /// body has more, and at once if hyper stopped for the sake of others; `hypers` is a waker of
    /// this traffic.
    pub(super) fn turn<T>(
        &self,
        hypers: &Waker,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> T,
    ) -> T {
        match &mut *self.task.lock() {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        self.again.store(false, Ordering::Relaxed);
        self.dry.store(false, Ordering::Relaxed);
        let polled = poll(&mut Context::from_waker(hypers));
        if self.again.load(Ordering::Relaxed) {
            cx.waker().wake_by_ref();
        }
        polled
    }

    /// Polls what the task is to be woken for.
    pub(super) fn wait<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let task = self.task.lock();
        poll(&mut Context::from_waker(task.as_ref().unwrap_or(Waker::noop())))
    }

    /// Nobody knows whether there is something to be read.
    pub(super) fn is_blind(&self) -> bool {
        self.blind.load(Ordering::Relaxed)
    }

    fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wake for Traffic {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.again.store(true, Ordering::Relaxed);
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _hypers: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, traffic } = &mut *self;
        // hyper looks more than once.
        if traffic.dry.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let read = traffic.wait(|cx| Pin::new(stream).poll_read(cx, buf));
        traffic.dry.store(read.is_pending(), Ordering::Relaxed);
        let is_blind = read.is_pending() && !coop::has_budget_remaining();
        traffic.blind.store(is_blind, Ordering::Relaxed);
        ready!(read)?;
        if buf.filled().len() > before {
            traffic.heard.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _hypers: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self { stream, traffic } = &mut *self;
        let taken = ready!(traffic.wait(|cx| Pin::new(stream).poll_write(cx, bytes)))?;
        traffic.wrote();
        Poll::Ready(Ok(taken))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _hypers: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { stream, traffic } = &mut *self;
        let taken = ready!(traffic.wait(|cx| Pin::new(stream).poll_write_vectored(cx, slices)))?;
        traffic.wrote();
        Poll::Ready(Ok(taken))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, _hypers: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, traffic } = &mut *self;
        traffic.wait(|cx| Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _hypers: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, traffic } = &mut *self;
        traffic.wait(|cx| Pin::new(stream).poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::{Batched, has_read};
    use std::io::Write;
    use std::sync::atomic::AtomicUsize;
    use std::thread;
    use std::time::{Duration, Instant};
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Task {
        fn woken(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }

        /// While another thread sees to the sockets.
        fn is_woken_soon(&self) -> bool {
            let end = Instant::now() + Duration::from_secs(10);
            while self.woken() == 0 && Instant::now() < end {
                thread::yield_now();
            }
            self.woken() > 0
        }
    }

    /// One turn of `task`'s, in which hyper does this.
    fn turn(traffic: &Arc<Traffic>, task: &Arc<Task>, hyper: impl FnOnce(&mut Context<'_>)) {
        let (waker, hypers) = (Waker::from(task.clone()), Waker::from(traffic.clone()));
        traffic.turn(&hypers, &mut Context::from_waker(&waker), hyper);
    }

    #[test]
    fn hyper_is_given_another_turn_if_it_asks_for_one_in_its_own() {
        let (traffic, task) = (Arc::new(Traffic::default()), Arc::new(Task::default()));
        turn(&traffic, &task, |cx| cx.waker().wake_by_ref());
        assert_eq!(task.woken(), 1);
        turn(&traffic, &task, |_| {});
        assert_eq!(task.woken(), 1, "once");
        // As its channels do when somebody takes something out of them, who drives it then.
        Waker::from(traffic.clone()).wake();
        turn(&traffic, &task, |_| {});
        assert_eq!(task.woken(), 1, "not between its turns");
    }

    /// A wire, and the application's end of it.
    async fn wired(traffic: &Arc<Traffic>) -> (Wire, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dialled = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (application, _) = listener.accept().await.unwrap();
        (Wire::new(Stream::Tcp(Batched::new(dialled)), traffic.clone()), application)
    }

    fn read(wire: &mut Wire, cx: &mut Context<'_>) -> Poll<u8> {
        let mut byte = [0];
        let read = Pin::new(wire).poll_read(cx, &mut ReadBuf::new(&mut byte));
        read.map(|read| read.map(|()| byte[0]).unwrap())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_socket_wakes_whoever_had_the_last_turn() {
        let traffic = Arc::new(Traffic::default());
        let (mut wire, mut application) = wired(&traffic).await;
        let tasks = [Arc::new(Task::default()), Arc::new(Task::default())];
        for task in &tasks {
            turn(&traffic, task, |cx| assert!(read(&mut wire, cx).is_pending()));
        }
        application.write_all(b"a").await.unwrap();
        assert!(tasks[1].is_woken_soon());
        assert_eq!(tasks[0].woken(), 0);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_look_without_a_budget_shows_nothing_and_says_so() {
        let traffic = Arc::new(Traffic::default());
        let (mut wire, mut application) = wired(&traffic).await;
        application.write_all(b"a").await.unwrap();
        let task = Arc::new(Task::default());
        let looked = traffic.clone();
        let look = async move {
            while coop::has_budget_remaining() {
                has_read(4096);
            }
            turn(&looked, &task, |cx| assert!(read(&mut wire, cx).is_pending()));
        };
        tokio::spawn(look).await.unwrap();
        assert!(traffic.is_blind());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_comes_after_a_look_in_vain_is_for_the_next_turn() {
        let traffic = Arc::new(Traffic::default());
        let (mut wire, application) = wired(&traffic).await;
        let (application, task) = (application.into_std().unwrap(), Arc::new(Task::default()));
        turn(&traffic, &task, |cx| {
            assert!(read(&mut wire, cx).is_pending() && !traffic.is_blind());
            assert_eq!((&application).write(b"a").unwrap(), 1);
            assert!(task.is_woken_soon());
            assert!(read(&mut wire, cx).is_pending());
        });
        turn(&traffic, &task, |cx| assert_eq!(read(&mut wire, cx), Poll::Ready(b'a')));
    }
}
