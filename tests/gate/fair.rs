//! One client who asks for a new address each time, and the others.

use super::*;
use crate::support::client::Line;

#[test]
fn one_client_with_a_thousand_addresses_keeps_nobody_out() {
    let origin = Origin::new().elsewhere(ok("a page"));
    let retter = one_place(&origin).set("GATE_WAIT", 20).set("GATE_QUEUE", 8).start();
    let hanging = take_a_place(&origin, &retter);
    let flood = |number: usize| {
        get(&format!("/list?random={number}")).header("X-Forwarded-For", "203.0.113.66")
    };
    let visits: Vec<_> = (0..8).map(|number| go(&retter, flood(number))).collect();
    assert!(until(SOON, || waiting(&retter) == 8.0));
    let other = go(&retter, get("/list").header("X-Forwarded-For", "198.51.100.1"));
    // One of the flood had to make room.
    assert!(until(SOON, || retter.figure(&["gate", "displaced"]) == 1.0));
    origin.set("/hang", ok("at last"));
    came(hanging);
    assert_eq!(came(other).status, 200);
    let turned_away = visits.into_iter().map(came).filter(|answer| answer.status == 503);
    assert_eq!(turned_away.count(), 1);
}

#[test]
fn a_thousand_new_queries_fill_neither_file_nor_memory_and_the_others_are_rescued() {
    let origin = Origin::new().elsewhere(ok("a page"));
    let retter = Setup::before(&origin).start();
    retter.get("/shop");
    let mut line = Line::open(retter.address()).expect("it listens");
    let flood = |number: usize| {
        get(&format!("/list?random={number}")).header("X-Forwarded-For", "203.0.113.66")
    };
    for number in 0..1_500 {
        assert_eq!(line.send(&flood(number)).status, 200);
    }
    // What comes again is no flood.
    line.send(&flood(1_499));
    let refused = retter.figure(&["skipped", "new-query"]);
    assert!((400.0..=500.0).contains(&refused), "{refused}");
    retter.wait_for_copies(&["/shop", "/list?random=1499"]);
    assert!(retter.figure(&["cache-count"]) < 1_100.0);
    let other = |number: usize| {
        get(&format!("/list?page={number}")).header("X-Forwarded-For", "198.51.100.1")
    };
    line.send(&other(1));
    retter.wait_for_copies(&["/list?page=1"]);
    origin.down();
    assert_eq!(retter.get("/shop").text(), "a page");
    assert_eq!(retter.visit(&other(1)).text(), "a page");
}
