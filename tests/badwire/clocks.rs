//! Every silence has an end, and only silence: who moves, however slowly, is served.

use crate::support::client::{HOST, get};
use crate::support::origin::{Origin, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::talk::Talk;
use crate::support::{SOON, until};
use std::thread;
use std::time::Duration;

#[test]
fn a_head_that_takes_too_long_is_408() {
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = impatient(&origin);
    let mut talk = Talk::open(retter.address());
    // It moves all the time and would take a minute: a head has one time for all of it.
    let said = talk.say_slowly("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: 1\r\n".repeat(20), 1, STEP);
    let heard = talk.hear_all(SOON);
    assert!(!said && heard.closed, "{heard:?}");
    assert_eq!(heard.statuses(), [408], "{heard:?}");
    assert!(origin.seen().is_empty());
}

#[test]
fn a_head_that_stops_is_408_on_a_used_connection_too() {
    let origin = Origin::new().elsewhere(ok("page"));
    let retter = impatient(&origin);
    let mut talk = Talk::open(retter.address());
    talk.say(get("/").bytes());
    assert_eq!(talk.hear_until("page", SOON).statuses(), [200]);
    talk.say("GET /second HTTP/1.1\r\nHo");
    let heard = talk.hear_all(SOON);
    assert!(heard.closed && heard.statuses() == [408], "{heard:?}");
    assert_eq!(origin.hits("/second"), 0);
}

#[test]
fn a_body_that_stops_is_408() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = impatient(&origin);
    for body in
        ["Content-Length: 10\r\n\r\n12345", "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"]
    {
        let mut talk = Talk::open(retter.address());
        talk.say(format!("POST /up HTTP/1.1\r\nHost: {HOST}\r\n{body}"));
        let heard = talk.hear_all(SOON);
        assert!(heard.closed && heard.statuses() == [408], "{body}: {heard:?}");
    }
    assert!(until(SOON, || origin.live() == 0), "the application waits for the rest");
    assert!(origin.seen().iter().all(|seen| !seen.whole) && !retter.breaker_has_changed());
}

#[test]
fn an_idle_connection_is_closed_without_a_byte() {
    let origin = Origin::new().elsewhere(ok("page"));
    let retter = impatient(&origin);
    for requests in [0, 1, 3] {
        let mut talk = Talk::open(retter.address());
        for _ in 0..requests {
            talk.say(get("/").bytes());
            assert_eq!(talk.hear_until("page", SOON).statuses(), [200]);
        }
        let heard = talk.hear_all(SOON);
        assert!(heard.closed && heard.bytes.is_empty(), "{heard:?}");
        assert!(heard.took > STEP * 5 && heard.took < STEP * 9, "{requests}: {heard:?}");
    }
}

#[test]
fn an_idle_connection_stays_for_its_time() {
    let origin = Origin::new().elsewhere(ok("page"));
    let retter =
        Setup::before(&origin).set("LIMIT_HEAD", TIME).set("SERVER_TIMEOUT_READ", TIME).start();
    let mut talk = Talk::open(retter.address());
    for _ in 0..2 {
        talk.say(get("/").bytes());
        assert_eq!(talk.hear_until("page", SOON).statuses(), [200]);
        // The other times are over, this one is not.
        thread::sleep(Duration::from_millis(900));
    }
}

#[test]
fn who_reads_nothing_of_his_answer_is_cut_off() {
    let origin = Origin::new().elsewhere(ok(vec![b'x'; LARGE]));
    let retter = impatient(&origin);
    let mut talk = Talk::open(retter.address());
    talk.say(get("/?token=never-a-copy").bytes());
    assert!(until(SOON, || origin.live() == 1));
    assert!(until(SOON, || origin.live() == 0), "the application still writes");
    let heard = talk.hear_all(SOON);
    assert!(heard.closed && heard.bytes.len() < LARGE, "{}", heard.bytes.len());
    assert!(!retter.breaker_has_changed());
}

#[test]
fn who_asks_for_many_small_pages_and_reads_none_is_cut_off() {
    let origin = Origin::new().elsewhere(ok(vec![b'x'; 3000]));
    let retter = impatient(&origin);
    assert_eq!(retter.get("/").status, 200);
    let mut talk = Talk::open(retter.address());
    let asking = thread::spawn(move || while talk.say(get("/").bytes()) {});
    assert!(until(SOON, || asking.is_finished()), "it still waits for him");
    assert_eq!(retter.figure(&["refused", "write-timeout"]), 1.0);
}

#[test]
fn who_reads_slowly_is_served_to_the_end() {
    let origin = Origin::new().elsewhere(ok(vec![b'x'; LARGE]));
    let retter = impatient(&origin);
    let mut talk = Talk::open(retter.address());
    talk.say(get("/?token=never-a-copy").bytes());
    let mut length = 0;
    for _ in 0..30 {
        length += talk.hear_some(STRIDE, SOON).bytes.len();
        thread::sleep(STEP);
    }
    length += talk.hear_some(LARGE - length, SOON).bytes.len();
    assert!(length >= LARGE, "{length}");
}

#[test]
fn who_uploads_slowly_is_served_to_the_end() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = impatient(&origin);
    let mut talk = Talk::open(retter.address());
    talk.say(format!("POST /up HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 15\r\n\r\n"));
    assert!(talk.say_slowly("0123456789abcde", 1, STEP));
    assert_eq!(talk.hear_until("thanks", SOON).statuses(), [200]);
    assert_eq!(origin.last("/up").body, b"0123456789abcde");
}

/// Every time of the front is short.
fn impatient(origin: &Origin) -> Retter {
    let times =
        ["LIMIT_HEAD", "SERVER_TIMEOUT_IDLE", "SERVER_TIMEOUT_READ", "SERVER_TIMEOUT_WRITE"];
    let setup = Setup::before(origin).set("BACKEND_TIMEOUT", "20");
    times.iter().fold(setup, |setup, name| setup.set(name, TIME)).start()
}

const TIME: &str = "600ms";
/// Well within [`TIME`].
const STEP: Duration = Duration::from_millis(100);
/// More than the buffers of two sockets hold.
const LARGE: usize = 24_000_000;
/// Much of what a socket's buffer holds: the kernel tells of room only when there is a lot.
const STRIDE: usize = 700_000;
