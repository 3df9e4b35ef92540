use super::{Listen, TlsFiles};
use ipnet::IpNet;
use std::net::IpAddr;
use std::time::Duration;

/// What the operator says about the front. A time of zero means no limit, where nothing else is
/// said.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `server.listen`
    pub listen: Listen,
    /// `server.maxconnections`: of all clients at one time.
    pub connections: u32,
    /// `limit.client`: of one client at one time; zero is no limit.
    pub client: u32,
    /// `limit.header`: the longest head, bytes.
    pub header_bytes: usize,
    /// `limit.headers`: the most lines of a head.
    pub header_lines: usize,
    /// `limit.streams`: requests under way on one HTTP/2 connection.
    pub streams: u32,
    /// `limit.resets`: requests broken off at once on one HTTP/2 connection; see `http2`.
    pub resets: u32,
    /// `tls.certificate` and `tls.key`
    pub tls: TlsFiles,
    /// `server.trusted`: networks whose `X-Forwarded-*` are believed.
    pub trusted: Vec<IpNet>,
    /// `server.proxyprotocol`: connections begin with whose they are.
    pub proxied: bool,
    /// `limit.head`: a request's head, from its first byte to its last.
    pub head: Duration,
    /// `server.timeout.read`: silence while a request is being read.
    pub read: Duration,
    /// `server.timeout.write`: silence of a client that takes nothing of its answer.
    pub write: Duration,
    /// `server.timeout.idle`: a kept-alive connection without a request.
    pub idle: Duration,
    /// `server.timeout.graceshut`: how long running answers may take after the signal to stop; zero
    /// is not at all.
    pub graceshut: Duration,
}

impl Settings {
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }
}
