//! When a request is sent again, sentence by sentence as the operator was told.

use super::super::{Backoff, Failure, RequestBody, Retry, Step, Winner};
use super::origin::client_body;
use super::script::{End, Says::*, Story, story};
use http::{Method, StatusCode};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

#[tokio::test(start_paused = true)]
async fn after_a_failed_connection_and_the_statuses_of_the_setting_it_is_tried_again() {
    for failure in [Failure::Refused, Failure::Dns, Failure::Reset] {
        let end = Story::of(&[(10, Fails(failure)), (10, Status(200))]).await;
        assert_eq!(end, End::good(70, &[0, 60]), "{failure:?}");
    }
    for status in [502, 503, 504] {
        let end = Story::of(&[(10, Status(status)), (10, Status(200))]).await;
        assert_eq!(end, End::good(70, &[0, 60]), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn not_after_500_a_timeout_or_nonsense() {
    for status in [200, 404, 429, 500, 501, 505] {
        let end = Story::of(&[(10, Status(status)), (10, Status(200))]).await;
        assert_eq!(end, End::status(status, 10, &[0]));
    }
    for failure in [
        Failure::Timeout,
        Failure::ConnectTimeout,
        Failure::Tls,
        Failure::Malformed,
        Failure::HeadTooLarge,
        Failure::NoSocket,
        Failure::ClientGone,
    ] {
        let end = Story::of(&[(10, Fails(failure)), (10, Status(200))]).await;
        assert_eq!(end, End::failed(failure, 10, &[0]));
    }
}

#[tokio::test(start_paused = true)]
async fn after_429_by_setting() {
    let mut story = story(&[(0, Status(429)), (0, Status(200))]);
    story.retry.statuses = vec![429..=429];
    assert_eq!(story.run().await, End::good(50, &[0, 50]));
}

#[tokio::test(start_paused = true)]
async fn only_while_the_breaker_is_closed() {
    let mut open = story(&[(10, Status(503)), (0, Status(200))]);
    open.visitor.breaker_opens_at = Some(10);
    assert_eq!(open.run().await, End::status(503, 10, &[0]));
    let mut opens_meanwhile = story(&[(10, Status(503)), (0, Status(200))]);
    opens_meanwhile.visitor.breaker_opens_at = Some(30);
    assert_eq!(opens_meanwhile.run().await, End::status(503, 60, &[0]));
    // The retry that was not made has cost nothing.
    let left = (0..99).take_while(|_| opens_meanwhile.again.pay()).count();
    assert_eq!(left, 10);
}

#[tokio::test(start_paused = true)]
async fn only_methods_that_may_come_twice() {
    for (method, more, tries) in [
        (Method::HEAD, &[][..], 2),
        (Method::OPTIONS, &[], 2),
        (Method::TRACE, &[], 2),
        (Method::PUT, &[], 1),
        (Method::DELETE, &[], 1),
        (Method::PUT, &[Method::PUT], 2),
        (Method::DELETE, &[Method::DELETE], 2),
        (Method::POST, &[Method::PUT, Method::DELETE], 1),
        (Method::PATCH, &[Method::PUT, Method::DELETE], 1),
    ] {
        let mut story = story(&[(0, Fails(Failure::Reset))]);
        story.retry.methods = more.to_vec();
        story.method = method.clone();
        assert_eq!(story.run().await.sent.len(), tries, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn any_request_of_which_nothing_was_sent() {
    let mut story = story(&[(0, Unsent(Failure::Refused)), (0, Status(201))]);
    (story.method, story.body) = (Method::POST, sent_body(b"order").await);
    assert_eq!(story.run().await, End::status(201, 50, &[0, 50]));
    assert_eq!(*story.script.bodies.lock(), [b"order"]);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_the_tries_in_all() {
    for (attempts, sent) in [(1, &[0][..]), (2, &[0, 50]), (4, &[0, 50, 100, 150])] {
        let mut story = story(&[(0, Status(503))]);
        story.retry.attempts = attempts;
        assert_eq!(story.run().await, End::status(503, *sent.last().unwrap(), sent));
    }
}

#[tokio::test(start_paused = true)]
async fn the_waits_grow_as_the_backoff_says_up_to_the_cap() {
    let mut story = story(&[(0, Fails(Failure::Refused))]);
    let cap = Duration::from_millis(300);
    story.retry = Retry { attempts: 5, backoff: Backoff::Exponential, cap, ..story.retry };
    let end = End::failed(Failure::Refused, 900, &[0, 100, 300, 600, 900]);
    assert_eq!(story.run().await, end);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_respected_within_the_deadline() {
    let mut patient = story(&[(0, Later(503, "3")), (0, Status(200))]);
    assert_eq!(patient.run().await, End::good(3000, &[0, 3000]));
    // A shorter one makes no wait shorter.
    let end = Story::of(&[(0, Later(503, "0")), (0, Status(200))]).await;
    assert_eq!(end, End::good(50, &[0, 50]));
    for too_long in ["15", "86400", "18446744073709551615"] {
        let end = Story::of(&[(0, Later(503, too_long)), (0, Status(200))]).await;
        assert_eq!(end, End::status(503, 0, &[0]), "{too_long}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_tries_together_have_the_time_of_one() {
    let mut story = story(&[(400, Status(503)), (0, Hangs)]);
    story.timeout = Duration::from_secs(1);
    assert_eq!(story.run().await, End::failed(Failure::Timeout, 1000, &[0, 450]));
    let mut late = super::script::story(&[(960, Status(503)), (0, Status(200))]);
    late.timeout = Duration::from_secs(1);
    assert_eq!(late.run().await, End::status(503, 960, &[0]));
}

#[tokio::test(start_paused = true)]
async fn a_retry_must_fit_into_the_patience_of_who_could_have_a_copy() {
    let mut fits = story(&[(10, Status(503)), (0, Status(200))]);
    fits.visitor.patience = Some(61);
    assert_eq!(fits.run().await, End::good(60, &[0, 60]));
    let mut does_not = story(&[(10, Status(503)), (0, Status(200))]);
    does_not.visitor.patience = Some(60);
    assert_eq!(does_not.run().await, End::status(503, 10, &[0]));
    let mut asked_for = story(&[(10, Later(503, "3")), (0, Status(200))]);
    asked_for.visitor.patience = Some(2000);
    assert_eq!(asked_for.run().await, End::status(503, 10, &[0]));
}

#[tokio::test(start_paused = true)]
async fn nobody_looks_for_a_copy_before_a_retry_is_considered() {
    for (says, looks) in
        [(Status(200), 0), (Status(500), 0), (Later(503, "60"), 0), (Status(502), 1)]
    {
        let mut story = story(&[(0, says)]);
        story.run().await;
        assert_eq!(story.visitor.asked_for_copy.load(Ordering::Relaxed), looks);
    }
}

#[tokio::test(start_paused = true)]
async fn without_budget_there_is_no_retry() {
    let mut story = story(&[(0, Status(503))]);
    while story.again.pay() {}
    assert_eq!(story.run().await, End::status(503, 0, &[0]));
    assert_eq!((story.again.read().retries, story.again.read().exhausted), (0, 2));
    // Ten a second come back.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(story.run().await, End::status(503, 50, &[0, 50]));
    assert_eq!(story.again.read().retries, 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_answer_or_failure_is_what_the_caller_gets() {
    let end = Story::of(&[(0, Status(503)), (0, Fails(Failure::Refused))]).await;
    assert_eq!(end, End::failed(Failure::Refused, 50, &[0, 50]));
    let end = Story::of(&[(0, Fails(Failure::Reset)), (0, Status(500))]).await;
    assert_eq!(end, End::status(500, 50, &[0, 50]));
}

#[tokio::test(start_paused = true)]
async fn every_step_is_told_and_counted() {
    let mut story = story(&[(0, Status(503)), (0, Fails(Failure::Reset)), (0, Status(200))]);
    story.retry.attempts = 3;
    story.run().await;
    let wait = Duration::from_millis(50);
    let steps = [
        Step::Retry { ended: Ok(StatusCode::SERVICE_UNAVAILABLE), wait },
        Step::Retry { ended: Err(Failure::Reset), wait },
        Step::Won(Winner::Retry),
    ];
    assert_eq!(*story.visitor.steps.lock(), steps);
    assert_eq!((story.again.read().retries, story.again.read().retry_wins), (2, 1));
    let mut in_vain = super::script::story(&[(0, Status(503))]);
    in_vain.run().await;
    assert_eq!((in_vain.again.read().retries, in_vain.again.read().retry_wins), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn bodies_up_to_the_limit_are_sent_again_and_longer_ones_are_not() {
    for (limit, tries) in [(5, 2), (4, 1), (0, 1)] {
        let mut story = story(&[(0, Status(503))]);
        story.retry = Retry { methods: vec![Method::PUT], maxbody: limit, ..story.retry };
        (story.method, story.body) = (Method::PUT, sent_body(b"hello").await);
        assert_eq!(story.run().await.sent.len(), tries, "{limit}");
        assert_eq!(*story.script.bodies.lock(), vec![b"hello"; tries], "{limit}");
    }
}

/// A body that has arrived.
async fn sent_body(bytes: &[u8]) -> RequestBody {
    let (body, mut client) = client_body(&format!("Content-Length: {}", bytes.len())).await;
    client.write_all(bytes).await.unwrap();
    body
}
