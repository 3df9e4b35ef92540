//! What passes over plain TCP passes over the other connections as well.

use crate::support::client::{Line, Visit, get};
use crate::support::origin::{Answer, Behaviour, Ending, Origin, echo, ok, pattern, websocket};
use crate::support::pair::Pair;
use crate::support::retter::{Retter, Setup};
use crate::support::session::{Session, to};
use crate::support::tls::{Authority, For, Front};
use crate::support::{SOON, until};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::thread;

/// RETTER before an application behind TLS.
struct Story {
    retter: Retter,
    _front: Front,
    _authority: Authority,
}

fn story(origin: &Origin) -> Story {
    let authority = Authority::new("the right one");
    let front = Front::before(origin, &authority.signs(For::Name("127.0.0.1")));
    let setup = Setup::before_url(&front.url()).set("BACKEND_CA", authority.file().display());
    Story { retter: setup.start(), _front: front, _authority: authority }
}

#[test]
fn trailers_pass_both_ways_over_tls() {
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
                   4\r\nbody\r\n0\r\nX-Sum: 5eed\r\n\r\n";
    let origin = Origin::new().elsewhere(Behaviour::Raw(answer.to_vec()));
    let Story { retter, .. } = &story(&origin);
    let request = to("/").method("POST").header("te", "trailers").header("trailer", "x-check");
    let request = request.body(b"sent".to_vec()).expect("a request");
    let check = HeaderMap::from_iter([("x-check".parse().expect("a name"), HeaderValue::from(7))]);
    let reply = Session::plain(retter.address()).send_with(request, check).expect("a reply");
    assert_eq!(reply.trailers.expect("trailers")["x-sum"], "5eed");
    let seen = origin.last("/");
    assert_eq!((seen.body.as_slice(), seen.trailers), (&b"sent"[..], vec!["x-check: 7".into()]));
}

#[test]
fn an_upload_arrives_over_tls_while_it_is_sent() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let Story { retter, .. } = &story(&origin);
    let mut line = Line::open(retter.address()).expect("it listens");
    let head = "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n";
    line.write(head.as_bytes()).expect("sent");
    let body = pattern(0, 200_000);
    line.write(&body[..100_000]).expect("sent");
    let arrived = || origin.hits("/up") == 1 && origin.last("/up").body_length == 100_000;
    assert!(until(SOON, arrived), "the first half waits for the second");
    line.write(&body[100_000..]).expect("sent");
    assert!(line.receive(false, |_| {}).is_whole());
    assert_eq!(origin.last("/up").body, body);
}

#[test]
fn an_answer_before_the_end_of_an_upload_comes_over_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno";
            stream.write_all(answer.as_bytes()).expect("sent");
            // It waits for the rest nevertheless.
            drop(io::copy(&mut stream, &mut io::sink()));
        }
    });
    let authority = Authority::new("the right one");
    let front = Front::before_address(address, &authority.signs(For::Name("127.0.0.1")));
    let setup = Setup::before_url(&front.url()).set("BACKEND_CA", authority.file().display());
    let retter = setup.start();
    let mut line = Line::open(retter.address()).expect("it listens");
    let head = "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nthe beginning";
    line.write(head.as_bytes()).expect("sent");
    let answer = line.receive(false, |_| {});
    assert_eq!((answer.status, answer.is_whole()), (413, true));
}

#[test]
fn a_websocket_is_carried_over_tls() {
    let origin = Origin::new().elsewhere(websocket(echo));
    let Story { retter, .. } = &story(&origin);
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(&asks_for_websocket().bytes()).expect("sent");
    assert_eq!(line.head().expect("a head").status, 101);
    for said in [&b"hello"[..], &pattern(0, 100_000)] {
        line.write(said).expect("sent");
        let mut heard = Vec::new();
        assert!(until(SOON, || {
            heard.extend(line.some().unwrap_or_default());
            heard.len() >= said.len()
        }));
        assert!(heard == said, "something else came back");
    }
}

#[test]
fn events_come_at_once_from_an_application_behind_tls() {
    let origin = Origin::new().elsewhere(events());
    comes_at_once(&story(&origin).retter);
}

#[test]
fn events_come_at_once_from_an_application_behind_a_socket() {
    let origin = Origin::new().elsewhere(events());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.sock");
    let listener = UnixListener::bind(&path).expect("the path is free");
    let address = origin.address();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let Ok(origin) = TcpStream::connect(address) else { return };
                thread::scope(|scope| {
                    scope.spawn(|| drop(io::copy(&mut &stream, &mut &origin)));
                    drop(io::copy(&mut &origin, &mut &stream));
                });
            });
        }
    });
    comes_at_once(&Setup::before_url(&format!("unix:{}", path.display())).start());
}

#[test]
fn events_come_at_once_over_http2_with_tls_and_without() {
    let origin = Origin::new().elsewhere(events());
    let plain = Setup::before(&origin).set("BACKEND_TIMEOUT", "20").start();
    comes_at_once_over_http2(&mut Session::plain(plain.address()));
    let pair = Pair::new();
    let secure = Setup::before(&origin)
        .set("TLS_CERTIFICATE", pair.certificate().display())
        .set("TLS_KEY", pair.key().display())
        .set("BACKEND_TIMEOUT", "20")
        .start();
    comes_at_once_over_http2(&mut Session::secure(secure.address(), &pair));
}

fn events() -> Answer {
    let both = ok("data: first\n\ndata: second\n\n").ending(Ending::HangAt(13));
    both.typed("text/event-stream").chunked()
}

fn comes_at_once(retter: &Retter) {
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(&get("/events").bytes()).expect("sent");
    assert_eq!(line.head().expect("a head").status, 200);
    let mut came = Vec::new();
    let there = until(SOON, || {
        came.extend(line.some().unwrap_or_default());
        String::from_utf8_lossy(&came).contains("data: first")
    });
    assert!(there, "{came:?}");
}

fn comes_at_once_over_http2(session: &mut Session) {
    let (response, _upload) = session.open(to("/events").body(()).expect("a request"), true);
    let first: Bytes = session.wait(async {
        let mut body = response.await.expect("a head").into_body();
        body.data().await.expect("an event").expect("a sound one")
    });
    assert_eq!(first, "data: first\n\n");
}

fn asks_for_websocket() -> Visit {
    get("/socket")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Version", "13")
}
