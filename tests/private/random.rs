//! Many visitors at random, before an application that prints the visitor into its page, while it
//! fails and recovers, RETTER restarts and is killed, and pages are purged.
//!
//! Longer: `cargo test --release --test main random -- --ignored --nocapture`.

use super::contains;
use crate::support::SOON;
use crate::support::client::{Visit, get};
use crate::support::origin::{self, Behaviour, Origin, Seen, answer, computed, fail, ok};
use crate::support::retter::{Retter, Setup};
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn no_visitor_ever_sees_another_ones_page_and_no_session_is_found_anywhere() {
    let shown = Town::open(fastrand::u64(..)).live(Duration::from_secs(5));
    assert!(shown > 0, "{shown} copies were shown");
}

#[test]
#[ignore = "five minutes"]
fn no_visitor_ever_sees_another_ones_page_for_five_minutes() {
    let shown = Town::open(fastrand::u64(..)).live(Duration::from_secs(300));
    println!("{shown} copies were shown");
}

struct Town {
    origin: Origin,
    retter: Retter,
    random: fastrand::Rng,
    seed: u64,
    shown: u64,
    /// What RETTER said before it was started again.
    logs: Vec<String>,
}

impl Town {
    fn open(seed: u64) -> Self {
        let origin = Origin::new().elsewhere(computed(page));
        // Every request in the log, and a disk that is used.
        let setup = Setup::before(&origin).without_breaker().set("CACHE_MEMORY", "64 KiB");
        let retter = setup.set("STORE_REFRESH", "0").set("CACHE_PUBLIC", "/declared/*").start();
        let random = fastrand::Rng::with_seed(seed);
        Self { origin, retter, random, seed, shown: 0, logs: Vec::new() }
    }

    /// How many copies were shown.
    fn live(mut self, time: Duration) -> u64 {
        let end = Instant::now() + time;
        // On a machine with much else to do it may take longer before one is shown.
        while Instant::now() < end || (self.shown == 0 && Instant::now() < end + SOON * 3) {
            self.change_something();
            for _ in 0..40 {
                self.visit();
            }
        }
        self.nothing_is_found();
        self.shown
    }

    fn change_something(&mut self) {
        match self.random.u8(..12) {
            0 => self.origin.set_all(fail(503)),
            1 => self.origin.set_all(Behaviour::Reset),
            2 => self.origin.set_all(ok(self.random.u64(..).to_string()).truncated(3)),
            3..7 => self.origin.set_all(computed(page)),
            7 => self.begin_anew(Retter::restart),
            8 => self.begin_anew(|retter| {
                retter.kill9();
                retter.restart();
            }),
            9 => self.purge(&["--path", "/*/1"]),
            10 => self.purge(&["--all", "--hard"]),
            _ => {}
        }
    }

    fn begin_anew(&mut self, how: impl Fn(&mut Retter)) {
        self.logs.push(self.retter.log());
        how(&mut self.retter);
    }

    fn purge(&self, what: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_retter-db"));
        let output = command.arg("purge").args(what).arg(self.retter.file()).env_clear().output();
        let code = output.expect("the binary starts").status.code();
        assert!(matches!(code, Some(0 | 1)), "{what:?}: {code:?}");
    }

    fn visit(&mut self) {
        let (who, page) = (self.random.u8(..10), self.random.u8(..4));
        let part = PARTS[self.random.usize(..PARTS.len())];
        let path = format!("/{part}/{page}");
        let mut visit = by(who, &path);
        for (name, value) in SAID_BESIDE {
            if self.random.u8(..8) == 0 {
                visit = visit.header(name, value);
            }
        }
        let answer = self.retter.visit(&visit);
        let is_page = answer.status == 200 && answer.is_whole();
        if !is_page {
            return;
        }
        let own = format!("the page of {}", name_of(who));
        let for_all = matches!(part, "declared" | "public") || who < STRANGERS;
        let right = answer.text() == own || (for_all && answer.text() == STRANGERS_PAGE);
        assert!(right, "seed {}: {who} at {path} saw {answer:?}", self.seed);
        assert!(answer.retter() == "backend" || answer.all("set-cookie").is_empty());
        self.shown += u64::from(answer.retter() != "backend");
    }

    fn nothing_is_found(&mut self) {
        self.origin.set_all(computed(page));
        // Something is there to be found, if it were.
        for who in 0..10 {
            self.retter.visit(&by(who, "/plain/0"));
        }
        self.retter.wait_for_copies(&["/plain/0"]);
        let dump = self.retter.dump().stdout;
        let health = self.retter.get("/health").body;
        self.begin_anew(Retter::restart);
        self.retter.kill9();
        let file = std::fs::read(self.retter.file()).expect("the file");
        assert!(contains(&file, STRANGERS_PAGE.as_bytes()), "the search works");
        let log = self.logs.concat().into_bytes();
        for (place, bytes) in [("file", &file), ("dump", &dump), ("log", &log), ("health", &health)]
        {
            assert!(!contains(bytes, SECRET.as_bytes()), "seed {}: in the {place}", self.seed);
        }
    }
}

/// The first are nobody in particular; the others have a credential each.
fn by(who: u8, path: &str) -> Visit {
    let name = name_of(who);
    match who {
        0 => get(path),
        1 => get(path).cookie("_ga=GA1.2"),
        2 | 3 => get(path).cookie(&format!("PHPSESSID={name}")),
        4 => get(path).cookie(&format!("lang=de; JSESSIONID={name}")),
        5 => get(&format!("{path};jsessionid={name}")),
        6 => get(path).cookie(&format!("ci_session={name}")),
        7 => get(path).header("Authorization", &format!("Bearer {name}")),
        8 => get(path).header("X-Api-Key", &name),
        _ => get(path).cookie(&format!("shop_uid={name}")),
    }
}

fn name_of(who: u8) -> String {
    if who < STRANGERS { "strangers".into() } else { format!("{SECRET}{who}") }
}

fn page(seen: &Seen) -> origin::Answer {
    let brought = ["cookie", "authorization", "x-api-key"].map(|name| seen.header(name));
    let brought = brought.into_iter().flatten().collect::<Vec<_>>().join(" ") + &seen.target();
    let found = brought.split_once(SECRET).and_then(|(_, after)| after.chars().next());
    if seen.header("if-none-match").is_some() {
        return answer(304, "").header("ETag", "\"tag\"");
    }
    let page = match found {
        Some(who) => ok(format!("the page of {SECRET}{who}")),
        None => ok(STRANGERS_PAGE),
    };
    let page = page.header("ETag", "\"tag\"");
    let page = match seen.header("origin") {
        Some(origin) => page.header("Access-Control-Allow-Origin", &origin),
        None => page,
    };
    let target = seen.target();
    let part = target.split('/').nth(1).unwrap_or_default();
    match part {
        "private" => page.header("Cache-Control", "private"),
        "php" => page.header("Cache-Control", "no-store, no-cache, must-revalidate"),
        "public" => page.header("Cache-Control", "public, max-age=60"),
        "vary" => page.header("Vary", "Cookie, Accept-Language"),
        "sets" => page.header("Set-Cookie", "theme=dark"),
        _ => page,
    }
}

const PARTS: [&str; 7] = ["plain", "private", "php", "public", "vary", "sets", "declared"];
/// What a visitor may say besides. All pages have this tag, whoever they are of.
const SAID_BESIDE: [(&str, &str); 4] = [
    ("If-None-Match", "\"tag\""),
    ("Accept-Language", "de"),
    ("Origin", "https://a.example"),
    ("Accept-Encoding", "identity;q=0.5, gzip;q=0"),
];
/// So many of the visitors have no credential.
const STRANGERS: u8 = 2;
const STRANGERS_PAGE: &str = "the page of strangers";
/// What every credential begins with.
const SECRET: &str = "s3cr3t-0f-";
