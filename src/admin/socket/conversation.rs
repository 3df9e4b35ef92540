//! One conversation: a request, the progress of what it asks for, the answer.

use super::{CONVERSATIONS, Levers, SHORTLY, verbs};
use crate::control::{self, LINE_MAX};
use rustix::process::geteuid;
use serde_json::{Map, Value};
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, sink};
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{interval, timeout};
use tracing::info;

/// Without a place among the eight it is refused.
pub(super) async fn serve(stream: UnixStream, levers: Levers, place: Option<OwnedSemaphorePermit>) {
    let mut stream = BufReader::new(stream);
    let said = match &place {
        Some(_) => converse(&mut stream, levers).await,
        None => say_error(&mut stream, &format!("{CONVERSATIONS} others ask: try again")).await,
    };
    // Before the stream: who sees its end finds the place free. Who asked may have left.
    drop((place, said));
}

async fn converse(stream: &mut BufReader<UnixStream>, levers: Levers) -> io::Result<()> {
    let request = match request(stream).await {
        Ok(request) => request,
        Err(error) => return say_error(stream, &error).await,
    };
    let (tell, progress) = watch::channel(Value::Null);
    let mut work = tokio::spawn(verbs::run(request, levers, tell));
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
    say(stream, "error", error.into()).await?;
    stream.shutdown().await?;
    // Closed over bytes that nobody has read, the socket would take the answer back.
    let mut rest = stream.take(REST_MAX);
    let drained = timeout(SHORTLY, tokio::io::copy(&mut rest, &mut sink())).await;
    drained.unwrap_or(Ok(0)).map(|_| ())
}

async fn say(stream: &mut BufReader<UnixStream>, name: &str, value: Value) -> io::Result<()> {
    let line = control::line(Map::from_iter([(name.to_owned(), value)]));
    let sent = timeout(REQUEST_TIME, stream.write_all(&line)).await;
    sent.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

/// For a request to come, and for an answer to be taken.
const REQUEST_TIME: Duration = Duration::from_secs(10);
/// Of a request that was refused, read and thrown away; bytes.
const REST_MAX: u64 = 1024 * 1024;
/// Between two lines of progress.
const TICK: Duration = Duration::from_secs(1);
