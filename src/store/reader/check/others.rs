//! What is left when the copies have been seen: rows that point to none, and the file's own words.

use super::super::super::breakers;
use super::super::super::coverage;
use super::super::super::entry::Header;
use super::super::super::file::BREAKERS;
use super::super::super::index::expiry_key;
use super::super::super::meta;
use super::walk::{Tables, walk};
use super::{Check, Flaw, Part, Stage};
use crate::key::EntryId;
use std::ops::Bound;

impl Check {
    pub(super) fn expiry(
        &mut self,
        next: Bound<[u8; 20]>,
    ) -> Result<Option<Vec<Flaw>>, redb::Error> {
        let tables = Tables::open(&self.reader.begin()?)?;
        let mut suspicious = Vec::new();
        let next = walk(&tables.expiry, next, |key, _| {
            self.tally.rows += 1;
            if wrong_expiry(&tables, key)?.is_some() {
                suspicious.push(key);
            }
            Ok(())
        })?;
        drop(tables);
        self.stage = next.map_or(Stage::Bodies(Bound::Unbounded), Stage::Expiry);
        let again = suspicious.into_iter().map(|key| self.expiry_again(key));
        let flaws: Result<Vec<_>, redb::Error> = again.collect();
        Ok(Some(flaws?.into_iter().flatten().collect()))
    }

    fn expiry_again(&self, key: [u8; 20]) -> Result<Option<Flaw>, redb::Error> {
        let tables = Tables::open(&self.reader.begin()?)?;
        if tables.expiry.get(&key)?.is_none() {
            return Ok(None);
        }
        let flaw = |reason: &str| Flaw {
            part: Part::Expiry,
            name: id_in(key).to_string(),
            reason: reason.to_owned(),
        };
        Ok(wrong_expiry(&tables, key)?.map(flaw))
    }

    /// A body that came later than the check is no orphan: ids are never used twice.
    pub(super) fn chunks(
        &mut self,
        next: Bound<[u8; 12]>,
    ) -> Result<Option<Vec<Flaw>>, redb::Error> {
        let transaction = self.reader.begin()?;
        let tables = Tables::open(&transaction)?;
        let free = meta::figures(&transaction)?.next_body;
        let known_until = self.before.figures.next_body.unwrap_or(u64::MAX);
        let mut flaws = Vec::new();
        let next = walk(&tables.bodies, next, |key, chunk| {
            self.tally.rows += 1;
            let (id, number) = body_of(key);
            let named = self.bodies.get(&id).is_some_and(|chunks| number < *chunks);
            if !named && id < known_until && self.has_seen_all {
                self.orphan(id, chunk.len());
            }
            if number == 0 && free.is_some_and(|free| id >= free) {
                flaws.push(figure("next-body", format!("body {id} is there already")));
            }
            Ok(())
        })?;
        self.stage = next.map_or(Stage::Rest, Stage::Bodies);
        Ok(Some(flaws))
    }

    fn orphan(&mut self, id: u64, bytes: usize) {
        self.tally.orphans += u64::from(self.last_orphan != Some(id));
        self.last_orphan = Some(id);
        self.tally.orphan_bytes += bytes as u64;
        self.orphan_weight += bytes as u64 + 12;
    }

    pub(super) fn rest(&mut self) -> Result<Option<Vec<Flaw>>, redb::Error> {
        let transaction = self.reader.begin()?;
        let rows = breakers::list(&transaction.open_table(BREAKERS)?)?;
        self.tally.breakers = rows.len() as u64;
        let damaged = rows.into_iter().filter_map(Result::err).map(|row| Flaw {
            part: Part::Breaker,
            name: row.name,
            reason: row.reason.to_owned(),
        });
        let covered = coverage::read(&transaction)?.and_then(Result::err);
        let covered = covered.map(|damage| figure(coverage::NAME, damage.as_str().to_owned()));
        let flaws = damaged.chain(self.figures()).chain(covered).collect();
        self.stage = Stage::Done;
        Ok(Some(flaws))
    }

    fn figures(&self) -> Vec<Flaw> {
        let before = &self.before.figures;
        let mut flaws = Vec::new();
        let is_used = self.before.entries > 0;
        for (name, sound) in [
            ("secret", before.has_secret),
            ("live", before.live.is_some()),
            ("next-body", before.next_body.is_some()),
        ] {
            if is_used && !sound {
                flaws.push(figure(name, "missing or malformed".to_owned()));
            }
        }
        if self.tally.compared {
            flaws.extend(self.wrong_copies());
            flaws.extend(before.live.and_then(|live| self.wrong_live(live)));
        }
        flaws
    }

    fn wrong_copies(&self) -> Option<Flaw> {
        let (said, seen) = (self.before.entries, self.tally.copies);
        (said != seen).then(|| figure("copies", format!("{said}, but there are {seen}")))
    }

    /// The body of a row that could not be read is an orphan once the row is gone, and still counts.
    fn wrong_live(&self, said: u64) -> Option<Flaw> {
        let (least, most) = (self.live, self.live + self.orphan_weight);
        let words = || format!("{said}, but the rows have {least} bytes");
        (said < least || said > most).then(|| figure("live", words()))
    }
}

fn figure(name: &str, reason: String) -> Flaw {
    Flaw { part: Part::Meta, name: name.to_owned(), reason }
}

/// Of a copy that cannot be read nobody knows when it expires.
fn wrong_expiry(tables: &Tables, key: [u8; 20]) -> Result<Option<&'static str>, redb::Error> {
    let id = id_in(key);
    let Some(row) = tables.entries.get(&id.0)? else {
        return Ok(Some("expiry row without a copy"));
    };
    let other = Header::decode(id, row.value())
        .is_ok_and(|header| expiry_key(header.expires_at, id) != key);
    Ok(other.then_some("expiry row of another hour"))
}

fn id_in(key: [u8; 20]) -> EntryId {
    EntryId(std::array::from_fn(|at| key[at + 4]))
}

/// Body id and number of the chunk.
fn body_of(key: [u8; 12]) -> (u64, u32) {
    let id = u64::from_be_bytes(std::array::from_fn(|at| key[at]));
    (id, u32::from_be_bytes(std::array::from_fn(|at| key[at + 8])))
}
