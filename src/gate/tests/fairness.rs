//! One client and the others.

use super::*;

fn key(number: u32) -> Key {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&number.to_be_bytes());
    key
}

fn wish(number: u32, client: Client) -> Wish {
    Wish { class: Class::NoCopy, key: Some(key(number)), client }
}

fn full(limit: u32, queue: u32) -> (Gate<u32, u32>, Vec<Slot>, Instant) {
    let (mut gate, now) = gate(&Settings { mode: Mode::Fixed, max: limit, queue, ..settings() });
    let slots = std::iter::from_fn(|| gate.enter(now)).collect();
    (gate, slots, now)
}

const GREEDY: Client = 1;

/// The queue, with what one client asks for.
fn fill(gate: &mut Gate<u32, u32>, now: Instant) {
    for number in 0..8 {
        assert!(matches!(gate.wait(wish(number, GREEDY), number, now), Waiting::Queued(_, None)));
    }
}

#[test]
fn who_asks_for_a_thousand_pages_keeps_nobody_out() {
    let (mut gate, slots, now) = full(4, 8);
    for number in 0..1_000 {
        let _ = gate.wait(wish(number, GREEDY), number, now);
    }
    assert_eq!(gate.figures(now).waiting, 8);
    let Waiting::Queued(_, Some(out)) = gate.wait(wish(2_000, 2), 2_000, now) else {
        panic!("there is room for another client")
    };
    assert!(out < 1_000);
    slots.into_iter().for_each(|slot| gate.leave(slot, good(), now));
    let mut inside = Vec::new();
    let mut order = Vec::new();
    while let Some(Next::Waiter(waker, slot)) = gate.next(now) {
        order.push(waker);
        inside.push(slot);
    }
    let place = order.iter().position(|waker| *waker == 2_000);
    assert!(place <= Some(1), "{order:?}");
}

#[test]
fn half_of_the_slots_are_left_for_the_copies_of_others() {
    let (mut gate, slots, now) = full(4, 8);
    fill(&mut gate, now);
    for number in 0..4 {
        gate.want_refresh(key(100 + number), 2, 1, || number, now);
    }
    gate.want_refresh(key(200), GREEDY, 0, || 200, now);
    slots.into_iter().for_each(|slot| gate.leave(slot, good(), now));
    let mut inside = Vec::new();
    let mut refreshed = Vec::new();
    while let Some(next) = gate.next(now) {
        match next {
            Next::Waiter(_, slot) => inside.push(slot),
            Next::Refresh(number, slot) => {
                refreshed.push(number);
                inside.push(slot);
            }
        }
    }
    assert_eq!((inside.len(), refreshed.len()), (4, 2), "{refreshed:?}");
    assert!(!refreshed.contains(&200), "his own");
}

#[test]
fn alone_he_may_have_all() {
    let (mut gate, slots, now) = full(4, 8);
    fill(&mut gate, now);
    slots.into_iter().for_each(|slot| gate.leave(slot, good(), now));
    let inside: Vec<_> = std::iter::from_fn(|| gate.next(now)).collect();
    assert_eq!(inside.len(), 4);
}

#[test]
fn hundreds_may_wait_for_one_page_and_not_for_ever_more() {
    let (mut gate, _slots, now) = full(4, 8);
    let queued = (0..1_000).filter(|number| {
        matches!(gate.wait(wish(7, u64::from(*number)), *number, now), Waiting::Queued(_, None))
    });
    assert_eq!(queued.count(), 128);
}

#[test]
fn an_order_takes_the_place_of_a_page_in_a_full_queue_and_of_no_other_order() {
    let (mut gate, _slots, now) = full(4, 8);
    for number in 0..8 {
        let _ = gate.wait(wish(number, u64::from(number)), number, now);
    }
    let order = |client| Wish { class: Class::Other, key: None, client };
    for number in 0..8 {
        let waiting = gate.wait(order(100 + u64::from(number)), 100 + number, now);
        assert!(matches!(waiting, Waiting::Queued(_, Some(out)) if out < 8), "{waiting:?}");
    }
    assert!(matches!(gate.wait(order(200), 200, now), Waiting::Full(200)));
}

#[test]
fn whoever_has_the_fewest_slots_leads_his_page() {
    let (mut gate, slots, now) = full(1, 8);
    let _ = gate.wait(wish(1, GREEDY), 1, now);
    slots.into_iter().for_each(|slot| gate.leave(slot, good(), now));
    let Some(Next::Waiter(1, greedy)) = gate.next(now) else { panic!("he is the only one") };
    // The page of many, where he came first, and one for a single other.
    let _ = gate.wait(wish(2, GREEDY), 2, now);
    let _ = gate.wait(wish(3, 30), 30, now);
    let _ = gate.wait(wish(2, 20), 20, now);
    gate.limiter = Limiter::new(2, 2, 2, now);
    let Some(Next::Waiter(first, _slot)) = gate.next(now) else { panic!("there is room") };
    assert_eq!(first, 20, "most wait for it, and he has none");
    drop(greedy);
}
