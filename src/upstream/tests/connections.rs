//! Reaching the application, and keeping connections to it.

use super::super::pool::{MAX_AGE, MAX_IDLE};
use super::super::{Counts, Failure};
use super::origin::{Origin, Step, Step::*, client_body, fetch, get, outcome, request, upstream};
use http::Method;
use http::header::HOST;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Answers `times` requests well, then closes.
fn serve(times: usize) -> Vec<Step> {
    [Read, Send(OK)].repeat(times)
}

fn then(mut script: Vec<Step>, step: Step) -> Vec<Step> {
    script.push(step);
    script
}

/// Lets the other side's close arrive.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

#[tokio::test]
async fn fifty_requests_use_one_connection() {
    let origin = Origin::one(then(serve(50), Hang)).await;
    let upstream = origin.upstream();
    for _ in 0..50 {
        assert_eq!(fetch(&upstream, get()).await, Ok("ok".into()));
    }
    let expected = Counts { opened: 1, reused: 49, resends: 0, idle: 1, ..Counts::default() };
    assert_eq!(upstream.counts(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_share_the_connections() {
    let upstream = Origin::one(then(serve(5000), Hang)).await.upstream();
    let tasks = (0..20).map(|_| {
        let upstream = upstream.clone();
        tokio::spawn(async move {
            for _ in 0..100 {
                assert_eq!(fetch(&upstream, get()).await, Ok("ok".into()));
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let counts = upstream.counts();
    assert_eq!(counts.opened + counts.reused, 2000);
    assert!(counts.opened <= 20, "{counts:?}");
}

#[tokio::test]
async fn a_body_dropped_early_closes_its_connection() {
    let upstream = Origin::one(then(serve(1), Hang)).await.upstream();
    drop(upstream.send_whole(get()).await.ok().unwrap());
    assert_eq!(upstream.counts().idle, 0);
}

#[tokio::test]
async fn connections_that_say_close_or_speak_http_1_0_are_not_kept() {
    for answer in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\n\r\nok",
    ] {
        let upstream = Origin::one(vec![Read, Send(answer)]).await.upstream();
        assert_eq!(fetch(&upstream, get()).await, Ok("ok".into()), "{answer}");
        assert_eq!(upstream.counts().idle, 0, "{answer}");
    }
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced_unseen_for_any_method() {
    let script = then(serve(1), Pause(Duration::from_millis(10)));
    let upstream = Origin::one(script).await.upstream();
    for method in [Method::GET, Method::POST, Method::POST] {
        assert_eq!(fetch(&upstream, request(method)).await, Ok("ok".into()));
        settle().await;
    }
    let expected = Counts { opened: 3, reused: 0, resends: 0, idle: 1, ..Counts::default() };
    assert_eq!(upstream.counts(), expected);
}

#[tokio::test]
async fn an_unsent_upload_goes_whole_over_a_fresh_connection() {
    let scripts = vec![serve(1), vec![Read, ReadBody(5), Send(OK), Hang]];
    let upstream = Origin::new(scripts).await.upstream();
    fetch(&upstream, get()).await.unwrap();
    settle().await;
    let (body, mut client) = client_body("Content-Length: 5").await;
    client.write_all(b"hello").await.unwrap();
    let post = request(Method::POST).map(|_| body);
    assert_eq!(fetch(&upstream, post).await, Ok("ok".into()));
}

#[tokio::test]
async fn bytes_on_an_idle_connection_close_it() {
    let nonsense = then(then(serve(1), Send(OK)), Hang);
    // Apart from the answer, so that the answer itself is sound.
    let script = [&nonsense[..2], &[Pause(Duration::from_millis(10))], &nonsense[2..]].concat();
    let upstream = Origin::one(script).await.upstream();
    fetch(&upstream, get()).await.unwrap();
    settle().await;
    assert_eq!(fetch(&upstream, get()).await, Ok("ok".into()));
    assert_eq!(upstream.counts().opened, 2);
}

#[tokio::test]
async fn a_get_that_dies_unheard_on_a_kept_connection_is_sent_once_more() {
    for death in [vec![], vec![Reset]] {
        let dies = [then(serve(1), Read), death].concat();
        let origin = Origin::new(vec![dies, serve(1)]).await;
        let upstream = origin.upstream();
        fetch(&upstream, get()).await.unwrap();
        assert_eq!(fetch(&upstream, get()).await, Ok("ok".into()));
        assert_eq!((upstream.counts().resends, origin.heads().len()), (1, 3));
        assert_eq!(origin.heads()[1], origin.heads()[2]);
    }
}

#[tokio::test]
async fn the_second_sending_is_the_last() {
    let dies = then(serve(1), Read);
    let origin = Origin::new(vec![dies, vec![Read], serve(1)]).await;
    let upstream = origin.upstream();
    fetch(&upstream, get()).await.unwrap();
    assert_eq!(fetch(&upstream, get()).await, Err(Failure::Reset));
    assert_eq!(origin.heads().len(), 3);
}

#[tokio::test]
async fn a_post_that_may_have_arrived_is_not_sent_again() {
    let origin = Origin::new(vec![then(serve(1), Read), serve(1)]).await;
    let upstream = origin.upstream();
    fetch(&upstream, get()).await.unwrap();
    assert_eq!(fetch(&upstream, request(Method::POST)).await, Err(Failure::Reset));
    assert_eq!(origin.heads().len(), 2);
}

#[tokio::test]
async fn a_get_is_not_sent_again_once_a_byte_was_heard_or_on_a_fresh_connection() {
    let heard = [then(serve(1), Read), vec![Send("HTTP/1.1 2")]].concat();
    let origin = Origin::new(vec![heard, serve(1)]).await;
    let upstream = origin.upstream();
    fetch(&upstream, get()).await.unwrap();
    assert_eq!(fetch(&upstream, get()).await, Err(Failure::Reset));
    assert_eq!(origin.heads().len(), 2);
    assert_eq!(outcome(vec![Read]).await, Err(Failure::Reset));
}

#[tokio::test]
async fn connections_that_die_before_a_head_are_resets() {
    let begun = "HTTP/1.1 200 OK\r\nContent-";
    for script in [
        vec![],
        vec![Reset],
        vec![Read, Reset],
        vec![Read, Send(begun)],
        vec![Read, Send(begun), Reset],
        vec![Read, Send("HTTP/1.1 100 Continue\r\n\r\n")],
    ] {
        assert_eq!(outcome(script).await, Err(Failure::Reset));
    }
}

#[tokio::test]
async fn a_server_that_speaks_first_is_malformed() {
    let banner = vec![Send("220 mail ESMTP\r\n"), Hang];
    assert_eq!(outcome(banner).await, Err(Failure::Malformed));
}

#[tokio::test]
async fn no_listener_is_refused_and_no_name_is_dns() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = upstream(&format!("http://{gone}"));
    assert_eq!(fetch(&refused, get()).await, Err(Failure::Refused));
    // A label over 63 bytes fails in the resolver itself, without a network.
    let nameless = upstream(&format!("http://{}.invalid", "a".repeat(64)));
    assert_eq!(fetch(&nameless, get()).await, Err(Failure::Dns));
}

#[tokio::test]
async fn a_full_backlog_is_a_connect_timeout() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let _never_accepts = socket.listen(1).unwrap();
    let fill = || tokio::time::timeout(Duration::from_millis(50), TcpStream::connect(address));
    let _queue = [fill().await, fill().await, fill().await];
    let full = upstream(&format!("http://{address}"));
    assert_eq!(fetch(&full, get()).await, Err(Failure::ConnectTimeout));
}

#[tokio::test]
async fn localhost_is_found_on_either_family() {
    for loopback in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(loopback).await else {
            continue; // a machine without IPv6
        };
        let address = listener.local_addr().unwrap();
        let origin = Origin::on(listener, address, vec![serve(1)]);
        let upstream = upstream(&format!("http://localhost:{}", address.port()));
        for _ in 0..2 {
            assert_eq!(fetch(&upstream, get()).await, Ok("ok".into()), "{loopback}");
            settle().await;
        }
        let host = format!("host: localhost:{}\r\n", address.port());
        assert!(origin.heads()[0].contains(&host), "{}", origin.heads()[0]);
    }
}

#[tokio::test]
async fn the_prefix_is_prepended_and_host_stays() {
    let origin = Origin::one(serve(1)).await;
    let upstream = upstream(&format!("http://{}/app/", origin.address));
    let mut request = get();
    *request.uri_mut() = "http://shop.example/a%2fb//?x=%20".parse().unwrap();
    request.headers_mut().insert(HOST, "shop.example".parse().unwrap());
    fetch(&upstream, request).await.unwrap();
    let expected = "GET /app/a%2fb//?x=%20 HTTP/1.1\r\nhost: shop.example\r\n\r\n";
    assert_eq!(origin.heads(), [expected]);
}

#[tokio::test]
async fn idle_connections_are_bounded_in_number() {
    let upstream = Origin::one(then(serve(1), Hang)).await.upstream();
    let mut replies = Vec::new();
    for _ in 0..MAX_IDLE + 10 {
        replies.push(upstream.send_whole(get()).await.ok().unwrap());
    }
    for reply in replies {
        super::origin::read(reply).await.unwrap();
    }
    assert_eq!(upstream.counts().idle, MAX_IDLE as u64);
}

#[tokio::test]
async fn idle_connections_are_bounded_in_age() {
    let upstream = Origin::one(then(serve(2), Hang)).await.upstream();
    fetch(&upstream, get()).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(MAX_AGE + Duration::from_secs(1)).await;
    tokio::time::resume();
    fetch(&upstream, get()).await.unwrap();
    let expected = Counts { opened: 2, reused: 0, resends: 0, idle: 1, ..Counts::default() };
    assert_eq!(upstream.counts(), expected);
}
