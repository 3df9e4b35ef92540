//! What of a copy is given: nothing new to who has it already, the part that was asked for, and a
//! coding that the visitor prefers.

mod codings;
mod conditions;
mod passing;
mod ranges;

use crate::support::client::{Answer, Visit, get};
use crate::support::origin::{Answer as Page, Origin, ok};
use crate::support::retter::{Retter, Setup};

/// An application that gave its pages once, and is gone.
struct Bereft {
    retter: Retter,
    _origin: Origin,
}

impl Bereft {
    /// RETTER has a copy of each page: its path, and what the application answered.
    fn of(pages: &[(&str, Page)]) -> Self {
        Self::with(pages, |setup| setup)
    }

    fn with(pages: &[(&str, Page)], more: impl Fn(Setup) -> Setup) -> Self {
        let origin = Origin::new();
        let retter = more(Setup::before(&origin).without_breaker().set("CACHE_TTL", 600)).start();
        for (path, page) in pages {
            origin.set(path, page.clone());
            // What the client of this visit takes is what the application is asked for.
            retter.visit(&get(path).header("Accept-Encoding", "gzip, zstd"));
        }
        retter.wait_for_copies(&pages.iter().map(|(path, _)| *path).collect::<Vec<_>>());
        origin.down();
        Self { retter, _origin: origin }
    }

    fn visit(&self, visit: &Visit) -> Answer {
        let answer = self.retter.visit(visit);
        assert!(answer.is_whole(), "{answer:?}");
        answer
    }

    /// Asks with these fields.
    fn ask(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.visit(&with(get(path), fields))
    }
}

fn with(visit: Visit, fields: &[(&str, &str)]) -> Visit {
    fields.iter().fold(visit, |visit, (name, value)| visit.header(name, value))
}

/// With validators of both kinds.
fn page(body: impl AsRef<[u8]>) -> Page {
    ok(body).header("ETag", TAG).header("Last-Modified", MODIFIED).header("Date", MADE)
}

const TAG: &str = "\"v1\"";
const MODIFIED: &str = "Fri, 01 Mar 2024 08:00:00 GMT";
const MADE: &str = "Fri, 01 Mar 2024 09:00:00 GMT";
const LATER: &str = "Fri, 01 Mar 2024 10:00:00 GMT";
const EARLIER: &str = "Fri, 01 Mar 2024 07:00:00 GMT";

/// Words that compress well, every byte with its place.
fn text(bytes: usize) -> Vec<u8> {
    let lines = (0..).flat_map(|line| format!("<p>line {line} of a page</p>\n").into_bytes());
    lines.take(bytes).collect()
}

/// The body without its coding.
fn plain(answer: &Answer) -> Vec<u8> {
    let coding = answer.header("content-encoding").unwrap_or_default();
    let decoded = retter::encoding::decode(coding, &answer.body, 1 << 20);
    decoded.unwrap_or_else(|error| panic!("{error}: {answer:?}")).to_vec()
}
