//! What `retter-db` prints, and the one thing it changes: [`purge`]. What `retter ctl` says and does
//! is in [`ctl`].
//!
//! For people: one line a copy, its fields apart by tabs, so that `cut`, `sort` and `awk` can take
//! it from there, or one copy as the application sent it. What somebody else wrote (addresses,
//! headers) is printed with its control characters escaped: a terminal obeys those. Only a body
//! is printed as it is, and on a terminal only if it is text.
//!
//! For programs (`--json`): one object a line. Others parse it, so a name keeps its meaning; new
//! names may come.
//!
//! | name | of a copy (`"kind": "copy"`) |
//! |---|---|
//! | `id` | text: 32 hexadecimal digits |
//! | `address` | text: scheme, host, path and query together; no session id is in it |
//! | `scheme`, `host`, `path`, `query` | text: its parts; a query has its `?`, or is empty |
//! | `identity` | text: 32 hexadecimal digits that stand for the visitor; null: nobody's in particular |
//! | `sealed` | true: head and body are encrypted in the file |
//! | `status` | number: the application's |
//! | `stored_at` | number: milliseconds since 1970-01-01 UTC |
//! | `age_seconds` | number: full seconds since then |
//! | `expires_in_seconds` | number: seconds until `store.ttl` is over; 0 or less: it is |
//! | `bytes` | number: the body as the application sent it |
//! | `stored_bytes` | number: the body in the file |
//! | `encoding` | text: the application's `Content-Encoding`; `identity` for none |
//! | `packed` | true: zstd around it in the file |
//! | `content_type` | text; null: none, or sealed |
//! | `why` | text: why it may be kept, see [`crate::policy::Why`] |
//! | `purged` | true: kept for an outage only, not fresh whatever its age |
//!
//! | name | of a breaker (`"kind": "breaker"`), after the copies |
//! |---|---|
//! | `level` | `application` or `path` |
//! | `path` | text: which path; null: the application's |
//! | `state` | `CLOSED`, `OPEN` or `HALF-OPEN` when it was written |
//! | `failures`, `slow`, `total` | numbers: what a closed one has counted in its window |
//! | `open_until` | number: milliseconds since 1970-01-01 UTC; null: not open |
//! | `open_for_seconds` | number: how long it was opened for |
//! | `saved_at` | number: milliseconds since 1970-01-01 UTC |
//!
//! | name | of what was purged (`"kind": "purged"`), the one object of `purge` |
//! |---|---|
//! | `copies` | number: how many were meant |
//! | `bytes` | number: of their pages, as the application sent them |
//! | `hard` | true: removed; false: kept for an outage only |
//! | `dry_run` | true: nothing was changed |
//!
//! A breaker's row that cannot be read is `"kind": "unreadable-breaker"` with `name` and `reason`.
//! A copy's row that cannot be read is `"kind": "unreadable"` with `id` and `reason`. `show` adds to a
//! copy `headers` (pairs of name and value in their order; a value that is no UTF-8 has each byte as
//! the character of its number), `body`, and `body_encoding`: `utf-8`, or `base64` for a body that
//! is no UTF-8. All three are null for a sealed copy that was not opened, the latter two also when
//! only the head was asked for. `audit` adds `refused`: why the present settings would not keep it
//! ([`crate::policy::Objection`]); null: nothing that can be seen speaks against it.
//!
//! | name | of `stats`, one object (`"kind": "stats"`) |
//! |---|---|
//! | `file_bytes` | number: the file's size |
//! | `copies`, `bytes`, `stored_bytes` | numbers: how many, and their bodies as above |
//! | `unreadable`, `unreadable_breakers` | numbers: rows that cannot be read; not among the others |
//! | `expired` | number: copies whose `store.ttl` is over |
//! | `sealed`, `sealed_share` | numbers: how many copies, and which part of all, 0 to 1 |
//! | `age_seconds` | `youngest`, `p10`, `median`, `p90`, `p99`, `oldest`; those between are within 2 %; null: no copies |
//! | `hosts`, `statuses`, `whys` | lists, the largest first: `name`, `copies`, `bytes`, `stored_bytes` |
//! | `other_hosts` | `copies`, `bytes`, `stored_bytes` of the hosts met after the first 1,000 |
//! | `biggest`, `oldest` | lists of ten copies: by bytes in the file, by age |
//! | `breakers_not_closed` | list of breakers |
//! | `coverage` | how much of the traffic had a copy, as RETTER last wrote it; null: it has not: `taken_at` (milliseconds since 1970-01-01 UTC), `span_seconds`, `pages`, `copies`, `kept` and `refused` (pages by reason), `complete` (false: of the 10,000 pages asked for last only) |
//!
//! | name | of `verify`: a line for each flaw (`"kind": "damage"`), one at the end (`"kind": "verify"`) |
//! |---|---|
//! | `part` | what is damaged: `copy`, `expiry`, `breaker`, `meta`, `pages` |
//! | `name` | which one: an id, a breaker's name, a figure's, a table's |
//! | `reason` | text |
//! | `sound` | true: nothing is damaged |
//! | `damaged` | number: lines above |
//! | `copies`, `stored_bytes`, `breakers` | numbers: what was read |
//! | `orphans`, `orphan_bytes` | numbers: bodies that no copy names; no damage |
//! | `figures_compared` | false: the file's own figures were not held against its rows, because it is being written or rows are unreadable |

mod audit;
mod breaker;
pub mod ctl;
mod figures;
mod json;
mod line;
mod progress;
mod purge;
mod search;
mod show;
mod stats;
mod sums;
mod upkeep;
mod verify;
mod words;

pub use crate::store::select::Words;
pub use audit::{Rules, audit};
pub use progress::Progress;
pub use purge::purge;
pub use show::{Asked, show};
pub use stats::stats;
pub use upkeep::{compact, migrate};
pub use verify::verify;

use crate::clock::UnixMillis;
use crate::control::AskError;
use crate::store::Trouble;
use crate::store::reader::{Found, Reader, SessionError};
use crate::store::select::SelectError;
use crate::store::upkeep::UpkeepError;
use breaker::{BreakerLine, DamagedLine};
use line::{CopyLine, Printer};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Why nothing, or not everything, was printed.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    #[error("{} is {trouble}: {}", .file.display(), .trouble.remedy_for_tools())]
    File { file: PathBuf, trouble: Trouble },
    #[error(
        "{0} is no key: give an id (up to 32 hexadecimal digits, as many as make it the only \
         one), or an address as `retter-db dump` prints it"
    )]
    Key(String),
    #[error("--session: {0}")]
    Session(#[from] SessionError),
    #[error("{} has no copy {key}: `retter-db dump` lists those it has", .file.display())]
    NotFound { file: PathBuf, key: String },
    #[error("{} has more than one copy {key}: name one by its id\n{copies}", .file.display())]
    Several { file: PathBuf, key: String, copies: String },
    #[error(
        "this session opens no copy {key} in {}: another visitor's, or an older value\n{copies}",
        .file.display()
    )]
    WrongSession { file: PathBuf, key: String, copies: String },
    #[error(
        "copy {id} in {} is damaged ({reason}): RETTER will not serve it, and the next good answer \
         takes its place",
        .file.display()
    )]
    Damaged { file: PathBuf, id: String, reason: &'static str },
    #[error("{0}")]
    Select(#[from] SelectError),
    #[error("at {}: {error}", .socket.display())]
    Asked { socket: PathBuf, error: AskError },
    #[error(
        "{} is locked by another process, and no RETTER answers at {}: stop that process first; if it \
         is a RETTER, its log says why it has no socket",
        .file.display(), .socket.display()
    )]
    Silent { file: PathBuf, socket: PathBuf },
    #[error(transparent)]
    Upkeep(#[from] UpkeepError),
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
}

impl InspectError {
    /// Nothing went wrong, but there is nothing to show either.
    pub fn is_nothing_found(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::WrongSession { .. })
    }

    fn of(file: &Path) -> impl Fn(Trouble) -> Self {
        move |trouble| Self::File { file: file.to_owned(), trouble }
    }
}

/// The form of what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}

/// Lists every copy; the number of lines. Whoever reads them may stop at any time (`head`).
pub fn dump(
    file: &Path,
    format: Format,
    now: UnixMillis,
    out: &mut impl Write,
) -> Result<u64, InspectError> {
    let mut printer = Printer::new(format, out);
    while_read(list(file, now, &mut printer))?;
    Ok(printer.lines())
}

fn list(
    file: &Path,
    now: UnixMillis,
    printer: &mut Printer<impl Write>,
) -> Result<(), InspectError> {
    let mut reader = Reader::open(file).map_err(InspectError::of(file))?;
    loop {
        let rows = reader.rows().map_err(InspectError::of(file))?;
        if rows.is_empty() {
            break;
        }
        rows.iter().try_for_each(|row| print_row(row, now, printer))?;
    }
    for row in reader.breakers().map_err(InspectError::of(file))? {
        match &row {
            Ok(breaker) => printer.print(&BreakerLine::new(breaker, now))?,
            Err(damaged) => printer.print(&DamagedLine::new(damaged))?,
        }
    }
    Ok(printer.finish()?)
}

fn print_row(row: &Found, now: UnixMillis, printer: &mut Printer<impl Write>) -> io::Result<()> {
    match row {
        Ok(row) => printer.print(&CopyLine::new(row, now)),
        Err(unreadable) => printer.print(unreadable),
    }
}

/// A pipe that was closed at the other end is nobody's fault.
fn while_read(printed: Result<(), InspectError>) -> Result<(), InspectError> {
    match printed {
        Err(InspectError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

#[cfg(test)]
mod tests;
