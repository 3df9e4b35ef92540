//! Finding the application: its addresses, and a connection to one of them.

use super::base::BaseUrl;
use super::failure::Failure;
use parking_lot::Mutex;
use rustix::io::Errno;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

/// Opens connections; remembers which address took the last one.
#[derive(Default)]
pub(super) struct Dialer {
    last_good: Mutex<Option<SocketAddr>>,
}

impl Dialer {
    /// A connection to the first address that takes one, the last good one tried first, all of
    /// them before `deadline`. The name is resolved anew each time: a deploy may have moved it.
    ///
    /// # Errors
    /// [`Failure::Dns`], [`Failure::Refused`] and [`Failure::ConnectTimeout`]; the last also if
    /// only one of several addresses did not answer in its share of the time.
    pub(super) async fn dial(
        &self,
        base: &BaseUrl,
        deadline: Instant,
    ) -> Result<TcpStream, Failure> {
        let mut addresses =
            timeout_at(deadline, resolve(base)).await.map_err(|_| Failure::ConnectTimeout)??;
        self.prefer_last_good(&mut addresses);
        let mut failure = Failure::Refused;
        for (tried, address) in addresses.iter().enumerate() {
            match connect(*address, share(deadline, addresses.len() - tried)).await {
                Ok(stream) => return Ok(self.remember(stream, *address)),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    failure = Failure::ConnectTimeout;
                }
                Err(error) if is_our_own(&error) => return Err(Failure::NoSocket),
                Err(_) => {}
            }
        }
        Err(failure)
    }

    fn prefer_last_good(&self, addresses: &mut [SocketAddr]) {
        let last_good = *self.last_good.lock();
        if let Some(found) = addresses.iter().position(|it| Some(*it) == last_good) {
            addresses[..=found].rotate_right(1);
        }
    }

    fn remember(&self, stream: TcpStream, address: SocketAddr) -> TcpStream {
        *self.last_good.lock() = Some(address);
        stream
    }
}

/// Nothing went to the application: this machine had no socket for it.
fn is_our_own(error: &io::Error) -> bool {
    let ours = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL];
    Errno::from_io_error(error).is_some_and(|errno| ours.contains(&errno))
}

/// `localhost` is both loopback addresses, whatever the resolver says of it (RFC 6761 section
/// 6.3): half of the frameworks listen on one family only.
async fn resolve(base: &BaseUrl) -> Result<Vec<SocketAddr>, Failure> {
    if base.host == "localhost" {
        let both: [IpAddr; 2] = [Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
        return Ok(both.map(|ip| SocketAddr::new(ip, base.port)).to_vec());
    }
    let found: Vec<_> = lookup_host((base.host.as_str(), base.port))
        .await
        .map_err(|_| Failure::Dns)?
        .take(MAX_ADDRESSES)
        .collect();
    if found.is_empty() { Err(Failure::Dns) } else { Ok(found) }
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

/// A name with more addresses than this is tried on the first ones only.
const MAX_ADDRESSES: usize = 16;
