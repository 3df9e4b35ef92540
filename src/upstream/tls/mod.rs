//! TLS to the application: whose certificates are believed, and the stream over it.
//!
//! One configuration for all connections, so that a new one resumes the session of an earlier one
//! instead of shaking hands in full. There is no way to switch the verification off: an operator
//! whose application signs for itself names that certificate in `backend.ca`, which costs as little
//! and lets nobody in between. No certificate of RETTER's own is shown to the application.
//!
//! An application that ends the connection without saying so (`close_notify`) may have been cut
//! off by somebody else: where only the end of the connection ends a body, that body is not whole.
//! rustls reports it as an error by itself.

mod ca;
mod trouble;

pub use ca::{Ca, NoRoots};

use super::complaints::Complaints;
use super::connection::quiet;
use super::failure::Failure;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, crypto};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::coop;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What is needed to speak TLS with the application.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    complaints: Complaints,
}

/// A connection whose other end has proved who it is.
pub(super) struct Secured {
    stream: TlsStream<TcpStream>,
    tls: Arc<Tls>,
}

/// May a certificate be for this name or address?
pub fn is_name(host: &str) -> bool {
    server_name(host).is_some()
}

/// The name to ask for (SNI) and to find in the certificate. The dot at the end of an absolute
/// name is in no certificate.
fn server_name(host: &str) -> Option<ServerName<'static>> {
    ServerName::try_from(host.strip_suffix('.').unwrap_or(host).to_owned()).ok()
}

/// TLS itself is what failed, not the connection under it.
pub(super) fn is_reason(error: &io::Error) -> bool {
    reason(error).is_some()
}

fn reason(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

impl Tls {
    /// Reads the system's certificates if `ca` says so.
    ///
    /// # Errors
    /// There are none.
    pub(super) fn new(ca: &Ca, host: &str) -> Result<Self, NoRoots> {
        let name = server_name(host).ok_or(NoRoots::Setup)?;
        let config = config(ca.roots()?).map_err(|_| NoRoots::Setup)?;
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Self { connector, name, complaints: Complaints::default() })
    }

    /// # Errors
    /// [`Failure::Tls`]; [`Failure::ConnectTimeout`] and [`Failure::Reset`] if the other side says
    /// nothing or hangs up.
    pub(super) async fn shake_hands(
        self: &Arc<Self>,
        stream: TcpStream,
        deadline: Instant,
    ) -> Result<Box<Secured>, Failure> {
        let shaking = self.connector.connect(self.name.clone(), stream);
        match timeout_at(deadline, shaking).await {
            Ok(Ok(stream)) => Ok(Box::new(Secured { stream, tls: Arc::clone(self) })),
            Ok(Err(error)) => {
                self.complain(&error);
                Err(if is_reason(&error) { Failure::Tls } else { Failure::Reset })
            }
            Err(_) => {
                self.complain(&io::ErrorKind::TimedOut.into());
                Err(Failure::ConnectTimeout)
            }
        }
    }

    fn complain(&self, error: &io::Error) {
        let (what, remedy) = trouble::words(error, reason(error));
        self.complaints.say("no TLS with the application", &what, remedy);
    }
}

/// ring and not rustls' own choice, which needs CMake to build.
fn config(roots: Arc<RootCertStore>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

impl Secured {
    /// True if a byte of the other side waits to be read now. What TLS says for itself, and its
    /// end, are none.
    pub(super) fn has_more(&mut self) -> bool {
        let mut byte = [0];
        let mut byte = ReadBuf::new(&mut byte);
        let read = poll_fn(|cx| Pin::new(&mut self.stream).poll_read(cx, &mut byte));
        // With its budget spent, tokio would show the socket as empty.
        let _ = pin!(coop::unconstrained(read)).poll(&mut quiet());
        !byte.filled().is_empty()
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        // Since TLS 1.3 an application that wants a certificate of ours says so only now.
        if let Err(error) = &read
            && is_reason(error)
        {
            self.tls.complain(error);
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
