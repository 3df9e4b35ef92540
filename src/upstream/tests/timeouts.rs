//! How long the application may take.

use super::super::Failure;
use super::origin::{Origin, Step::*, TIMEOUT, fetch, get, outcome, read};
use std::time::{Duration, Instant};

/// In time once, too late twice.
const SLOW: Duration = Duration::from_millis(350);
const TOO_LONG: Duration = Duration::from_millis(700);

#[tokio::test]
async fn no_head_in_time_is_a_timeout() {
    let begun = Instant::now();
    assert_eq!(outcome(vec![Read, Hang]).await, Err(Failure::Timeout));
    assert!(begun.elapsed() >= TIMEOUT);
    let endless = vec![Read, Send("HTTP/1.1 200 OK\r\nX"), Pause(SLOW), Send(": y\r\n"), Hang];
    assert_eq!(outcome(endless).await, Err(Failure::Timeout));
}

#[tokio::test]
async fn a_resend_does_not_start_the_clock_again() {
    let ok = Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let slow_death = vec![Read, ok, Read, Pause(SLOW)];
    let slow_answer = vec![Read, Pause(SLOW), ok];
    let upstream = Origin::new(vec![slow_death, slow_answer]).await.upstream();
    fetch(&upstream, get()).await.unwrap();
    assert_eq!(fetch(&upstream, get()).await, Err(Failure::Timeout));
}

#[tokio::test]
async fn silence_within_the_body_is_a_failure_but_slowness_is_not() {
    let head = Send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    let slow =
        vec![Read, head, Pause(SLOW), Send("a"), Pause(SLOW), Send("b"), Pause(SLOW), Send("c")];
    assert_eq!(outcome(slow).await, Ok("abc".into()));
    assert_eq!(outcome(vec![Read, head, Send("a"), Hang]).await, Err(Failure::Silent));
}

#[tokio::test]
async fn time_in_which_nobody_asks_is_not_the_applications() {
    let head = Send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    let script = vec![Read, head, Pause(TOO_LONG + SLOW), Send("abc")];
    let reply = Origin::one(script).await.upstream().send_whole(get()).await.ok().unwrap();
    tokio::time::sleep(TOO_LONG).await;
    assert_eq!(read(reply).await.unwrap().0, "abc");
}
