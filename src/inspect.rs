//! What `retter-db` prints.
//!
//! One line a copy, its fields apart by tabs (an address has no tab, a time has spaces), so that
//! `cut`, `sort` and `awk` can take it from there. What a visitor wrote is printed without
//! control characters: a terminal obeys those.

use crate::clock::UnixMillis;
use crate::store::Trouble;
use crate::store::reader::{Reader, Row, Unreadable};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why nothing, or not everything, was printed.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    #[error("{file} is {trouble}: {}", .trouble.remedy())]
    File { file: PathBuf, trouble: Trouble },
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
}

/// Lists every copy; the number of lines. Whoever reads them may stop at any time (`head`).
pub fn dump(path: &Path, now: UnixMillis, out: &mut impl Write) -> Result<u64, InspectError> {
    let trouble = |trouble| InspectError::File { file: path.to_owned(), trouble };
    let mut reader = Reader::open(path).map_err(trouble)?;
    let mut lines = 0;
    loop {
        let rows = reader.rows().map_err(trouble)?;
        if rows.is_empty() {
            break;
        }
        lines += rows.len() as u64;
        if !still_read(print(&rows, now, out))? {
            return Ok(lines);
        }
    }
    still_read(out.flush())?;
    Ok(lines)
}

/// False when the pipe was closed at the other end, which is nobody's fault.
fn still_read(printed: io::Result<()>) -> io::Result<bool> {
    match printed {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        printed => printed.map(|()| true),
    }
}

fn print(
    rows: &[Result<Row, Unreadable>],
    now: UnixMillis,
    out: &mut impl Write,
) -> io::Result<()> {
    rows.iter().try_for_each(|row| match row {
        Ok(row) => writeln!(out, "{}", line(row, now)),
        Err(row) => writeln!(out, "{}\tunreadable: {}", hex(&row.id.0), row.reason),
    })
}

/// Address, identity, status, age, expiry, bytes stored/raw, encoding, why stored.
fn line(row: &Row, now: UnixMillis) -> String {
    let identity = row.identity.map_or_else(|| "-".to_owned(), |tag| hex(&tag[..8]));
    [
        printable(&row.place.to_string()),
        identity,
        row.status.to_string(),
        format!("age {}", words(now.since(row.stored_at))),
        expiry(row, now),
        format!("{}/{}", row.stored_bytes, row.raw_bytes),
        encoding(row),
        row.why.as_str().to_owned(),
    ]
    .join("\t")
}

fn expiry(row: &Row, now: UnixMillis) -> String {
    if row.expires_at <= now {
        return "expired".to_owned();
    }
    format!("expires in {}", words(row.expires_at.since(now)))
}

/// The application's own coding, then what was done to it at rest.
fn encoding(row: &Row) -> String {
    let coding = printable(&row.content_encoding);
    let parts = [
        if coding.is_empty() { "identity" } else { coding.as_str() },
        if row.packed { "+zstd" } else { "" },
        if row.sealed { "+sealed" } else { "" },
    ];
    parts.concat()
}

/// The two largest units of a duration: `6d 23h`, `3m 5s`, `0s`.
fn words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = UNITS.iter().map(|(name, size)| (name, seconds / size % limit_of(*size)));
    let mut shown = units.skip_while(|(_, count)| *count == 0).take(2);
    let words: Vec<String> = shown
        .by_ref()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count}{name}"))
        .collect();
    if words.is_empty() { "0s".to_owned() } else { words.join(" ") }
}

/// How many of a unit make the next larger one.
fn limit_of(size: u64) -> u64 {
    match size {
        1 | 60 => 60,
        3_600 => 24,
        _ => u64::MAX,
    }
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == ' ' { '\u{fffd}' } else { c }).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Name and seconds, largest first.
const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

#[cfg(test)]
mod tests;
