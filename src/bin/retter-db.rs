//! `retter-db`: looks into RETTER's file, throws away what the operator says, and looks after the file
//! while no RETTER has it.
//!
//! Exit codes: 0 found and printed, sound, done; 1 nothing found, damaged, refused by an audit;
//! 2 error (wrong arguments included).

use clap::{Args, Parser, Subcommand};
use retter::clock::Now;
use retter::config::{Config, Mistakes, Sources};
use retter::inspect::{self, Asked, Format, InspectError, Progress, Rules, Words};
use std::io::{BufWriter, IsTerminal, Write, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

/// Looks into RETTER's file, beside a running RETTER or after it. Only purge, compact and migrate
/// change anything.
///
/// Exit codes: 0 found, sound, done; 1 nothing found, damaged, refused by an audit; 2 error.
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
    Dump(File),
    /// Print one copy as the application sent it: status line, headers, an empty line, body.
    Show(Show),
    /// Throw copies away, of every visitor: those that match all that is given. Softly they are kept
    /// for an outage, and the next good answer takes their place. Asks the running RETTER, or opens
    /// the file itself if none runs.
    Purge(Purge),
    /// Print the file in figures: how many copies and bytes, how old, of which hosts
    Stats(File),
    /// List every copy with why it may be kept, and what the present settings have against it; exit
    /// code 1 if they would not keep one of them
    Audit(Audit),
    /// Check every row and every body; exit code 1 if anything is damaged
    Verify(File),
    /// Make the file as small as it can be; RETTER must be stopped
    Compact(Alone),
    /// Bring an older file to the present format; RETTER must be stopped
    Migrate(Alone),
}

#[derive(Args)]
struct File {
    /// One JSON object a line; the README says what their names mean
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: Alone,
}

#[derive(Args)]
struct Alone {
    /// The file [default: $RETTER_STORE_PATH, or else retter.redb]
    file: Option<PathBuf>,
}

#[derive(Args)]
struct Audit {
    /// One JSON object a line; the README says what their names mean
    #[arg(long)]
    json: bool,
    /// Settings in TOML; without it, retter.toml in the current folder if there is one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting, stronger than the file and the environment; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The file [default: store.path]
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
    give_way();
    match Arguments::parse().verb.run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // Nobody may be reading that either.
            let _ = writeln!(stderr(), "retter-db: {error}");
            ExitCode::from(if error.is_nothing_found() { 1 } else { 2 })
        }
    }
}

/// On a server with one or two processors a visitor would wait for a look into the file.
fn give_way() {
    // Whoever may not even be modest goes on all the same.
    let _ = rustix::process::nice(LOWEST_PRIORITY);
}

impl Verb {
    /// False: nothing found, or not all is well.
    fn run(self) -> Result<bool, Failure> {
        let now = Now::read().wall;
        let mut progress = Progress::on_terminal();
        let done = match self {
            Self::Dump(of) => {
                inspect::dump(&of.path(), format(of.json), now, &mut out()).map(|lines| lines > 0)
            }
            Self::Show(show) => show.run().map(|()| true),
            Self::Purge(purge) => purge.run().map(|copies| copies > 0),
            Self::Stats(of) => {
                inspect::stats(&of.path(), format(of.json), now, &mut progress, &mut out())
                    .map(|()| true)
            }
            Self::Audit(audit) => return audit.run(),
            Self::Verify(of) => {
                inspect::verify(&of.path(), format(of.json), &mut progress, &mut out())
            }
            Self::Compact(of) => {
                inspect::compact(&of.path(), &mut progress, &mut out()).map(|()| true)
            }
            Self::Migrate(of) => inspect::migrate(&of.path(), &mut out()).map(|()| true),
        };
        Ok(done?)
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error("{0}")]
    Settings(Mistakes),
}

impl Failure {
    fn is_nothing_found(&self) -> bool {
        matches!(self, Self::Inspect(error) if error.is_nothing_found())
    }
}

impl File {
    fn path(&self) -> PathBuf {
        self.file.path()
    }
}

impl Alone {
    fn path(&self) -> PathBuf {
        self.file.clone().unwrap_or_else(default_file)
    }
}

impl Audit {
    /// By the settings as `retter` itself would read them here and now.
    fn run(self) -> Result<bool, Failure> {
        let sources = Sources {
            config: self.config,
            folder: PathBuf::new(),
            variables: std::env::vars_os().collect(),
            set: self.set,
        };
        let (config, _) = Config::load(&sources).map_err(Failure::Settings)?;
        let file = self.file.unwrap_or(config.store.path);
        let rules = Rules { key: config.proxy.key, policy: config.proxy.policy };
        Ok(inspect::audit(&file, &rules, format(self.json), Now::read().wall, &mut out())?)
    }
}

impl Show {
    fn run(self) -> Result<(), InspectError> {
        let asked = Asked {
            key: self.key,
            sessions: self.sessions,
            format: format(self.json),
            head_only: self.head,
            terminal: stdout().is_terminal(),
        };
        inspect::show(&self.file, &asked, Now::read().wall, &mut out())
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

/// As `nice` counts: the most modest there is.
const LOWEST_PRIORITY: i32 = 19;
