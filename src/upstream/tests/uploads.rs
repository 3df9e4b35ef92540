//! What goes up with a request.

use super::super::{Failure, RequestBody};
use super::origin::{Origin, Step::*, TIMEOUT, client_body, fetch, request};
use http::header::CONTENT_LENGTH;
use http::{Method, Request};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn post(body: RequestBody) -> Request<RequestBody> {
    request(Method::POST).map(|_| body)
}

#[tokio::test]
async fn bodies_are_framed_by_what_they_are() {
    for (method, framing, sent, expected) in [
        (Method::POST, "Content-Length: 5", "hello", "content-length: 5\r\n"),
        (Method::GET, "Content-Length: 5", "hello", "content-length: 5\r\n"),
        (Method::GET, "Transfer-Encoding: chunked", "0\r\n\r\n", "transfer-encoding: chunked\r\n"),
        (Method::PUT, "Transfer-Encoding: chunked", "0\r\n\r\n", "transfer-encoding: chunked\r\n"),
    ] {
        let origin = Origin::one(vec![Read, ReadBody(5), Send(OK), Hang]).await;
        let (body, mut client) = client_body(framing).await;
        client.write_all(sent.as_bytes()).await.unwrap();
        let upstream = origin.upstream();
        let outcome = fetch(&upstream, request(method).map(|_| body)).await;
        assert_eq!(outcome, Ok("ok".into()), "{expected}");
        assert!(origin.heads()[0].contains(expected), "{}", origin.heads()[0]);
        assert_eq!(upstream.counts().idle, 1, "{expected}");
    }
}

#[tokio::test]
async fn a_request_without_a_body_promises_none() {
    let (none, _client) = client_body("Content-Length: 0").await;
    assert!(none.is_empty());
    let origin = Origin::one(vec![Read, Send(OK), Hang]).await;
    let mut request = post(none);
    request.headers_mut().insert(CONTENT_LENGTH, 5.into());
    fetch(&origin.upstream(), request).await.unwrap();
    assert!(!origin.heads()[0].contains("content-length"));
    assert!(!origin.heads()[0].contains("transfer-encoding"));
}

#[tokio::test]
async fn a_slow_but_moving_upload_is_not_timed_out() {
    let origin = Origin::one(vec![Read, ReadBody(4), Send(OK)]).await;
    let (body, mut client) = client_body("Content-Length: 4").await;
    tokio::spawn(async move {
        for byte in *b"abcd" {
            tokio::time::sleep(Duration::from_millis(200)).await;
            client.write_all(&[byte]).await.unwrap();
        }
        std::future::pending::<()>().await;
    });
    assert_eq!(fetch(&origin.upstream(), post(body)).await, Ok("ok".into()));
}

#[tokio::test]
async fn the_silence_of_a_client_is_not_the_applications() {
    let origin = Origin::one(vec![Read, ReadBody(4), Send(OK)]).await;
    let (body, mut client) = client_body("Content-Length: 4").await;
    tokio::spawn(async move {
        tokio::time::sleep(3 * TIMEOUT).await;
        client.write_all(b"abcd").await.unwrap();
        std::future::pending::<()>().await;
    });
    assert_eq!(fetch(&origin.upstream(), post(body)).await, Ok("ok".into()));
}

#[tokio::test]
async fn an_application_that_has_the_whole_upload_and_says_nothing_times_out() {
    let origin = Origin::one(vec![Read, ReadBody(4), Hang]).await;
    let (body, mut client) = client_body("Content-Length: 4").await;
    client.write_all(b"abcd").await.unwrap();
    assert_eq!(fetch(&origin.upstream(), post(body)).await, Err(Failure::Timeout));
}

#[tokio::test]
async fn a_client_that_breaks_off_is_gone() {
    let answered = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe";
    for script in [vec![Read, Hang], vec![Read, Send(answered), Hang]] {
        let origin = Origin::one(script).await;
        let (body, mut client) = client_body("Content-Length: 4").await;
        client.write_all(b"ab").await.unwrap();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(client);
        });
        let outcome = fetch(&origin.upstream(), post(body)).await;
        assert_eq!(outcome, Err(Failure::ClientGone));
    }
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_upload_is_whole_and_closes() {
    let origin = Origin::one(vec![Read, Send(OK), Hang]).await;
    let (body, _client) = client_body("Content-Length: 4").await;
    let upstream = origin.upstream();
    assert_eq!(fetch(&upstream, post(body)).await, Ok("ok".into()));
    assert_eq!(upstream.counts().idle, 0);
}
