//! TLS in front.

use crate::support::client::{HOST, Line, narrow};
use crate::support::origin::{Origin, ok, pattern, pattern_body};
use crate::support::pair::Pair;
use crate::support::retter::{Retter, Setup};
use crate::support::session::Session;
use crate::support::{SOON, until};
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, HandshakeKind, StreamOwned, version};

pub type Secure = StreamOwned<ClientConnection, TcpStream>;

#[test]
fn pages_come_over_tls_in_both_versions_and_copies_after_that() {
    let (origin, pair) = (Origin::new().elsewhere(ok("the page")), Pair::new());
    let retter = before(&origin, &pair).start();
    let mut session = Session::secure(retter.address(), &pair);
    assert_eq!(session.get("/page").expect("a reply").text(), "the page");
    assert!(over_http1(&retter, &pair, "/page").contains("\r\n\r\nthe page"));
    let seen = origin.last("/page");
    assert_eq!(seen.header("x-forwarded-proto").as_deref(), Some("https"));
    origin.down();
    assert_eq!(session.get("/page").expect("a reply").retter(), "cache");
    let copy = over_http1(&retter, &pair, "/page");
    assert!(copy.contains("x-retter: cache") && copy.contains("the page"), "{copy}");
}

#[test]
fn a_copy_made_over_tls_has_its_own_address() {
    let (origin, pair) = (Origin::new().elsewhere(ok("secret")), Pair::new());
    let retter = before(&origin, &pair).start();
    over_http1(&retter, &pair, "/page");
    retter.wait_for_copies(&["https://shop.example/page"]);
    let dump = String::from_utf8_lossy(&retter.dump().stdout).into_owned();
    assert!(!dump.contains("http://shop.example/page"), "{dump}");
}

#[test]
fn a_stranger_cannot_say_that_he_came_without() {
    let (origin, pair) = (Origin::new().elsewhere(ok("1")), Pair::new());
    let retter = before(&origin, &pair).set("SERVER_TRUSTED", "none").start();
    let said = "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-Proto: http\r\n\
        Connection: close\r\n\r\n";
    ask(&mut secure(&retter, pair.client(&[])), said).expect("an answer");
    assert_eq!(origin.last("/").header("x-forwarded-proto").as_deref(), Some("https"));
}

#[test]
fn tls_1_2_is_spoken_and_a_session_is_taken_up_again() {
    let (origin, pair) = (Origin::new().elsewhere(ok("1")), Pair::new());
    let retter = before(&origin, &pair).start();
    for version in [&version::TLS12, &version::TLS13] {
        let config = Arc::new(pair.client_of(&[b"http/1.1"], version));
        for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut stream = secured(&retter, config.clone());
            ask(&mut stream, ASK).expect("an answer");
            assert_eq!(stream.conn.handshake_kind(), Some(expected), "{version:?}");
        }
    }
}

#[test]
fn megabytes_go_through_tls_unharmed() {
    let (origin, pair) = (Origin::new().elsewhere(pattern_body(3 << 20)), Pair::new());
    let retter = before(&origin, &pair).start();
    let reply = Session::secure(retter.address(), &pair).get("/").expect("a reply");
    assert!(reply.body == pattern(0, 3 << 20));
    let answer = ask(&mut secure(&retter, pair.client(&[])), ASK).expect("an answer");
    assert!(answer.ends_with(&pattern(0, 3 << 20)));
}

#[test]
fn an_answer_that_breaks_off_has_no_end_in_good_order() {
    let broken = pattern_body(200_000).close_delimited();
    let broken = broken.ending(crate::support::origin::Ending::ResetAt(150_000));
    let (origin, pair) = (Origin::new().elsewhere(broken), Pair::new());
    let retter = before(&origin, &pair).start();
    let mut stream = secure(&retter, pair.client(&[]));
    let old = "GET / HTTP/1.0\r\nHost: shop.example\r\n\r\n";
    assert!(ask(&mut stream, old).is_err(), "it looked whole");
}

#[test]
fn who_does_not_shake_hands_is_cut() {
    let (origin, pair) = (Origin::new(), Pair::new());
    let retter = before(&origin, &pair).set("LIMIT_HEAD", "500ms").start();
    let began = Instant::now();
    for sent in [&b""[..], &[22, 3, 1], b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let mut line = Line::open(retter.address()).expect("it listens");
        line.write(sent).expect("it reads");
        while line.some().is_ok_and(|bytes| !bytes.is_empty()) {}
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let health = over_http1(&retter, &pair, "/health");
    assert!(health.contains("\"handshake-timeout\":2"), "{health}");
    assert!(health.contains("\"handshake\":1"), "{health}");
}

#[test]
fn a_new_pair_is_taken_over_and_a_bad_one_is_not() {
    let (origin, pair) = (Origin::new().elsewhere(ok("1")), Pair::new());
    let retter = before(&origin, &pair).start();
    let mut old = Session::secure(retter.address(), &pair);
    old.get("/").expect("a reply");
    pair.renew();
    let trusted = Arc::new(pair.client(&[]));
    assert!(until(SOON, || shakes_hands(&retter, trusted.clone())), "the new one is not used");
    assert_eq!(old.get("/").expect("who was there stays").text(), "1");
    fs::write(pair.key(), "no key at all").expect("written");
    assert!(until(SOON, || retter.log().contains("the old stay")), "nothing is said");
    assert!(shakes_hands(&retter, trusted.clone()));
    fs::remove_file(pair.key()).expect("removed");
    thread::sleep(Duration::from_secs(3));
    assert!(shakes_hands(&retter, trusted));
}

#[test]
fn a_slow_reader_of_tls_is_cut_when_he_takes_nothing_and_not_before() {
    let (origin, pair) = (Origin::new().elsewhere(pattern_body(8 << 20)), Pair::new());
    let retter = before(&origin, &pair).set("SERVER_TIMEOUT_WRITE", "700ms").start();
    let mut stream = secure(&retter, pair.client(&[]));
    stream.write_all(ASK.as_bytes()).expect("it reads");
    let mut piece = vec![0; 256 << 10];
    for _ in 0..10 {
        stream.read_exact(&mut piece).expect("it goes on for who moves");
        thread::sleep(Duration::from_millis(200));
    }
    thread::sleep(Duration::from_secs(3));
    let rest = stream.read_to_end(&mut Vec::new());
    assert!(rest.is_err(), "it waited for ever: {rest:?}");
}

#[test]
fn what_tls_holds_for_who_takes_nothing_is_given_up() {
    let origin = Origin::new();
    let pair = Pair::new();
    let sizes: Vec<u64> = (1..80).map(|step| step * 50_000).collect();
    for size in &sizes {
        origin.set(&format!("/{size}"), pattern_body(*size));
    }
    let setup = before(&origin, &pair).set("SERVER_TIMEOUT_WRITE", "700ms");
    let retter = setup.set("SERVER_TIMEOUT_IDLE", "60").start();
    let before = retter.open_files();
    let streams = sizes.iter().map(|size| {
        let narrow = narrow(retter.address()).expect("it listens");
        let mut stream = over(narrow, Arc::new(pair.client(&[])));
        let asked = ASK.replace(" / ", &format!(" /{size} "));
        stream.write_all(asked.as_bytes()).expect("it reads");
        stream
    });
    let streams = streams.collect::<Vec<_>>();
    let Some(before) = before else { return };
    // Those to the application may stay.
    let closed = || retter.open_files().is_some_and(|now| now <= before + origin.live());
    assert!(until(SOON, closed), "{:?} were {before}", retter.open_files());
    drop(streams);
}

#[test]
fn curl_gets_the_page_by_every_way() {
    let (origin, pair) = (Origin::new().elsewhere(ok("for curl")), Pair::new());
    if Command::new("curl").arg("--version").output().is_err() {
        return;
    }
    let (plain, tls) = (Setup::before(&origin).start(), before(&origin, &pair).start());
    let port = tls.address().port();
    let secure = [
        "--cacert".to_owned(),
        pair.certificate().display().to_string(),
        "--resolve".to_owned(),
        format!("{HOST}:{port}:127.0.0.1"),
        format!("https://{HOST}:{port}/"),
    ];
    let plain = [format!("http://{}/", plain.address())];
    for (arguments, version, expected) in [
        (&plain[..], "--http2-prior-knowledge", "for curl 2"),
        (&plain[..], "--http2", "for curl 1.1"),
        (&plain[..], "--http1.1", "for curl 1.1"),
        (&secure[..], "--http2", "for curl 2"),
        (&secure[..], "--http1.1", "for curl 1.1"),
    ] {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--write-out", " %{http_version}", version]);
        let output = curl.args(arguments).output().expect("it runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{version} {output:?}");
    }
}

pub fn before(origin: &Origin, pair: &Pair) -> Setup {
    let setup = Setup::before(origin).set("TLS_CERTIFICATE", pair.certificate().display());
    setup.set("TLS_KEY", pair.key().display())
}

fn over_http1(retter: &Retter, pair: &Pair, path: &str) -> String {
    let request = ASK.replace(" / ", &format!(" {path} "));
    let answer = ask(&mut secure(retter, pair.client(&[b"http/1.1"])), &request);
    String::from_utf8_lossy(&answer.expect("an answer")).into_owned()
}

pub fn secure(retter: &Retter, config: ClientConfig) -> Secure {
    secured(retter, Arc::new(config))
}

pub fn secured(retter: &Retter, config: Arc<ClientConfig>) -> Secure {
    over(TcpStream::connect(retter.address()).expect("it listens"), config)
}

fn over(stream: TcpStream, config: Arc<ClientConfig>) -> Secure {
    let name = ServerName::try_from(HOST).expect("a name");
    let connection = ClientConnection::new(config, name).expect("a client");
    stream.set_read_timeout(Some(SOON)).expect("a socket");
    StreamOwned::new(connection, stream)
}

/// Everything up to an end in good order: without `close_notify` it is an error.
pub fn ask(stream: &mut Secure, request: &str) -> io::Result<Vec<u8>> {
    stream.write_all(request.as_bytes())?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    if all.is_empty() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(all) }
}

pub fn shakes_hands(retter: &Retter, config: Arc<ClientConfig>) -> bool {
    ask(&mut secured(retter, config), ASK).is_ok()
}

pub const ASK: &str = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";
