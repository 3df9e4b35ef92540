//! `localhost` has two addresses, and an application listens on one of them, or on both.

use crate::support::origin::{Origin, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::thread;

#[test]
fn an_application_on_either_address_is_found() {
    let four = Origin::new().elsewhere(ok("on 4"));
    let retter = before_localhost(four.address());
    assert_eq!(retter.get("/").text(), "on 4");
    let Some(six) = listen("[::1]:0", "on 6") else {
        return eprintln!("skipped: there is no IPv6 on this machine");
    };
    assert_eq!(before_localhost(six).get("/").text(), "on 6");
    // Both, and each of them serves.
    let Some(both) = listen(&format!("[::1]:{}", four.address().port()), "on both") else {
        return;
    };
    let text = before_localhost(both).get("/").text();
    assert!(text == "on both" || text == "on 4", "{text}");
}

#[test]
fn an_application_that_moves_to_the_other_address_is_found_there() {
    let origin = Origin::new().elsewhere(ok("on 4"));
    let retter = before_localhost(origin.address());
    assert_eq!(retter.get("/").text(), "on 4");
    origin.down();
    let Some(_) = listen(&format!("[::1]:{}", origin.address().port()), "on 6") else {
        return eprintln!("skipped: there is no IPv6 on this machine");
    };
    assert_eq!(retter.get("/new").text(), "on 6");
}

/// Where IPv6 is switched off, `::1` is no address of this machine at all.
#[test]
fn where_one_of_them_is_missing_the_other_is_found() {
    const INSIDE: &str = "RETTER_TESTS_WITHOUT_IPV6";
    if std::env::var_os(INSIDE).is_some() {
        assert!(TcpListener::bind("[::1]:0").is_err(), "there is IPv6 after all");
        let origin = Origin::new().elsewhere(ok("on 4"));
        let retter = before_localhost(origin.address());
        assert_eq!(retter.get("/").text(), "on 4");
        // That nobody listens is said of the address that is there.
        origin.down();
        assert_eq!(retter.get("/new").status, 502);
        assert!(until(SOON, || retter.log().contains("why=\"refused\"")), "{}", retter.log());
        return;
    }
    let name = "forwarding::addresses::where_one_of_them_is_missing_the_other_is_found";
    let script = "ip link set lo up && echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 || exit 99\n\
                  exec \"$0\" --exact \"$1\" --nocapture";
    let tests = std::env::current_exe().expect("this is a program");
    let mut apart = Command::new("unshare");
    apart.args(["-r", "-n", "sh", "-c", script]).arg(tests).arg(name).env(INSIDE, "1");
    match apart.output() {
        Ok(output) if output.status.code() == Some(0) => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(said.contains("1 passed"), "{said}");
        }
        Ok(output) if output.status.code() == Some(101) => {
            panic!("{}", String::from_utf8_lossy(&output.stderr))
        }
        _ => eprintln!("skipped: no network can be set apart on this machine"),
    }
}

fn before_localhost(address: SocketAddr) -> Retter {
    let url = format!("http://localhost:{}", address.port());
    Setup::before_url(&url).set("RETRY_ATTEMPTS", 1).set("LOG_FILTER", "debug").start()
}

/// Answers `text` there until the test process ends.
fn listen(address: &str, text: &'static str) -> Option<SocketAddr> {
    let listener = TcpListener::bind(address).ok()?;
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let length = text.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{text}"
            );
            // Whoever left needs no answer.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    Some(address)
}
