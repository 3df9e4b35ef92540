//! What is done to a file while no RETTER has it: packing it, and bringing an older one to the
//! present format.
//!
//! Both hold the writer's lock as long as they work, so a RETTER that starts meanwhile finds the
//! file locked. A file that is newer, not ours or in need of repair is refused and stays as it is.

mod packing;

use super::file::{begin_write, builder, guarded};
use super::reader;
use super::trouble::Trouble;
use crate::migrations;
use redb::{Database, ReadableDatabase};
use std::io;
use std::path::{Path, PathBuf};

/// Why it was not done. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    #[error("{} is in use: stop RETTER first, and start it again afterwards", .0.display())]
    InUse(PathBuf),
    #[error(
        "packing makes a copy beside {}: that takes {needed} bytes, and {free} are free there",
        .file.display()
    )]
    NoRoom { file: PathBuf, needed: u64, free: u64 },
    #[error("no copy could be made beside {}: {error}", .file.display())]
    Copy { file: PathBuf, error: io::Error },
    #[error("{} is {trouble}: {}", .file.display(), .trouble.remedy_for_tools())]
    File { file: PathBuf, trouble: Trouble },
}

/// Sizes of the file, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    pub before: u64,
    pub after: u64,
}

/// Versions of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    pub from: u32,
    pub to: u32,
}

/// How far packing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    Copying { done: u64, of: u64 },
    Packing,
}

/// Packs the file.
///
/// redb's own packing is the one thing that a kill turns into a file which has to be repaired by
/// reading all of it. So it is done to a copy beside the file, and the copy takes its place once it
/// is closed and on the disk: until then nothing has happened. What a killed run has left behind
/// goes at the next one.
pub fn compact(file: &Path, progress: &mut dyn FnMut(Packing)) -> Result<Compacted, UpkeepError> {
    // A link stays one.
    let file = &file.canonicalize().map_err(|_| refused(file, Trouble::Missing))?;
    version_of(file)?;
    let held = hold(file)?;
    let packed = packing::pack(file, progress)?;
    drop(held);
    Ok(packed)
}

/// Walks the steps of the format that the file still needs.
pub fn migrate(file: &Path) -> Result<Migrated, UpkeepError> {
    let from = version_of(file)?;
    if from < migrations::LATEST {
        let held = hold(file)?;
        let steps = || -> Result<(), Trouble> {
            refuse_strange(&held)?;
            Ok(migrations::run(from, || begin_write(&held))?)
        };
        guarded(steps).map_err(|trouble| refused(file, trouble))?;
    }
    Ok(Migrated { from, to: migrations::LATEST })
}

/// The version of a file that this RETTER knows. Leaves no trace in it.
fn version_of(file: &Path) -> Result<u32, UpkeepError> {
    let version = reader::peek_version(file);
    let known = version.and_then(|version| Ok(migrations::check(version).map(|()| version)?));
    known.map_err(|trouble| refused(file, trouble))
}

/// The file, open for writing, so that nobody else writes it.
fn hold(file: &Path) -> Result<Database, UpkeepError> {
    let open = || -> Result<Database, Trouble> {
        let mut builder = builder();
        builder.set_cache_size(CACHE).set_repair_callback(|session| session.abort());
        Ok(builder.open(file)?)
    };
    guarded(open).map_err(|trouble| refused(file, trouble))
}

/// A file of redb's without our tables is somebody else's, unless there is nothing in it at all.
fn refuse_strange(db: &Database) -> Result<(), Trouble> {
    let transaction = db.begin_read().map_err(redb::Error::from)?;
    let tables = transaction.list_tables().map_err(redb::Error::from)?.count();
    let young = migrations::version_of(&transaction)? == 0;
    if young && tables > 0 { Err(Trouble::NotOurs("other tables".to_owned())) } else { Ok(()) }
}

fn refused(file: &Path, trouble: Trouble) -> UpkeepError {
    let file = file.to_owned();
    match trouble {
        Trouble::Locked => UpkeepError::InUse(file),
        trouble => UpkeepError::File { file, trouble },
    }
}

/// redb's cache, bytes.
const CACHE: usize = 64 * 1024 * 1024;
