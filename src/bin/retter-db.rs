//! `retter-db`: looks into RETTER's file, and throws away what the operator says.
//!
//! Exit codes: 0 found or done, 1 nothing found, 2 error (wrong arguments included).

use clap::{Args, Parser, Subcommand};
use retter::clock::Now;
use retter::inspect::{self, Asked, Format, InspectError, Words};
use std::io::{BufWriter, IsTerminal, Write, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

/// Looks into RETTER's file, beside a running RETTER or after it. Only `purge` changes anything.
///
/// Exit codes: 0 found or done, 1 nothing found, 2 error.
#[derive(Parser)]
#[command(name = "retter-db", version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List every copy, one line each: address, identity, status, age, expiry, bytes in the file
    /// and of the page, encoding, why it was stored, id. Fields are separated by tabs.
    Dump(Dump),
    /// Print one copy as the application sent it: status line, headers, an empty line, body.
    Show(Show),
    /// Throw copies away, of every visitor: those that match all that is given. Softly they are kept
    /// for an outage, and the next good answer takes their place. Asks the running RETTER, or opens
    /// the file itself if none runs.
    Purge(Purge),
}

#[derive(Args)]
struct Dump {
    /// One JSON object a line; the README says what their names mean
    #[arg(long)]
    json: bool,
    /// The file [default: $RETTER_STORE_PATH, or else retter.redb]
    file: Option<PathBuf>,
}

#[derive(Args)]
struct Show {
    /// One JSON object, with the body in it
    #[arg(long)]
    json: bool,
    /// The head alone
    #[arg(long)]
    head: bool,
    /// What the copy's visitor brought, to open a sealed one: NAME=VALUE for a cookie or an id in
    /// the address, "NAME: VALUE" for a header; repeat it if it was more than one
    #[arg(long = "session", value_name = "SESSION")]
    sessions: Vec<String>,
    /// The file
    file: PathBuf,
    /// An id, as much of its beginning as no other has, or an address as `dump` prints it
    key: String,
}

#[derive(Args)]
struct Purge {
    /// An id, its beginning, or an address as `dump` prints it
    #[arg(long)]
    key: Option<String>,
    /// A path glob as in cache.public: `*` stays within one part of the path, `**` crosses parts
    #[arg(long, value_name = "GLOB")]
    path: Option<String>,
    /// A host as `dump` prints it, with its port if it has one
    #[arg(long)]
    host: Option<String>,
    /// Only copies stored at least this long ago: "1 hour", 90s
    #[arg(long, value_name = "DURATION")]
    older: Option<String>,
    /// Every copy
    #[arg(long)]
    all: bool,
    /// Only count
    #[arg(long)]
    dry_run: bool,
    /// Remove them for good: not even an outage brings them back
    #[arg(long)]
    hard: bool,
    /// One JSON object; the README says what its names mean
    #[arg(long)]
    json: bool,
    /// The file [default: $RETTER_STORE_PATH, or else retter.redb]
    file: Option<PathBuf>,
}

fn main() -> ExitCode {
    quiet_panics();
    let found = match Arguments::parse().verb {
        Verb::Dump(dump) => dump.run(),
        Verb::Show(show) => show.run(),
        Verb::Purge(purge) => purge.run(),
    };
    match found {
        Ok(0) => ExitCode::from(1),
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be reading that either.
            let _ = writeln!(stderr(), "retter-db: {error}");
            ExitCode::from(if error.is_nothing_found() { 1 } else { 2 })
        }
    }
}

impl Dump {
    /// How many lines there were.
    fn run(self) -> Result<u64, InspectError> {
        let file = self.file.unwrap_or_else(default_file);
        inspect::dump(&file, format(self.json), Now::read().wall, &mut out())
    }
}

impl Show {
    fn run(self) -> Result<u64, InspectError> {
        let asked = Asked {
            key: self.key,
            sessions: self.sessions,
            format: format(self.json),
            head_only: self.head,
            terminal: stdout().is_terminal(),
        };
        inspect::show(&self.file, &asked, Now::read().wall, &mut out()).map(|()| 1)
    }
}

impl Purge {
    /// How many copies there were.
    fn run(self) -> Result<u64, InspectError> {
        let Self { key, path, host, older, all, dry_run, hard, json, file } = self;
        let words = Words { key, path, host, older, all, hard, dry_run };
        let file = file.unwrap_or_else(default_file);
        inspect::purge(&file, &words, format(json), Now::read().wall, &mut out())
    }
}

fn format(json: bool) -> Format {
    if json { Format::Json } else { Format::Text }
}

fn out() -> impl Write {
    BufWriter::new(stdout().lock())
}

fn default_file() -> PathBuf {
    std::env::var_os("RETTER_STORE_PATH")
        .filter(|path| !path.is_empty())
        .map_or_else(|| PathBuf::from("retter.redb"), PathBuf::from)
}

/// redb panics on some damaged pages; the reader catches that and says it in one line.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}
