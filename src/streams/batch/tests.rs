use super::*;
use crate::streams::{has_read, is_the_stream_inside};
use socket2::SockRef;
use std::future::poll_fn;
use std::io::Read;
use std::net::{self, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::Wake;
use std::thread;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{self, Runtime};
use tokio::time::timeout;

/// Workers that hold what is written small.
struct Workers(Runtime);

impl Workers {
    /// When all have nothing to do.
    fn new(count: usize) -> Self {
        let (rests, at_rest) = mpsc::channel();
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(count)
            .enable_all()
            .on_thread_park(move || {
                send_held();
                let _ = rests.send(thread::current().id());
            })
            .build()
            .unwrap();
        let mut resting = std::collections::HashSet::new();
        while resting.len() < count {
            resting.insert(at_rest.recv_timeout(PATIENCE).expect("workers go to sleep"));
        }
        Self(runtime)
    }

    /// A socket that may be written to, and who reads at the other end.
    fn pair(&self) -> (Batched, net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (peer, _) = listener.accept().unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        ours.set_nonblocking(true).unwrap();
        ours.set_nodelay(true).unwrap();
        let ours = self.on_a_worker(async {
            let ours = TcpStream::from_std(ours).unwrap();
            ours.writable().await.unwrap();
            ours
        });
        (Batched::new(ours), peer)
    }

    /// Between the two fits little.
    fn narrow_pair(&self) -> (Batched, net::TcpStream) {
        let (socket, peer) = self.pair();
        socket.with(|stream| SockRef::from(stream).set_send_buffer_size(4096)).unwrap();
        SockRef::from(&peer).set_recv_buffer_size(4096).unwrap();
        (socket, peer)
    }

    fn on_a_worker<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        self.0.block_on(async { timeout(PATIENCE, self.0.spawn(work)).await }).unwrap().unwrap()
    }
}

/// Nothing has come until now.
fn waits(peer: &net::TcpStream) -> bool {
    peer.set_nonblocking(true).unwrap();
    let came = peer.peek(&mut [0]);
    peer.set_nonblocking(false).unwrap();
    came.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

fn read(peer: &mut net::TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    peer.read_exact(&mut bytes).unwrap();
    bytes
}

fn read_to_end(peer: &mut net::TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    peer.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn small_writes_are_sent_when_the_worker_has_nothing_else_to_do() {
    let workers = Workers::new(1);
    let ((mut first, at_first), (mut second, at_second)) = (workers.pair(), workers.pair());
    let (mut at_first, mut at_second, _open) = workers.on_a_worker(async move {
        first.write_all(b"one, ").await.unwrap();
        second.write_all(b"two").await.unwrap();
        first.write_all(b"three").await.unwrap();
        first.flush().await.unwrap();
        assert!(waits(&at_first) && waits(&at_second));
        (at_first.try_clone().unwrap(), at_second.try_clone().unwrap(), (first, second))
    });
    assert_eq!(read(&mut at_first, 10), b"one, three");
    assert_eq!(read(&mut at_second, 3), b"two");
}

#[test]
fn a_full_batch_does_not_wait_for_the_worker() {
    let workers = Workers::new(1);
    let mut pairs: Vec<_> = (0..MOST_HELD).map(|_| workers.pair()).collect();
    workers.on_a_worker(async move {
        let (last, others) = pairs.split_last_mut().unwrap();
        for (socket, _) in others.iter_mut() {
            socket.write_all(b"x").await.unwrap();
        }
        assert!(others.iter().all(|(_, peer)| waits(peer)));
        last.0.write_all(b"x").await.unwrap();
        for (_, peer) in &mut pairs {
            assert_eq!(read(peer, 1), b"x");
        }
    });
}

/// As both sides have it.
enum Looked {
    Tcp(Batched),
}

is_the_stream_inside!(Looked: Tcp => has_read);

#[test]
fn nobody_waits_for_long_while_the_worker_goes_on_with_others() {
    let workers = Workers::new(1);
    let ((mut socket, mut peer), (other, _others_peer)) = (workers.pair(), workers.pair());
    workers.on_a_worker(async move {
        socket.write_all(b"x").await.unwrap();
        let (mut other, began) = (Looked::Tcp(other), Instant::now());
        while began.elapsed() < LONGEST {}
        for _ in 0..STEPS_A_LOOK {
            assert!(waits(&peer));
            let mut nothing = [0];
            tokio::select! {
                biased;
                _ = other.read(&mut nothing) => panic!("nobody says anything there"),
                () = async {} => {}
            }
        }
        assert_eq!(read(&mut peer, 1), b"x");
    });
}

#[test]
fn what_is_large_goes_at_once_behind_what_was_small() {
    let workers = Workers::new(1);
    let (mut socket, mut peer) = workers.pair();
    workers.on_a_worker(async move {
        socket.write_all(b"small").await.unwrap();
        socket.write_all(&[b'l'; MOST_BYTES]).await.unwrap();
        assert_eq!(read(&mut peer, 5), b"small");
        assert_eq!(read(&mut peer, MOST_BYTES), [b'l'; MOST_BYTES]);
        // Many small ones are a large one.
        for piece in [[b'a'; 1024], [b'b'; 1024], [b'c'; 1024], [b'd'; 1024], [b'e'; 1024]] {
            assert!(waits(&peer));
            socket.write_all(&piece).await.unwrap();
        }
        assert_eq!(read(&mut peer, 5 * 1024)[4 * 1024..], [b'e'; 1024]);
    });
}

#[test]
fn the_end_comes_behind_everything_else() {
    let workers = Workers::new(1);
    let ((mut shut, mut at_shut), (mut dropped, mut at_dropped)) = (workers.pair(), workers.pair());
    let _open = workers.on_a_worker(async move {
        shut.write_all(b"last words").await.unwrap();
        shut.shutdown().await.unwrap();
        dropped.write_all(b"last words").await.unwrap();
        shut
    });
    assert_eq!(read_to_end(&mut at_shut), b"last words");
    assert_eq!(read_to_end(&mut at_dropped), b"last words");
}

#[test]
fn a_peer_that_takes_nothing_is_waited_for_and_loses_nothing() {
    let workers = Workers::new(1);
    let (mut socket, mut peer) = workers.narrow_pair();
    let piece: Vec<u8> = (0..1000).map(|at| (at % 251) as u8).collect();
    let again = piece.clone();
    let (mut socket, taken) = workers.on_a_worker(async move {
        let (called, left) = (Arc::new(Called::default()), Arc::new(Called::default()));
        let (owner, writer) = (Waker::from(called.clone()), Waker::from(left.clone()));
        let mut taken = 0;
        // Every piece is taken and said to be flushed; after one of them, the batch calls.
        while !called.0.load(Ordering::Relaxed) {
            // Whose task goes on with another connection.
            give(&mut socket, &piece, &writer);
            assert!(Pin::new(&mut socket).poll_flush(&mut Context::from_waker(&owner)).is_ready());
            taken += 1;
            // Meanwhile the worker rests.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert!(!left.0.load(Ordering::Relaxed));
        let mut cx = Context::from_waker(&owner);
        assert!(Pin::new(&mut socket).poll_flush(&mut cx).is_pending());
        (socket, taken)
    });
    assert!(taken > 1);
    let reader = thread::spawn(move || read_to_end(&mut peer));
    workers.on_a_worker(async move {
        socket.flush().await.unwrap();
        socket.write_all(b"and more").await.unwrap();
        socket.shutdown().await.unwrap();
    });
    let came = reader.join().unwrap();
    let (pieces, more) = came.split_at(taken * again.len());
    assert!(pieces.chunks(again.len()).all(|chunk| chunk == again));
    assert_eq!(more, b"and more");
}

#[test]
fn a_socket_that_breaks_before_the_batch_is_sent_says_so_to_its_owner() {
    let workers = Workers::new(1);
    let (mut socket, peer) = workers.pair();
    let error = workers.on_a_worker(async move {
        socket.write_all(b"nobody reads this").await.unwrap();
        slam(peer, &socket);
        poll_fn(|cx| match Pin::new(&mut socket).poll_flush(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(error),
            _ => Poll::Pending,
        })
        .await
    });
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_reset_that_the_batch_was_told_of_is_no_plain_end() {
    let workers = Workers::new(1);
    let (mut socket, peer) = workers.pair();
    let read = workers.on_a_worker(async move {
        socket.write_all(b"nobody reads this").await.unwrap();
        slam(peer, &socket);
        while !matches!(socket.shared.lock().fate, Fate::Failed(_)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        socket.read(&mut [0; 10]).await
    });
    assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

/// Resets the connection of `socket`.
fn slam(peer: net::TcpStream, socket: &Batched) {
    SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    drop(peer);
    let began = Instant::now();
    while socket.with(TcpStream::peer_addr).is_ok() {
        assert!(began.elapsed() < PATIENCE, "no reset came");
    }
}

#[tokio::test]
async fn a_thread_that_never_sends_what_it_holds_holds_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    Batched::new(ours).write_all(b"x").await.unwrap();
    assert_eq!(read(&mut peer, 1), b"x");
}

#[test]
fn every_byte_comes_once_and_in_order_whoever_sends_it() {
    let workers = Workers::new(2);
    let crowd: Vec<_> = (0..8u64)
        .map(|seed| {
            let (mut socket, mut peer) = workers.narrow_pair();
            let writer = workers.0.spawn(async move {
                let mut random = Random(seed);
                let mut sent = Vec::new();
                for _ in 0..100 {
                    let longest = if random.below(4) == 0 { 20_000 } else { 900 };
                    let length = 1 + random.below(longest);
                    let piece: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
                    socket.write_all(&piece).await.unwrap();
                    sent.extend(piece);
                    match random.below(4) {
                        0 => socket.flush().await.unwrap(),
                        1 => tokio::task::yield_now().await,
                        2 => tokio::time::sleep(Duration::from_micros(1)).await,
                        _ => {}
                    }
                }
                socket.shutdown().await.unwrap();
                sent
            });
            (writer, thread::spawn(move || read_to_end(&mut peer)))
        })
        .collect();
    for (writer, reader) in crowd {
        let sent = workers.0.block_on(writer).unwrap();
        assert!(reader.join().unwrap() == sent);
    }
}

/// Takes it at once, and says that it is flushed.
fn give(socket: &mut Batched, piece: &[u8], owner: &Waker) {
    let mut cx = Context::from_waker(owner);
    let written = Pin::new(&mut *socket).poll_write(&mut cx, piece);
    assert!(matches!(written, Poll::Ready(Ok(it)) if it == piece.len()), "{written:?}");
    assert!(Pin::new(socket).poll_flush(&mut cx).is_ready());
}

/// True once it was woken.
#[derive(Default)]
struct Called(AtomicBool);

impl Wake for Called {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The same numbers every time (Knuth's MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
