//! The file: opening it, and the one place where a write transaction begins.
//!
//! Every commit saves the allocator's state (quick repair), because one commit without it makes the
//! next start after a crash read the whole file: 30 s at 8 GB against 4 ms. Hence one function
//! that may call redb's `begin_write`. A panic inside a transaction spoils that as well, and a
//! damaged page makes redb panic: every call goes through [`guarded`], and after a fault the
//! handle is dropped and opened again.

use super::overlay::Overlay;
use super::trouble::Trouble;
use super::{Settings, Sharing, meta, reader};
use crate::migrations;
use redb::backends::FileBackend;
use redb::{
    Builder, ConcurrencyMode, Database, Durability, ReadableDatabase, TableDefinition,
    WriteTransaction,
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
        let db = open_database(settings, open_private(&settings.path)?)?;
        migrate(&db)?;
        restrict(&settings.path)?;
        let meta = meta::take_over(&db, application, fresh)?;
        Ok(Opened { db, meta })
    })
}

/// The file as it is on a disk that has no room for what opening it would write.
pub(super) fn open_frozen(path: &Path) -> Result<Database, Trouble> {
    guarded(|| {
        let overlay = Overlay::new(File::open(path)?)?;
        let mut builder = Builder::new();
        builder.set_repair_callback(redb::RepairSession::abort);
        Ok(builder.set_cache_size(FROZEN_CACHE).create_with_backend(overlay)?)
    })
}

/// Opens a file that is there already, for an operator's work on it, and brings it to the present
/// format. Whose it is stays as it is.
pub(super) fn open_present(settings: &Settings) -> Result<Opened, Trouble> {
    if !settings.path.exists() {
        return Err(Trouble::Missing);
    }
    refuse_newer(&settings.path)?;
    guarded(|| {
        let db = open_database(settings, open_private(&settings.path)?)?;
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

fn open_database(settings: &Settings, file: File) -> Result<Database, Trouble> {
    let length = file.metadata()?.len();
    let backend = FileBackend::new(file)?;
    let mut builder = match settings.sharing {
        Sharing::Live => builder(),
        Sharing::Exclusive => Builder::new(),
    };
    let database = builder
        .set_cache_size(settings.cache)
        .set_repair_callback(move |session| {
            if length > REPAIRED_AT_ONCE {
                session.abort();
            }
        })
        .create_with_backend(backend)?;
    Ok(database)
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

/// redb's cache over a frozen file, bytes.
const FROZEN_CACHE: usize = 16 * 1024 * 1024;
/// A repair of this many bytes takes some 15 ms, so that a first start that was killed before its
/// first commit leaves nothing behind that would have to be moved away by hand.
const REPAIRED_AT_ONCE: u64 = 8 * 1024 * 1024;
