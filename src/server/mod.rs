//! Connections in front: accept, TLS if there is any, one hyper connection each with its timeouts, drain.
//!
//! A connection whose answer breaks off is cut so that the client can tell: hyper closes it where
//! length or chunks show the break, and where a plain end would look whole (HTTP/1.0 without a
//! length) it is reset; a unix socket knows no reset.

mod body;
mod connection;
mod farewell;
mod flow;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod http2;
mod io;
mod line_ends;
mod linger;
mod listen;
mod owed;
mod plain;
mod proxied;
mod settings;
mod silence;
mod spelling;
mod stop;
mod stream;
mod table;
mod tls;
mod welcome;

pub use listen::{Address, Listen, ListenError, Listener};
pub use settings::Settings;
pub use tls::{Tls, TlsError, TlsFiles};

use crate::admin::Admin;
use crate::meter::Tally;
use crate::proxy::Proxy;
use connection::Connections;
use plain::Plain;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{info, warn};

/// What is behind the connections.
pub struct Services {
    pub proxy: Arc<Proxy>,
    pub admin: Admin,
    /// Counts connections turned away or given up, by reason.
    pub front: Arc<Tally>,
    /// None: visitors come without.
    pub tls: Option<Tls>,
}

/// Serves until `stop` says so, then lets running answers finish for at most
/// `settings.graceshut`. True if all of them did.
pub async fn serve(
    listener: Listener,
    services: Services,
    settings: Settings,
    mut stop: watch::Receiver<bool>,
) -> bool {
    let graceshut = settings.graceshut;
    let watching = services.tls.clone().map(|tls| tokio::spawn(tls.keep_current()));
    let connections = Connections::new(services, settings, stop.clone());
    loop {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => welcome(accepted, &connections).await,
        }
    }
    drop(listener);
    watching.inspect(JoinHandle::abort);
    info!(open = connections.open_now(), "draining");
    connections.drained(graceshut).await
}

async fn welcome(accepted: std::io::Result<(Plain, IpAddr)>, connections: &Connections) {
    match accepted {
        Ok((stream, peer)) => connections.open(stream, peer),
        Err(error) if is_one_connections_fault(error.kind()) => {}
        Err(error) => {
            connections.count("accept");
            warn!(%error, "cannot accept connections; trying again");
            tokio::time::sleep(ACCEPT_BACKOFF).await;
        }
    }
}

/// The client was gone before it was accepted; the next one is not affected.
fn is_one_connections_fault(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

/// Out of file descriptors or memory: room comes when connections end, not by asking at once.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);
