//! TLS in front: a certificate and its key from two files, which may change while RETTER runs.
//!
//! TLS 1.2 and 1.3 by rustls with ring, session tickets, no early data (what is sent twice would be
//! asked twice), no client certificates. Whoever renews a certificate writes two files one after
//! the other, so a pair is read again only when neither has changed for a second. One that cannot be
//! used leaves the old one in its place and is tried again every second: what was in its way may pass
//! without a trace in the files. Handshakes that are under way end with the one they began with.

use super::plain::Plain;
use super::stream::{Counted, HTTP2, Stream};
use parking_lot::RwLock;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, InconsistentKeys, ServerConfig};
use tracing::{debug, info, warn};

/// `tls.certificate` and `tls.key`: both, or none and there is no TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

/// Why the two files cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    #[error("cannot read {}: {error}", .file.display())]
    Unreadable { file: PathBuf, error: io::Error },
    #[error("{} is no PEM file: {error}", .file.display())]
    Pem { file: PathBuf, error: pem::Error },
    #[error("{} has no certificate in it", .0.display())]
    NoCertificate(PathBuf),
    #[error("{} has no private key in it that needs no password", .0.display())]
    NoKey(PathBuf),
    #[error("{} is of another key than {}", .certificate.display(), .key.display())]
    OtherKey { certificate: PathBuf, key: PathBuf },
    #[error("{} and {} cannot be used: {error}", .certificate.display(), .key.display())]
    Unusable { certificate: PathBuf, key: PathBuf, error: rustls::Error },
}

/// Ends TLS for who connects.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
    files: Arc<(PathBuf, PathBuf)>,
    /// How they stood before they were read.
    read_at: Marks,
}

/// How both files stand.
type Marks = [Option<Mark>; 2];

impl TlsFiles {
    /// Reads both and holds them against each other.
    ///
    /// # Errors
    /// The first that is wrong, by its name.
    pub fn check(&self) -> Result<(), TlsError> {
        Tls::open(self).map(drop)
    }
}

impl Tls {
    /// None without files.
    ///
    /// # Errors
    /// They cannot be used.
    pub fn open(files: &TlsFiles) -> Result<Option<Self>, TlsError> {
        let TlsFiles { certificate: Some(certificate), key: Some(key) } = files else {
            return Ok(None);
        };
        // Before: what is written meanwhile is seen as a change.
        let read_at = [Mark::of(certificate), Mark::of(key)];
        let pair = load(certificate, key)?;
        let current = Arc::new(Current(RwLock::new(Arc::new(pair))));
        let config = config(Arc::clone(&current)).map_err(|error| TlsError::Unusable {
            certificate: certificate.clone(),
            key: key.clone(),
            error,
        })?;
        let files = Arc::new((certificate.clone(), key.clone()));
        Ok(Some(Self { acceptor: Arc::new(config).into(), current, files, read_at }))
    }

    /// The handshake, within `limit` (zero is none), or the counter's word for why there is none.
    pub(super) async fn shake_hands(
        &self,
        stream: Plain,
        limit: Duration,
    ) -> Result<Stream, &'static str> {
        let accepted = self.acceptor.accept(Counted::new(stream));
        let done = match limit.is_zero() {
            true => accepted.await,
            false => timeout(limit, accepted).await.map_err(|_| "handshake-timeout")?,
        };
        match done {
            Ok(tls) => Ok(Stream::Tls(Box::new(tls))),
            Err(error) => {
                debug!(%error, "no TLS came about");
                Err("handshake")
            }
        }
    }

    /// Takes over what the files say whenever they change; never returns.
    pub(super) async fn keep_current(mut self) {
        let (mut before, mut said) = (self.read_at.clone(), String::new());
        loop {
            let now = self.look().await;
            if now != self.read_at && now == before {
                match self.take_over().await {
                    Ok(()) => {
                        self.read_at.clone_from(&now);
                        said.clear();
                    }
                    Err(error) if error != said => {
                        warn!(
                            error,
                            "the new tls.certificate and tls.key are not taken; the old stay"
                        );
                        said = error;
                    }
                    Err(_) => {}
                }
            }
            before = now;
            sleep(LOOKS_APART).await;
        }
    }

    async fn take_over(&self) -> Result<(), String> {
        let files = Arc::clone(&self.files);
        let loaded = tokio::task::spawn_blocking(move || load(&files.0, &files.1)).await;
        let pair = loaded.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        *self.current.0.write() = Arc::new(pair);
        info!(certificate = %self.files.0.display(), "tls.certificate and tls.key read again");
        Ok(())
    }

    /// The files lie where the operator wants them, maybe far away: a look must not hold up others.
    async fn look(&self) -> Marks {
        let files = Arc::clone(&self.files);
        let looked = move || [Mark::of(&files.0), Mark::of(&files.1)];
        tokio::task::spawn_blocking(looked).await.unwrap_or_default()
    }
}

/// The pair in force.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

/// What tells one state of a file from another, without reading it.
#[derive(Clone, PartialEq, Eq)]
struct Mark {
    device: u64,
    node: u64,
    length: u64,
    written: (i64, i64),
    /// By this a change of owner or rights shows, and a time that was set back.
    changed: (i64, i64),
}

impl Mark {
    fn of(file: &Path) -> Option<Self> {
        let meta = fs::metadata(file).ok()?;
        Some(Self {
            device: meta.dev(),
            node: meta.ino(),
            length: meta.len(),
            written: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        })
    }
}

fn config(current: Arc<Current>) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(current);
    config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
    config.ticketer = ring::Ticketer::new()?;
    Ok(config)
}

fn load(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let (chain, secret) = (certificates(certificate)?, private_key(key)?);
    let both = || (certificate.to_owned(), key.to_owned());
    let provider: CryptoProvider = ring::default_provider();
    CertifiedKey::from_der(chain, secret, &provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            let (certificate, key) = both();
            TlsError::OtherKey { certificate, key }
        }
        error => {
            let (certificate, key) = both();
            TlsError::Unusable { certificate, key, error }
        }
    })
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|error| TlsError::Pem { file: file.to_owned(), error })?;
    if chain.is_empty() { Err(TlsError::NoCertificate(file.to_owned())) } else { Ok(chain) }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(file)?).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey(file.to_owned()),
        error => TlsError::Pem { file: file.to_owned(), error },
    })
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    let opened = File::open(file).and_then(|open| open.take(MOST_BYTES).read_to_end(&mut bytes));
    match opened {
        Ok(_) => Ok(bytes),
        Err(error) => Err(TlsError::Unreadable { file: file.to_owned(), error }),
    }
}

const LOOKS_APART: Duration = Duration::from_secs(1);
/// A chain of certificates is some kilobytes.
const MOST_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_while_retter_starts_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
        let renew = || {
            let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
            fs::write(&files[0], made.cert.pem()).unwrap();
            fs::write(&files[1], made.signing_key.serialize_pem()).unwrap();
            made.cert.der().clone()
        };
        renew();
        let [certificate, key] = files.clone().map(Some);
        let tls = Tls::open(&TlsFiles { certificate, key }).unwrap().unwrap();
        let (renewed, current) = (renew(), Arc::clone(&tls.current));
        let watching = tokio::spawn(tls.keep_current());
        let taken_over = async {
            while current.0.read().cert[0] != renewed {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(10), taken_over).await.expect("it is never seen");
        watching.abort();
    }
}
