//! What a running RETTER and its operator's tools say to each other, over a unix socket beside the
//! file.
//!
//! One JSON object a line, with the protocol's version as `v`. A request names its `verb`, and has
//! what the verb needs beside it. The answer is any number of lines with `progress`, about one a
//! second, then one with `done` or with `error` in words. One request a connection.
//!
//! It is a file's socket, not a port's: whoever may read the file may ask, and nobody else. The tool
//! asks in a plain blocking way; RETTER's side is in `admin`.

use serde::Serialize;
use serde_json::{Map, Value, json};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No socket, or one that was left behind.
    #[error("no RETTER answers there")]
    Nobody,
    /// In the words of the RETTER that was asked.
    #[error("{0}")]
    Refused(String),
    #[error("it does not answer as RETTER does: {0}")]
    Odd(String),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Where the RETTER that writes this file listens: its path with `.sock` behind it.
pub fn socket_beside(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".sock");
    path.into()
}

/// Asks and waits for the end of the answer, as long as there is progress; the value of `done`.
/// Blocks.
pub fn ask(socket: &Path, verb: &str, what: &impl Serialize) -> Result<Value, AskError> {
    let mut stream = UnixStream::connect(socket).map_err(|error| match error.kind() {
        // Too long a path for a socket: then nobody listens there either.
        ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::InvalidInput => {
            AskError::Nobody
        }
        _ => AskError::Io(error),
    })?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    stream.write_all(&line(request(verb, what)?))?;
    let mut answers = BufReader::new(stream);
    loop {
        let mut answer = next(&mut answers)?;
        if let Some(error) = answer["error"].as_str() {
            return Err(AskError::Refused(error.to_owned()));
        }
        if answer["done"].is_object() {
            return Ok(answer["done"].take());
        }
    }
}

/// An object as it goes over the socket: with version and line end.
pub fn line(mut object: Map<String, Value>) -> Vec<u8> {
    object.insert("v".to_owned(), VERSION.into());
    let mut line = Value::Object(object).to_string().into_bytes();
    line.push(b'\n');
    line
}

fn request(verb: &str, what: &impl Serialize) -> Result<Map<String, Value>, AskError> {
    match serde_json::to_value(what) {
        Ok(Value::Object(mut request)) => {
            request.insert("verb".to_owned(), json!(verb));
            Ok(request)
        }
        _ => Err(AskError::Odd(format!("{verb} was not asked with an object"))),
    }
}

fn next(answers: &mut impl BufRead) -> Result<Value, AskError> {
    let mut text = Vec::new();
    answers.take(LINE_MAX as u64).read_until(b'\n', &mut text)?;
    let answer: Value = serde_json::from_slice(&text)
        .map_err(|_| AskError::Odd("the answer ended before its end".to_owned()))?;
    if answer["v"] != VERSION {
        return Err(AskError::Odd(format!("protocol version {}, not {VERSION}", answer["v"])));
    }
    Ok(answer)
}

/// Of what is said here. A verb or a name more is no new version; another meaning is.
pub const VERSION: u64 = 1;
/// The longest line, bytes.
pub const LINE_MAX: usize = 64 * 1024;
/// RETTER says something every second.
const SILENCE: Duration = Duration::from_secs(30);
