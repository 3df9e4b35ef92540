//! A request that asks for another protocol, and a connection on which HTTP is over.
//!
//! One try on a connection of its own, which is not to come back: so there is no kept connection
//! that could turn out dead, and nothing is sent twice.

use super::connection::after;
use super::retry::Lost;
use super::stream::Stream;
use super::{Failure, Outgoing, Reply, RequestBody, Upstream, head};
use bytes::Bytes;
use http::{StatusCode, response};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

/// What the application says to a request for another protocol.
pub enum Upgraded {
    /// Yes: the head of its 101, and the connection.
    Switched(response::Parts, Line),
    /// Something else, which is an answer like any other.
    Answered(Reply),
}

/// A connection on which HTTP is over.
pub struct Line {
    stream: Stream,
    /// Bytes that were read with the last of HTTP and belong to what follows it.
    read: Bytes,
}

impl Upstream {
    /// How long the application may be silent where it is its turn: `backend.timeout`.
    pub fn patience(&self) -> Duration {
        self.shared.settings.timeout
    }

    /// Sends a request for the protocol that its fields name, once.
    ///
    /// # Errors
    /// As of [`Upstream::call`]; [`Failure::Malformed`] also for a 101 to another protocol.
    pub async fn upgrade(&self, mut head: Outgoing<'_>) -> Result<Upgraded, Failure> {
        let settings = &self.shared.settings;
        head.target = settings.base.target(head.target).ok_or(Failure::TargetTooLong)?;
        let deadline = after(Instant::now(), settings.timeout);
        let mut connection = self.connect(deadline).await?;
        let request = self.request(&head, RequestBody::Empty);
        let answer = connection
            .head(request, deadline, settings.timeout)
            .await
            .map_err(|miss| Lost::from(miss).failure)?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return self.reply(connection, answer).map(Upgraded::Answered);
        }
        let (mut head, _) = answer.into_parts();
        head::switching(&mut head)?;
        let line = connection.into_line().ok_or(Failure::Malformed)?;
        Ok(Upgraded::Switched(head, line))
    }
}

impl Line {
    pub(super) fn new(stream: Stream, read: Bytes) -> Self {
        Self { stream, read }
    }

    /// Bytes were read, or wait to be read now, that belong to no answer.
    pub(super) fn has_more(&mut self) -> bool {
        !self.read.is_empty() || self.stream.has_more()
    }

    /// The connection, and what comes before the next byte that is read from it.
    pub fn into_parts(self) -> (impl AsyncRead + AsyncWrite + Unpin + Send, Bytes) {
        (self.stream, self.read)
    }
}
