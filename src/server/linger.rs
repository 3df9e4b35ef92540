//! The end of a connection whose client may still be sending.
//!
//! Closing a socket that has unread bytes is a reset, and it can reach the client before the
//! answer does, or keep him from reading it (RFC 9112 section 9.6). So what still comes is taken
//! and thrown away for a while after the last word was said.

use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Closes the sending side and reads to the client's end, for so long at most; who goes on longer
/// gets his reset.
pub(super) async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let _ = timeout(LONGEST, async {
        // Closed already, or the client has left.
        let _ = stream.shutdown().await;
        let mut ignored = vec![0; 16 * 1024];
        while stream.read(&mut ignored).await.is_ok_and(|got| got > 0) {}
    })
    .await;
}

const LONGEST: Duration = Duration::from_secs(5);
