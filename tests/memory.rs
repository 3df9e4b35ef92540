//! Memory is where the settings put it, whatever is sent through and however many ask.
//! The large figures take minutes: `cargo test --release --test main memory -- --ignored`.

use crate::support::client::{Answer, Line, get};
use crate::support::plain::{Plain, page};
use crate::support::retter::{Retter, Setup};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

#[test]
fn a_download_costs_a_few_buffers() {
    download(200 * MB);
}

#[test]
#[ignore = "ten gigabytes take their time"]
fn a_download_of_ten_gigabytes_costs_a_few_buffers() {
    download(10 * 1024 * MB);
}

#[test]
fn an_upload_costs_a_few_buffers() {
    upload(200 * MB);
}

#[test]
#[ignore = "ten gigabytes take their time"]
fn an_upload_of_ten_gigabytes_costs_a_few_buffers() {
    upload(10 * 1024 * MB);
}

#[test]
fn different_addresses_cost_what_the_settings_say() {
    different_addresses(30_000);
}

#[test]
#[ignore = "a million pages take minutes"]
fn a_million_different_addresses_cost_what_the_settings_say() {
    different_addresses(1_000_000);
}

#[test]
fn idle_connections_cost_little() {
    let peak = idle_connections(500);
    assert!(peak.is_none_or(|peak| peak < 64 * 1024), "{peak:?} kB");
}

#[test]
#[ignore = "needs 20,000 file descriptors"]
fn ten_thousand_idle_connections_cost_less_than_300_mb() {
    raise_file_limit();
    let peak = idle_connections(10_000);
    assert!(peak.is_none_or(|peak| peak < 300 * 1024), "{peak:?} kB");
}

fn download(length: u64) {
    let application = Plain::start();
    let retter = Setup::before_url(&application.url()).start();
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(&get(&format!("/bytes/{length}")).bytes()).expect("sent");
    let mut came = 0;
    let answer = line.receive(false, |piece| came += piece.len() as u64);
    assert!(answer.is_whole() && came == length, "{came} {:?}", answer.end);
    stays_below(&retter, 64 * 1024);
}

fn upload(length: u64) {
    let application = Plain::start();
    let retter = Setup::before_url(&application.url()).start();
    let mut line = Line::open(retter.address()).expect("it listens");
    let head = format!("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    line.write(head.as_bytes()).expect("sent");
    let piece = vec![b'x'; MB as usize];
    (0..length / MB).for_each(|_| line.write(&piece).expect("sent"));
    assert!(line.receive(false, |_| {}).is_whole());
    stays_below(&retter, 64 * 1024);
}

/// Half of them first: by then all that has a bound has reached it. The whole is two caches of
/// 4 MiB, the program, and what waits for the file.
fn different_addresses(count: usize) {
    let application = Plain::start();
    let setup = Setup::before_url(&application.url()).set("CACHE_MEMORY", "4 MiB");
    let setup = setup.set("STORE_CACHE", "4 MiB").set("STORE_MAXSIZE", "16 MiB");
    let retter = setup.start();
    ask_for(&retter, 0..count / 2);
    let half = retter.resident_memory_kb();
    ask_for(&retter, count / 2..count);
    let whole = retter.resident_memory_kb();
    stays_below(&retter, 80 * 1024);
    let growth = whole.zip(half).map(|(whole, half)| whole.saturating_sub(half));
    assert!(growth.is_none_or(|growth| growth < 16 * 1024), "{half:?} kB and then {whole:?} kB");
}

fn ask_for(retter: &Retter, numbers: std::ops::Range<usize>) {
    let next = AtomicUsize::new(numbers.start);
    thread::scope(|scope| {
        for _ in 0..VISITORS {
            scope.spawn(|| {
                let mut line = Line::open(retter.address()).expect("it listens");
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return;
                    }
                    let target = format!("/page/{number}?item={number}");
                    let answer: Answer = line.send(&get(&target));
                    assert!(answer.is_whole() && answer.text() == page(&target), "{answer:?}");
                }
            });
        }
    });
}

/// Each connection has had a page; the answer is the most memory it took, in kilobytes.
fn idle_connections(count: usize) -> Option<u64> {
    let application = Plain::start();
    let setup = Setup::before_url(&application.url()).set("SERVER_MAXCONNECTIONS", 2 * count);
    let retter = setup.set("SERVER_TIMEOUT_IDLE", "10 minutes").start();
    let mut lines: Vec<_> = (0..count)
        .map(|_| {
            let mut line = Line::open(retter.address()).expect("it listens");
            assert_eq!(line.send(&get("/")).status, 200);
            line
        })
        .collect();
    let last = lines.last_mut().expect("there are some");
    assert_eq!(last.send(&get("/")).status, 200);
    assert_eq!(lines[0].send(&get("/")).status, 200);
    retter.peak_memory_kb()
}

/// The test holds as many connections as RETTER.
fn raise_file_limit() {
    let pid = std::process::id().to_string();
    let raised = Command::new("prlimit").args(["--pid", &pid, "--nofile=20000:"]).status();
    assert!(raised.is_ok_and(|status| status.success()), "run it under `ulimit -n 20000`");
}

fn stays_below(retter: &Retter, limit_kb: u64) {
    // Only Linux tells.
    if let Some(peak) = retter.peak_memory_kb() {
        assert!(peak < limit_kb, "{peak} kB");
    }
}

const MB: u64 = 1024 * 1024;
const VISITORS: usize = 8;
