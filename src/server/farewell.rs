//! Turning a connection away: with a word, so that the visitor knows to come again, and without
//! letting it cost anything.

use super::linger::linger;
use super::plain::Plain;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
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
    pub(super) fn say(&self, stream: Plain) {
        let Ok(permit) = Arc::clone(&self.0).try_acquire_owned() else { return };
        tokio::spawn(async move {
            let _ = timeout(LONGEST, send(stream)).await;
            drop(permit);
        });
    }
}

async fn send(mut stream: Plain) -> std::io::Result<()> {
    stream.write_all(NO_PLACE).await?;
    linger(stream).await;
    Ok(())
}

const AT_ONCE: usize = 256;
const LONGEST: Duration = Duration::from_secs(1);
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\
    retry-after: 5\r\ncache-control: no-store\r\ncontent-length: 0\r\n\r\n";
