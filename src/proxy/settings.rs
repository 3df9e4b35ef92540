use crate::{key, policy};
use bytes::Bytes;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the operator says about the story of a request.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `cache.ttl`: a copy no older than this is called `cache`, an older one
    /// `last-known-success`.
    pub ttl: Duration,
    /// `backend.patience`: so long a visitor who has a copy waits for the application.
    pub patience: Duration,
    /// `tunnel.idle`: silence of both sides that ends a tunnel; zero is no limit.
    pub tunnel_idle: Duration,
    /// `limit.uri`: the longest target of a request, bytes; a longer one is answered 414.
    pub uri: usize,
    /// `limit.body`: the longest body of a request, bytes; a longer one is answered 413. Zero is no
    /// limit.
    pub body: u64,
    /// `compress.mode`: `auto`, not `off`
    pub compress: bool,
    /// `error.page`
    pub error_page: ErrorPage,
    pub key: key::Settings,
    pub policy: policy::Settings,
}

/// The page a visitor gets when there is neither an answer nor a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorPage {
    BuiltIn,
    /// The operator's, read once at the start.
    File {
        path: PathBuf,
        html: Bytes,
    },
}

impl ErrorPage {
    /// Reads the operator's page, which is sent as it is, as HTML in UTF-8.
    ///
    /// # Errors
    /// The file cannot be read, is longer than 256 KiB, or is no UTF-8.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut html = String::new();
        std::fs::File::open(path)?.take(PAGE_BYTES + 1).read_to_string(&mut html)?;
        if html.len() as u64 > PAGE_BYTES {
            return Err(io::Error::other("it is longer than 256 KiB"));
        }
        Ok(Self::File { path: path.to_owned(), html: Bytes::from(html) })
    }
}

const PAGE_BYTES: u64 = 256 * 1024;
