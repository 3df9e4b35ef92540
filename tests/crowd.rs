//! A crowd of visitors on kept connections, while the application fails, resets, hangs and heals
//! under them: everybody gets an answer, and nobody gets the wrong one.

use crate::support::client::{Answer, Line, Visit, get};
use crate::support::origin::{Behaviour, Origin, Seen, computed, fail, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::until;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_crowd_gets_its_own_pages_while_the_application_fails_and_heals() {
    let origin = Origin::new().elsewhere(healthy());
    let mut retter = before(&origin);
    let tally = troubled(&origin, &retter);
    comes_back(&retter);
    assert!(tally.lost.is_empty(), "{} lost: {:#?}", tally.lost.len(), first(&tally.lost));
    tally.has_seen_everything();
    assert!(!retter.has_panicked() && retter.ended(Duration::ZERO).is_none());
    // Only Linux tells.
    if let Some(peak) = retter.peak_memory_kb() {
        assert!(peak < 300 * 1024, "{peak} kB");
    }
}

/// What the crowd got, by `X-Retter` and status.
#[derive(Default)]
struct Tally {
    answers: BTreeMap<(String, u16), usize>,
    /// Whatever should never happen, in words.
    lost: Vec<String>,
}

impl Tally {
    fn note(&mut self, visit: Wanted, answer: &Answer) {
        match visit.verdict(answer) {
            Ok(()) => {
                let kind = (answer.retter().to_owned(), answer.status);
                *self.answers.entry(kind).or_default() += 1;
            }
            Err(what) => self.lost.push(what),
        }
    }

    fn join(mut self, other: Tally) -> Tally {
        for (kind, count) in other.answers {
            *self.answers.entry(kind).or_default() += count;
        }
        self.lost.extend(other.lost);
        self
    }

    /// The trouble was real: there were fresh pages, copies and refusals, and enough of them.
    fn has_seen_everything(&self) {
        let of = |name: &str| {
            let named = self.answers.iter().filter(|((retter, _), _)| retter == name);
            named.map(|(_, count)| count).sum::<usize>()
        };
        let copies = of("cache") + of("last-known-success");
        assert!(of("backend") > 1000 && copies > 1000 && of("no-cache") > 0, "{:#?}", self.answers);
    }
}

/// Lets the crowd in, makes the application ill and well again, and sends the crowd home.
fn troubled(origin: &Origin, retter: &Retter) -> Tally {
    let over = &AtomicBool::new(false);
    thread::scope(|scope| {
        let crowd: Vec<_> = (0..CROWD)
            .map(|number| scope.spawn(move || Visitor::new(number).walk(retter, over)))
            .collect();
        for trouble in [None, Some(failing()), Some(resetting()), Some(Behaviour::Hang)] {
            trouble.into_iter().for_each(|trouble| spell(origin, trouble));
            thread::sleep(WELL);
        }
        spell(origin, computed(mixed));
        thread::sleep(WELL);
        over.store(true, Ordering::SeqCst);
        crowd.into_iter().fold(Tally::default(), |all, visitor| {
            all.join(visitor.join().expect("a visitor does not panic"))
        })
    })
}

/// A spell of trouble, and the end of it.
fn spell(origin: &Origin, trouble: Behaviour) {
    origin.set_all(trouble);
    thread::sleep(ILL);
    origin.set_all(healthy());
}

/// After the healing the breaker may wait for its open time, and not much longer.
fn comes_back(retter: &Retter) {
    let healed = Instant::now();
    for number in 0..20 {
        let wanted = Wanted { url: number, visitor: None };
        let fresh = until(Duration::from_secs(4), || {
            let answer = wanted.visit().to(retter.address());
            (answer.retter(), answer.circuit()) == ("backend", "CLOSED")
        });
        assert!(fresh, "{} stays a copy", wanted.target());
    }
    assert!(healed.elapsed() < Duration::from_secs(5), "{:?}", healed.elapsed());
}

struct Visitor {
    number: usize,
    line: Option<Line>,
    tally: Tally,
}

impl Visitor {
    fn new(number: usize) -> Self {
        Self { number, line: None, tally: Tally::default() }
    }

    fn walk(mut self, retter: &Retter, over: &AtomicBool) -> Tally {
        for step in 0.. {
            if over.load(Ordering::SeqCst) {
                break;
            }
            self.ask(retter, self.wants(step));
            thread::sleep(PAUSE);
        }
        self.tally
    }

    /// Every fourth visitor is logged in and stays on few pages, so that some of them have a copy.
    fn wants(&self, step: usize) -> Wanted {
        let place = self.number * 7919 + step * 31;
        if self.number.is_multiple_of(4) {
            Wanted { url: place % 20, visitor: Some(self.number) }
        } else {
            Wanted { url: place % URLS, visitor: None }
        }
    }

    fn ask(&mut self, retter: &Retter, wanted: Wanted) {
        let mut line = match self.line.take().map_or_else(|| Line::open(retter.address()), Ok) {
            Ok(line) => line,
            Err(error) => return self.tally.lost.push(format!("no connection: {error}")),
        };
        let answer = line.send(&wanted.visit());
        self.tally.note(wanted, &answer);
        let stays = answer.is_whole() && answer.header("connection") != Some("close");
        self.line = stays.then_some(line);
    }
}

/// Which page, and whose.
#[derive(Clone, Copy)]
struct Wanted {
    url: usize,
    visitor: Option<usize>,
}

impl Wanted {
    fn target(self) -> String {
        format!("/shelf/{}?item={}", self.url % 10, self.url)
    }

    fn visit(self) -> Visit {
        let visit = get(&self.target());
        match self.visitor {
            Some(number) => visit.cookie(&cookie(number)),
            None => visit,
        }
    }

    /// A whole page of his own, the application's own failure, or a refusal that says when to
    /// come back; anything else is a lost request.
    fn verdict(self, answer: &Answer) -> Result<(), String> {
        let ours = page(&self.target(), &self.visitor.map(cookie).unwrap_or_default());
        let sound = match (answer.status, answer.retter()) {
            (200, "backend" | "cache" | "last-known-success") => answer.text() == ours,
            (500, "no-cache") => answer.text() == "the application's own 500",
            (502 | 504, "no-cache") => !answer.body.is_empty(),
            (503, "no-cache") => answer.header("retry-after").is_some(),
            _ => false,
        };
        if sound && answer.is_whole() {
            return Ok(());
        }
        let got = (answer.status, answer.end, answer.retter(), answer.body.len());
        Err(format!("{} of {:?}: {got:?}", self.target(), self.visitor))
    }
}

fn cookie(visitor: usize) -> String {
    format!("PHPSESSID=visitor-{visitor}")
}

/// A page that can be told from every other, at its end too.
fn page(target: &str, cookie: &str) -> String {
    let name = format!("{target} for [{cookie}]\n");
    name.repeat(1 + target.len() * 7 % 50)
}

fn page_for(seen: &Seen) -> Behaviour {
    ok(page(&seen.target(), &seen.header("cookie").unwrap_or_default())).into()
}

fn healthy() -> Behaviour {
    computed(page_for)
}

fn failing() -> Behaviour {
    fail(500).into()
}

fn resetting() -> Behaviour {
    Behaviour::Reset
}

/// Everything at once, by page.
fn mixed(seen: &Seen) -> Behaviour {
    match seen.target().len() % 2 + seen.head.len() % 2 {
        0 => failing(),
        1 => resetting(),
        _ => page_for(seen),
    }
}

fn before(origin: &Origin) -> Retter {
    let setup = Setup::before(origin).set("LOG_FILTER", "info");
    let setup = setup.set("BREAKER_OPEN_MIN", "200ms").set("BREAKER_OPEN_MAX", "400ms");
    setup.set("BREAKER_SLOW_TIME", "500ms").start()
}

fn first(lost: &[String]) -> &[String] {
    &lost[..lost.len().min(10)]
}

const CROWD: usize = 200;
const URLS: usize = 1_000;
/// Between two pages of one visitor.
const PAUSE: Duration = Duration::from_millis(60);
const ILL: Duration = Duration::from_millis(700);
const WELL: Duration = Duration::from_millis(1200);
