//! Whom RETTER believes to be the application, and what it says when it does not.

use super::{HERE, Story, before, story};
use crate::support::origin::{Origin, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::tls::{Authority, For, Front, Identity};
use crate::support::{SOON, until};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

/// The copy where there is one, else 502, and one line for all of it.
fn is_rescued_and_said_once(retter: &Retter, words: &str) {
    for _ in 0..3 {
        let page = retter.get("/known");
        assert_eq!((page.status, page.text().as_str()), (200, "page"), "{words}");
        assert_eq!(retter.get("/unknown").status, 502, "{words}");
    }
    let lines = || retter.log().lines().filter(|line| line.contains(words)).count();
    assert!(until(SOON, || lines() > 0), "no {words} in\n{}", retter.log());
    assert_eq!(lines(), 1, "{words}");
}

#[test]
fn who_is_not_the_application_is_a_failure_with_a_clear_line() {
    let origin = Origin::new().elsewhere(ok("page"));
    let Story { retter, front, authority } = story(&origin);
    let stranger = Authority::new("another one");
    assert_eq!(retter.get("/known").retter(), "backend");
    for (identity, words) in [
        (stranger.signs(HERE), "UnknownIssuer; name a file"),
        (authority.signs(For::Expired("127.0.0.1")), "renew the application's certificate"),
        (authority.signs(For::NotYet("127.0.0.1")), "set the clock"),
        (authority.signs(For::Name("shop.test")), "in backend.sni"),
        (Identity::own("127.0.0.1", false), "UnknownIssuer; name a file"),
    ] {
        front.show(&identity);
        let said_before = retter.log().len();
        assert_eq!(retter.get("/known").retter(), "cache", "{words}");
        assert_eq!(retter.get("/unknown").status, 502, "{words}");
        // Two reasons within a second are one line: the next reason has a second of its own.
        thread::sleep(std::time::Duration::from_millis(1100));
        assert_eq!(retter.get("/unknown").status, 502, "{words}");
        let said = || retter.log()[said_before..].contains(words);
        assert!(until(SOON, said), "no {words} in\n{}", retter.log());
    }
    front.show(&authority.signs(HERE));
    assert_eq!(retter.get("/known").retter(), "backend");
}

#[test]
fn what_stays_wrong_is_not_said_for_every_request() {
    let origin = Origin::new().elsewhere(ok("page"));
    let Story { retter, front, .. } = story(&origin);
    retter.get("/known");
    front.show(&Authority::new("another one").signs(HERE));
    is_rescued_and_said_once(&retter, "no TLS with the application: ");
}

#[test]
fn the_breaker_counts_it_as_it_counts_a_refused_connection() {
    let origin = Origin::new().elsewhere(ok("page"));
    let authority = Authority::new("the right one");
    let front = Front::before(&origin, &Authority::new("another one").signs(HERE));
    let url = front.url();
    let setup = Setup::before_url(&url).set("BACKEND_CA", authority.file().display());
    let retter = setup.start();
    let statuses: Vec<u16> = (0..6).map(|_| retter.get("/").status).collect();
    assert_eq!(statuses, [502, 502, 502, 502, 502, 503]);
    assert_eq!(retter.get("/").circuit(), "OPEN");
}

#[test]
fn an_application_that_wants_to_see_a_certificate_is_understood() {
    let origin = Origin::new().elsewhere(ok("page"));
    let Story { retter, front, authority } = story(&origin);
    retter.get("/known");
    front.demand(&authority.signs(HERE), &authority);
    is_rescued_and_said_once(&retter, "has no certificate to show");
}

#[test]
fn plain_http_behind_https_is_understood() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("https://{}", listener.local_addr().expect("it is bound"));
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            // As web servers do with what is no HTTP.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let authority = Authority::new("the right one");
    let setup = Setup::before_url(&url).set("BACKEND_CA", authority.file().display());
    let retter = setup.without_breaker().start();
    assert_eq!(retter.get("/").status, 502);
    assert!(until(SOON, || retter.log().contains("write http://")), "{}", retter.log());
}

/// The handshake is part of connecting.
#[test]
fn who_never_shakes_hands_is_a_connect_timeout() {
    let origin = Origin::new().elsewhere(ok("page"));
    let authority = Authority::new("the right one");
    let front = Front::before(&origin, &authority.signs(HERE));
    let url = origin.url().replace("http:", "https:");
    let retter = before(&front, authority.file())
        .set("BACKEND_BASEURL", url)
        .set("BACKEND_TIMEOUT", "10")
        .start();
    let begun = std::time::Instant::now();
    assert_eq!(retter.get("/").status, 504);
    assert!(begun.elapsed().as_secs() < 5);
    assert!(until(SOON, || retter.log().contains("did not shake hands")), "{}", retter.log());
}

#[test]
fn the_name_in_the_certificate_may_be_said() {
    let origin = Origin::new().elsewhere(ok("page"));
    let authority = Authority::new("the right one");
    let front = Front::before(&origin, &authority.signs(For::Name("shop.test")));
    let retter = before(&front, authority.file()).set("BACKEND_SNI", "Shop.test").start();
    assert_eq!(retter.get("/").status, 200);
    assert_eq!(front.seen().name.as_deref(), Some("shop.test"));
}

#[test]
fn an_application_may_vouch_for_itself() {
    let origin = Origin::new().elsewhere(ok("page"));
    for (ca, status) in [(false, 200), (true, 502)] {
        let identity = Identity::own("127.0.0.1", ca);
        let front = Front::before(&origin, &identity);
        let file = identity.file();
        let retter = before(&front, file.path()).start();
        assert_eq!(retter.get("/").status, status, "{}", retter.log());
        let said = || retter.log().contains("basicConstraints=critical,CA:FALSE");
        assert_eq!(until(if ca { SOON } else { SOON / 100 }, said), ca, "{}", retter.log());
    }
}

#[test]
fn without_a_file_the_system_is_believed() {
    let origin = Origin::new().elsewhere(ok("page"));
    let authority = Authority::new("the right one");
    let front = Front::before(&origin, &authority.signs(HERE));
    let system = |file: &str| {
        Setup::before_url(&front.url()).variable("SSL_CERT_FILE", file).without_breaker()
    };
    let file = authority.file().display().to_string();
    assert_eq!(system(&file).start().get("/").status, 200);
    // Its own file is believed instead of the system's, not besides.
    let other = Authority::new("another one");
    let retter = system(&file).set("BACKEND_CA", other.file().display()).start();
    assert_eq!(retter.get("/").status, 502);
    let ended = system("/nowhere.pem").run();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("/nowhere.pem") && said.contains("backend.ca"), "{said}");
    // Plain HTTP needs nobody's certificates.
    let plain = Setup::before(&origin).variable("SSL_CERT_FILE", "/nowhere.pem").start();
    assert_eq!(plain.get("/").status, 200);
}

#[test]
fn mistakes_are_named_before_the_start() {
    let setup = Setup::bare()
        .set("BACKEND_BASEURL", "https://-app")
        .set("BACKEND_CA", "nowhere.pem")
        .set("BACKEND_SNI", "a b");
    let ended = setup.run();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(64), "{said}");
    for name in ["RETTER_BACKEND_BASEURL", "RETTER_BACKEND_CA", "RETTER_BACKEND_SNI"] {
        assert!(said.contains(name), "{name}: {said}");
    }
    assert!(said.contains("nowhere.pem") && said.contains("cannot read it"), "{said}");
}
