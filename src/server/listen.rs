//! `server.listen`: a host or address and a port; no host means every address of both families.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use thiserror::Error;
use tokio::net::TcpListener;

/// Where to listen. Port 0 lets the system choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// None: every address.
    pub host: Option<String>,
    pub port: u16,
}

/// The port could not be had: it is in use, or needs rights that this process lacks.
#[derive(Debug, Error)]
#[error("cannot listen on {listen}: {error}; stop what uses it or set RETTER_SERVER_LISTEN")]
pub struct ListenError {
    listen: Listen,
    error: io::Error,
}

impl Listen {
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
    pub async fn bind(&self) -> Result<TcpListener, ListenError> {
        let bound = match &self.host {
            Some(host) => TcpListener::bind((host.as_str(), self.port)).await,
            None => self.bind_everywhere().await,
        };
        bound.map_err(|error| ListenError { listen: self.clone(), error })
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

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
            None => write!(f, ":{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_alike() {
        for text in [":8089", "127.0.0.1:80", "[::1]:8089", "web-1.example:1"] {
            assert_eq!(Listen::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "8089", ":99999", "::1:80", "http://x:1", "a b:1", "[x]:1"] {
            assert!(Listen::parse(text).is_err(), "{text}");
        }
    }
}
