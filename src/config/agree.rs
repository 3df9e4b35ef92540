//! Settings that are right one by one and wrong together.

use crate::config::Config;
use crate::config::keys;
use crate::config::mistakes;
use crate::gate::Mode;
use crate::server::{Address, Listen};
use crate::upstream::Place;
use std::net::{IpAddr, Ipv4Addr};

/// Two keys that contradict each other, and why.
pub(super) struct Conflict {
    pub first: &'static str,
    pub second: &'static str,
    pub reason: String,
}

/// Every contradiction. A connect time above `backend.timeout` is none: the timeout ends first.
pub(super) fn conflicts(config: &Config) -> Vec<Conflict> {
    let all = [open_times, gate_limits, own_listener, nobody_in_front, kept_failure, tls_pair];
    all.into_iter().filter_map(|conflict| conflict(config)).collect()
}

fn open_times(config: &Config) -> Option<Conflict> {
    (config.breaker.open_min > config.breaker.open_max).then(|| Conflict {
        first: keys::BREAKER_OPEN_MIN.name,
        second: keys::BREAKER_OPEN_MAX.name,
        reason: "the shortest open time is above the longest".to_owned(),
    })
}

fn gate_limits(config: &Config) -> Option<Conflict> {
    let is_auto = config.gate.mode == Mode::Auto;
    (is_auto && config.gate.min > config.gate.max).then(|| Conflict {
        first: keys::GATE_MIN.name,
        second: keys::GATE_MAX.name,
        reason: "the lowest limit is above the highest".to_owned(),
    })
}

fn own_listener(config: &Config) -> Option<Conflict> {
    let (base, listen) = (&config.backend.base.place, &config.server.listen);
    let is_own = match (base, listen) {
        (Place::Net { host, port, .. }, Listen::Port(listen)) => {
            *port == listen.port && is_same_machine(host, listen)
        }
        (Place::Unix(path), Listen::Unix(listen)) => path == listen,
        _ => false,
    };
    is_own.then(|| Conflict {
        first: keys::BACKEND_BASEURL.name,
        second: keys::SERVER_LISTEN.name,
        reason: "the application would be RETTER itself".to_owned(),
    })
}

/// Only who is trusted may say whose a connection is, so with nobody trusted nobody could connect. Who
/// comes over a unix socket counts as 127.0.0.1.
fn nobody_in_front(config: &Config) -> Option<Conflict> {
    let server = &config.server;
    let here = IpAddr::from(Ipv4Addr::LOCALHOST);
    let nobody = match server.listen {
        Listen::Port(_) => server.trusted.is_empty(),
        Listen::Unix(_) => !server.trusted.iter().any(|network| network.contains(&here)),
    };
    (server.proxied && nobody).then(|| Conflict {
        first: keys::SERVER_PROXYPROTOCOL.name,
        second: keys::SERVER_TRUSTED.name,
        reason: "nobody who could connect is trusted to say whose the connection is".to_owned(),
    })
}

fn kept_failure(config: &Config) -> Option<Conflict> {
    let is_failure =
        |status: &&u16| config.breaker.statuses.iter().any(|range| range.contains(status));
    let both = config.proxy.policy.statuses.iter().find(is_failure)?;
    Some(Conflict {
        first: keys::CACHE_STATUSES.name,
        second: keys::BREAKER_STATUSES.name,
        reason: format!("{both} is in both, and a failure is never kept as a copy"),
    })
}

/// Read here as well as at the start, so that a pair that does not fit is found before anything is.
fn tls_pair(config: &Config) -> Option<Conflict> {
    let files = &config.server.tls;
    let reason = match (&files.certificate, &files.key) {
        (None, None) => return None,
        (Some(_), Some(_)) => mistakes::printable(&files.check().err()?.to_string()),
        _ => "one without the other; TLS needs both".to_owned(),
    };
    Some(Conflict { first: keys::TLS_CERTIFICATE.name, second: keys::TLS_KEY.name, reason })
}

/// Told without asking the network: other names of this machine are found at the first request,
/// by their `Via`.
fn is_same_machine(host: &str, listen: &Address) -> bool {
    let host = Host::of(host);
    let Some(front) = listen.host.as_deref().map(Host::of) else {
        return host.is_here();
    };
    match (&host, &front) {
        (Host::Address(to), Host::Address(at)) if !to.is_unspecified() && !at.is_unspecified() => {
            to == at
        }
        _ => host == front || (host.is_here() && front.is_here()),
    }
}

#[derive(PartialEq)]
enum Host {
    Address(IpAddr),
    Name(String),
}

impl Host {
    fn of(host: &str) -> Self {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(address) => Self::Address(address.to_canonical()),
            Err(_) => Self::Name(bare.trim_end_matches('.').to_ascii_lowercase()),
        }
    }

    /// Loopback by number or by name, or the unspecified address, which connects to it.
    fn is_here(&self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback() || address.is_unspecified(),
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }
}
