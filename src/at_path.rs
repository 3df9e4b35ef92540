//! A unix socket at a path: for visitors, and for the operator. What a crash left there is replaced;
//! what answers, or is no socket, is left alone.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::time::timeout;

/// A socket at a path. Taken away when dropped.
pub struct AtPath {
    listener: UnixListener,
    made: Made,
}

/// What was made at a path. Taken away when dropped, unless somebody has put something else in its
/// place.
struct Made {
    path: PathBuf,
    /// Its device and number.
    number: (u64, u64),
}

impl AtPath {
    /// Who may connect is who may write to the file: `mode` says who. It is set before the path leads to
    /// the socket where the system knows that (only Linux does), and in any case after, for the first is
    /// cut down by the umask. `backlog` may wait to be accepted.
    ///
    /// # Errors
    /// Somebody answers there, it is no socket, or this process may not.
    pub async fn bind(path: &Path, mode: u32, backlog: u32) -> io::Result<Self> {
        make_room(path).await?;
        let socket = UnixSocket::new_stream()?;
        #[cfg(target_os = "linux")]
        rustix::fs::fchmod(&socket, rustix::fs::Mode::from_raw_mode(mode))?;
        socket.bind(path)?;
        let made = Made { path: path.to_owned(), number: number(path)? };
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        Ok(Self { listener: socket.listen(backlog)?, made })
    }

    /// The next connection.
    ///
    /// # Errors
    /// Out of file descriptors, most likely.
    pub async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.made.path
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if number(&self.path).is_ok_and(|there| there == self.number) {
            // Somebody may have tidied up just now.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Takes away the socket that a crash left at `path`, and nothing else.
async fn make_room(path: &Path) -> io::Result<()> {
    let asked = timeout(LONGEST_ASKING, UnixStream::connect(path)).await;
    match asked.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            if fs::symlink_metadata(path)?.file_type().is_socket() {
                return fs::remove_file(path);
            }
            Err(io::Error::new(ErrorKind::AlreadyExists, "there is something else: move it aside"))
        }
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::new(ErrorKind::AddrInUse, "another process answers there")),
    }
}

fn number(path: &Path) -> io::Result<(u64, u64)> {
    let there = fs::symlink_metadata(path)?;
    Ok((there.dev(), there.ino()))
}

/// For who answers at all.
const LONGEST_ASKING: Duration = Duration::from_secs(1);
