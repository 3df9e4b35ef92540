//! `server.listen`: a host or address and a port, where no host means every address of both
//! families; or a unix socket.

use super::plain::Plain;
use crate::at_path::AtPath;
use crate::streams::Batched;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use thiserror::Error;
use tokio::net::TcpListener;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    Port(Address),
    /// `unix:` and a path.
    Unix(PathBuf),
}

/// Where to listen for TCP. Port 0 lets the system choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// None: every address.
    pub host: Option<String>,
    pub port: u16,
}

/// The place could not be had: it is in use, or needs rights that this process lacks.
#[derive(Debug, Error)]
#[error("cannot listen on {listen}: {error}; stop what uses it or set RETTER_SERVER_LISTEN")]
pub struct ListenError {
    listen: Listen,
    error: io::Error,
}

/// Takes connections.
pub enum Listener {
    Port(TcpListener),
    Unix(AtPath),
}

impl Listen {
    /// Reads `unix:/path`, or what [`Address::parse`] reads.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix(UNIX) {
            Some("") => Err("expected a path after unix:, like unix:/run/retter.sock".into()),
            Some(path) if path.contains('\0') => Err("a path has no NUL".into()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => Address::parse(text).map(Self::Port),
        }
    }

    /// Takes the place.
    ///
    /// # Errors
    /// Somebody has it, or this process may not.
    pub async fn bind(&self) -> Result<Listener, ListenError> {
        match self {
            Self::Port(address) => address.bind().await.map(Listener::Port),
            Self::Unix(path) => {
                let bound = AtPath::bind(path, OWNER_AND_GROUP, BACKLOG).await.map(Listener::Unix);
                bound.map_err(|error| ListenError { listen: self.clone(), error })
            }
        }
    }
}

impl Address {
    /// Reads `:8089`, `127.0.0.1:8089`, `[::1]:8089` or `name:8089`.
    pub fn parse(text: &str) -> Result<Self, String> {
        const RIGHT: &str = "expected [HOST]:PORT, like :8089 or 127.0.0.1:8089";
        let (host, port) = text.rsplit_once(':').ok_or(RIGHT)?;
        let port = port.parse().map_err(|_| RIGHT)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let sound = match bare {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)),
        };
        if !sound {
            return Err(RIGHT.into());
        }
        let host = bare.unwrap_or(host);
        Ok(Self { host: (!host.is_empty()).then(|| host.to_owned()), port })
    }

    /// Binds the port. Without a host that is `[::]` with IPv4 besides, or IPv4 alone where the
    /// machine has no IPv6.
    ///
    /// # Errors
    /// Somebody has it, or this process may not.
    pub async fn bind(&self) -> Result<TcpListener, ListenError> {
        let bound = match &self.host {
            Some(host) => TcpListener::bind((host.as_str(), self.port)).await,
            None => self.bind_everywhere().await,
        };
        bound.map_err(|error| ListenError { listen: Listen::Port(self.clone()), error })
    }

    async fn bind_everywhere(&self) -> io::Result<TcpListener> {
        let both = SocketAddr::from((Ipv6Addr::UNSPECIFIED, self.port));
        match TcpListener::bind(both).await {
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, self.port)).await
            }
            bound => bound,
        }
    }
}

impl Listener {
    /// The next connection, and who opened it. Who comes over a unix socket is on this machine and
    /// has no address: he counts as 127.0.0.1.
    pub(super) async fn accept(&self) -> io::Result<(Plain, IpAddr)> {
        match self {
            Self::Port(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Plain::Tcp(Batched::new(stream)), peer.ip()))
            }
            Self::Unix(at_path) => Ok((Plain::Unix(at_path.accept().await?), HERE)),
        }
    }
}

/// Where it listens; for port 0 the port that was chosen.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(listener) => match listener.local_addr() {
                Ok(address) => address.fmt(f),
                Err(error) => write!(f, "unknown: {error}"),
            },
            Self::Unix(at_path) => write!(f, "{UNIX}{}", at_path.path().display()),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
            None => write!(f, ":{}", self.port),
        }
    }
}

const UNIX: &str = "unix:";
/// Who may connect.
const OWNER_AND_GROUP: u32 = 0o660;
/// As for TCP in the standard library and tokio.
const BACKLOG: u32 = 1024;
/// Of whoever has no address.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_written_alike() {
        for text in
            [":8089", "127.0.0.1:80", "[::1]:8089", "web-1.example:1", "unix:/run/a:1", "unix:a"]
        {
            assert_eq!(Listen::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in
            ["", "8089", ":99999", "::1:80", "http://x:1", "a b:1", "[x]:1", "unix:", "unix:\0"]
        {
            assert!(Listen::parse(text).is_err(), "{text}");
        }
    }
}
