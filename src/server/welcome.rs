//! Whose a connection is, before anything is served on it.

use super::connection::Each;
use super::plain::Plain;
use super::proxied::{self, NoHeader, Whose};
use super::table::{Full, Place};
use crate::headers::Client;
use std::net::IpAddr;
use std::pin::pin;
use tokio::time::timeout;
use tracing::debug;

impl Each {
    /// The connection with its client, who holds its place: whoever opened it, or whom a proxy that
    /// did names. None: it is closed.
    pub(super) async fn welcome(
        &self,
        mut stream: Plain,
        peer: IpAddr,
        place: Place,
    ) -> Option<(Plain, Client)> {
        let mut client = (peer, self.settings.trusts(peer));
        let mut place = place;
        if self.settings.proxied {
            client = match self.unless_stopped(self.named(&mut stream, peer)).await?? {
                Whose::Peers => client,
                // He has no other address, and not its rights.
                Whose::Nobodys => (peer, false),
                Whose::Of(named) => (named, self.settings.trusts(named)),
            };
            place = match place.name(client.0, client.1) {
                Ok(place) => place,
                Err(full) => {
                    self.turn_away(stream, full);
                    return None;
                }
            };
        }
        // Who leaves keeps his place until the application is done with his last request: leaving
        // must not be a way to have more in it than the limits allow.
        let (address, is_trusted) = client;
        Some((stream, Client::new(address, is_trusted).holding(place)))
    }

    pub(super) fn turn_away(&self, stream: Plain, full: Full) {
        self.services.front.up(full.as_str());
        // To who speaks TLS it would be noise, and a handshake is what there is no room for.
        if self.services.tls.is_none() {
            self.farewell.say(stream);
        }
    }

    /// What the proxy at `peer` says; None: nothing that can be understood, or not in time.
    async fn named(&self, stream: &mut Plain, peer: IpAddr) -> Option<Whose> {
        let header = proxied::read(stream);
        let read = match self.settings.head {
            limit if limit.is_zero() => Ok(header.await),
            limit => timeout(limit, header).await,
        };
        let refused = |reason: &dyn std::fmt::Display, word| {
            debug!(%peer, %reason, "connection closed: nobody knows whose it is");
            self.services.front.up(word);
        };
        match read {
            Ok(Ok(whose)) => return Some(whose),
            Ok(Err(NoHeader::Silent)) => {}
            Ok(Err(reason)) => refused(&reason, "proxy-header"),
            Err(late) => refused(&late, "proxy-header-timeout"),
        }
        None
    }

    /// None: RETTER was told to stop meanwhile.
    pub(super) async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let (mut stop, work) = (self.stop.clone(), pin!(work));
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => None,
            done = work => Some(done),
        }
    }

    /// True, and counted, if hyper answered by itself: it was no request (400), or too much of one
    /// (431).
    pub(super) fn is_nonsense(&self, error: &hyper::Error) -> bool {
        if error.is_parse() {
            let too_large = error.is_parse_too_large();
            self.services.front.up(if too_large { "head-too-large" } else { "malformed" });
        }
        error.is_parse()
    }
}
