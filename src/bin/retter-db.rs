//! `retter-db`: looks into RETTER's file without changing it.
//!
//! Exit codes: 0 found and printed, 1 nothing found, 2 error (wrong arguments included).

use clap::{Args, Parser, Subcommand};
use retter::clock::Now;
use retter::inspect::{self, Asked, Format, InspectError};
use std::io::{BufWriter, IsTerminal, Write, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

/// Looks into RETTER's file, beside a running RETTER or after it. Changes nothing.
///
/// Exit codes: 0 found, 1 nothing found, 2 error.
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

fn main() -> ExitCode {
    quiet_panics();
    let found = match Arguments::parse().verb {
        Verb::Dump(dump) => dump.run(),
        Verb::Show(show) => show.run(),
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
