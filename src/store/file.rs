//! The file: opening it, and the one place where a write transaction begins.
//!
//! Every commit saves the allocator's state (quick repair), because one commit without it makes the
//! next start after a crash read the whole file: 30 s at 8 GB against 4 ms. Hence one function
//! that may call redb's `begin_write`. A panic inside a transaction spoils that as well, and a
//! damaged page makes redb panic: every call goes through [`guarded`], and after a fault the
//! handle is dropped and opened again.

use super::trouble::Trouble;
use super::{Settings, Sharing, meta, reader};
use crate::migrations;
use redb::backends::FileBackend;
use redb::{
    Builder, ConcurrencyMode, Database, Durability, ReadableDatabase, StorageBackend,
    TableDefinition, WriteTransaction,
};
use std::fs::{File, OpenOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// An open file and what stands in its `meta.v1`.
pub(super) struct Opened {
    pub db: Database,
    pub meta: meta::Meta,
}

/// Opens or creates the file, brings it to the present format, and makes it this application's.
/// A file that is not ours, newer, damaged or in need of repair is left as it is. A new file begins
/// with `fresh`.
pub(super) fn open(
    settings: &Settings,
    application: &str,
    fresh: meta::Meta,
) -> Result<Opened, Trouble> {
    guarded(|| {
        let backend = FileBackend::new(open_private(&settings.path)?)?;
        let opened = open_on(backend, settings, application, fresh, REPAIRED_AT_ONCE)?;
        restrict(&settings.path)?;
        Ok(opened)
    })
}

/// The same for whatever it is that holds the bytes. More than `repaired_at_once` of them are not
/// read through to put them in order.
pub(super) fn open_on(
    backend: impl StorageBackend,
    settings: &Settings,
    application: &str,
    fresh: meta::Meta,
    repaired_at_once: u64,
) -> Result<Opened, Trouble> {
    let db = open_database(backend, settings, repaired_at_once)?;
    migrate(&db)?;
    let meta = meta::take_over(&db, application, fresh)?;
    Ok(Opened { db, meta })
}

/// Opens a file that is there already, for an operator's work on it, and brings it to the present
/// format. Whose it is stays as it is.
pub(super) fn open_present(settings: &Settings) -> Result<Opened, Trouble> {
    if !settings.path.exists() {
        return Err(Trouble::Missing);
    }
    refuse_newer(&settings.path)?;
    guarded(|| {
        let backend = FileBackend::new(open_private(&settings.path)?)?;
        let db = open_database(backend, settings, REPAIRED_AT_ONCE)?;
        migrate(&db)?;
        let meta = meta::load(&db.begin_read().map_err(redb::Error::from)?)?.unwrap_or_default();
        Ok(Opened { db, meta })
    })
}

/// The only caller of redb's `begin_write`.
pub(super) fn begin_write(db: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut transaction = db.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_quick_repair(true);
    Ok(transaction)
}

/// Runs storage calls; a panic in there (redb meeting a zeroed page, say) becomes an error.
pub(super) fn guarded<T, E: From<redb::Error>>(
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let seen = panic.downcast_ref::<String>().map(String::as_str);
        let seen = seen.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
        Err(redb::Error::Corrupted(format!("panic in the storage: {seen}")).into())
    })
}

/// The modes of the two sides have to agree, so both ask here.
pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
    builder
}

fn open_database(
    backend: impl StorageBackend,
    settings: &Settings,
    repaired_at_once: u64,
) -> Result<Database, Trouble> {
    let length = backend.len()?;
    let unfinished = is_unfinished(&backend)?;
    let mut builder = match settings.sharing {
        Sharing::Live => builder(),
        Sharing::Exclusive => Builder::new(),
    };
    let database = builder
        .set_cache_size(settings.cache)
        .set_repair_callback(move |session| {
            if length > repaired_at_once {
                session.abort();
            }
        })
        .create_with_backend(backend);
    database.map_err(|error| match error.into() {
        Trouble::NotOurs(_) if unfinished => Trouble::Damaged("never finished".into()),
        trouble => trouble,
    })
}

/// Was its making broken off, by a power cut or a kill? redb writes its mark last, and nothing
/// past the first sector before. Such a file is nobody's, and must not keep its place.
fn is_unfinished(backend: &impl StorageBackend) -> std::io::Result<bool> {
    let length = backend.len()?;
    let mut mark = vec![0; length.min(MARK) as usize];
    backend.read(0, &mut mark)?;
    if length == 0 || length > NEW_FILE_MAX || mark.iter().any(|&byte| byte != 0) {
        return Ok(false);
    }
    let mut rest = vec![0; length.saturating_sub(SECTOR) as usize];
    backend.read(SECTOR.min(length), &mut rest)?;
    Ok(rest.iter().all(|&byte| byte == 0))
}

/// Opening for writing would leave its mark in a file that is to be left alone.
pub(super) fn refuse_newer(path: &Path) -> Result<(), Trouble> {
    match reader::peek_version(path) {
        Ok(version) => Ok(migrations::check(version)?),
        Err(_) => Ok(()),
    }
}

fn migrate(db: &Database) -> Result<(), Trouble> {
    let version = migrations::version_of(&db.begin_read().map_err(redb::Error::from)?)?;
    Ok(migrations::run(version, || begin_write(db))?)
}

/// Copies of pages are nobody else's business: a new file is the owner's alone from its first
/// moment, not from a `chmod` afterwards.
fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn restrict(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = std::fs::metadata(path)?.permissions();
    if permissions.mode() & 0o777 != 0o600 {
        permissions.set_mode(0o600);
        std::fs::set_permissions(path, permissions)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn restrict(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

// redb keeps the names of these types in the file: byte arrays and `&str` only, numbers inside
// them big-endian, so that the order of keys is the order of numbers.
pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta.v1");
/// Entry id to header row.
pub(super) const ENTRIES: TableDefinition<&[u8; 16], &[u8]> = TableDefinition::new("entries.v1");
/// Body id (u64) and chunk number (u32) to at most 65,516 bytes.
pub(super) const BODIES: TableDefinition<&[u8; 12], &[u8]> = TableDefinition::new("bodies.v1");
/// Hour of expiry (u32, since 1970) and entry id to nothing.
pub(super) const EXPIRY: TableDefinition<&[u8; 20], &[u8]> = TableDefinition::new("expiry.v1");
/// Name to state and counts.
pub(super) const BREAKERS: TableDefinition<&str, &[u8]> = TableDefinition::new("breakers.v1");

/// Bytes that redb begins its files with.
const MARK: u64 = 9;
const SECTOR: u64 = 512;
/// Bytes; redb's new file has one MiB and some.
const NEW_FILE_MAX: u64 = 8 * 1024 * 1024;
/// A repair of this many bytes takes some 15 ms, so that a first start that was killed before its
/// first commit leaves nothing behind that would have to be moved away by hand.
const REPAIRED_AT_ONCE: u64 = 8 * 1024 * 1024;
