//! Throwing copies away: by the RETTER that runs, or by this process if none does.

use super::{Format, InspectError, json, while_read};
use crate::clock::UnixMillis;
use crate::control::{self, AskError};
use crate::store::select::Words;
use crate::store::{Trouble, purge_closed};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Purges what the words mean, and says how much it was; the number of copies.
pub fn purge(
    file: &Path,
    words: &Words,
    format: Format,
    now: UnixMillis,
    out: &mut impl Write,
) -> Result<u64, InspectError> {
    let started = Instant::now();
    let figures = loop {
        match purge_once(file, words, now) {
            // It may just be starting, or stopping.
            Err(InspectError::Silent { .. }) if started.elapsed() < CHANGE_OVER => sleep(AGAIN),
            figures => break figures?,
        }
    };
    while_read(figures.print(words, format, out).map_err(InspectError::from))?;
    Ok(figures.copies)
}

fn purge_once(file: &Path, words: &Words, now: UnixMillis) -> Result<Figures, InspectError> {
    let purge = words.read()?;
    let socket = control::socket_beside(file);
    let done = match control::ask(&socket, "purge", words) {
        Ok(done) => serde_json::from_value(done).map_err(|odd| AskError::Odd(odd.to_string())),
        Err(AskError::Nobody) => match purge_closed(file, &purge, now) {
            Ok(purged) => Ok(Figures { copies: purged.copies, bytes: purged.bytes }),
            Err(Trouble::Locked) => {
                return Err(InspectError::Silent { file: file.to_owned(), socket });
            }
            Err(trouble) => return Err(InspectError::of(file)(trouble)),
        },
        Err(error) => Err(error),
    };
    done.map_err(|error| InspectError::Asked { socket, error })
}

#[derive(Clone, Copy, Deserialize)]
struct Figures {
    copies: u64,
    bytes: u64,
}

/// What `--json` prints. The names are written down in [`super`].
#[derive(Serialize)]
struct Object {
    kind: &'static str,
    copies: u64,
    bytes: u64,
    hard: bool,
    dry_run: bool,
}

impl Figures {
    fn print(self, words: &Words, format: Format, out: &mut impl Write) -> io::Result<()> {
        let Self { copies, bytes } = self;
        let Words { hard, dry_run, .. } = *words;
        match format {
            Format::Json => {
                json::print(&Object { kind: "purged", copies, bytes, hard, dry_run }, out)?
            }
            Format::Text => writeln!(out, "{}", self.text(hard, dry_run))?,
        }
        out.flush()
    }

    fn text(self, hard: bool, dry_run: bool) -> String {
        let Self { copies, bytes } = self;
        if copies == 0 {
            return "no copy matches: nothing to do".to_owned();
        }
        let copies = if copies == 1 { "1 copy".to_owned() } else { format!("{copies} copies") };
        let done = match (hard, dry_run) {
            (true, true) => "would be removed",
            (true, false) => "removed",
            (false, true) => "would be kept for an outage only",
            (false, false) => "kept for an outage only",
        };
        format!("{copies}, {bytes} bytes: {done}")
    }
}

/// Time for a RETTER that has the file to make its socket, or to leave the file.
const CHANGE_OVER: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_millis(50);
