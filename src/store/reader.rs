//! The file for those who only look: beside a running RETTER, after it, and after its `kill -9`.
//!
//! Nothing is changed and nobody is hindered: the file is opened for reading, and rows are read in
//! short transactions, since the pages of an old snapshot cannot be reused.
//!
//! [`Reader::rows`] goes through all copies; [`Reader::find`] and [`Reader::look`] are for one;
//! [`Check`] goes through everything.

mod check;
mod look;

pub use crate::key::{EntryId, Session, SessionError};
pub use check::{Check, Flaw, Part, Tally};
pub use look::{Look, People};

use super::breakers::{self, Damaged, Remembered};
use super::coverage::{self, Covered};
use super::entry::{Damage, Header, unpack_headers};
use super::file::{BREAKERS, ENTRIES, META, builder, guarded};
use super::handle::Handle;
use super::overlay::Overlay;
use super::trouble::Trouble;
use crate::clock::UnixMillis;
use crate::key::Place;
use crate::migrations;
use crate::policy::Why;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use redb::{
    Builder, DatabaseError, ReadOnlyDatabase, ReadTransaction, ReadableTableMetadata, TableError,
};
use std::fs::File;
use std::ops::Bound;
use std::path::Path;
use std::time::{Duration, Instant};

/// One copy, as far as the file says it to everybody.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub id: EntryId,
    pub place: Place,
    /// Whose copy it is; `None`: an anonymous visitor's.
    pub identity: Option<[u8; 16]>,
    pub status: u16,
    pub why: Why,
    pub stored_at: UnixMillis,
    pub expires_at: UnixMillis,
    /// Bytes of the body in the file.
    pub stored_bytes: u64,
    /// Bytes of the body as the application sent it.
    pub raw_bytes: u64,
    /// `Content-Encoding`; empty for none.
    pub content_encoding: String,
    /// `Content-Type`; `None` when the copy is sealed, has none, or one that is no text.
    pub content_type: Option<String>,
    /// zstd at rest.
    pub packed: bool,
    pub sealed: bool,
    /// Kept for an outage only.
    pub purged: bool,
    /// The head as it was kept; `None` when the copy is sealed.
    pub headers: Option<HeaderMap>,
}

/// What came of reading a row.
pub type Found = Result<Row, Unreadable>;

/// A row that cannot be read, and in what way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub id: EntryId,
    pub reason: &'static str,
}

/// Goes through the copies in the order of their ids.
pub struct Reader {
    file: Handle,
    next: Bound<[u8; 16]>,
    last: Bound<[u8; 16]>,
}

impl Reader {
    /// Opens what [`super::Store`] writes.
    pub fn open(path: &Path) -> Result<Self, Trouble> {
        let file = guarded(|| open(path, Repair::InMemory))?;
        let reader = Self::of(file);
        migrations::check(guarded(|| reader.version())?)?;
        Ok(reader)
    }

    fn of(file: Handle) -> Self {
        Self { file, next: Bound::Unbounded, last: Bound::Unbounded }
    }

    /// The file was not closed, and what is read here was put in order in memory.
    pub fn is_put_in_order(&self) -> bool {
        matches!(self.file, Handle::Frozen(_))
    }

    /// The next rows, from one transaction: 1,000 of them or what 100 ms give. Empty at the end.
    pub fn rows(&mut self) -> Result<Vec<Found>, Trouble> {
        let rows = guarded(|| self.some_rows().map_err(Trouble::from))?;
        if let Some(last) = rows.last() {
            self.next = Bound::Excluded(last.as_ref().map_or_else(|row| row.id, |row| row.id).0);
        }
        Ok(rows)
    }

    fn some_rows(&self) -> Result<Vec<Found>, redb::Error> {
        let started = Instant::now();
        let table = match self.begin()?.open_table(ENTRIES) {
            // Younger than its first table.
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let mut rows = Vec::new();
        for row in table.range::<&[u8; 16]>((self.next.as_ref(), self.last.as_ref()))? {
            let (id, bytes) = row?;
            rows.push(Row::read(EntryId(*id.value()), bytes.value()));
            if rows.len() >= ROWS || started.elapsed() >= TIME {
                break;
            }
        }
        Ok(rows)
    }

    fn version(&self) -> Result<u32, Trouble> {
        Ok(migrations::version_of(&self.begin()?)?)
    }

    /// How many copies there are, by the file's own word.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn copies(&self) -> Result<u64, Trouble> {
        guarded(|| match self.begin()?.open_table(ENTRIES) {
            Err(TableError::TableDoesNotExist(_)) => Ok(0),
            table => Ok(table?.len()?),
        })
        .map_err(|error: redb::Error| error.into())
    }

    /// All breakers, the application's first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn breakers(&self) -> Result<Vec<Result<Remembered, Damaged>>, Trouble> {
        guarded(|| match self.begin()?.open_table(BREAKERS) {
            Err(TableError::TableDoesNotExist(_)) => Ok(Vec::new()),
            table => breakers::list(&table.map_err(redb::Error::from)?),
        })
        .map_err(Trouble::from)
    }

    /// How much of the traffic had a copy when that was last written; `None`: never, or the row is
    /// damaged, which [`Check`] says.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn coverage(&self) -> Result<Option<Covered>, Trouble> {
        guarded(|| match self.begin()?.open_table(META) {
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            _ => Ok(coverage::read(&self.begin()?)?.and_then(Result::ok)),
        })
        .map_err(|error: redb::Error| error.into())
    }

    pub(super) fn begin(&self) -> Result<ReadTransaction, redb::Error> {
        self.file.begin_read()
    }
}

/// The file's version, without a trace of having asked. An error says nothing about the file that
/// opening it for writing would not say better.
pub(super) fn peek_version(path: &Path) -> Result<u32, Trouble> {
    guarded(|| Reader::of(open(path, Repair::Decline)?).version())
}

/// What to do about a file that quick repair cannot put in order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repair {
    /// Reads all of it.
    InMemory,
    Decline,
}

/// The file as another RETTER writes it.
pub(super) fn open_beside(path: &Path) -> Result<Handle, Trouble> {
    guarded(|| {
        let file = Handle::Beside(open_live(path)?.into());
        migrations::check(migrations::version_of(&file.begin_read()?)?)?;
        Ok(file)
    })
}

/// The file as it is on a disk that has no room for what opening it would write.
pub(super) fn open_frozen(path: &Path) -> Result<Handle, Trouble> {
    guarded(|| open_unclean(path, Repair::Decline))
}

fn open(path: &Path, repair: Repair) -> Result<Handle, Trouble> {
    if !path.exists() {
        return Err(Trouble::Missing);
    }
    match open_live(path) {
        Ok(db) => Ok(Handle::Beside(db.into())),
        // Nobody has it open, and whoever had it did not close it.
        Err(DatabaseError::RepairAborted) => open_unclean(path, repair),
        Err(error) => Err(error.into()),
    }
}

/// Follows the writer, if there is one.
fn open_live(path: &Path) -> Result<ReadOnlyDatabase, DatabaseError> {
    builder().set_cache_size(CACHE).open_read_only(path)
}

fn open_unclean(path: &Path, repair: Repair) -> Result<Handle, Trouble> {
    let overlay = Overlay::new(File::open(path)?)?;
    let database = Builder::new()
        .set_cache_size(CACHE)
        .set_repair_callback(move |session| {
            if repair == Repair::Decline {
                session.abort();
            }
        })
        .create_with_backend(overlay)?;
    Ok(Handle::Frozen(database.into()))
}

impl Row {
    fn read(id: EntryId, bytes: &[u8]) -> Found {
        let row = Header::decode(id, bytes).and_then(|header| Self::of(id, header));
        row.map_err(|damage| Unreadable { id, reason: damage.as_str() })
    }

    fn of(id: EntryId, header: Header) -> Result<Self, Damage> {
        let headers = header.head_nonce.is_none().then(|| unpack_headers(&header.head));
        let headers = headers.transpose()?;
        Ok(Self {
            id,
            place: header.place(),
            identity: header.identity,
            status: header.status()?.as_u16(),
            why: header.why()?,
            stored_at: UnixMillis(header.stored_at),
            expires_at: UnixMillis(header.expires_at),
            stored_bytes: header.body.stored_length.into(),
            raw_bytes: header.body.raw_length.into(),
            content_type: headers.as_ref().and_then(content_type),
            content_encoding: header.content_encoding,
            packed: header.body.packed,
            sealed: header.head_nonce.is_some(),
            purged: header.purged,
            headers,
        })
    }
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(CONTENT_TYPE)?.to_str().ok()?.to_owned())
}

const ROWS: usize = 1_000;
const TIME: Duration = Duration::from_millis(100);
/// redb's cache while looking, bytes.
const CACHE: usize = 16 * 1024 * 1024;
