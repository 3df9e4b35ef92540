//! How the figures of a file are said. The names are written down in [`super`].

use super::breaker::BreakerLine;
use super::line::{CopyLine, Line};
use super::sums::{Ages, Shares, Sum};
use super::words::{duration, escaped};
use crate::clock::UnixMillis;
use crate::store::coverage::Covered;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

#[derive(Serialize)]
pub(super) struct Figures<'a> {
    pub kind: &'static str,
    pub file_bytes: u64,
    #[serde(flatten)]
    pub all: Sum,
    pub unreadable: u64,
    pub expired: u64,
    pub sealed: u64,
    pub sealed_share: f64,
    pub age_seconds: Option<Spread>,
    pub hosts: Vec<Named<String>>,
    pub other_hosts: Sum,
    pub statuses: Vec<Named<u16>>,
    pub whys: Vec<Named<&'static str>>,
    pub biggest: Vec<CopyLine<'a>>,
    pub oldest: Vec<CopyLine<'a>>,
    pub breakers_not_closed: Vec<BreakerLine<'a>>,
    pub unreadable_breakers: u64,
    pub coverage: Option<Coverage<'a>>,
}

/// How much of the traffic had a copy.
#[derive(Serialize)]
pub(super) struct Coverage<'a> {
    taken_at: u64,
    span_seconds: u64,
    complete: bool,
    pages: u64,
    copies: u64,
    kept: &'a BTreeMap<String, u64>,
    refused: &'a BTreeMap<String, u64>,
    #[serde(skip)]
    words: String,
}

impl<'a> Coverage<'a> {
    pub fn of(covered: &'a Covered, now: UnixMillis) -> Self {
        let summary = &covered.summary;
        let (ago, span) = (duration(now.since(covered.taken_at)), duration(summary.span));
        Self {
            taken_at: covered.taken_at.0,
            span_seconds: summary.span.as_secs(),
            complete: summary.complete,
            pages: summary.pages(),
            copies: summary.copies(),
            kept: &summary.kept,
            refused: &summary.refused,
            words: format!("{} (in {span}, {ago} ago)", summary.words()),
        }
    }
}

/// How ages are spread, in seconds.
#[derive(Serialize)]
pub(super) struct Spread {
    youngest: u64,
    p10: u64,
    median: u64,
    p90: u64,
    p99: u64,
    oldest: u64,
}

/// One share of the copies.
#[derive(Serialize)]
pub(super) struct Named<N> {
    name: N,
    #[serde(flatten)]
    sum: Sum,
}

impl Spread {
    /// `None`: there are no copies.
    pub fn of(ages: &Ages) -> Option<Self> {
        let (youngest, oldest) = ages.ends()?;
        let [p10, median, p90, p99] = [ages.at(10)?, ages.at(50)?, ages.at(90)?, ages.at(99)?];
        Some(Self { youngest, p10, median, p90, p99, oldest })
    }
}

impl<N: Ord + Clone> Named<N> {
    pub fn list(shares: &Shares<N>) -> Vec<Self> {
        shares.sorted().into_iter().map(|(name, sum)| Self { name, sum }).collect()
    }
}

impl Figures<'_> {
    /// Name and value apart by a tab, then a paragraph for each list.
    pub fn text(&self, out: &mut impl Write) -> io::Result<()> {
        self.totals(out)?;
        shares("why", &self.whys, &Sum::default(), out)?;
        shares("status", &self.statuses, &Sum::default(), out)?;
        shares("host", &self.hosts, &self.other_hosts, out)?;
        lines("biggest", &self.biggest, out)?;
        lines("oldest", &self.oldest, out)?;
        lines("breakers that are not closed", &self.breakers_not_closed, out)
    }

    fn totals(&self, out: &mut impl Write) -> io::Result<()> {
        let Sum { copies, bytes, stored_bytes } = self.all;
        writeln!(out, "file\t{} bytes", self.file_bytes)?;
        writeln!(out, "copies\t{copies}")?;
        writeln!(out, "bodies\t{stored_bytes} bytes in the file, {bytes} as sent")?;
        writeln!(out, "sealed\t{} ({:.1} %)", self.sealed, self.sealed_share * 100.0)?;
        writeln!(out, "expired\t{}", self.expired)?;
        writeln!(
            out,
            "unreadable\t{} copies, {} breakers",
            self.unreadable, self.unreadable_breakers
        )?;
        if let Some(coverage) = &self.coverage {
            writeln!(out, "coverage\t{}", escaped(&coverage.words))?;
        }
        let Some(ages) = &self.age_seconds else { return Ok(()) };
        let said = |seconds| duration(Duration::from_secs(seconds));
        writeln!(
            out,
            "ages\tyoungest {}, median {}, 90 % up to {}, 99 % up to {}, oldest {}",
            said(ages.youngest),
            said(ages.median),
            said(ages.p90),
            said(ages.p99),
            said(ages.oldest)
        )
    }
}

/// The largest few: the whole list is for programs.
fn shares<N: Display>(
    title: &str,
    list: &[Named<N>],
    others: &Sum,
    out: &mut impl Write,
) -> io::Result<()> {
    if list.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}\tcopies\tbytes")?;
    let (shown, rest) = list.split_at(list.len().min(SHOWN));
    for Named { name, sum } in shown {
        let name = name.to_string();
        writeln!(out, "{}\t{}\t{}/{}", escaped(&name), sum.copies, sum.stored_bytes, sum.bytes)?;
    }
    let copies = rest.iter().map(|named| named.sum.copies).sum::<u64>() + others.copies;
    if copies > 0 { writeln!(out, "others\t{copies}") } else { Ok(()) }
}

fn lines(title: &str, list: &[impl Line], out: &mut impl Write) -> io::Result<()> {
    let (shown, rest) = list.split_at(list.len().min(SHOWN));
    if !list.is_empty() {
        writeln!(out, "\n{title}")?;
    }
    shown.iter().try_for_each(|line| writeln!(out, "{}", line.text()))?;
    if rest.is_empty() { Ok(()) } else { writeln!(out, "and {} more", rest.len()) }
}

const SHOWN: usize = 10;
