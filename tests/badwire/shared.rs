//! What comes in one piece with a body, or in a piece with its end, is the next request, and is read by
//! the rules of one.

use super::DEADLINE;
use crate::support::client::{Line, post};
use crate::support::origin::{Behaviour, Origin, echo, ok, websocket};
use crate::support::retter::{Retter, Setup};
use crate::support::talk::{Heard, Talk};
use crate::support::{SOON, for_each_row, until};
use std::thread;
use std::time::Duration;

#[test]
fn a_bare_lf_behind_a_body_ends_the_connection_wherever_the_pieces_end() {
    let origin = Origin::new().elsewhere(ok("page"));
    let retter = Setup::before(&origin).start();
    let mut rows = Vec::new();
    for body in BODIES {
        for head in [
            "GET /b HTTP/1.1\nHost: a\n\n",
            "GET /b HTTP/1.1\nHost: a\r\n\r\n",
            "GET /b HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n",
            "GET /b HTTP/1.1\r\nHost: a\r\n\n",
        ] {
            let all = format!("POST /a HTTP/1.1\r\nHost: a\r\n{body}{head}");
            let (body_at, head_at) = (all.find("\r\n\r\n").unwrap() + 4, all.len() - head.len());
            for cut in [all.len(), body_at, head_at - 1, head_at + 1, head_at + 18, all.len() - 1] {
                rows.push((all.clone(), cut));
            }
        }
    }
    for_each_row(
        &rows,
        |(all, cut)| format!("{all:?} {cut}"),
        |(all, cut)| {
            let heard = two_pieces(&retter, all, *cut);
            assert!(heard.closed && heard.statuses().len() <= 2, "{heard:?}");
        },
    );
    assert_eq!(origin.hits("/third"), 0);
}

#[test]
fn who_ends_his_lines_so_behind_a_body_gets_no_tunnel() {
    let origin = Origin::new().elsewhere(ok("page")).route("/b", websocket(echo));
    let retter = Setup::before(&origin).start();
    let asks = "GET /b HTTP/1.1\nHost: a\nUpgrade: websocket\nConnection: Upgrade\n\
        Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n";
    for body in BODIES {
        let all = format!("POST /a HTTP/1.1\r\nHost: a\r\n{body}{asks}");
        for cut in [all.len(), all.find("\r\n\r\n").unwrap() + 4] {
            let heard = two_pieces(&retter, &all, cut);
            assert!(!heard.statuses().contains(&101), "{heard:?}");
        }
    }
    assert!(origin.seen().iter().all(|seen| seen.header("upgrade").is_none()));
}

#[test]
fn a_body_by_itself_ends_no_connection() {
    let origin = Origin::new().elsewhere(ok("page"));
    let retter = Setup::before(&origin).start();
    let mut talk = Talk::open(retter.address());
    for body in BODIES {
        for pause in [false, true] {
            let all = format!("POST /a HTTP/1.1\r\nHost: a\r\n{body}");
            let (head, rest) = all.split_at(all.find("\r\n\r\n").unwrap() + 4);
            talk.say(head);
            if pause {
                thread::sleep(Duration::from_millis(50));
            }
            talk.say(rest);
            assert_eq!(talk.hear_until("page", SOON).statuses(), [200]);
        }
    }
    let mut line = Line::open(retter.address()).expect("it listens");
    for _ in 0..3 {
        let answer = line.send(&post("/a", "x".repeat(300_000)));
        assert!(answer.is_whole() && answer.header("connection").is_none(), "{answer:?}");
    }
}

/// A method may be any word, in small letters too.
#[test]
fn a_bare_lf_behind_a_head_is_the_next_requests() {
    let origin = Origin::new().elsewhere(ok("page"));
    let retter = Setup::before(&origin).start();
    let rows = ["get", "1", "GET", "~"].map(|method| {
        format!("GET /a HTTP/1.1\r\nHost: a\r\n\r\n{method} /b HTTP/1.1\nHost: a\n\n")
    });
    for_each_row(&rows, String::clone, |all| {
        for cut in [all.len(), all.len() - 4, 30] {
            let heard = two_pieces(&retter, all, cut);
            assert!(heard.closed && heard.statuses().len() <= 2, "{cut} {heard:?}");
        }
    });
    assert_eq!(origin.hits("/third"), 0);
    let mut talk = Talk::open(retter.address());
    for _ in 0..3 {
        talk.say("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nA\nb\nC\n");
        assert_eq!(talk.hear_until("page", SOON).statuses(), [200], "in a body it means nothing");
    }
}

#[test]
fn a_bare_lf_in_a_head_that_comes_during_an_answer_ends_the_connection() {
    let bodies =
        ["Content-Length: 1\r\n\r\nx", "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"];
    for body in bodies {
        let origin = Origin::new().elsewhere(ok("page")).route("/a", Behaviour::Hang);
        let retter = Setup::before(&origin).start();
        let mut talk = Talk::open(retter.address());
        talk.say("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(until(SOON, || origin.hits("/a") == 1));
        talk.say(format!("POST /b HTTP/1.1\r\nHost: a\n{body}"));
        talk.say("GET /third HTTP/1.1\r\nHost: a\r\n\r\n");
        origin.set("/a", ok("page"));
        let heard = talk.hear_all(DEADLINE);
        assert!(heard.closed && heard.statuses().len() <= 2, "{heard:?}");
        assert_eq!(origin.hits("/third"), 0);
    }
}

/// The first piece, the rest once the first has been read, and a third request after the last answer.
fn two_pieces(retter: &Retter, all: &str, cut: usize) -> Heard {
    let mut talk = Talk::open(retter.address());
    talk.say(&all[..cut]);
    if cut < all.len() {
        thread::sleep(Duration::from_millis(60));
        talk.say(&all[cut..]);
    }
    let mut heard = talk.hear(DEADLINE, |bytes| {
        String::from_utf8_lossy(bytes).matches("\r\n\r\npage").count() == 2
    });
    talk.say("GET /third HTTP/1.1\r\nHost: a\r\n\r\n");
    let rest = talk.hear(Duration::from_secs(2), |_| false);
    heard.bytes.extend_from_slice(&rest.bytes);
    heard.closed |= rest.closed;
    heard
}

const BODIES: [&str; 3] = [
    "Content-Length: 1\r\n\r\nx",
    "Content-Length: 12\r\n\r\nOne\r\nTwo\r\nxy",
    "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
];
