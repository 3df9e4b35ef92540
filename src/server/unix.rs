//! Listening at a path. What a crash left there is replaced; what answers, or is no socket, is
//! left alone.

use crate::admin;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixSocket};

/// A socket at a path. Taken away when dropped.
pub struct AtPath {
    pub(super) listener: UnixListener,
    path: PathBuf,
    /// Device and number of what was made there: somebody may have put something else in its place.
    made: (u64, u64),
}

impl AtPath {
    /// Who may connect is who may write to the file: its owner and group. The mode is set before
    /// the path leads to the socket where the system knows that (only Linux does), and in any case
    /// after, for the first is cut down by the umask.
    pub(super) async fn bind(path: &Path) -> io::Result<Self> {
        admin::make_room(path).await?;
        let socket = UnixSocket::new_stream()?;
        #[cfg(target_os = "linux")]
        rustix::fs::fchmod(&socket, rustix::fs::Mode::from_raw_mode(MODE))?;
        socket.bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(MODE))?;
        let listener = socket.listen(BACKLOG)?;
        Ok(Self { listener, path: path.to_owned(), made: number(path)? })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for AtPath {
    fn drop(&mut self) {
        if number(&self.path).is_ok_and(|there| there == self.made) {
            // Somebody may have tidied up just now.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn number(path: &Path) -> io::Result<(u64, u64)> {
    let there = fs::symlink_metadata(path)?;
    Ok((there.dev(), there.ino()))
}

/// Owner and group.
const MODE: u32 = 0o660;
/// As for TCP in the standard library and tokio.
const BACKLOG: u32 = 1024;
