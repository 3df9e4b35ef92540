//! Why there is no good answer, and how hyper's errors are told apart.
//!
//! The line that matters runs between "nothing was heard" and "nonsense was heard": the first may
//! be tried again, the second is an application that must not be believed.

use super::tls;
use std::error::Error;
use std::io;

/// Why there is no good answer. One [`Failure::as_str`] for log, header detail and counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failure {
    /// No address of the application took the connection.
    #[error("the application refused the connection")]
    Refused,
    /// The application's name has no address.
    #[error("the application's name could not be resolved")]
    Dns,
    /// No connection within `backend.connect`.
    #[error("the application did not accept a connection in time")]
    ConnectTimeout,
    /// There is a connection, and no TLS on it that can be trusted.
    #[error("the application's TLS cannot be used")]
    Tls,
    /// The connection died before a whole head was there.
    #[error("the application closed the connection before it answered")]
    Reset,
    /// No head within `backend.timeout`.
    #[error("the application did not answer in time")]
    Timeout,
    /// What came is not one sound HTTP/1.1 answer (RFC 9112).
    #[error("the application's answer is malformed")]
    Malformed,
    /// More than 64 KiB or 100 lines of header fields (hyper's own bound, which costs nothing).
    #[error("the head of the application's answer is over the limit")]
    HeadTooLarge,
    /// The body ended before its framing said so.
    #[error("the application broke off its answer")]
    Truncated,
    /// Nothing more of the body for `backend.timeout`.
    #[error("the application fell silent within its answer")]
    Silent,
    /// There was no socket to be had here: out of files, ports or memory. RETTER's own trouble.
    #[error("there is no socket left for a connection to the application")]
    NoSocket,
    /// The target is too long with the base URL's path before it: the client's doing.
    #[error("the request's target is too long for the application")]
    TargetTooLong,
    /// The client's own body broke off: nobody's failure.
    #[error("the client broke off its request")]
    ClientGone,
}

impl Failure {
    /// The word for logs, headers and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Failure::Refused => "refused",
            Failure::Dns => "dns",
            Failure::ConnectTimeout => "connect-timeout",
            Failure::Tls => "tls",
            Failure::Reset => "reset",
            Failure::Timeout => "timeout",
            Failure::Malformed => "malformed",
            Failure::HeadTooLarge => "head-too-large",
            Failure::Truncated => "truncated",
            Failure::Silent => "silent",
            Failure::NoSocket => "no-socket",
            Failure::TargetTooLong => "uri-too-long",
            Failure::ClientGone => "client-gone",
        }
    }

    /// True if nothing of an answer was ever there: such a try says nothing about one page, only
    /// about the application as a whole.
    pub fn is_transport(self) -> bool {
        use Failure::{ConnectTimeout, Dns, Refused, Reset, Tls};
        matches!(self, Refused | Dns | ConnectTimeout | Tls | Reset)
    }

    /// What an error means that came before anything of the request was sent. A server that speaks
    /// first (`heard`) speaks something else.
    pub(super) fn before_request(error: &hyper::Error, heard: bool) -> Self {
        match io_error(error) {
            _ if heard => Failure::Malformed,
            Some(error) if tls::is_reason(error) => Failure::Tls,
            _ => Failure::Reset,
        }
    }

    /// What an error before the end of the head means.
    pub(super) fn before_head(error: &hyper::Error) -> Self {
        if error.is_user() {
            // The only stream of ours that hyper reads is the client's body.
            Failure::ClientGone
        } else if error.is_parse_too_large() {
            Failure::HeadTooLarge
        } else if io_error(error).is_some_and(tls::is_reason) {
            Failure::Tls
        } else if error.is_incomplete_message() || io_error(error).is_some() {
            Failure::Reset
        } else {
            Failure::Malformed
        }
    }

    /// What an error within the body means. hyper reports chunks that are none as invalid input
    /// or data; everything else is a connection that ended too early. Bytes that TLS cannot vouch
    /// for are reported as invalid data too, and no part of the answer: it ended before them.
    pub(super) fn within_body(error: &hyper::Error) -> Self {
        let Some(error) = io_error(error).filter(|error| !tls::is_reason(error)) else {
            return Failure::Truncated;
        };
        match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Failure::Malformed,
            _ => Failure::Truncated,
        }
    }
}

fn io_error(error: &hyper::Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}
