//! Finding the application: its addresses, and a connection to one of them.

use super::Settings;
use super::base::Place;
use super::complaints::Complaints;
use super::failure::Failure;
use super::resolve::Resolver;
use super::stream::Stream;
use super::tls::{NoRoots, Tls};
use crate::streams::Batched;
use parking_lot::Mutex;
use rustix::io::Errno;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, sleep_until, timeout_at};

/// Opens connections; remembers which address took the last one.
pub(super) struct Dialer {
    /// `None` for a base URL without it.
    tls: Option<Arc<Tls>>,
    resolver: Resolver,
    last_good: Mutex<Option<SocketAddr>>,
    complaints: Complaints,
}

impl Dialer {
    /// # Errors
    /// The base URL is `https`, and there is nothing to check the application's certificate with.
    pub(super) fn new(settings: &Settings) -> Result<Self, NoRoots> {
        let tls = match &settings.base.place {
            Place::Net { tls: true, host, .. } => {
                let name = settings.sni.as_ref().unwrap_or(host);
                Some(Arc::new(Tls::new(&settings.ca, name)?))
            }
            _ => None,
        };
        let (resolver, last_good) = (Resolver::default(), Mutex::default());
        Ok(Self { tls, resolver, last_good, complaints: Complaints::default() })
    }

    /// A connection to `place`, before `deadline`.
    ///
    /// # Errors
    /// [`Failure::Dns`], [`Failure::Refused`], [`Failure::ConnectTimeout`], [`Failure::NoSocket`];
    /// with TLS also [`Failure::Tls`] and [`Failure::Reset`].
    pub(super) async fn dial(&self, place: &Place, deadline: Instant) -> Result<Stream, Failure> {
        match place {
            Place::Net { host, port, .. } => self.dial_net(host, *port, deadline).await,
            Place::Unix(path) => self.dial_unix(path, deadline).await.map(Stream::Unix),
        }
    }

    /// To the first address that takes one, the last good one tried first, all of them before
    /// `deadline`. The name is resolved anew each time: a deploy may have moved it. Of several
    /// addresses one that does more than refuse says what the failure is, and one that this machine
    /// cannot reach at all (`::1` where IPv6 is off) says the least.
    async fn dial_net(&self, host: &str, port: u16, deadline: Instant) -> Result<Stream, Failure> {
        let resolving = timeout_at(deadline, self.resolver.resolve(host, port));
        let mut addresses = resolving.await.map_err(|_| Failure::ConnectTimeout)??;
        self.prefer_last_good(&mut addresses);
        // Until an address is there to say otherwise.
        let (mut failure, mut missing) = (Failure::NoSocket, None);
        for (tried, address) in addresses.iter().enumerate() {
            match self.reach(*address, share(deadline, addresses.len() - tried)).await {
                Ok(stream) => return Ok(self.remember(stream, *address)),
                Err(NoWay::Socketless(why)) => {
                    missing = Some((address, why, "let RETTER have more files, or memory"));
                    failure = Failure::NoSocket;
                    break;
                }
                Err(NoWay::Addressless(why)) => {
                    missing =
                        Some((address, why, "let this machine have more ports, or the address"));
                }
                Err(NoWay::There(Failure::Refused)) if failure != Failure::NoSocket => {}
                Err(NoWay::There(other)) => failure = other,
            }
        }
        if let (Failure::NoSocket, Some((address, why, remedy))) = (failure, missing) {
            self.complain(&address, &why, remedy);
        }
        Err(failure)
    }

    async fn reach(&self, address: SocketAddr, deadline: Instant) -> Result<Stream, NoWay> {
        let stream = connect(address, deadline).await?;
        match &self.tls {
            None => Ok(Stream::Tcp(Batched::new(stream))),
            // Boxed, because every request makes room for this future.
            Some(tls) => Box::pin(tls.shake_hands(stream, deadline))
                .await
                .map(Stream::Tls)
                .map_err(NoWay::There),
        }
    }

    fn complain(&self, to: &dyn fmt::Display, error: &io::Error, remedy: &str) {
        let what = format!("{to}: {error}");
        self.complaints.say("no connection to the application", &what, remedy);
    }

    /// A socket whose queue is full says so at once, and no event tells when there is room.
    async fn dial_unix(&self, path: &Path, deadline: Instant) -> Result<UnixStream, Failure> {
        loop {
            match UnixStream::connect(path).await {
                Ok(stream) => return Ok(stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let next = Instant::now() + LOOK_AGAIN;
                    if next >= deadline {
                        return Err(Failure::ConnectTimeout);
                    }
                    sleep_until(next).await;
                }
                Err(error) => {
                    let (to, failure) = (path.display(), failure(&error));
                    if error.kind() == io::ErrorKind::PermissionDenied {
                        let remedy = "let RETTER's user write to the socket and enter its folder";
                        self.complain(&to, &error, remedy);
                    } else if failure == Failure::NoSocket {
                        self.complain(&to, &error, "give RETTER more files or memory");
                    }
                    return Err(failure);
                }
            }
        }
    }

    fn prefer_last_good(&self, addresses: &mut [SocketAddr]) {
        let last_good = *self.last_good.lock();
        if let Some(found) = addresses.iter().position(|it| Some(*it) == last_good) {
            addresses[..=found].rotate_right(1);
        }
    }

    fn remember(&self, stream: Stream, address: SocketAddr) -> Stream {
        *self.last_good.lock() = Some(address);
        stream
    }
}

/// Why an address was not reached.
enum NoWay {
    /// It is there, or may be.
    There(Failure),
    /// Nothing of this machine leads to it: all ports towards it are taken, or its family is switched
    /// off. Of the next one that need not be so.
    Addressless(io::Error),
    /// Nor to any other.
    Socketless(io::Error),
}

impl From<io::Error> for NoWay {
    fn from(error: io::Error) -> Self {
        match failure(&error) {
            Failure::NoSocket if is(&error, &[Errno::ADDRNOTAVAIL]) => Self::Addressless(error),
            Failure::NoSocket => Self::Socketless(error),
            failure => Self::There(failure),
        }
    }
}

fn failure(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::TimedOut => Failure::ConnectTimeout,
        _ if is(error, &OUR_OWN) => Failure::NoSocket,
        _ => Failure::Refused,
    }
}

fn is(error: &io::Error, what: &[Errno]) -> bool {
    Errno::from_io_error(error).is_some_and(|errno| what.contains(&errno))
}

async fn connect(address: SocketAddr, deadline: Instant) -> io::Result<TcpStream> {
    let stream = timeout_at(deadline, TcpStream::connect(address))
        .await
        .map_err(|_| io::ErrorKind::TimedOut)??;
    // Requests leave in one piece; nothing is gained by holding the last packet back.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What an address may use of the time that is left, if `left` are still to be tried.
fn share(deadline: Instant, left: usize) -> Instant {
    let now = Instant::now();
    now + deadline.saturating_duration_since(now) / left.max(1) as u32
}

/// Nothing went to the application: this machine had no socket for it.
const OUR_OWN: [Errno; 5] =
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL];
/// How soon a socket whose queue was full is tried again.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
