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

/// Moves the file to where its trouble sends it; `None`: it is not one to be set aside for.
pub(super) fn put(path: &Path, trouble: &Trouble) -> Option<io::Result<PathBuf>> {
    let aside = match trouble {
        Trouble::NeedsRepair => unrepaired(path),
        Trouble::Damaged(_) => damaged(path),
        _ => return None,
    };
    Some(std::fs::rename(path, &aside).map(|()| aside))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
