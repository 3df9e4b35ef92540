//! The last word about how much of the traffic has a copy, for `retter-db stats`: one row in
//! `meta.v1`, in the frame of every row. Counts and reasons only; no address is ever in it.
//!
//! It rides along with the next commit, and with the last one. It is worth no commit of its own,
//! nor a second try: a minute later there is a newer one.

use super::row::{self, Damage, Decode, Encode};
use super::{Store, meta};
use crate::clock::UnixMillis;
use crate::policy::Summary;
use redb::{ReadTransaction, WriteTransaction};
use std::time::Duration;

/// What was known at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    pub taken_at: UnixMillis,
    pub summary: Summary,
}

impl Store {
    /// Takes the figures for the file. Never waits for the disk, and wakes nobody.
    pub fn put_coverage(&self, summary: Summary, now: UnixMillis) {
        self.shared.queue.push_coverage(Covered { taken_at: now, summary });
    }
}

pub(super) fn write(transaction: &WriteTransaction, covered: &Covered) -> Result<(), redb::Error> {
    // Some dozens of short words are never too large.
    match covered.encode() {
        Some(row) => meta::put(transaction, NAME, &row),
        None => Ok(()),
    }
}

/// `None`: nothing was written yet. A damaged row is no error of the file.
pub(super) fn read(
    transaction: &ReadTransaction,
) -> Result<Option<Result<Covered, Damage>>, redb::Error> {
    let row = meta::get(transaction, NAME)?;
    Ok(row.map(|row| Covered::decode(&row)))
}

/// Those of another application say nothing about this one.
pub(super) fn forget(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    meta::remove(transaction, NAME)
}

impl Covered {
    fn encode(&self) -> Option<Vec<u8>> {
        let Summary { span, complete, kept, refused } = &self.summary;
        let pairs = |counts: &std::collections::BTreeMap<String, u64>| {
            counts.iter().map(|(reason, count)| (reason.clone(), *count)).collect()
        };
        let fields = Fields {
            taken_at: self.taken_at.0,
            span: span.as_secs(),
            complete: *complete,
            kept: pairs(kept),
            refused: pairs(refused),
        };
        row::encode(NAME.as_bytes(), VERSION, &fields)
    }

    fn decode(row: &[u8]) -> Result<Self, Damage> {
        let fields: Fields = row::decode(NAME.as_bytes(), VERSION, row)?;
        let summary = Summary {
            span: Duration::from_secs(fields.span),
            complete: fields.complete,
            kept: fields.kept.into_iter().collect(),
            refused: fields.refused.into_iter().collect(),
        };
        Ok(Self { taken_at: UnixMillis(fields.taken_at), summary })
    }
}

/// What stands in the row. The order is part of the format.
#[derive(Decode, Encode)]
struct Fields {
    /// Milliseconds since 1970.
    taken_at: u64,
    /// Seconds.
    span: u64,
    complete: bool,
    kept: Vec<(String, u64)>,
    refused: Vec<(String, u64)>,
}

/// The row in `meta.v1`.
pub(super) const NAME: &str = "coverage";
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_row_comes_back_as_it_was_and_a_flipped_bit_is_seen() {
        let summary = Summary {
            span: Duration::from_secs(3_600),
            complete: false,
            kept: BTreeMap::from([("anonymous".to_owned(), 412)]),
            refused: BTreeMap::from([("set-cookie".to_owned(), 150), ("no-store".to_owned(), 38)]),
        };
        let covered = Covered { taken_at: UnixMillis(1_700_000_000_000), summary };
        let row = covered.encode().unwrap();
        assert_eq!(Covered::decode(&row), Ok(covered));
        for at in 0..row.len() {
            let mut flipped = row.clone();
            flipped[at] ^= 1;
            assert!(Covered::decode(&flipped).is_err(), "bit {at}");
        }
    }
}
