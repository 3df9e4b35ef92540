//! RETTER's end of the socket beside the file: what an operator can have done while it runs.
//!
//! Only the RETTER that writes the file has it; one that waits for the file makes it when the file is
//! its own. It is its owner's alone from its first moment, and who connects must be the owner or
//! root. What a crash left behind is replaced, what answers is not. If it cannot be made, a log line
//! says so and RETTER serves on.
//!
//! Everything is bounded: conversations, the length of a request, the time for it. See
//! [`crate::control`] for what is said, and [`verbs`] for what can be asked.

mod breaker;
mod conversation;
mod verbs;

use crate::control;
use crate::proxy::Proxy;
use crate::store::Store;
use conversation::serve;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::warn;

/// The socket, while RETTER runs.
pub struct Socket {
    path: PathBuf,
    listens: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

/// What can be done through it, and to whom.
#[derive(Clone)]
struct Levers {
    store: Store,
    proxy: Arc<Proxy>,
}

impl Socket {
    /// Makes it in the background, as soon as the file is this RETTER's.
    pub fn open(file: &Path, store: Store, proxy: Arc<Proxy>) -> Self {
        let path = control::socket_beside(file);
        let listens = Arc::new(AtomicBool::new(false));
        let levers = Levers { store, proxy };
        let task = tokio::spawn(listen(path.clone(), levers, listens.clone()));
        Self { path, listens, task }
    }

    /// Takes it away; before the file is given up, so that a successor's is left alone. What was
    /// asked and is under way goes on.
    pub async fn close(self) {
        self.task.abort();
        let _ = self.task.await;
        if self.listens.load(Ordering::Acquire) {
            // Somebody may have tidied up.
            let _ = fs::remove_file(&self.path);
        }
    }
}

async fn listen(path: PathBuf, levers: Levers, listens: Arc<AtomicBool>) {
    let room = Arc::new(Semaphore::new(CONVERSATIONS));
    let mut said = false;
    loop {
        // Who writes the file has the socket.
        while !levers.store.is_writer() {
            sleep(SHORTLY).await;
        }
        match bind(&path, &listens).await {
            Ok(listener) => {
                said = false;
                answer(&listener, &levers, &room).await;
                if listens.swap(false, Ordering::AcqRel) {
                    // Somebody may have tidied up.
                    let _ = fs::remove_file(&path);
                }
            }
            Err(error) if !said => {
                said = true;
                warn!(socket = %path.display(), %error, "no socket yet: without it `retter-db purge` works only while RETTER does not run, and `retter ctl` not at all");
            }
            Err(_) => {}
        }
        sleep(SHORTLY).await;
    }
}

/// As long as the file is this RETTER's.
async fn answer(listener: &UnixListener, levers: &Levers, room: &Arc<Semaphore>) {
    while levers.store.is_writer() {
        match timeout(SHORTLY, listener.accept()).await {
            Ok(Ok((stream, _))) => {
                // Here, so that who came first has the place.
                let place = room.clone().try_acquire_owned().ok();
                tokio::spawn(serve(stream, levers.clone(), place));
            }
            // Out of file descriptors, most likely.
            Ok(Err(_)) => sleep(SHORTLY).await,
            Err(_) => {}
        }
    }
}

/// The mode is set before the path leads to the socket. Where the system does not know that (only
/// Linux does), it is set at once after, and who connects in between is asked who he is.
async fn bind(path: &Path, listens: &AtomicBool) -> io::Result<UnixListener> {
    make_room(path).await?;
    let socket = UnixSocket::new_stream()?;
    #[cfg(target_os = "linux")]
    rustix::fs::fchmod(&socket, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
    socket.bind(path)?;
    listens.store(true, Ordering::Release);
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    socket.listen(CONVERSATIONS as u32)
}

/// Takes away the socket that a crash left at `path`, and nothing else.
///
/// # Errors
/// Somebody answers there, or it is no socket.
pub async fn make_room(path: &Path) -> io::Result<()> {
    let asked = timeout(SHORTLY, UnixStream::connect(path)).await;
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

/// At one time.
const CONVERSATIONS: usize = 8;
/// For what should take no time, and between two looks at a file that another has.
const SHORTLY: Duration = Duration::from_secs(1);
