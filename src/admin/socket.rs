//! RETTER's end of the socket beside the file: what an operator can have done while it runs.
//!
//! Only the RETTER that writes the file has it; one that waits for the file makes it when the file is
//! its own. It is its owner's alone from its first moment, and who connects must be the owner or
//! root. What a crash left behind is replaced, what answers is not. If it cannot be made, a log line
//! says so and RETTER serves on.
//!
//! Everything is bounded: conversations, the length of a request, the time for it. See
//! [`crate::control`] for what is said, and [`verbs`] for what can be asked.

mod verbs;

use crate::control::{self, LINE_MAX};
use crate::store::{Store, Trouble};
use rustix::process::geteuid;
use serde_json::{Map, Value};
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep, timeout};
use tracing::{info, warn};

/// The socket, while RETTER runs.
pub struct Socket {
    path: PathBuf,
    listens: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Socket {
    /// Makes it in the background, as soon as the file is this RETTER's.
    pub fn open(file: &Path, store: Store) -> Self {
        let path = control::socket_beside(file);
        let listens = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(listen(path.clone(), store, listens.clone()));
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

async fn listen(path: PathBuf, store: Store, listens: Arc<AtomicBool>) {
    // Another RETTER has the file, and its socket with it.
    while store.trouble() == Some(Trouble::Locked) {
        sleep(TAKE_OVER).await;
    }
    let listener = match bind(&path, &listens).await {
        Ok(listener) => listener,
        Err(error) => {
            warn!(socket = %path.display(), %error, "no socket: `retter-db purge` works only while RETTER does not run");
            return;
        }
    };
    let room = Arc::new(Semaphore::new(CONVERSATIONS));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, store.clone(), room.clone()));
            }
            // Out of file descriptors, most likely.
            Err(_) => sleep(TAKE_OVER).await,
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

/// Takes away what a crash left behind, and nothing else.
async fn make_room(path: &Path) -> io::Result<()> {
    let asked = timeout(TAKE_OVER, UnixStream::connect(path)).await;
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

async fn serve(stream: UnixStream, store: Store, room: Arc<Semaphore>) {
    let mut stream = BufReader::new(stream);
    let said = match room.try_acquire() {
        Ok(_place) => converse(&mut stream, store).await,
        Err(_) => say_error(&mut stream, &format!("{CONVERSATIONS} others ask: try again")).await,
    };
    // Who asked may have left.
    let _ = said;
}

async fn converse(stream: &mut BufReader<UnixStream>, store: Store) -> io::Result<()> {
    let request = match request(stream).await {
        Ok(request) => request,
        Err(error) => return say_error(stream, &error).await,
    };
    let (tell, progress) = watch::channel(Value::Null);
    let mut work = tokio::spawn(verbs::run(request, store, tell));
    let mut ticks = interval(TICK);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return match done.unwrap_or_else(|died| Err(died.to_string())) {
                Ok(done) => say(stream, "done", done).await,
                Err(error) => say_error(stream, &error).await,
            },
            _ = ticks.tick() => {
                let so_far = progress.borrow().clone();
                say(stream, "progress", so_far).await?;
            }
        }
    }
}

/// One line, in time, from somebody who may ask.
async fn request(stream: &mut BufReader<UnixStream>) -> Result<Vec<u8>, String> {
    let peer = stream.get_ref().peer_cred().map_err(|error| error.to_string())?;
    if ![0, geteuid().as_raw()].contains(&peer.uid()) {
        return Err("only RETTER's own user and root may ask".to_owned());
    }
    let mut line = Vec::new();
    let mut bounded = stream.take(LINE_MAX as u64);
    match timeout(REQUEST_TIME, bounded.read_until(b'\n', &mut line)).await {
        Err(_) => Err(format!("no request within {} seconds", REQUEST_TIME.as_secs())),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(_)) if line.ends_with(b"\n") => Ok(line),
        Ok(Ok(_)) if line.len() == LINE_MAX => {
            Err(format!("a request is at most {LINE_MAX} bytes long"))
        }
        Ok(Ok(_)) => Err("a request is one line, with its end".to_owned()),
    }
}

async fn say_error(stream: &mut BufReader<UnixStream>, error: &str) -> io::Result<()> {
    info!(error, "a request over the socket was refused");
    say(stream, "error", error.into()).await
}

async fn say(stream: &mut BufReader<UnixStream>, name: &str, value: Value) -> io::Result<()> {
    let line = control::line(Map::from_iter([(name.to_owned(), value)]));
    let sent = timeout(REQUEST_TIME, stream.write_all(&line)).await;
    sent.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

/// At one time.
const CONVERSATIONS: usize = 8;
/// For a request to come, and for an answer to be taken.
const REQUEST_TIME: Duration = Duration::from_secs(10);
/// Between two lines of progress.
const TICK: Duration = Duration::from_secs(1);
const TAKE_OVER: Duration = Duration::from_secs(1);
