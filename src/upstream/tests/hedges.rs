//! When a second request is sent beside the first, and whose answer is given.

use super::super::{Failure, Hedge, Step, Winner};
use super::script::{End, Says, Says::*, Story, story};
use http::Method;
use std::sync::atomic::Ordering;
use std::time::Duration;

const DELAY: Duration = Duration::from_millis(100);

fn hedged(steps: &[(u64, Says)]) -> Story {
    let mut story = story(steps);
    story.hedge = Hedge::After(DELAY);
    story.retry.attempts = 1;
    story
}

fn cancelled(story: &Story) -> usize {
    story.script.cancelled.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn off_by_default() {
    assert_eq!(Story::of(&[(900, Status(200))]).await, End::good(900, &[0]));
}

#[tokio::test(start_paused = true)]
async fn an_answer_before_the_delay_is_not_hedged_good_or_bad() {
    for status in [200, 500] {
        let mut story = hedged(&[(99, Status(status))]);
        assert_eq!(story.run().await, End::status(status, 99, &[0]));
        assert_eq!(*story.visitor.steps.lock(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_good_answer_wins_and_the_loser_is_cancelled() {
    let mut second = hedged(&[(900, Status(200)), (30, Status(200))]);
    assert_eq!(second.run().await, End::good(130, &[0, 100]));
    assert_eq!(cancelled(&second), 1);
    let steps = [Step::Hedge { delay: DELAY }, Step::Won(Winner::Hedge)];
    assert_eq!(*second.visitor.steps.lock(), steps);
    assert_eq!((second.again.read().hedges, second.again.read().hedge_wins), (1, 1));

    let mut first = hedged(&[(120, Status(200)), (30, Status(200))]);
    assert_eq!(first.run().await, End::good(120, &[0, 100]));
    assert_eq!(cancelled(&first), 1);
    assert_eq!(first.visitor.steps.lock()[1], Step::Won(Winner::First));
    assert_eq!((first.again.read().hedges, first.again.read().hedge_wins), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_bad_answer_waits_for_the_other() {
    let mut second_is_bad = hedged(&[(500, Status(200)), (30, Status(500))]);
    assert_eq!(second_is_bad.run().await, End::good(500, &[0, 100]));
    let mut first_is_bad = hedged(&[(120, Fails(Failure::Reset)), (300, Status(200))]);
    assert_eq!(first_is_bad.run().await, End::good(400, &[0, 100]));
    assert_eq!(cancelled(&first_is_bad), 0);
}

#[tokio::test(start_paused = true)]
async fn a_bad_one_is_given_only_if_all_are_bad() {
    let mut both = hedged(&[(120, Status(500)), (300, Status(503))]);
    assert_eq!(both.run().await, End::status(503, 400, &[0, 100]));
    // What the application says itself is more than nothing.
    let mut one_fails = hedged(&[(120, Status(500)), (300, Fails(Failure::Reset))]);
    assert_eq!(one_fails.run().await, End::status(500, 400, &[0, 100]));
    assert_eq!(*one_fails.visitor.steps.lock(), [Step::Hedge { delay: DELAY }]);
    let mut none = hedged(&[(0, Hangs), (0, Hangs)]);
    assert_eq!(none.run().await, End::failed(Failure::Timeout, 15_000, &[0, 100]));
}

#[tokio::test(start_paused = true)]
async fn never_while_the_breaker_is_not_closed() {
    let mut story = hedged(&[(200, Status(200))]);
    story.visitor.breaker_opens_at = Some(100);
    assert_eq!(story.run().await, End::good(200, &[0]));
}

#[tokio::test(start_paused = true)]
async fn never_without_a_slot_which_is_held_while_both_are_inside() {
    let mut full = hedged(&[(200, Status(200))]);
    full.visitor.gate_is_full = true;
    assert_eq!(full.run().await, End::good(200, &[0]));

    let mut story = hedged(&[(500, Status(200)), (200, Status(200))]);
    let slot = story.visitor.slot.clone();
    let watched = tokio::spawn(async move {
        let mut taken = Vec::new();
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(80)).await;
            taken.push(slot.load(Ordering::Relaxed));
        }
        taken
    });
    assert_eq!(story.run().await, End::good(300, &[0, 100]));
    assert_eq!(watched.await.unwrap(), [false, true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn only_a_get_is_sent_twice_at_once() {
    for method in [Method::HEAD, Method::OPTIONS, Method::POST] {
        let mut story = hedged(&[(200, Status(200))]);
        story.method = method;
        assert_eq!(story.run().await, End::good(200, &[0]));
    }
}

#[tokio::test(start_paused = true)]
async fn hedges_and_retries_have_one_budget() {
    let mut story = hedged(&[(200, Status(200))]);
    // By the end of this, time and the request's own share would have brought one back.
    story.hedge = Hedge::After(Duration::from_millis(80));
    while story.again.pay() {}
    assert_eq!(story.run().await, End::good(200, &[0]));
    assert_eq!((story.again.read().hedges, story.again.read().exhausted), (0, 2));
    let mut paid = hedged(&[(200, Status(200))]);
    (0..9).for_each(|_| assert!(paid.again.pay()));
    assert_eq!(paid.run().await, End::good(200, &[0, 100]));
    assert_eq!(paid.again.read().hedges, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_bad_on_both_ways_may_be_tried_once_more() {
    let mut story = hedged(&[(120, Status(503)), (100, Status(503)), (10, Status(200))]);
    story.retry.attempts = 2;
    assert_eq!(story.run().await, End::good(260, &[0, 100, 250]));
}

#[tokio::test(start_paused = true)]
async fn p95_is_off_until_it_is_known() {
    let mut story = hedged(&[(20, Status(200))]);
    story.hedge = Hedge::P95;
    for _ in 0..127 {
        story.run().await;
    }
    assert_eq!(story.again.lately.p95(), None);
    story.run().await;
    assert_eq!(story.again.lately.p95(), Some(Duration::from_millis(20)));
    assert_eq!(story.again.read().hedges, 0);
}

#[tokio::test(start_paused = true)]
async fn p95_hedges_whoever_takes_longer_than_nineteen_in_twenty() {
    let mut story = hedged(&[(400, Status(200)), (10, Status(200))]);
    story.hedge = Hedge::P95;
    (0..128).for_each(|_| story.again.lately.add(Duration::from_millis(20)));
    assert_eq!(story.run().await, End::good(30, &[0, 20]));
    // Bad answers say nothing about how long a good one takes.
    let mut bad = hedged(&[(1, Status(500))]);
    bad.hedge = Hedge::P95;
    for _ in 0..128 {
        bad.run().await;
    }
    assert_eq!(bad.again.lately.p95(), None);
}
