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

use crate::at_path::AtPath;
use crate::control;
use crate::proxy::Proxy;
use crate::store::Store;
use conversation::serve;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::warn;

/// The socket, while RETTER runs.
pub struct Socket {
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
        Self { task: tokio::spawn(listen(path, Levers { store, proxy })) }
    }

    /// Takes it away; before the file is given up, so that a successor's is left alone. What was
    /// asked and is under way goes on.
    pub async fn close(self) {
        self.task.abort();
        // With what it holds, the socket among it.
        let _ = self.task.await;
    }
}

async fn listen(path: PathBuf, levers: Levers) {
    let room = Arc::new(Semaphore::new(CONVERSATIONS));
    let mut said = false;
    loop {
        // Who writes the file has the socket.
        while !levers.store.is_writer() {
            sleep(SHORTLY).await;
        }
        match AtPath::bind(&path, OWNER, CONVERSATIONS as u32).await {
            Ok(listener) => {
                said = false;
                answer(&listener, &levers, &room).await;
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
async fn answer(listener: &AtPath, levers: &Levers, room: &Arc<Semaphore>) {
    while levers.store.is_writer() {
        match timeout(SHORTLY, listener.accept()).await {
            Ok(Ok(stream)) => {
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

/// Who may connect; and who does is asked who he is.
const OWNER: u32 = 0o600;
/// At one time.
const CONVERSATIONS: usize = 8;
/// For what should take no time, and between two looks at a file that another has.
const SHORTLY: Duration = Duration::from_secs(1);
