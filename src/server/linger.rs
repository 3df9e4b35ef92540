//! The end of a connection whose client may still be sending.
//!
//! Closing a socket that has unread bytes is a reset, and it can reach the client before the
//! answer does, or keep him from reading it (RFC 9112 section 9.6). So what still comes is taken
//! and thrown away for a while after the last word was said.

use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

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

/// The same for who may take longer to read what was said and shows that he is at it: until nothing has
/// come for `silence`, and `heard` is when something last did. A reader says little, and had a window for
/// what else is on its way; whoever says more gets his reset.
pub(super) async fn linger_on(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    silence: Duration,
    heard: Instant,
) {
    let _ = timeout(LONGEST_READER, async {
        let mut end = heard + silence;
        let _ = timeout(silence, stream.shutdown()).await;
        let (mut ignored, mut most) = (vec![0; 16 * 1024], LARGEST_READER);
        while let Ok(Ok(got @ 1..)) = timeout_at(end, stream.read(&mut ignored)).await {
            end = Instant::now() + silence;
            match most.checked_sub(got) {
                Some(left) => most = left,
                None => return,
            }
        }
    })
    .await;
}

const LONGEST: Duration = Duration::from_secs(5);
const LONGEST_READER: Duration = Duration::from_secs(60);
/// In bytes: of bodies, a connection may have half of it under way; the rest is for heads, and for what a
/// reader says.
const LARGEST_READER: usize = 2 * super::http2::CONNECTION_WINDOW as usize;
