//! What the clock of a write makes of a task that has spent its budget.

use super::*;
use crate::server::plain::Plain;
use std::future::poll_fn;
use tokio::net::UnixStream;

const LIMIT: Duration = Duration::from_secs(5);

/// An HTTP/2 connection, and its client, who does nothing.
fn speaking_http2() -> (Socket, UnixStream) {
    let (client, here) = UnixStream::pair().unwrap();
    let limits = Limits { idle: LIMIT, head: LIMIT, read: LIMIT, write: LIMIT };
    let mut socket = Socket {
        stream: Stream::Plain(Plain::Unix(here)),
        phases: Phases::default(),
        read: Silence::default(),
        write: Silence::default(),
        limits,
        front: Arc::default(),
        speaks: Speaks::Http1(Http1::default()),
        writing: false,
        over: false,
        held: &[],
        moved: 0,
    };
    socket.turn_to_http2();
    (socket, client)
}

fn write(socket: &mut Socket, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    Pin::new(socket).poll_write(cx, &[0; 4096])
}

async fn write_with_no_budget(socket: &mut Socket) -> Poll<io::Result<usize>> {
    tokio::task::yield_now().await;
    poll_fn(|cx| {
        while let Poll::Ready(step) = coop::poll_proceed(cx) {
            step.made_progress();
        }
        Poll::Ready(write(socket, cx))
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_task_without_a_budget_is_no_silence_of_its_client() {
    let (mut socket, _client) = speaking_http2();
    for _ in 0..3 {
        assert!(write_with_no_budget(&mut socket).await.is_pending());
        assert!(!socket.phases.is_blocked());
        tokio::time::advance(LIMIT).await;
    }
    tokio::task::yield_now().await;
    assert!(poll_fn(|cx| write(&mut socket, cx)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_has_his_end_though_every_turn_is_spent() {
    let (mut socket, _client) = speaking_http2();
    let fill = poll_fn(|cx| {
        while write(&mut socket, cx).is_ready() {}
        // Else there would be room, and only the turn is over.
        if coop::has_budget_remaining() {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    fill.await;
    assert!(write_with_no_budget(&mut socket).await.is_pending());
    assert!(socket.phases.is_blocked());
    tokio::time::advance(LIMIT).await;
    let ended = write_with_no_budget(&mut socket).await;
    assert!(matches!(ended, Poll::Ready(Err(error)) if error.kind() == ErrorKind::TimedOut));
}
