//! Sending again over real sockets: bodies, and what becomes of the connection of a failed try.

use super::super::tape::Tapes;
use super::super::{Failure, Retry, Settings, Upstream};
use super::origin::{Origin, Step::*, client_body, fetch, get, once, request, upstream};
use http::Method;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SORRY: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nsorry";

/// Tried twice, PUT as well, 20 ms apart.
fn retrying(origin: &Origin) -> Upstream {
    let base = upstream(&format!("http://{}", origin.address)).shared.settings.clone();
    let (base_wait, methods) = (Duration::from_millis(20), vec![Method::PUT]);
    let retry = Retry { attempts: 2, base: base_wait, methods, ..once() };
    Upstream::new(Settings { retry, ..base }).unwrap()
}

#[tokio::test]
async fn a_small_error_page_costs_no_connection() {
    let origin = Origin::one(vec![Read, Send(SORRY), Read, Send(OK), Hang]).await;
    let upstream = retrying(&origin);
    assert_eq!(fetch(&upstream, get()).await, Ok("ok".into()));
    assert_eq!((upstream.counts().opened, upstream.counts().reused), (1, 1));
}

#[tokio::test]
async fn an_error_page_that_does_not_end_is_not_waited_for() {
    const HEAD: &str = "HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n";
    const CHUNK: &str = "a\r\n0123456789\r\n";
    let halting = vec![Read, Send(HEAD), Send(CHUNK), Hang];
    let endless = vec![Read, Send(HEAD), Repeat(CHUNK, 100_000), Hang];
    for bad in [halting, endless] {
        let origin = Origin::new(vec![bad, vec![Read, Send(OK), Hang]]).await;
        let upstream = retrying(&origin);
        assert_eq!(fetch(&upstream, get()).await, Ok("ok".into()));
        assert_eq!((upstream.counts().opened, upstream.counts().idle), (2, 1));
    }
}

#[tokio::test]
async fn a_body_that_was_on_its_way_is_sent_again_from_its_beginning() {
    for framing in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
        let chunked = framing.starts_with('T');
        let [first, second] = if chunked {
            ["5\r\nhello\r\n", "5\r\nworld\r\n0\r\n\r\n"]
        } else {
            ["hello", "world"]
        };
        let on_the_wire = if chunked { 25 } else { 10 };
        let breaks = vec![Read, ReadBody(5), Reset];
        let reads = vec![Read, ReadBody(on_the_wire), Send(OK), Hang];
        let origin = Origin::new(vec![breaks, reads]).await;
        let (body, mut client) = client_body(framing).await;
        client.write_all(first.as_bytes()).await.unwrap();
        let writing = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            client.write_all(second.as_bytes()).await.unwrap();
            client
        });
        let put = request(Method::PUT).map(|_| body);
        assert_eq!(fetch(&retrying(&origin), put).await, Ok("ok".into()), "{framing}");
        drop(writing.await);
        let expected = if chunked { "transfer-encoding: chunked" } else { "content-length: 10" };
        assert!(origin.heads().iter().all(|head| head.contains(expected)), "{framing}");
    }
}

#[tokio::test]
async fn a_body_that_turns_out_too_long_is_sent_once() {
    let origin = Origin::one(vec![Read, ReadBody(4), Send(SORRY), Hang]).await;
    let base = retrying(&origin).shared.settings.clone();
    let retry = Retry { maxbody: 4, ..base.retry.clone() };
    let upstream = Upstream::new(Settings { retry, ..base }).unwrap();
    let (body, mut client) = client_body("Transfer-Encoding: chunked").await;
    client.write_all(b"5\r\nhello\r\n0\r\n\r\n").await.unwrap();
    let put = request(Method::PUT).map(|_| body);
    assert_eq!(fetch(&upstream, put).await, Ok("sorry".into()));
    assert_eq!((origin.heads().len(), upstream.counts().again.retries), (1, 0));
}

#[tokio::test]
async fn a_client_that_breaks_off_is_gone_from_a_taped_body_too() {
    let origin = Origin::one(vec![Read, Hang]).await;
    let (body, mut client) = client_body("Content-Length: 4").await;
    client.write_all(b"ab").await.unwrap();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(client);
    });
    let put = request(Method::PUT).map(|_| body);
    assert_eq!(fetch(&retrying(&origin), put).await, Err(Failure::ClientGone));
}

#[tokio::test]
async fn all_kept_bodies_together_are_bounded() {
    use super::super::RequestBody::{self, Client};
    use http_body_util::BodyExt;
    let tapes = Tapes::default();
    let record = async |bytes: usize| {
        let body = RequestBody::client(http_body_util::Full::new(vec![0; bytes].into()));
        let Client(client) = body else { panic!("it has a body") };
        let Ok(tape) = tapes.record(client, 1 << 20) else { panic!("it is short enough") };
        tape.play().unwrap().collect().await.unwrap();
        tape
    };
    let mut kept = Vec::new();
    for _ in 0..16 {
        kept.push(record(1 << 20).await);
    }
    assert!(kept.iter().all(|tape| tape.play().is_some()));
    let one_more = record(1).await;
    assert!(one_more.play().is_none());
    drop(kept);
    assert!(record(1 << 20).await.play().is_some());
}
