//! A crowd that is slow on purpose or on a bad line, and the others who must not wait for it.

use crate::support::client::{Answer, Line, get};
use crate::support::plain::{Plain, page};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn two_hundred_slow_clients_keep_nobody_else_waiting() {
    let application = Plain::start();
    let retter = Setup::before_url(&application.url()).start();
    let over = Over(AtomicBool::new(false));
    thread::scope(|scope| {
        // Said even if this thread fails: the others wait for it.
        let _ends = Ends(&over);
        let all: Vec<_> = (0..SLOW)
            .map(|number| {
                // Not all in one moment: as a crowd they would wait for each other at the gate.
                thread::sleep(APART);
                let (retter, over) = (&retter, &over);
                scope.spawn(move || dawdle(retter, number, over))
            })
            .collect();
        let inside = || retter.figure(&["application", "connections-opened"]) as usize;
        assert!(until(SOON, || inside() >= SLOW * 2 / 3), "{}", inside());
        let answers: Vec<_> = (0..PROMPT).map(|number| ask(&retter, number)).collect();
        let left = all.iter().filter(|slow| !slow.is_finished()).count();
        for (number, (answer, waited)) in answers.iter().enumerate() {
            let right = answer.status == 200 && answer.text() == page(&target(number));
            // A bound, not a figure: alone it takes a millisecond.
            assert!(right && *waited < SOON, "{number} after {waited:?}: {answer:?}");
        }
        assert!(left == SLOW, "{} slow but moving clients were cut", SLOW - left);
    });
    assert!(!retter.breaker_has_changed(), "the application did nothing wrong");
    if let Some(peak) = retter.peak_memory_kb() {
        assert!(peak < 300 * 1024, "{peak} kB");
    }
}

fn ask(retter: &Retter, number: usize) -> (Answer, Duration) {
    let began = Instant::now();
    (retter.get(&target(number)), began.elapsed())
}

/// A page that was never asked for before: no copy can help.
fn target(number: usize) -> String {
    format!("/page/{number}")
}

/// In one of three ways, a byte or a little more at a time, until it is over or he is cut.
fn dawdle(retter: &Retter, number: usize, over: &Over) {
    let narrow = number % 3 == 2;
    let line = if narrow { Line::narrow(retter.address()) } else { Line::open(retter.address()) };
    let mut line = line.expect("it listens");
    let began = match number % 3 {
        0 => line.write(b"GET /slow-head HTTP/1.1\r\nHost: a\r\nX-Long: "),
        1 => line.write(b"POST /slow-upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"),
        _ => line.write(&get("/bytes/100000000").bytes()),
    };
    let mut moves = began.is_ok();
    while moves && !over.is_so() {
        moves = if narrow {
            line.some().is_ok_and(|piece| !piece.is_empty())
        } else {
            line.write(b"x").is_ok()
        };
        thread::sleep(STEP);
    }
}

struct Over(AtomicBool);

impl Over {
    fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Makes it over when dropped.
struct Ends<'a>(&'a Over);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

const SLOW: usize = 200;
const PROMPT: usize = 100;
const APART: Duration = Duration::from_millis(15);
const STEP: Duration = Duration::from_millis(50);
