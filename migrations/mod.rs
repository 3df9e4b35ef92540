//! The history of the file's format, one step a file.
//!
//! A new file is version 0 and walks the same steps as an old one, so the machinery runs with
//! every file there is. A step and its version stamp are one transaction: a crash leaves the file
//! before the step or after it. A step never imports the living store: it carries its own copies of the
//! types it touches, because what it was written for must not change under it.
//!
//! A file from a newer RETTER is refused, and stays as it is. `migrations/README.md` is the log of
//! the format.

use redb::{ReadTransaction, TableDefinition, TableError, WriteTransaction};

mod v0001_create_tables;
mod v0002_purged_copies;

/// The version this RETTER reads and writes.
pub const LATEST: u32 = STEPS.len() as u32;

/// Why a file cannot be brought to [`LATEST`].
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// Written by a newer RETTER.
    #[error("the file has schema version {found}, this RETTER knows versions up to {known}")]
    Newer { found: u32, known: u32 },
    /// The version stamp is not four bytes.
    #[error("the file's schema version is unreadable")]
    Unreadable,
    /// The storage failed in the middle; the step was not done.
    #[error(transparent)]
    Storage(#[from] redb::Error),
}

/// Walks the steps the file still needs. `begin` opens the write transactions: there is one place
/// that does (the store's), and this is not it.
pub fn run(
    mut version: u32,
    begin: impl Fn() -> Result<WriteTransaction, redb::Error>,
) -> Result<(), MigrationError> {
    check(version)?;
    while version < LATEST {
        let transaction = begin()?;
        STEPS[version as usize](&transaction)?;
        version += 1;
        stamp(&transaction, version)?;
        transaction.commit().map_err(redb::Error::from)?;
    }
    Ok(())
}

/// The file's version; 0 for a file without tables.
pub fn version_of(transaction: &ReadTransaction) -> Result<u32, MigrationError> {
    let table = match transaction.open_table(META) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(0),
        Err(error) => return Err(redb::Error::from(error).into()),
    };
    let Some(stamp) = table.get(VERSION).map_err(redb::Error::from)? else {
        return Ok(0);
    };
    let bytes = stamp.value().try_into();
    bytes.map(u32::from_be_bytes).map_err(|_| MigrationError::Unreadable)
}

/// Refuses what a newer RETTER wrote.
pub fn check(version: u32) -> Result<(), MigrationError> {
    if version > LATEST {
        return Err(MigrationError::Newer { found: version, known: LATEST });
    }
    Ok(())
}

fn stamp(transaction: &WriteTransaction, version: u32) -> Result<(), redb::Error> {
    let mut meta = transaction.open_table(META)?;
    meta.insert(VERSION, version.to_be_bytes().as_slice())?;
    Ok(())
}

type Step = fn(&WriteTransaction) -> Result<(), redb::Error>;

/// Step `n` brings version `n` to `n + 1`. Append only.
const STEPS: [Step; 2] = [v0001_create_tables::run, v0002_purged_copies::run];

/// Where the stamp is. These two can never change: every version has to find it.
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta.v1");
const VERSION: &str = "schema";
