//! A CA of the test's own, and a door with TLS in front of the scripted application: it passes on
//! what it decrypts, and counts the handshakes.

use super::origin::Origin;
use super::{SOON, until};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS12;
use rustls::{
    ALL_VERSIONS, HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion, crypto,
};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::NamedTempFile;
use tokio::io::{AsyncWriteExt, BufReader, copy, copy_buf, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Who signs certificates. Its own is in a file while it lives.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
    file: NamedTempFile,
}

/// A certificate and its key, as an application has them.
pub struct Identity {
    certificate: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

/// Whom an identity is for, and what may be wrong with it.
#[derive(Clone, Copy)]
pub enum For {
    Name(&'static str),
    Expired(&'static str),
    NotYet(&'static str),
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut parameters = parameters(&[]);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let file = pem_file(&certificate.pem());
        Self { root: certificate.der().clone(), issuer: Issuer::new(parameters, key), file }
    }

    /// The file for `backend.ca`.
    pub fn file(&self) -> &Path {
        self.file.path()
    }

    pub fn signs(&self, whom: For) -> Identity {
        let (For::Name(name) | For::Expired(name) | For::NotYet(name)) = whom;
        let mut parameters = parameters(&[name]);
        match whom {
            For::Name(_) => {}
            For::Expired(_) => parameters.not_after = date_time_ymd(2001, 1, 1),
            For::NotYet(_) => parameters.not_before = date_time_ymd(2999, 1, 1),
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("a certificate");
        Identity { certificate: certificate.der().clone(), pem: certificate.pem(), key }
    }
}

impl Identity {
    /// Signed by nobody but itself; `ca`: as `openssl req -x509` makes it.
    pub fn own(name: &str, ca: bool) -> Self {
        let mut parameters = parameters(&[name]);
        if ca {
            parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        Self { certificate: certificate.der().clone(), pem: certificate.pem(), key }
    }

    pub fn file(&self) -> NamedTempFile {
        pem_file(&self.pem)
    }

    fn config(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        visitors: Option<&Authority>,
    ) -> Arc<ServerConfig> {
        let provider = Arc::new(crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .expect("ring has them");
        let builder = match visitors {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.root.clone()).expect("a root");
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).expect("a key");
        let mut config =
            builder.with_single_cert(vec![self.certificate.clone()], key).expect("they fit");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

/// The door. It is shut when dropped.
pub struct Front {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Every change cuts the connections there are.
    cut: watch::Sender<()>,
    _runtime: Runtime,
}

struct Shared {
    origin: SocketAddr,
    config: Mutex<Arc<ServerConfig>>,
    /// Ends connections as TLS wants it.
    polite: Mutex<bool>,
    seen: Mutex<Handshakes>,
    live: AtomicUsize,
}

struct Live(Arc<Shared>);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Those that came to a good end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handshakes {
    pub full: usize,
    pub resumed: usize,
    /// The last name asked for, and the protocol agreed on.
    pub name: Option<String>,
    pub protocol: Option<Vec<u8>>,
}

impl Front {
    pub fn before(origin: &Origin, identity: &Identity) -> Self {
        Self::before_address(origin.address(), identity)
    }

    /// The same before an application that is no [`Origin`].
    pub fn before_address(origin: SocketAddr, identity: &Identity) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            origin,
            config: Mutex::new(identity.config(ALL_VERSIONS, None)),
            polite: Mutex::new(true),
            seen: Mutex::default(),
            live: AtomicUsize::new(0),
        });
        let (cut, cutting) = watch::channel(());
        runtime.spawn(accept(listener, Arc::clone(&shared), cutting));
        Self { address, shared, cut, _runtime: runtime }
    }

    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Shows this certificate from now on; sessions and connections of before are forgotten.
    pub fn show(&self, identity: &Identity) {
        *self.shared.config.lock().expect("no holder panics") = identity.config(ALL_VERSIONS, None);
        self.cut();
    }

    /// Lets only those in who show a certificate of that authority.
    pub fn demand(&self, identity: &Identity, visitors: &Authority) {
        *self.shared.config.lock().expect("no holder panics") =
            identity.config(ALL_VERSIONS, Some(visitors));
        self.cut();
    }

    /// Speaks TLS 1.2 alone.
    pub fn speak_as_of_old(&self, identity: &Identity) {
        *self.shared.config.lock().expect("no holder panics") = identity.config(&[&TLS12], None);
        self.cut();
    }

    /// From now on connections end as if a cable were cut.
    pub fn be_rude(&self) {
        *self.shared.polite.lock().expect("no holder panics") = false;
    }

    /// Ends all connections without a word.
    pub fn cut(&self) {
        self.cut.send_replace(());
        let gone = until(SOON, || self.shared.live.load(Ordering::SeqCst) == 0);
        assert!(gone, "connections stay");
    }

    pub fn seen(&self) -> Handshakes {
        self.shared.seen.lock().expect("no holder panics").clone()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, cutting: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (shared, mut cutting) = (Arc::clone(&shared), cutting.clone());
        cutting.mark_unchanged();
        shared.live.fetch_add(1, Ordering::SeqCst);
        connections.spawn(async move {
            // Dropped last, when the socket is closed.
            let _live = Live(Arc::clone(&shared));
            tokio::select! {
                () = serve(stream, &shared) => {}
                _ = cutting.changed() => {}
            }
        });
    }
}

async fn serve(stream: TcpStream, shared: &Shared) {
    let config = shared.config.lock().expect("no holder panics").clone();
    let Ok(stream) = TlsAcceptor::from(config).accept(stream).await else { return };
    shared.note(&stream);
    let Ok(origin) = TcpStream::connect(shared.origin).await else { return };
    let (mut from_retter, mut to_retter) = split(stream);
    let (from_origin, mut to_origin) = origin.into_split();
    // What came in one piece leaves in one.
    let mut from_origin = BufReader::with_capacity(64 * 1024, from_origin);
    tokio::select! {
        _ = copy_buf(&mut from_origin, &mut to_retter) => {
            if *shared.polite.lock().expect("no holder panics") {
                // Whoever has left already needs no good-bye.
                let _ = to_retter.shutdown().await;
            }
        }
        _ = copy(&mut from_retter, &mut to_origin) => {}
    }
}

impl Shared {
    fn note(&self, stream: &TlsStream<TcpStream>) {
        let (_, session) = stream.get_ref();
        let mut seen = self.seen.lock().expect("no holder panics");
        match session.handshake_kind() {
            Some(HandshakeKind::Resumed) => seen.resumed += 1,
            _ => seen.full += 1,
        }
        seen.name = session.server_name().map(str::to_owned);
        seen.protocol = session.alpn_protocol().map(<[u8]>::to_vec);
    }
}

fn parameters(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).expect("names a certificate can be for")
}

fn pem_file(pem: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(pem.as_bytes()).expect("room for it");
    file
}
