//! A packed copy beside the file, and how it takes the file's place.

use super::super::aside;
use super::super::file::{BODIES, BREAKERS, ENTRIES, EXPIRY, builder, guarded};
use super::super::space::{self, LEFT_TO_OTHERS};
use super::super::trouble::Trouble;
use super::{CACHE, Compacted, Packing, UpkeepError, refused};
use redb::{Database, ReadableDatabase, ReadableTableMetadata, TableError};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// Whoever calls this keeps others from writing the file.
pub(super) fn pack(
    file: &Path,
    progress: &mut dyn FnMut(Packing),
) -> Result<Compacted, UpkeepError> {
    let copy = aside::beside(file, ".compact");
    let refused_copy = |error| UpkeepError::Copy { file: file.to_owned(), error };
    remove_left_over(&copy).map_err(refused_copy)?;
    let before = fs::metadata(file).map_err(refused_copy)?.len();
    see_to_room(file, before)?;
    let packed = duplicate(file, &copy, progress).map_err(refused_copy).and_then(|()| {
        progress(Packing::Packing);
        guarded(|| pack_copy(&copy)).map_err(|trouble| refused(file, trouble))?;
        put_in_place(&copy, file).map_err(refused_copy)
    });
    if packed.is_err() {
        // It is the first error that counts, and the next run removes it as well.
        let _ = fs::remove_file(&copy);
    }
    packed.map(|after| Compacted { before, after })
}

fn remove_left_over(copy: &Path) -> io::Result<()> {
    match fs::remove_file(copy) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The disk belongs to the application's database: it is not filled to the brim for this.
fn see_to_room(file: &Path, length: u64) -> Result<(), UpkeepError> {
    let needed = length.saturating_add(LEFT_TO_OTHERS);
    match space::free(file.parent().unwrap_or(Path::new("/"))) {
        Some(free) if free < needed => {
            Err(UpkeepError::NoRoom { file: file.to_owned(), needed, free })
        }
        // What cannot be asked shows when it is written.
        _ => Ok(()),
    }
}

/// Readable for those who could read the file, and for nobody else at any moment.
fn duplicate(file: &Path, copy: &Path, progress: &mut dyn FnMut(Packing)) -> io::Result<()> {
    let (from, mut to) = (File::open(file)?, create_private(copy)?);
    let like = from.metadata()?;
    keep_owner(&like, &to)?;
    to.set_permissions(like.permissions())?;
    let (mut done, of) = (0, like.len());
    loop {
        progress(Packing::Copying { done, of });
        match io::copy(&mut (&from).take(AT_ONCE), &mut to)? {
            0 => return Ok(()),
            some => done += some,
        }
    }
}

fn create_private(copy: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(copy)
}

/// An operator who is root must not take the file away from RETTER's own user.
#[cfg(unix)]
fn keep_owner(like: &fs::Metadata, copy: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let own = copy.metadata()?;
    if (own.uid(), own.gid()) == (like.uid(), like.gid()) {
        return Ok(());
    }
    fchown(copy, Some(like.uid()), Some(like.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_like: &fs::Metadata, _copy: &File) -> io::Result<()> {
    Ok(())
}

fn pack_copy(copy: &Path) -> Result<(), Trouble> {
    let mut db = builder().set_cache_size(CACHE).open(copy)?;
    let before = rows(&db)?;
    db.compact().map_err(redb::Error::from)?;
    if rows(&db)? != before {
        return Err(Trouble::Damaged("rows were lost in packing".to_owned()));
    }
    Ok(db.close()?)
}

/// Rows of the tables, none in a file that has no tables yet.
fn rows(db: &Database) -> Result<[u64; 4], redb::Error> {
    let read = db.begin_read()?;
    let entries = match read.open_table(ENTRIES) {
        Err(TableError::TableDoesNotExist(_)) => return Ok([0; 4]),
        table => table?.len()?,
    };
    Ok([
        entries,
        read.open_table(BODIES)?.len()?,
        read.open_table(EXPIRY)?.len()?,
        read.open_table(BREAKERS)?.len()?,
    ])
}

/// On the disk first, in its place then, and the new name on the disk last. Its length.
fn put_in_place(copy: &Path, file: &Path) -> io::Result<u64> {
    let packed = File::open(copy)?;
    packed.sync_all()?;
    fs::rename(copy, file)?;
    if let Some(folder) = file.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(packed.metadata()?.len())
}

/// Copied between two words about it, bytes.
const AT_ONCE: u64 = 32 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_does_not_fit_is_not_begun() {
        let file = std::env::temp_dir().join("retter.redb");
        assert!(see_to_room(&file, 1).is_ok());
        let refused = see_to_room(&file, u64::MAX).unwrap_err();
        assert!(matches!(refused, UpkeepError::NoRoom { .. }), "{refused}");
        assert!(refused.to_string().contains("free"), "{refused}");
    }
}
