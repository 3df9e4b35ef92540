//! The promise: for every way of not getting a good answer, what a visitor gets who has a copy,
//! and what one gets who has none. One table, because one function decides it.

mod broken_wire;
mod circuit;
mod methods;
mod pages;
mod table;
mod want;

use crate::support::client::{Visit, get};
use crate::support::for_each_row;
use crate::support::origin::{Answer, Origin, Seen, computed, ok};
use crate::support::retter::{Retter, Setup};
use std::time::{Duration, Instant};
use table::{Row, table};

/// Who asks, and what there is in the store then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    OwnCopy,
    AnonymousWithCopy,
    NoCopy,
    OnlySomebodyElses,
    OnlyAnAnonymousOne,
}

#[test]
fn every_trouble_gives_what_the_promise_says() {
    let lives = [false, true];
    let rows = table();
    let rows: Vec<_> = rows.iter().flat_map(|row| lives.map(|again| (row, again))).collect();
    for_each_row(
        &rows,
        |(row, again)| format!("the application {}, RETTER restarted: {again}", row.trouble),
        |(row, again)| check(row, *again),
    );
}

fn check(row: &Row, restarted: bool) {
    let origin = Origin::new().elsewhere(computed(page));
    let mut retter = Setup::before(&origin).without_breaker().set("CACHE_TTL", 600).start();
    warm(&retter);
    if restarted {
        retter.restart();
    }
    (row.begin)(&origin);
    for case in CASES {
        let (before, asked) = (origin.hits(case.path()), Instant::now());
        let answer = retter.visit(&case.visit());
        assert!(asked.elapsed() < Duration::from_secs(4), "{case:?} waited too long");
        assert_eq!(origin.hits(case.path()) > before, row.asked, "{case:?}: asked or not");
        let want = if case.has_copy() { row.copy } else { row.no_copy };
        want.check(&answer, case, &origin);
    }
}

/// Everybody has been here before, except who has no copy.
fn warm(retter: &Retter) {
    for (path, visitor) in WARMED {
        let answer = retter.visit(&visit(path, visitor));
        assert_eq!((answer.status, answer.retter()), (200, "backend"), "{answer:?}");
    }
    retter.wait_for_copies(&WARMED.map(|(path, _)| path));
}

/// A page that says for whom it was made.
fn page(seen: &Seen) -> Answer {
    let visitor = seen.header("cookie").unwrap_or_default();
    ok(page_text(&seen.path(), &visitor))
        .header("Cache-Control", "max-age=3600")
        .header("ETag", "\"1\"")
}

fn page_text(path: &str, visitor: &str) -> String {
    format!("<p>the page {path} as made for [{visitor}]</p>")
}

fn visit(path: &str, visitor: &str) -> Visit {
    if visitor.is_empty() { get(path) } else { get(path).cookie(visitor) }
}

impl Case {
    fn path(self) -> &'static str {
        match self {
            Case::OwnCopy => "/own",
            Case::AnonymousWithCopy => "/anonymous",
            Case::NoCopy => "/none",
            Case::OnlySomebodyElses => "/theirs",
            Case::OnlyAnAnonymousOne => "/not-mine",
        }
    }

    fn visitor(self) -> &'static str {
        if self == Case::AnonymousWithCopy { "" } else { ME }
    }

    fn visit(self) -> Visit {
        visit(self.path(), self.visitor())
    }

    fn has_copy(self) -> bool {
        matches!(self, Case::OwnCopy | Case::AnonymousWithCopy)
    }
}

const ME: &str = "PHPSESSID=0a1b2c3d4e5f";
const THEM: &str = "PHPSESSID=ffeeddccbbaa";
const SHORT: &str = "a new page, made just now";
const CASES: [Case; 5] = [
    Case::OwnCopy,
    Case::AnonymousWithCopy,
    Case::NoCopy,
    Case::OnlySomebodyElses,
    Case::OnlyAnAnonymousOne,
];
const WARMED: [(&str, &str); 4] =
    [("/own", ME), ("/anonymous", ""), ("/theirs", THEM), ("/not-mine", "")];
