//! Going through the file for what is meant, in short transactions, in the order of the ids.

use super::super::entry::Header;
use super::super::file::ENTRIES;
use super::super::select::Purge;
use super::ROWS;
use crate::clock::UnixMillis;
use crate::key::EntryId;
use redb::{ReadTransaction, TableError};
use std::ops::Bound;
use std::time::{Duration, Instant};

/// A copy that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub id: EntryId,
    /// Of its page as the application sent it; 0 if that cannot be read.
    pub bytes: u64,
}

/// How far it has come.
pub(super) struct Scan<'p> {
    purge: &'p Purge,
    now: UnixMillis,
    next: Bound<[u8; 16]>,
    last: [u8; 16],
    over: bool,
}

impl<'p> Scan<'p> {
    pub fn new(purge: &'p Purge, now: UnixMillis) -> Self {
        let ids = purge.selection.ids();
        let (next, last) = (Bound::Included(ids.start().0), ids.end().0);
        Self { purge, now, next, last, over: false }
    }

    /// What is meant of the next rows: [`ROWS`] copies at most, or what [`TIME`] gives, which may be
    /// none of them. `None` at the end.
    pub fn some(
        &mut self,
        transaction: &ReadTransaction,
    ) -> Result<Option<Vec<Seen>>, redb::Error> {
        if self.over {
            return Ok(None);
        }
        let started = Instant::now();
        let table = match transaction.open_table(ENTRIES) {
            // Younger than its first table.
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            table => table?,
        };
        let mut seen = Vec::new();
        for row in table.range::<&[u8; 16]>((self.next.as_ref(), Bound::Included(&self.last)))? {
            let (id, row) = row?;
            let id = EntryId(*id.value());
            seen.extend(self.judge(id, row.value()));
            self.next = Bound::Excluded(id.0);
            if seen.len() >= ROWS || started.elapsed() >= TIME {
                return Ok(Some(seen));
            }
        }
        self.over = true;
        Ok(Some(seen))
    }

    fn judge(&self, id: EntryId, row: &[u8]) -> Option<Seen> {
        let selection = &self.purge.selection;
        let Ok(header) = Header::decode(id, row) else {
            return selection.means_unreadable(id).then_some(Seen { id, bytes: 0 });
        };
        let stored_at = UnixMillis(header.stored_at);
        let bytes = header.body.raw_length.into();
        selection.means(id, &header.place(), stored_at, self.now).then_some(Seen { id, bytes })
    }
}

/// A page that a reader holds cannot be reused by the writer.
const TIME: Duration = Duration::from_millis(100);
