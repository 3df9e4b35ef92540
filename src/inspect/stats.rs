//! The file in figures.

use super::breaker::BreakerLine;
use super::figures::{Coverage, Figures, Named, Spread};
use super::line::CopyLine;
use super::progress::Progress;
use super::sums::{Ages, Shares, Sum, Top};
use super::{Format, InspectError, json, while_read};
use crate::breaker::State;
use crate::clock::UnixMillis;
use crate::store::breakers::Remembered;
use crate::store::coverage::Covered;
use crate::store::reader::{Found, Reader, Row};
use std::fs;
use std::io::Write;
use std::path::Path;

/// Prints the figures of all copies. Memory does not grow with their number.
pub fn stats(
    file: &Path,
    format: Format,
    now: UnixMillis,
    progress: &mut Progress,
    out: &mut impl Write,
) -> Result<(), InspectError> {
    let counted = count(file, now, progress)?;
    progress.wipe();
    let figures = counted.figures();
    let printed = match format {
        Format::Json => json::print(&figures, out),
        Format::Text => figures.text(out),
    };
    while_read(printed.and_then(|()| out.flush()).map_err(InspectError::from))
}

fn count(file: &Path, now: UnixMillis, progress: &mut Progress) -> Result<Counted, InspectError> {
    let mut reader = Reader::open(file).map_err(InspectError::of(file))?;
    let expected = reader.copies().map_err(InspectError::of(file))?;
    let mut counted = Counted::at(now, fs::metadata(file).map_or(0, |file| file.len()));
    loop {
        let rows = reader.rows().map_err(InspectError::of(file))?;
        if rows.is_empty() {
            break;
        }
        rows.iter().for_each(|row| counted.add(row));
        progress.rows(counted.all.copies + counted.unreadable, expected);
    }
    for row in reader.breakers().map_err(InspectError::of(file))? {
        match row {
            Ok(breaker) if breaker.state == State::Closed => {}
            Ok(breaker) => counted.breakers.push(breaker),
            Err(_) => counted.unreadable_breakers += 1,
        }
    }
    counted.coverage = reader.coverage().map_err(InspectError::of(file))?;
    Ok(counted)
}

/// What is known after so many rows.
struct Counted {
    now: UnixMillis,
    file_bytes: u64,
    all: Sum,
    sealed: Sum,
    expired: u64,
    unreadable: u64,
    ages: Ages,
    hosts: Shares<String>,
    statuses: Shares<u16>,
    whys: Shares<&'static str>,
    biggest: Top,
    oldest: Top,
    /// Not closed.
    breakers: Vec<Remembered>,
    unreadable_breakers: u64,
    coverage: Option<Covered>,
}

impl Counted {
    fn at(now: UnixMillis, file_bytes: u64) -> Self {
        Self {
            now,
            file_bytes,
            all: Sum::default(),
            sealed: Sum::default(),
            expired: 0,
            unreadable: 0,
            ages: Ages::default(),
            hosts: Shares::new(),
            statuses: Shares::new(),
            whys: Shares::new(),
            biggest: Top::default(),
            oldest: Top::default(),
            breakers: Vec::new(),
            unreadable_breakers: 0,
            coverage: None,
        }
    }

    fn add(&mut self, found: &Found) {
        match found {
            Ok(row) => self.add_copy(row),
            Err(_) => self.unreadable += 1,
        }
    }

    fn add_copy(&mut self, row: &Row) {
        let age = self.now.since(row.stored_at).as_secs();
        self.all.add(row);
        if row.sealed {
            self.sealed.add(row);
        }
        self.expired += u64::from(row.expires_at <= self.now);
        self.ages.add(age);
        self.hosts.add(row.place.host.as_str(), row);
        self.statuses.add(&row.status, row);
        self.whys.add(&row.why.as_str(), row);
        self.biggest.offer(row.stored_bytes, row);
        self.oldest.offer(age, row);
    }

    fn figures(&self) -> Figures<'_> {
        let share = self.sealed.copies as f64 / self.all.copies.max(1) as f64;
        let open = self.breakers.iter().map(|breaker| BreakerLine::new(breaker, self.now));
        Figures {
            kind: "stats",
            file_bytes: self.file_bytes,
            all: self.all,
            unreadable: self.unreadable,
            expired: self.expired,
            sealed: self.sealed.copies,
            sealed_share: (share * 1_000.0).round() / 1_000.0,
            age_seconds: Spread::of(&self.ages),
            hosts: Named::list(&self.hosts),
            other_hosts: self.hosts.others,
            statuses: Named::list(&self.statuses),
            whys: Named::list(&self.whys),
            biggest: self.lines(&self.biggest),
            oldest: self.lines(&self.oldest),
            breakers_not_closed: open.collect(),
            unreadable_breakers: self.unreadable_breakers,
            coverage: self.coverage.as_ref().map(|covered| Coverage::of(covered, self.now)),
        }
    }

    fn lines<'a>(&self, top: &'a Top) -> Vec<CopyLine<'a>> {
        top.rows().map(|row| CopyLine::new(row, self.now)).collect()
    }
}
