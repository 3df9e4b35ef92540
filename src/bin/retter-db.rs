//! `retter-db`: looks into RETTER's file without changing it.
//!
//! Exit codes: 0 found and printed, 1 nothing found, 2 error (wrong arguments included).

use clap::{Parser, Subcommand};
use retter::clock::Now;
use retter::inspect::{self, InspectError};
use std::io::{BufWriter, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Looks into RETTER's file, beside a running RETTER or after it. Changes nothing.
///
/// Exit codes: 0 found, 1 nothing found, 2 error.
#[derive(Parser)]
#[command(name = "retter-db", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List every copy, one line each: address, identity, status, age, expiry, bytes in the file
    /// and of the page, encoding, why it was stored. Fields are separated by tabs.
    Dump {
        /// The file [default: $RETTER_STORE_PATH, or else retter.redb]
        file: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    quiet_panics();
    let Arguments { command } = Arguments::parse();
    let found = match command {
        Command::Dump { file } => dump(&file.unwrap_or_else(default_file)),
    };
    match found {
        Ok(0) => ExitCode::from(1),
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("retter-db: {error}");
            ExitCode::from(2)
        }
    }
}

fn dump(file: &Path) -> Result<u64, InspectError> {
    inspect::dump(file, Now::read().wall, &mut BufWriter::new(stdout().lock()))
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
