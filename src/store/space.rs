//! Room on the disk. A commit that meets the end of it costs the handle, reads included, so it is
//! looked for before; and the application's database shall not be the one that finds it full.

use rustix::fs::statvfs;
use std::path::Path;

/// True if this many bytes more leave some room to others. A system that does not tell is believed
/// to have room: the commit will say.
pub(super) fn is_there(path: &Path, bytes: u64) -> bool {
    free(path).is_none_or(|free| free >= bytes.saturating_add(LEFT_TO_OTHERS))
}

/// Bytes that may be written where this file or folder is; `None`: the system does not tell.
pub(super) fn free(path: &Path) -> Option<u64> {
    statvfs(path).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Bytes.
pub(super) const LEFT_TO_OTHERS: u64 = 16 * 1024 * 1024;
