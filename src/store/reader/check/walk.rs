//! Rows in short transactions.

use super::super::super::file::{BODIES, ENTRIES, EXPIRY};
use super::super::{ROWS, TIME};
use redb::{ReadOnlyTable, ReadTransaction};
use std::ops::Bound;
use std::time::Instant;

/// A table whose keys are `N` bytes.
pub(super) type Rows<const N: usize> = ReadOnlyTable<&'static [u8; N], &'static [u8]>;

/// The tables of one moment.
pub(super) struct Tables {
    pub entries: Rows<16>,
    pub bodies: Rows<12>,
    pub expiry: Rows<20>,
}

impl Tables {
    pub fn open(transaction: &ReadTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            entries: transaction.open_table(ENTRIES)?,
            bodies: transaction.open_table(BODIES)?,
            expiry: transaction.open_table(EXPIRY)?,
        })
    }
}

/// Shows some rows to `each`; where to go on, or `None` at the end.
pub(super) fn walk<const N: usize>(
    table: &Rows<N>,
    next: Bound<[u8; N]>,
    mut each: impl FnMut([u8; N], &[u8]) -> Result<(), redb::Error>,
) -> Result<Option<Bound<[u8; N]>>, redb::Error> {
    let started = Instant::now();
    let rows = table.range::<&[u8; N]>((next.as_ref(), Bound::Unbounded))?;
    for (count, row) in (1..).zip(rows) {
        let (key, value) = row?;
        each(*key.value(), value.value())?;
        if count >= ROWS || started.elapsed() >= TIME {
            return Ok(Some(Bound::Excluded(*key.value())));
        }
    }
    Ok(None)
}
