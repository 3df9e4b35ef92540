//! `backend.ca`: whose word about the application is believed.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whose certificates are believed. Looked at only if the base URL is `https`.
#[derive(Clone, Debug)]
pub enum Ca {
    /// Those this machine believes; read when they are needed, for reading them takes a while.
    System,
    /// Those of a file, and no others; read once, so that a file that is none is found out at once.
    File { path: PathBuf, roots: Arc<RootCertStore> },
}

/// Why TLS to the application cannot even be begun.
#[derive(Debug, thiserror::Error)]
pub enum NoRoots {
    #[error(
        "backend.baseurl is https, and this system has no CA certificates to check it with{seen}: \
         install them (the package is often called ca-certificates), or name a file with the \
         application's CA in backend.ca"
    )]
    None {
        /// In brackets, if the system said anything.
        seen: String,
    },
    #[error("TLS cannot be set up")]
    Setup,
}

impl Ca {
    /// Reads a file of certificates in PEM. Keys and whatever else is in it are passed over.
    ///
    /// # Errors
    /// A clause about the file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let mut text = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut text))
            .map_err(|error| format!("cannot read it: {error}"))?;
        if text.len() as u64 > MOST_BYTES {
            return Err("it is longer than 4 MiB".to_owned());
        }
        let roots = Arc::new(roots_in(&text)?);
        Ok(Self::File { path: path.to_owned(), roots })
    }

    pub(super) fn roots(&self) -> Result<Arc<RootCertStore>, NoRoots> {
        match self {
            Ca::System => system_roots().map(Arc::new),
            Ca::File { roots, .. } => Ok(Arc::clone(roots)),
        }
    }
}

fn roots_in(text: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for (before, certificate) in CertificateDer::pem_slice_iter(text).enumerate() {
        certificate
            .map_err(|error| error.to_string())
            .and_then(|it| roots.add(it).map_err(|error| error.to_string()))
            .map_err(|error| format!("its certificate number {} is none: {error}", before + 1))?;
    }
    if roots.is_empty() { Err("it has no certificate in PEM".to_owned()) } else { Ok(roots) }
}

/// A certificate that cannot be read is one CA less, no reason not to start.
fn system_roots() -> Result<RootCertStore, NoRoots> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (taken, ignored) = roots.add_parsable_certificates(found.certs);
    let seen = found.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
    if taken == 0 {
        return Err(NoRoots::None { seen });
    }
    tracing::debug!(taken, ignored, errors = found.errors.len(), "CA certificates of this system");
    Ok(roots)
}

/// A whole system's bundle is a quarter of a megabyte.
const MOST_BYTES: u64 = 4 << 20;
