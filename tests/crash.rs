//! Pages through the real binary, `kill -9` in the middle of the writing, the application broken,
//! started again: the pages are there, and each is whole.

use crate::support::client::{Answer, get};
use crate::support::origin::{Origin, Seen, computed, fail, ok};
use crate::support::retter::{Retter, Setup};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn pages_survive_twenty_kills_and_are_whole() {
    let origin = Origin::new().elsewhere(computed(page));
    let mut retter = Setup::before(&origin).without_breaker().start();
    let mut kept = BTreeSet::new();
    let next = AtomicU64::new(0);
    for _ in 0..ROUNDS {
        origin.set_all(computed(page));
        kept.extend(write_until_killed(&mut retter, &next));
        origin.set_all(fail(503));
        retter.restart();
        all_are_there(&retter, &kept);
    }
    assert!(kept.len() as u64 > ROUNDS * 5, "too few pages to mean anything: {}", kept.len());
}

#[test]
fn the_first_page_after_a_crash_comes_at_once() {
    let origin = Origin::new().elsewhere(computed(page));
    let mut retter = Setup::before(&origin).without_breaker().start();
    for number in 0..50 {
        retter.get(&address_of(number));
    }
    retter.wait_for_copies(&["/page/49"]);
    origin.down();
    let started = Instant::now();
    retter.restart();
    is_page(&retter.get(&address_of(49)), 49);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

/// Visitors read new pages until RETTER is killed at a random moment; answers the pages that
/// `retter-db` had listed by then: what it lists is in the file.
fn write_until_killed(retter: &mut Retter, next: &AtomicU64) -> BTreeSet<u64> {
    let (address, stop) = (retter.address(), AtomicBool::new(false));
    let kill_at = Instant::now() + Duration::from_millis(fastrand::u64(200..600));
    let mut listed = BTreeSet::new();
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| read_pages(address, next, &stop));
        }
        while Instant::now() < kill_at {
            listed.extend(numbers(&retter.dump().stdout));
        }
        retter.kill9();
        stop.store(true, Ordering::SeqCst);
    });
    listed
}

fn read_pages(address: SocketAddr, next: &AtomicU64, stop: &AtomicBool) {
    while !stop.load(Ordering::SeqCst) {
        let number = next.fetch_add(1, Ordering::SeqCst);
        let answer = get(&address_of(number)).to(address);
        // Killed in the middle of it, otherwise.
        if answer.is_whole() {
            is_page(&answer, number);
        }
        // Fewer pages than the queue to the file holds: what it drops is another claim.
        thread::sleep(Duration::from_millis(10));
    }
}

/// The numbers of the pages in a dump.
fn numbers(dump: &[u8]) -> Vec<u64> {
    let text = String::from_utf8_lossy(dump).into_owned();
    let after = text.split("/page/").skip(1);
    let digits = after.map(|rest| rest.split(|next: char| !next.is_ascii_digit()).next());
    digits.filter_map(|digits| digits?.parse().ok()).collect()
}

/// All of the youngest pages, and some of those that have survived before.
fn all_are_there(retter: &Retter, kept: &BTreeSet<u64>) {
    let (young, old) = (kept.iter().rev().take(100), kept.iter().rev().skip(100).step_by(7));
    for number in young.chain(old) {
        let answer = retter.get(&address_of(*number));
        assert_eq!(answer.status, 200, "page {number} is lost: {answer:?}");
        assert_ne!(answer.retter(), "backend");
        is_page(&answer, *number);
    }
}

fn address_of(number: u64) -> String {
    format!("/page/{number}")
}

/// A page that can be checked by itself: its number, and a checksum over what follows it.
fn page(seen: &Seen) -> crate::support::origin::Answer {
    let number = seen.path().rsplit('/').next().and_then(|last| last.parse().ok());
    ok(page_body(number.unwrap_or(0)))
}

fn page_body(number: u64) -> String {
    // From one row of the file to several, and hard to compress.
    let rows = [3, 30, 300, 3000, 3, 30, 300, 9000][number as usize % 8];
    let mut random = fastrand::Rng::with_seed(number);
    let text: String = (0..rows).map(|_| format!("{:016x}\n", random.u64(..))).collect();
    format!("page {number}\n{}\n{text}", blake3::hash(text.as_bytes()))
}

fn is_page(answer: &Answer, number: u64) {
    let body = answer.text();
    let mut parts = body.splitn(3, '\n');
    let first = parts.next();
    assert_eq!(first, Some(&*format!("page {number}")), "{} {:?}", answer.status, answer.headers);
    let checksum = parts.next().unwrap_or_default();
    let text = parts.next().unwrap_or_default();
    assert_eq!(checksum, blake3::hash(text.as_bytes()).to_string(), "page {number} is damaged");
}

const ROUNDS: u64 = 20;
const READERS: usize = 3;
