//! Room on the disk. A commit that meets the end of it costs the handle, reads included, so it is
//! looked for before; and the application's database shall not be the one that finds it full.

use rustix::fs::statvfs;
use std::path::Path;

/// True if this many bytes more leave some room to others. A system that does not tell is believed
/// to have room: the commit will say.
pub(super) fn is_there(path: &Path, bytes: u64) -> bool {
    let Ok(disk) = statvfs(path) else { return true };
    disk.f_bavail.saturating_mul(disk.f_frsize) >= bytes.saturating_add(LEFT_TO_OTHERS)
}

/// Bytes.
const LEFT_TO_OTHERS: u64 = 16 * 1024 * 1024;
