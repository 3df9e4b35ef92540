//! Which answers are believed.

use super::super::Failure;
use super::origin::{Origin, Step::*, fetch, get, outcome, read, request};
use crate::policy::Framing;
use crate::streams::has_read;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode};
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[tokio::test]
async fn each_framing_is_named_and_its_body_comes_whole() {
    for (answer, framing) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Framing::Length(5)),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", Framing::Length(5)),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            Framing::Chunked,
        ),
        ("HTTP/1.1 200 OK\r\n\r\nhello", Framing::Close),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", Framing::Close),
    ] {
        let origin = Origin::one(vec![Read, Send(answer)]).await;
        let reply = origin.upstream().send_whole(get()).await.ok().unwrap();
        assert_eq!(reply.framing, framing, "{answer}");
        assert_eq!(read(reply).await.unwrap().0, "hello", "{answer}");
    }
}

#[tokio::test]
async fn answers_without_a_body_end_with_their_head() {
    for (method, answer) in [
        (Method::HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        (Method::HEAD, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (Method::GET, "HTTP/1.1 204 No Content\r\n\r\n"),
        (Method::GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
    ] {
        let upstream = Origin::one(vec![Read, Send(answer), Hang]).await.upstream();
        let reply = upstream.send_whole(request(method)).await.ok().unwrap();
        assert_eq!(reply.framing, Framing::Length(0), "{answer}");
        assert_eq!(read(reply).await.unwrap().0, "", "{answer}");
        assert_eq!(upstream.counts().idle, 1, "{answer}");
    }
}

#[tokio::test]
async fn trailers_pass_as_a_frame() {
    let answer =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nSum: 42\r\n\r\n";
    let origin = Origin::one(vec![Read, Send(answer), Hang]).await;
    let reply = origin.upstream().send_whole(get()).await.ok().unwrap();
    let (body, trailers) = read(reply).await.unwrap();
    assert_eq!((&body[..], &trailers["sum"]), (&b"hello"[..], &"42".parse().unwrap()));
}

#[tokio::test]
async fn informational_answers_are_dropped() {
    let answer = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    assert_eq!(outcome(vec![Read, Send(answer)]).await, Ok("ok".into()));
}

#[tokio::test]
async fn equal_lengths_become_one() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nok";
    let origin = Origin::one(vec![Read, Send(answer)]).await;
    let reply = origin.upstream().send_whole(get()).await.ok().unwrap();
    let lengths: Vec<_> = reply.head.headers.get_all(CONTENT_LENGTH).iter().collect();
    assert_eq!(lengths, ["2"]);
}

#[tokio::test]
async fn failure_statuses_are_answers() {
    let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    let origin = Origin::one(vec![Read, Send(answer)]).await;
    let reply = origin.upstream().send_whole(get()).await.ok().unwrap();
    assert_eq!(reply.head.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn malformed_heads_are_refused() {
    for head in [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "<html>hello</html>\r\n\r\n",
        "HTTP/0.9 200 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nSpace : x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nFolded: x\r\n y\r\n\r\n",
        "HTTP/1.1 200 OK\r\nNul: x\0y\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 2, 3\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ] {
        assert_eq!(outcome(vec![Read, Send(head)]).await, Err(Failure::Malformed), "{head}");
    }
}

#[tokio::test]
async fn malformed_chunks_are_refused() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for chunks in
        ["nonsense", "5\r\nhelloXX", "fffffffffffffffff\r\n", "-1\r\n\r\n", "5 5\r\nhello"]
    {
        let script = vec![Read, Send(head), Send(chunks), Hang];
        assert_eq!(outcome(script).await, Err(Failure::Malformed), "{chunks}");
    }
}

#[tokio::test]
async fn bytes_after_the_end_make_the_answer_malformed() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, world",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nhello",
        "HTTP/1.1 204 No Content\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello, world",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello, world",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nmore",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        for end in [Hang, Reset] {
            let script = vec![Read, Send(answer), end];
            let upstream = Origin::one(script).await.upstream();
            assert_eq!(fetch(&upstream, get()).await, Err(Failure::Malformed), "{answer}");
            assert_eq!(upstream.counts().idle, 0, "{answer}");
        }
    }
}

#[tokio::test]
async fn a_body_after_head_is_malformed() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let upstream = Origin::one(vec![Read, Send(answer), Hang]).await.upstream();
    let outcome = fetch(&upstream, request(Method::HEAD)).await;
    assert_eq!(outcome, Err(Failure::Malformed));
}

#[tokio::test]
async fn truncated_bodies_are_never_whole() {
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello";
    let close = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for script in [
        vec![Read, Send(length)],
        vec![Read, Send(close)],
        vec![Read, Send(length), Reset],
        vec![Read, Send(chunked)],
        vec![Read, Send(chunked), Send("5\r\nhel")],
        vec![Read, Send(chunked), Send("5\r\nhello\r\n")],
        vec![Read, Send(chunked), Send("5\r\nhello\r\n0\r\n")],
        vec![Read, Send("HTTP/1.1 200 OK\r\n\r\nhello"), Reset],
    ] {
        assert_eq!(outcome(script).await, Err(Failure::Truncated));
    }
}

#[tokio::test]
async fn a_broken_body_stays_broken() {
    let script = vec![Read, Send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")];
    let mut reply = Origin::one(script).await.upstream().send_whole(get()).await.ok().unwrap();
    for _ in 0..3 {
        let end = reply.body.frame().await;
        assert!(matches!(end, Some(Err(Failure::Truncated))));
    }
}

#[tokio::test]
async fn heads_over_the_limit_are_refused() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
    let endless = vec![Read, Send(ok), Repeat("Long: 0123456789abcdef\r\n", 4000), Hang];
    let many = vec![Read, Send(ok), Repeat("X: y\r\n", 101), Send("\r\n"), Hang];
    let enough = vec![Read, Send(ok), Repeat("X: y\r\n", 98), Send("\r\n"), Hang];
    assert_eq!(outcome(endless).await, Err(Failure::HeadTooLarge));
    assert_eq!(outcome(many).await, Err(Failure::HeadTooLarge));
    assert_eq!(outcome(enough).await, Ok(Bytes::new()));
}

#[tokio::test]
async fn a_small_answer_is_whole_in_the_poll_after_its_head() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let upstream = Origin::one(vec![Read, Send(answer), Hang]).await.upstream();
    let mut reply = upstream.send_whole(get()).await.ok().unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let frame = reply.body.poll_frame(&mut cx);
    assert!(matches!(frame, Poll::Ready(Some(Ok(frame))) if frame.data_ref().unwrap() == "hello"));
    assert!(matches!(reply.body.poll_frame(&mut cx), Poll::Ready(None)));
    assert_eq!(upstream.counts().idle, 1);
}

#[tokio::test]
async fn large_bodies_come_whole() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n";
    let script = vec![Read, Send(head), Repeat("0123456789abcdef", 500_000), Hang];
    let upstream = Origin::one(script).await.upstream();
    assert_eq!(fetch(&upstream, get()).await.unwrap().len(), 8_000_000);
    assert_eq!(upstream.counts().idle, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_may_be_read_by_another_task() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
    let pause = Pause(Duration::from_millis(50));
    let upstream = Origin::one(vec![Read, Send(head), pause, Send("world"), Hang]).await.upstream();
    let mut reply = upstream.send_whole(get()).await.ok().unwrap();
    assert_eq!(reply.body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
    let mut cx = Context::from_waker(Waker::noop());
    assert!(reply.body.poll_frame(&mut cx).is_pending());
    let rest = tokio::spawn(read(reply)).await.unwrap();
    assert_eq!(rest.unwrap().0, "world");
}

/// hyper reads 8 KiB at a time: what follows then is not in its buffer but still in the socket.
#[tokio::test]
async fn bytes_after_an_answer_that_fills_the_buffer_are_seen() {
    for connection in ["close", "keep-alive"] {
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Length: 8000\r\nConnection: {connection}\r\nX: ");
        let filler = "x".repeat(8192 - 8000 - 4 - head.len());
        let answer = format!("{head}{filler}\r\n\r\n{}more", "y".repeat(8000));
        let script = vec![Read, Send(answer.leak()), Hang];
        assert_eq!(outcome(script).await, Err(Failure::Malformed), "{connection}");
    }
}

/// With its budget spent on the answer's end, tokio shows the socket as empty.
#[tokio::test]
async fn bytes_after_an_answer_that_spends_the_budget_are_seen() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n";
    let rest = format!("{}more", "y".repeat(8192));
    let pause = Pause(Duration::from_millis(50));
    let script = vec![Read, Send(head), pause, Send(rest.leak()), Hang];
    let upstream = Origin::one(script).await.upstream();
    let mut reply = upstream.send_whole(get()).await.ok().unwrap();
    let poorly = async move {
        while let Some(frame) = poll_fn(|cx| {
            // Enough is left for one read of that.
            has_read(123 * 2048);
            reply.body.poll_frame(cx)
        })
        .await
        {
            frame?;
        }
        Ok(())
    };
    assert_eq!(tokio::spawn(poorly).await.unwrap(), Err(Failure::Malformed));
}
