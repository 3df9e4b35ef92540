//! Certificates made on the spot, and clients that trust them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion, crypto::ring, version,
};

/// A certificate for [`super::client::HOST`] and its key, in files.
pub struct Pair {
    folder: TempDir,
}

impl Pair {
    pub fn new() -> Self {
        Self::inside(tempfile::tempdir().expect("a folder"))
    }

    /// Written into `folder`, where its names may be links.
    pub fn inside(folder: TempDir) -> Self {
        let pair = Self { folder };
        pair.renew();
        pair
    }

    /// Another certificate with another key in the same files; the answer is the certificate.
    pub fn renew(&self) -> CertificateDer<'static> {
        let (certificate, key) = made();
        fs::write(self.key(), key).expect("written");
        fs::write(self.certificate(), certificate).expect("written");
        self.read()
    }

    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// What the file has now.
    pub fn read(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.certificate()).expect("a certificate")
    }

    /// A client that trusts what the file has now, and offers these protocols.
    pub fn client(&self, protocols: &[&[u8]]) -> ClientConfig {
        self.client_of(protocols, &version::TLS13)
    }

    pub fn client_of(
        &self,
        protocols: &[&[u8]],
        version: &'static SupportedProtocolVersion,
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.read()).expect("a root");
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version])
            .expect("a version that is built in")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        config
    }
}

/// Certificate and key as PEM.
pub fn made() -> (String, String) {
    let made = rcgen::generate_simple_self_signed([super::client::HOST.to_owned()]);
    let made = made.expect("a certificate");
    (made.cert.pem(), made.signing_key.serialize_pem())
}
