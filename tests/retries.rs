//! A second try for those a first one failed: what the visitor gets, what the application sees, and
//! what the breaker hears of it.

use crate::support::client::{Visit, get, head, post, visit};
use crate::support::origin::{Behaviour, Origin, answer, computed, fail, ok, pattern};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Retries as they come, but after a time that is known.
fn before(origin: &Origin) -> Setup {
    Setup::before(origin).set("RETRY_BACKOFF", "constant").set("RETRY_BASE", "20ms")
}

fn put(path: &str, body: impl AsRef<[u8]>) -> Visit {
    visit("PUT", path).body(body)
}

#[test]
fn a_bad_moment_is_not_seen_by_the_visitor_nor_by_the_breaker() {
    let origin = Origin::new();
    let bad =
        [Behaviour::Reset, Behaviour::Close, fail(502).into(), fail(503).into(), fail(504).into()];
    // As it comes, and with a breaker that one failure opens.
    let retter = Setup::before(&origin).set("BREAKER_CONSECUTIVE_FAIL", 1).start();
    for (number, bad) in bad.into_iter().enumerate() {
        let path = format!("/{number}");
        let flaky = AtomicBool::new(false);
        origin.set(
            &path,
            computed(move |_| {
                if flaky.swap(true, Ordering::SeqCst) { ok("good").into() } else { bad.clone() }
            }),
        );
        let answer = retter.get(&path);
        let got = (answer.status, answer.retter(), answer.circuit());
        assert_eq!((got, &*answer.text()), ((200, "backend", "CLOSED"), "good"), "{path}");
        assert_eq!(origin.hits(&path), 2, "{path}");
    }
    assert!(!retter.breaker_has_changed());
    // The end of a connection that was kept from before is no failure: sent again for nothing.
    let names = ["retries", "retry-wins", "resends", "hedges"];
    let figures = names.map(|it| retter.figure(&["application", it]));
    assert_eq!(figures, [4.0, 4.0, 1.0, 0.0]);
}

#[test]
fn one_request_is_one_failure_however_many_tries_it_took() {
    let origin = Origin::new().elsewhere(Behaviour::Reset);
    let retter = before(&origin).set("BREAKER_CONSECUTIVE_FAIL", 2).start();
    assert_eq!(retter.get("/a").status, 502);
    assert_eq!(origin.hits("/a"), 2);
    assert!(!retter.breaker_has_changed());
    assert_eq!(retter.get("/b").status, 502);
    assert!(retter.breaker_has_changed());
    // And a breaker that is not closed lets nothing be sent twice.
    let seen = origin.seen().len();
    assert_eq!(retter.get("/c").status, 503);
    assert_eq!(origin.seen().len(), seen);
}

#[test]
fn a_probe_is_one_request() {
    let origin = Origin::new().elsewhere(Behaviour::Reset);
    let setup = before(&origin).set("BREAKER_CONSECUTIVE_FAIL", 1).set("BREAKER_OPEN_MIN", "1ms");
    let retter = setup.set("BREAKER_OPEN_MAX", "1ms").start();
    retter.get("/");
    let seen = origin.seen().len();
    thread::sleep(Duration::from_millis(20));
    retter.get("/probe");
    assert_eq!(origin.seen().len(), seen + 1);
}

#[test]
fn what_is_final_is_asked_once() {
    for status in [200, 404, 429, 500, 501] {
        let origin = Origin::new().route("/", answer(status, "once")).then(ok("twice"));
        let answer = before(&origin).start().get("/");
        assert_eq!((answer.status, &*answer.text()), (status, "once"));
    }
    let origin = Origin::new().route("/", Behaviour::Hang).then(ok("twice"));
    assert_eq!(before(&origin).start().get("/").status, 504);
    assert_eq!(origin.hits("/"), 1);
}

#[test]
fn without_retries_a_request_is_sent_once() {
    let origin = Origin::new().route("/", fail(503)).then(ok("2"));
    assert_eq!(before(&origin).set("RETRY_ATTEMPTS", 1).start().get("/").status, 503);
    assert_eq!(origin.hits("/"), 1);
}

#[test]
fn an_order_is_never_placed_twice() {
    let origin = Origin::new();
    let retter = before(&origin).set("RETRY_METHODS", "PUT DELETE").start();
    for behaviour in [Behaviour::Reset, fail(503).into()] {
        origin.set("/order", behaviour);
        let before = origin.hits("/order");
        retter.visit(&post("/order", "one"));
        assert_eq!(origin.hits("/order"), before + 1);
    }
}

#[test]
fn an_order_that_nobody_took_is_placed_when_somebody_does() {
    let origin = Origin::new().route("/order", answer(201, "thanks"));
    let setup = Setup::before(&origin).set("BACKEND_TIMEOUT", "10").set("RETRY_CAP", "10");
    let setup = setup.set("RETRY_BACKOFF", "constant").set("RETRY_BASE", "700ms");
    let retter = setup.start();
    origin.down();
    let answer = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(200));
            origin.up();
        });
        retter.visit(&post("/order", "one"))
    });
    assert_eq!((answer.status, origin.hits("/order")), (201, 1));
    assert_eq!(origin.last("/order").body, b"one");
}

#[test]
fn what_is_put_is_put_again_whole_if_the_operator_lets_it() {
    let origin = Origin::new();
    let retter = before(&origin).set("RETRY_METHODS", "put, delete").start();
    let (small, large) = (pattern(0, 64 << 10), pattern(0, (64 << 10) + 1));
    for (path, body, tries) in [("/small", &small, 2), ("/large", &large, 1)] {
        origin.set(path, Behaviour::Reset);
        retter.visit(&put(path, body));
        let seen: Vec<_> = origin.seen().into_iter().filter(|it| it.path() == path).collect();
        assert_eq!(seen.len(), tries, "{path}");
        assert!(seen.iter().all(|it| it.whole && it.body == *body), "{path}");
    }
    origin.set("/gone", fail(502));
    retter.visit(&visit("DELETE", "/gone"));
    assert_eq!(origin.hits("/gone"), 2);
    // Not without that.
    let origin = Origin::new().elsewhere(Behaviour::Reset);
    before(&origin).start().visit(&put("/small", small));
    assert_eq!(origin.hits("/small"), 1);
}

#[test]
fn retry_after_is_waited_for_if_there_is_time() {
    let later = |seconds: &str| fail(503).header("Retry-After", seconds);
    let origin = Origin::new().route("/soon", later("1")).then(ok("here"));
    let origin = origin.route("/late", later("60")).then(ok("never"));
    let retter = before(&origin).set("BACKEND_TIMEOUT", "10").start();
    let (answer, took) = timed(&retter, &get("/soon"));
    assert_eq!(answer, 200);
    assert!(took >= Duration::from_secs(1), "{took:?}");
    let (answer, took) = timed(&retter, &get("/late"));
    assert_eq!(answer, 503);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn who_could_have_a_copy_is_not_kept_waiting_for_a_retry() {
    let origin = Origin::new().route("/", ok("page")).then(fail(503).header("Retry-After", "3"));
    let retter = before(&origin).set("BACKEND_TIMEOUT", "10").start();
    retter.get("/");
    retter.wait_for_copies(&["/"]);
    for visit in [get("/"), head("/")] {
        let (status, took) = timed(&retter, &visit);
        assert_eq!(status, 200);
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
    assert_eq!(origin.hits("/"), 3);
    // A short wait is worth it: the page is fresh then.
    origin.set("/", fail(503));
    retter.get("/");
    assert_eq!(origin.hits("/"), 5);
    assert_eq!(retter.figure(&["application", "retries"]), 1.0);
}

#[test]
fn a_storm_of_failures_is_not_doubled() {
    let origin = Origin::new().elsewhere(fail(503));
    // What is not used is saved up from the start on.
    let began = Instant::now();
    let retter = before(&origin).without_breaker().set("RETRY_BASE", 0).start();
    (0..100).for_each(|_| assert_eq!(retter.get("/").status, 503));
    let most = 10.0 + 10.0 + 10.0 * began.elapsed().as_secs_f64();
    let retries = (origin.hits("/") - 100) as f64;
    assert!((10.0..=most).contains(&retries), "{retries} in {:?}", began.elapsed());
    let exhausted = retter.figure(&["application", "retry-budget-exhausted"]);
    assert_eq!(retries + exhausted, 100.0);
}

#[test]
fn a_slow_page_is_asked_for_once_more_and_the_first_good_answer_wins() {
    let origin = Origin::new().route("/", Behaviour::Hang).then(ok("quick"));
    let retter = before(&origin).set("HEDGE_DELAY", "50ms").start();
    let (status, took) = timed(&retter, &get("/"));
    assert_eq!(status, 200);
    assert!(took < Duration::from_millis(900), "{took:?}");
    // The connection on which nothing came is closed, the other one is kept.
    assert!(until(SOON, || origin.live() == 1), "{} open", origin.live());
    let figures = ["hedges", "hedge-wins"].map(|it| retter.figure(&["application", it]));
    assert_eq!(figures, [1.0, 1.0]);
    assert!(said(&retter, "/", &["attempts=2", "waits=\"hedge+50ms\"", "winner=\"hedge\""]));
    assert!(!retter.breaker_has_changed());
}

#[test]
fn the_log_tells_of_more_than_one_try_and_only_then() {
    let origin = Origin::new().route("/good", ok("1")).route("/flaky", fail(503)).then(ok("2"));
    let origin = origin.route("/bad", Behaviour::Reset);
    let retter = before(&origin).start();
    for path in ["/good", "/flaky", "/bad"] {
        retter.get(path);
    }
    assert!(said(&retter, "/flaky", &["attempts=2", "waits=\"503+20ms\"", "winner=\"retry\""]));
    assert!(said(&retter, "/bad", &["attempts=2", "waits=\"reset+20ms\""]));
    let line = |path: &str| line(&retter, path).expect("a line for every request");
    assert!(!line("/bad").contains("winner"), "{}", line("/bad"));
    for word in ["attempts", "waits", "winner"] {
        assert!(!line("/good").contains(word), "{}", line("/good"));
    }
}

fn timed(retter: &Retter, visit: &Visit) -> (u16, Duration) {
    let began = Instant::now();
    let status = retter.visit(visit).status;
    (status, began.elapsed())
}

/// The line of the request for a path comes, with all these words.
fn said(retter: &Retter, path: &str, words: &[&str]) -> bool {
    let there = until(SOON, || line(retter, path).is_some());
    let line = line(retter, path).unwrap_or_default();
    there && words.iter().all(|word| line.contains(word))
}

fn line(retter: &Retter, path: &str) -> Option<String> {
    let path = format!("path=\"{path}\"");
    let log = retter.log();
    let of = |line: &&str| line.contains("micros=") && line.contains(&path);
    log.lines().find(of).map(str::to_owned)
}
