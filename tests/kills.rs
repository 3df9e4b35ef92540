//! `kill -9` at random moments under load, with a large file: no start reads all of it, the first
//! visitor is rescued at once, and nothing is lost but what was too young to be on the disk.
//!
//! The long run, with a gigabyte and 200 kills: `cargo test --release --test main kills -- --ignored
//! --nocapture` (some minutes; it prints its figures).

use crate::support::SOON;
use crate::support::client::{Answer, Line, get};
use crate::support::filled;
use crate::support::origin::{Origin, Seen, computed, fail, ok};
use crate::support::retter::{Retter, Setup};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn nothing_but_the_youngest_is_lost_in_ten_kills() {
    let figures = Campaign { kills: 10, pages: 2_000 }.run();
    // Bounds of a busy machine and a debug build; the figures are the long run's.
    assert!(figures.worst() < SOON, "{figures:?}");
}

#[test]
#[ignore = "two hundred kills and a gigabyte take minutes"]
fn nothing_but_the_youngest_is_lost_in_two_hundred_kills_of_a_gigabyte() {
    let figures = Campaign { kills: 200, pages: 100_000 }.run();
    println!(
        "start to first rescue: median {:?}, worst {:?}; pages answered {}, lost {} (youngest only)",
        figures.median(),
        figures.worst(),
        figures.answered,
        figures.lost
    );
    assert!(figures.median() <= Duration::from_millis(10), "{:?}", figures.median());
    assert!(figures.worst() <= Duration::from_millis(50), "{:?}", figures.worst());
}

struct Campaign {
    kills: usize,
    /// In the file before the first kill, 10 KB each.
    pages: u64,
}

#[derive(Debug, Default)]
struct Figures {
    starts: Vec<Duration>,
    answered: usize,
    lost: usize,
}

impl Campaign {
    fn run(&self) -> Figures {
        let origin = Origin::new().elsewhere(computed(page));
        let folder = tempfile::tempdir().expect("a folder");
        filled::file(&folder.path().join("retter.redb"), &origin.url(), self.pages, FILLED_BYTES);
        let setup = Setup::before(&origin).without_breaker().set("STORE_MAXSIZE", "16 GiB");
        // What is looked at is the file: memory must not help, and a log costs time.
        let setup = setup.set("CACHE_MEMORY", "0").set("LOG_FILTER", "info");
        let mut retter = setup.start_in(folder);
        let (mut figures, next) = (Figures::default(), AtomicU64::new(0));
        for _ in 0..self.kills {
            origin.set_all(computed(page));
            let answered = visit_until_killed(&mut retter, &next);
            origin.set_all(fail(503));
            self.rescue_at_once(&mut retter, &mut figures);
            look_for(&retter, &answered, &mut figures);
        }
        figures
    }

    fn rescue_at_once(&self, retter: &mut Retter, figures: &mut Figures) {
        let number = fastrand::u64(..self.pages);
        let (answer, took) = retter.restart_and_ask(&get(&filled::address(number)));
        assert_eq!(answer.status, 200, "{number}: {:?}", answer.headers);
        assert!(answer.body == filled::body(number, FILLED_BYTES), "page {number} is not itself");
        assert!(!retter.log().contains("set aside"), "a start needed a repair:\n{}", retter.log());
        figures.starts.push(took);
    }
}

impl Figures {
    fn median(&self) -> Duration {
        let mut starts = self.starts.clone();
        starts.sort();
        starts[starts.len() / 2]
    }

    fn worst(&self) -> Duration {
        self.starts.iter().copied().max().unwrap_or_default()
    }
}

/// What was answered, and how long before the kill.
struct Answered {
    pages: Vec<(u64, Duration)>,
    /// What is younger than this may be lost.
    young: Duration,
}

fn visit_until_killed(retter: &mut Retter, next: &AtomicU64) -> Answered {
    let (address, stop, seen) = (retter.address(), AtomicBool::new(false), Mutex::default());
    let (mut killed, mut young) = (Instant::now(), Duration::ZERO);
    thread::scope(|scope| {
        for _ in 0..VISITORS {
            scope.spawn(|| read_new_pages(address, next, &stop, &seen));
        }
        thread::sleep(Duration::from_millis(fastrand::u64(100..500)));
        young = youngest_to_survive(retter);
        killed = Instant::now();
        retter.kill9();
        stop.store(true, Ordering::SeqCst);
    });
    let pages: Vec<(u64, Instant)> = seen.into_inner().expect("no visitor panics");
    let age = |at: Instant| killed.saturating_duration_since(at);
    Answered { pages: pages.into_iter().map(|(number, at)| (number, age(at))).collect(), young }
}

/// The interval in force plus one commit: the file takes a twentieth of the disk's time. With what
/// a busy machine needs to get threads to run and the commit under way to end.
fn youngest_to_survive(retter: &Retter) -> Duration {
    let commit = Duration::from_secs_f64(retter.figure(&["store", "last-commit-ms"]) / 1000.0);
    Duration::from_millis(50).max(commit * 20) + commit * 2 + Duration::from_millis(250)
}

type SeenPages = Mutex<Vec<(u64, Instant)>>;

/// Over one connection: tens of thousands that were closed a moment ago would be looked through by
/// the system for each new one, which takes longer than a start.
fn read_new_pages(address: SocketAddr, next: &AtomicU64, stop: &AtomicBool, seen: &SeenPages) {
    let mut line = Line::open(address).expect("a connection");
    while !stop.load(Ordering::SeqCst) {
        let number = next.fetch_add(1, Ordering::SeqCst);
        let answer = line.send(&get(&address_of(number)));
        // Killed in the middle of it, otherwise.
        if answer.is_whole() {
            assert_is_page(&answer, number);
            seen.lock().expect("no visitor panics").push((number, Instant::now()));
        }
        thread::sleep(Duration::from_millis(3));
    }
}

fn look_for(retter: &Retter, answered: &Answered, figures: &mut Figures) {
    figures.answered += answered.pages.len();
    let mut line = Line::open(retter.address()).expect("a connection");
    for (number, age) in &answered.pages {
        let answer = line.send(&get(&address_of(*number)));
        if answer.status == 200 {
            assert_is_page(&answer, *number);
            continue;
        }
        figures.lost += 1;
        assert!(
            *age <= answered.young,
            "page {number} is lost, {age:?} old; {:?} may be: {answer:?}",
            answered.young
        );
    }
}

fn address_of(number: u64) -> String {
    format!("/page/{number}")
}

fn page(seen: &Seen) -> crate::support::origin::Answer {
    let number = seen.path().rsplit('/').next().and_then(|last| last.parse().ok());
    ok(filled::body(number.unwrap_or(0), PAGE_BYTES))
}

fn assert_is_page(answer: &Answer, number: u64) {
    assert!(answer.body == filled::body(number, PAGE_BYTES), "page {number}: {answer:?}");
}

const VISITORS: usize = 4;
const FILLED_BYTES: usize = 10_000;
const PAGE_BYTES: usize = 3_000;
