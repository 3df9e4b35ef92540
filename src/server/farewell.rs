//! Turning a connection away: with a word, so that the visitor knows to come again, and without
//! letting it cost anything.

use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Says 503 to those who find no place.
#[derive(Clone)]
pub(super) struct Farewell(Arc<Semaphore>);

impl Farewell {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }

    /// Answers and closes, within a second. In a flood the rest is closed without a word.
    pub(super) fn say(&self, stream: TcpStream) {
        let Ok(permit) = Arc::clone(&self.0).try_acquire_owned() else { return };
        tokio::spawn(async move {
            let _ = timeout(LONGEST, send(stream)).await;
            drop(permit);
        });
    }
}

/// What the client has sent is read to its end: closing before would be a reset, which can reach
/// the client before the answer does (RFC 9112 section 9.6).
async fn send(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(NO_PLACE).await?;
    stream.shutdown().await?;
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}

const AT_ONCE: usize = 256;
const LONGEST: Duration = Duration::from_secs(1);
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\
    retry-after: 5\r\ncache-control: no-store\r\ncontent-length: 0\r\n\r\n";
