//! Large files: what they cost in memory, and what looking into them costs the visitors.
//! `cargo test --release --test main large -- --ignored --nocapture` (some minutes, 12 GB of disk;
//! prints its figures). The everyday runs are small.

use crate::support::apart::Apart;
use crate::support::client::{Line, get};
use crate::support::filled;
use crate::support::origin::{Origin, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_file_costs_no_more_memory_than_the_settings_say() {
    let memory = memory_with(1_500);
    assert!(memory.is_none_or(|kb| kb < 160 * 1024), "{memory:?} kB");
}

#[test]
#[ignore = "five gigabytes take minutes"]
fn five_gigabytes_cost_less_than_160_mb_of_memory() {
    let memory = memory_with(500_000);
    println!("5 GB of 10 KB copies: {memory:?} kB resident at the most");
    assert!(memory.is_none_or(|kb| kb < 160 * 1024), "{memory:?} kB");
}

#[test]
fn a_dump_beside_a_running_retter_hinders_nobody() {
    let (_, alone, beside) = dump_beside(500);
    // Bounds of a busy machine; the figures are the long run's.
    assert!(beside < alone * 20 + SOON, "{alone:?} {beside:?}");
}

#[test]
#[ignore = "a figure of time, for a quiet machine"]
fn a_dump_of_200_mb_takes_less_than_a_second_and_visitors_hardly_notice() {
    let (dump, alone, beside) = dump_beside(20_000);
    println!(
        "dump of 200 MB: {dump:?}; p99 of visitors: alone {alone:?}, beside a dump {beside:?}"
    );
    assert!(dump < Duration::from_secs(1), "{dump:?}");
    assert!(beside <= alone.mul_f64(1.2), "{alone:?} {beside:?}");
}

/// The most memory that RETTER had with so many copies of 10 KB in its file, the index loaded and
/// both caches full.
fn memory_with(copies: u64) -> Option<u64> {
    let (origin, retter) = retter_with(copies);
    origin.down();
    let mut line = Line::open(retter.address()).expect("a connection");
    // Twice what the memory tier and the file's own cache hold together.
    for step in 0..copies.min(20_000) {
        let number = step * 7_919 % copies;
        let answer = line.send(&get(&filled::address(number)));
        assert_eq!(answer.status, 200, "{number}: {:?}", answer.headers);
    }
    assert!(retter.figure(&["store", "disk-reads"]) > 0.0);
    retter.peak_memory_kb()
}

/// How long a dump of so many copies took, and the 99th percentile of visitors' times without and
/// with dumps beside them, one after the other.
fn dump_beside(copies: u64) -> (Duration, Duration, Duration) {
    // The visitor, RETTER and the application wait for each other in turn: they share a processor,
    // and the dump has another, as far as there is one.
    let apart = Apart::begin();
    let (_origin, retter) = retter_with(copies);
    let alone = visit_while(&retter, || thread::sleep(VISITS));
    let dumped = retter.file().with_extension("dump");
    let mut dumps = Vec::new();
    let beside = visit_while(&retter, || {
        apart.leave_to_child();
        let end = Instant::now() + VISITS;
        while Instant::now() < end {
            dumps.push(dump(&retter, &dumped));
        }
    });
    let lines = std::fs::read_to_string(&dumped).expect("a dump").lines().count() as u64;
    assert!(lines >= copies, "{lines} lines");
    dumps.sort();
    (dumps[dumps.len() / 2], alone, beside)
}

fn dump(retter: &Retter, to: &Path) -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_retter-db"));
    command.args(["dump", "--json"]).arg(retter.file()).env_clear();
    // Into a file: whoever reads it should not be what hinders the visitors.
    command.stdout(std::fs::File::create(to).expect("a file for the dump"));
    let started = Instant::now();
    let status = command.status().expect("the binary starts");
    let took = started.elapsed();
    assert!(status.success(), "{status}");
    took
}

fn visit_while(retter: &Retter, work: impl FnOnce()) -> Duration {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let visitor = scope.spawn(|| {
            let mut line = Line::open(retter.address()).expect("a connection");
            let mut times = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let started = Instant::now();
                assert_eq!(line.send(&get("/page")).status, 200);
                times.push(started.elapsed());
                thread::sleep(Duration::from_micros(500));
            }
            times.sort();
            times[times.len() * 99 / 100]
        });
        work();
        stop.store(true, Ordering::Relaxed);
        visitor.join().expect("the visitor is served")
    })
}

fn retter_with(copies: u64) -> (Origin, Retter) {
    let origin = Origin::new().elsewhere(ok("the page"));
    let folder = tempfile::tempdir().expect("a folder");
    filled::file(&folder.path().join("retter.redb"), &origin.url(), copies, 10_000);
    let setup = Setup::before(&origin).set("STORE_MAXSIZE", "6 GiB").set("LOG_FILTER", "info");
    let retter = setup.start_in(folder);
    let loaded = || retter.figure(&["cache-count"]) >= copies as f64;
    assert!(until(SOON, loaded), "{}", retter.log());
    (origin, retter)
}

const VISITS: Duration = Duration::from_secs(3);
