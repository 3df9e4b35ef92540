//! A file that cannot be used is set aside, never deleted: beside its old place, one of each kind.

use super::trouble::Trouble;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Where a file is set aside that was not closed and could not be opened without reading all of it;
/// its copies are brought back from there.
pub(super) fn unrepaired(path: &Path) -> PathBuf {
    beside(path, ".unrepaired")
}

/// Where a damaged file is set aside, for somebody who wants to look at it.
pub(super) fn damaged(path: &Path) -> PathBuf {
    beside(path, ".damaged")
}

/// Moves the file to where its trouble sends it; `None`: it is not one to be set aside for. Copies
/// that are still to be brought back are not written over.
pub(super) fn put(path: &Path, trouble: &Trouble) -> Option<io::Result<PathBuf>> {
    let aside = match trouble {
        Trouble::NeedsRepair if !unrepaired(path).exists() => unrepaired(path),
        Trouble::NeedsRepair | Trouble::Damaged(_) => damaged(path),
        _ => return None,
    };
    Some(std::fs::rename(path, &aside).map(|()| aside))
}

/// Which file is there: another one under the same name is another file.
#[cfg(unix)]
pub(super) fn place_of(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(not(unix))]
pub(super) fn place_of(path: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(path).and_then(|file| file.created()).ok()
}

/// `retter.redb` and an ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
