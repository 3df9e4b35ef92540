//! HTTP/2 with much to do: what is not broken off comes whole and is the right page, beside streams
//! that are reset and connections that do nothing else.

use super::floods::{flood, greeted};
use crate::support::plain::{Plain, page};
use crate::support::retter::{Retter, Setup};
use crate::support::session::{Session, read, to};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

#[test]
fn pages_come_whole_beside_streams_that_are_reset() {
    under_load(4, 5);
}

#[test]
#[ignore = "a hundred thousand streams take a minute"]
fn a_hundred_thousand_pages_come_whole_beside_streams_that_are_reset() {
    under_load(8, 320);
}

fn under_load(visitors: usize, rounds: usize) {
    let application = Plain::start();
    // All are one client here, and would wait for each other at the gate.
    let retter = Setup::before_url(&application.url()).set("GATE_MODE", "off").start();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let retter = &retter;
        scope.spawn(|| attack(retter, &is_over));
        let begin = |visitor| scope.spawn(move || visit(retter, visitor, rounds));
        let all: Vec<_> = (0..visitors).map(begin).collect();
        let came: Vec<_> = all.into_iter().map(|visitor| visitor.join()).collect();
        is_over.store(true, Ordering::Relaxed);
        let whole: usize = came.into_iter().map(|came| came.expect("no panic")).sum();
        assert_eq!(whole, visitors * rounds * STREAMS);
    });
    assert!(!retter.has_panicked() && !retter.breaker_has_changed());
    if let Some(peak) = retter.peak_memory_kb() {
        assert!(peak < 200 * 1024, "{peak} kB");
    }
}

/// Rounds of streams at one time on one connection; two more in each are broken off, before and
/// after their heads. How many came whole.
fn visit(retter: &Retter, visitor: usize, rounds: usize) -> usize {
    let mut session = Session::plain(retter.address());
    let mut came = 0;
    for round in 0..rounds {
        let (_, mut early) = session.open(to("/early").body(()).expect("a request"), true);
        let (late, mut upload) =
            session.open(to("/bytes/1000000").body(()).expect("a request"), true);
        early.send_reset(h2::Reason::CANCEL);
        let targets: Vec<_> = (0..STREAMS).map(|n| format!("/{visitor}/{round}/{n}")).collect();
        let requests = targets.iter().map(|target| to(target).body(vec![]).expect("a request"));
        let replies = session.send_all(requests.collect());
        session.wait(late).expect("its head");
        upload.send_reset(h2::Reason::CANCEL);
        for (target, reply) in targets.iter().zip(replies) {
            assert_eq!(reply.expect("a reply").text(), page(target));
            came += 1;
        }
    }
    let long = session.open(to("/bytes/1000000").body(()).expect("a request"), true).0;
    assert_eq!(session.wait(read(long)).expect("a reply").body.len(), 1_000_000);
    came
}

/// One connection after the other that opens streams and resets them until it is ended.
fn attack(retter: &Retter, is_over: &AtomicBool) {
    let flood = flood(1000);
    while !is_over.load(Ordering::Relaxed) {
        let mut line = greeted(retter);
        // It ends in the middle.
        let _ = line.write(&flood);
        while line.some().is_ok_and(|bytes| !bytes.is_empty()) {}
    }
}

const STREAMS: usize = 40;
