//! What `retter ctl` asks a running RETTER, and prints of its answer.
//!
//! It knows nothing itself: what is said is what the RETTER says that writes the file. One that
//! still waits for the file has no socket and cannot be asked.
//!
//! | name | of `status`, one object (`"kind": "status"`) |
//! |---|---|
//! | `retter`, `pid` | text, number: version and process of who answers |
//! | `mode` | `mode`: `auto`, `open`, `closed` or `dry`; `for_seconds`: how long still, null: until another order; `then`: what holds after it, null: as before |
//! | `circuit` | text: what `X-Circuit` says of a page without a breaker of its own |
//! | `application` | its breaker, by its own judgement: `state`; `open_for_seconds`: how long still, null: not open; `failures`, `slow`, `total`: what is counted in its window; `consecutive`: failures in a row |
//! | `paths` | breakers of single paths: `known`, `open`, `half_open`: how many; `names`: a few of those that are not closed |
//! | `served` | answers since the start, by `X-Retter` |
//! | `store` | `copies`: how many; `trouble`: why the file is not written, null: it is; `remedy`: what can be done about it |
//!
//! | name | of a change, one object (`"kind": "mode"`) |
//! |---|---|
//! | `was`, `is` | as `mode` above |
//! | `circuit` | as above, after the change |

mod text;

use super::json;
use crate::breaker::Mode;
use crate::control::{self, AskError};
use crate::units;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To know.
    Status,
    /// Another mode.
    Mode(Mode),
}

/// Why nothing was done or said.
#[derive(Debug, thiserror::Error)]
pub enum CtlError {
    #[error(
        "no RETTER answers at {}: it does not run, has another store.path, or waits for the file of \
         another one; its log says so",
        .0.display()
    )]
    Nobody(PathBuf),
    #[error("at {}: {error}", .socket.display())]
    Asked { socket: PathBuf, error: AskError },
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
}

impl Wish {
    /// # Errors
    /// Which words there are.
    pub fn parse(word: &str) -> Result<Self, String> {
        match Mode::named(word) {
            Some(mode) => Ok(Self::Mode(mode)),
            None if word == "status" => Ok(Self::Status),
            None => Err(format!("there are status, {}", Mode::ALL.map(Mode::as_str).join(", "))),
        }
    }
}

/// How long a mode is to hold, in the words of a setting.
///
/// # Errors
/// Why it is no time.
pub fn time(words: &str) -> Result<Duration, String> {
    units::some_time(words).map_err(|wrong| wrong.to_string())
}

/// Asks the RETTER that writes `file`. A reader who has seen enough is no error. Blocks.
pub fn run(
    file: &Path,
    wish: Wish,
    time: Option<Duration>,
    as_json: bool,
    out: &mut impl Write,
) -> Result<(), CtlError> {
    let (kind, mut answer) = match wish {
        Wish::Status => ("status", ask(file, "status", &json!({}))?),
        Wish::Mode(mode) => ("mode", ask(file, "mode", &Order::new(mode, time))?),
    };
    let printed = if as_json {
        answer["kind"] = kind.into();
        json::print(&answer, out)
    } else {
        out.write_all(text::of(wish, &answer).as_bytes())
    };
    match printed.and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[derive(Serialize)]
struct Order {
    mode: &'static str,
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    time: Option<String>,
}

impl Order {
    fn new(mode: Mode, time: Option<Duration>) -> Self {
        Self { mode: mode.as_str(), time: time.map(units::duration_words) }
    }
}

fn ask(file: &Path, verb: &str, what: &impl Serialize) -> Result<Value, CtlError> {
    let socket = control::socket_beside(file);
    control::ask(&socket, verb, what).map_err(|error| match error {
        AskError::Nobody => CtlError::Nobody(socket),
        error => CtlError::Asked { socket, error },
    })
}
