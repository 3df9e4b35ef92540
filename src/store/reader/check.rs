//! Is everything in the file what was written, and does every row have its other halves?
//!
//! RETTER checks a copy when it reads it; here all of them are read. The order: every copy (row,
//! body, expiry row), every expiry row, every chunk of a body, then what the file says about
//! breakers and about itself.
//!
//! A running RETTER goes on writing meanwhile. What belongs together is therefore looked at in one
//! transaction, what looks damaged is looked at again in another before it is called so, and the
//! file's own figures are compared only if nothing was written while they were added up.
//!
//! Bodies that no row names are counted and no damage: RETTER leaves one behind when it drops a
//! row that it cannot read. Memory: some 30 bytes a copy.

mod copies;
mod others;
mod walk;

use super::super::file::guarded;
use super::super::meta::{self, Figures};
use super::super::trouble::Trouble;
use super::Reader;
use redb::{ReadTransaction, ReadableTableMetadata};
use std::collections::HashMap;
use std::ops::Bound;
use walk::Tables;

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    pub part: Part,
    /// Which one: an id, a breaker's name, a figure's name.
    pub name: String,
    pub reason: String,
}

/// What a flaw is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Copy,
    Expiry,
    Breaker,
    Meta,
    /// Pages that redb cannot read: what else is on them was not looked at.
    Pages,
}

/// What was seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub copies: u64,
    /// Bytes of the bodies that were read.
    pub stored_bytes: u64,
    /// Bodies that no copy names, and their bytes.
    pub orphans: u64,
    pub orphan_bytes: u64,
    pub breakers: u64,
    /// False: somebody was writing, or a row could not be read, so the figures were not compared.
    pub compared: bool,
    /// Rows of all tables, and how many there were at the start.
    pub rows: u64,
    pub expected: u64,
}

/// A check, step by step.
pub struct Check {
    reader: Reader,
    stage: Stage,
    before: State,
    /// Body id to its number of chunks.
    bodies: HashMap<u64, u32>,
    /// Bytes of all rows that could be read.
    live: u64,
    unreadable: u64,
    /// Every copy's row, that is: only then can a body be called nobody's.
    has_seen_all: bool,
    last_orphan: Option<u64>,
    /// Keys of orphans count in the file's own figure too.
    orphan_weight: u64,
    tally: Tally,
}

/// Where the check goes on.
#[derive(Clone, Copy)]
enum Stage {
    Copies(Bound<[u8; 16]>),
    Expiry(Bound<[u8; 20]>),
    Bodies(Bound<[u8; 12]>),
    Rest,
    Done,
}

/// The file as a whole, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    figures: Figures,
    entries: u64,
    expiry: u64,
    chunks: u64,
}

impl Check {
    /// # Errors
    /// The file cannot be read at all.
    pub fn of(reader: Reader) -> Result<Self, Trouble> {
        let young = reader.version()? == 0;
        let before = if young { State::default() } else { reader.state()? };
        Ok(Self {
            tally: Tally {
                expected: before.entries + before.expiry + before.chunks,
                compared: young,
                ..Tally::default()
            },
            reader,
            stage: if young { Stage::Done } else { Stage::Copies(Bound::Unbounded) },
            before,
            bodies: HashMap::new(),
            live: 0,
            unreadable: 0,
            has_seen_all: true,
            last_orphan: None,
            orphan_weight: 0,
        })
    }

    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// One short look (1,000 rows or 100 ms), and what was wrong in it; `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read for another reason than damage.
    pub fn step(&mut self) -> Result<Option<Vec<Flaw>>, Trouble> {
        let looked = guarded(|| match self.stage {
            Stage::Copies(next) => self.copies(next),
            Stage::Expiry(next) => self.expiry(next),
            Stage::Bodies(next) => self.chunks(next),
            Stage::Rest => self.rest(),
            Stage::Done => Ok(None),
        });
        match looked.map_err(Trouble::from) {
            Err(Trouble::Damaged(seen)) => Ok(Some(vec![self.unreadable_pages(seen)])),
            looked => looked,
        }
    }

    /// The next stage may still be sound.
    fn unreadable_pages(&mut self, seen: String) -> Flaw {
        self.has_seen_all &= !matches!(self.stage, Stage::Copies(_));
        let (name, next) = match self.stage {
            Stage::Copies(_) => ("entries", Stage::Expiry(Bound::Unbounded)),
            Stage::Expiry(_) => ("expiry", Stage::Bodies(Bound::Unbounded)),
            Stage::Bodies(_) => ("bodies", Stage::Rest),
            Stage::Rest | Stage::Done => ("breakers and figures", Stage::Done),
        };
        self.stage = next;
        Flaw { part: Part::Pages, name: name.to_owned(), reason: seen }
    }
}

impl Part {
    pub fn as_str(self) -> &'static str {
        match self {
            Part::Copy => "copy",
            Part::Expiry => "expiry",
            Part::Breaker => "breaker",
            Part::Meta => "meta",
            Part::Pages => "pages",
        }
    }
}

impl Reader {
    fn state(&self) -> Result<State, Trouble> {
        Ok(guarded(|| State::of(&self.begin()?))?)
    }
}

impl State {
    fn of(transaction: &ReadTransaction) -> Result<Self, redb::Error> {
        let tables = Tables::open(transaction)?;
        Ok(Self {
            figures: meta::figures(transaction)?,
            entries: tables.entries.len()?,
            expiry: tables.expiry.len()?,
            chunks: tables.bodies.len()?,
        })
    }
}
