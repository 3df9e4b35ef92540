//! Who waits, who is next, and who shares a call.

use super::*;

const A: Key = [1; 16];
const B: Key = [2; 16];

fn no_copy(key: Key, client: Client) -> Wish {
    Wish { class: Class::NoCopy, key: Some(key), client }
}

/// A gate with one place, which is taken.
fn taken() -> (Gate<u32, u32>, Slot, Instant) {
    let one = Settings { mode: Mode::Fixed, max: 1, queue: 4, ..settings() };
    let (mut gate, now) = gate(&one);
    let slot = gate.enter(now).expect("it is free");
    (gate, slot, now)
}

fn queued(gate: &mut Gate<u32, u32>, wish: Wish, waker: u32, now: Instant) -> u64 {
    match gate.wait(wish, waker, now) {
        Waiting::Queued(number, None) => number,
        other => panic!("{other:?}"),
    }
}

fn next(gate: &mut Gate<u32, u32>, now: Instant) -> (u32, Slot) {
    match gate.next(now) {
        Some(Next::Waiter(waker, slot)) => (waker, slot),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_only_the_application_can_do_goes_first_then_the_page_most_wait_for() {
    let (mut gate, slot, now) = taken();
    queued(&mut gate, no_copy(A, 1), 1, now);
    queued(&mut gate, no_copy(B, 2), 2, now + ms(1));
    queued(&mut gate, no_copy(B, 3), 3, now + ms(2));
    queued(&mut gate, Wish { class: Class::Other, key: None, client: 4 }, 4, now + ms(3));
    assert!(gate.next(now).is_none(), "the one place is taken");
    gate.leave(slot, good(), now);
    let mut order = Vec::new();
    while gate.figures(now).waiting > 0 {
        let (waker, mut slot) = next(&mut gate, now);
        order.push(waker);
        order.extend(gate.share(&mut slot));
        gate.leave(slot, good(), now);
    }
    assert_eq!(order, [4, 2, 3, 1]);
}

#[test]
fn a_request_does_not_pass_those_who_wait() {
    let (mut gate, slot, now) = taken();
    queued(&mut gate, no_copy(A, 1), 1, now);
    gate.leave(slot, good(), now);
    assert!(gate.enter(now).is_none());
    let (_, slot) = next(&mut gate, now);
    gate.leave(slot, good(), now);
    assert!(gate.enter(now).is_some());
}

#[test]
fn who_comes_while_the_call_is_inside_joins_it() {
    let (mut gate, slot, now) = taken();
    queued(&mut gate, no_copy(A, 1), 1, now);
    gate.leave(slot, good(), now);
    let (_, mut slot) = next(&mut gate, now);
    queued(&mut gate, no_copy(A, 2), 2, now);
    queued(&mut gate, no_copy(B, 3), 3, now);
    assert_eq!(gate.share(&mut slot), [2]);
    gate.leave(slot, good(), now);
    assert_eq!(next(&mut gate, now).0, 3);
}

#[test]
fn an_answer_for_one_visitor_alone_is_remembered_for_two_minutes() {
    let (mut gate, slot, now) = taken();
    for client in 1..=3 {
        queued(&mut gate, no_copy(A, client), client as u32, now);
    }
    gate.leave(slot, good(), now);
    let (first, mut slot) = next(&mut gate, now);
    gate.part(&mut slot, now);
    assert!(gate.next(now).is_none());
    gate.leave(slot, good(), now);
    let (second, mut slot) = next(&mut gate, now);
    assert_eq!((first, second, gate.share(&mut slot).len()), (1, 2, 0));
    gate.leave(slot, good(), now);
    let (third, slot) = next(&mut gate, now);
    assert_eq!(third, 3);
    // Whoever comes now waits for himself, and after two minutes not any more.
    for (after, together) in [(ms(119_000), false), (ms(121_000), true)] {
        let later = now + after;
        let both = [4, 5].map(|client| queued(&mut gate, no_copy(A, client), client as u32, later));
        let waiting = gate.queue.next_client().map(|(_, client, _)| client);
        assert_eq!(waiting, Some(4));
        gate.give_up(both[0]);
        // Together the other one now waits in the same place; alone in his own.
        let left = gate.figures(later).waiting;
        assert_eq!((left, gate.queue.next_client().is_some()), (1, true), "{together}");
        gate.give_up(both[1]);
    }
    gate.leave(slot, good(), now);
}

#[test]
fn when_the_call_fails_another_one_tries() {
    let (mut gate, slot, now) = taken();
    for client in 1..=2 {
        queued(&mut gate, no_copy(A, client), client as u32, now);
    }
    gate.leave(slot, good(), now);
    let (first, slot) = next(&mut gate, now);
    gate.leave(slot, Ended { good: Some(false), ..good() }, now);
    let (second, _slot) = next(&mut gate, now);
    assert_eq!((first, second), (1, 2));
}

#[test]
fn who_gets_up_is_not_called() {
    let (mut gate, slot, now) = taken();
    let first = queued(&mut gate, no_copy(A, 1), 1, now);
    queued(&mut gate, no_copy(B, 2), 2, now);
    gate.give_up(first);
    gate.give_up(first);
    gate.leave(slot, good(), now);
    assert_eq!(next(&mut gate, now).0, 2);
    assert_eq!(gate.figures(now).waiting, 0);
}

#[test]
fn a_probe_gets_in_whatever_is_inside() {
    let (mut gate, slot, now) = taken();
    let probe = gate.enter_anyway(now);
    assert_eq!(gate.figures(now).inside, 2);
    gate.leave(slot, good(), now);
    assert!(gate.enter(now).is_none());
    gate.leave(probe, good(), now);
    assert!(gate.enter(now).is_some());
}

#[test]
fn the_oldest_copy_is_refreshed_first_when_nobody_waits() {
    let (mut gate, slot, now) = taken();
    gate.want_refresh(A, 1, 30, || 1, now);
    gate.want_refresh(B, 1, 10, || 2, now);
    gate.want_refresh([3; 16], 1, 20, || 3, now);
    gate.want_refresh(B, 1, 10, || 4, now);
    queued(&mut gate, no_copy(A, 1), 9, now);
    gate.leave(slot, good(), now);
    let (_, slot) = next(&mut gate, now);
    gate.leave(slot, good(), now);
    for expected in [2, 3, 1] {
        let Some(Next::Refresh(request, slot)) = gate.next(now) else { panic!("nothing") };
        assert_eq!(request, expected);
        gate.leave(slot, good(), now);
    }
    // The same copy is not tried at once again, another one is.
    gate.want_refresh(B, 1, 10, || 5, now + ms(4_900));
    assert!(gate.next(now + ms(4_900)).is_none());
    gate.want_refresh([3; 16], 1, 21, || 6, now + ms(4_900));
    let Some(Next::Refresh(6, slot)) = gate.next(now + ms(4_900)) else { panic!("nothing") };
    gate.leave(slot, good(), now);
    gate.want_refresh(B, 1, 10, || 7, now + ms(5_000));
    assert!(gate.next(now + ms(15_100)).is_none(), "too long ago");
}

#[test]
fn a_call_that_may_hang_is_joined_by_nobody_who_comes_later() {
    let (mut gate, slot, now) = taken();
    queued(&mut gate, no_copy(A, 1), 1, now);
    gate.leave(slot, good(), now);
    let (_, mut hanging) = next(&mut gate, now);
    queued(&mut gate, no_copy(A, 2), 2, now + ms(400));
    queued(&mut gate, no_copy(A, 3), 3, now + ms(700));
    gate.limiter = Limiter::new(2, 2, 2, now);
    let (second, mut slot) = next(&mut gate, now + ms(700));
    assert_eq!((second, gate.share(&mut slot).len()), (3, 0));
    assert_eq!(gate.share(&mut hanging), [2]);
}

#[test]
fn a_call_that_will_bring_no_copy_lets_another_one_try() {
    let (mut gate, slot, now) = taken();
    for client in 1..=2 {
        queued(&mut gate, no_copy(A, client), client as u32, now);
    }
    gate.leave(slot, good(), now);
    let (_, mut slow) = next(&mut gate, now);
    gate.let_others_try(&mut slow);
    gate.leave(slow, good(), now);
    assert_eq!(next(&mut gate, now).0, 2);
}
