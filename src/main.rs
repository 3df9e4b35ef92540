//! `retter`: words into calls, errors into exit codes. What it does is in the library.

use clap::{Args, Parser, Subcommand};
use retter::app;
use retter::config::{Config, Effective, Log, LogFormat, Mistakes, Sources};
use retter::dummy::Weakness;
use retter::inspect::ctl::{self, Wish};
use retter::server::Address;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// Every request makes and drops some dozens of small values; the system's allocator would be a
/// tenth of what a request costs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A reverse proxy that answers with the last known good page when the application behind it
/// cannot.
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    layers: Layers,
    /// Print every setting and where it came from, and start nothing
    #[arg(long)]
    check: bool,
}

#[derive(Subcommand)]
enum Command {
    /// The weak application by itself; /set?f=&s=&e= sets its fastest and slowest answer in
    /// seconds and its failure probability
    Dummy {
        /// Where it listens
        #[arg(default_value = APPLICATION, value_parser = Address::parse)]
        address: Address,
    },
    /// The weak application and RETTER in front of it, with three things to try
    Demo {
        /// The application fails from the start
        #[arg(long)]
        broken: bool,
        #[command(flatten)]
        layers: Layers,
    },
    /// Says how the RETTER that runs here stands, or takes its breaker in hand. It is asked through
    /// the socket beside its file
    Ctl(Ctl),
}

#[derive(Args)]
struct Ctl {
    /// status; open: the application is not asked; closed: it is asked whatever happens; auto: the
    /// breaker decides; dry: it is asked, and the log says what auto would have done
    #[arg(default_value = "status", value_name = "WORD", value_parser = Wish::parse)]
    wish: Wish,
    /// For so long, and then as before: 10m, "1 hour 30 minutes"
    #[arg(long = "for", value_name = "TIME", value_parser = ctl::time)]
    time: Option<Duration>,
    /// One JSON object; the README says what its names mean
    #[arg(long)]
    json: bool,
    /// The file of the RETTER that is meant [default: store.path]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "set"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    layers: Layers,
}

#[derive(Args)]
struct Layers {
    /// Settings in TOML; without it, retter.toml in the current folder if there is one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting, stronger than the file and the environment; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// Where the weak application listens, which is where `backend.baseurl` looks for it.
const APPLICATION: &str = ":8088";

const AFTER_HELP: &str = "\
Environment: every setting is a variable too, its key in capitals with _ for the dots:
  RETTER_BACKEND_BASEURL  the application [http://localhost:8088]
  RETTER_SERVER_LISTEN    where to listen [:8089]
  RETTER_STORE_PATH       the file with the copies [retter.redb]
`retter --check` lists them all. Stronger ones last: defaults, file, environment, --set.

Exit codes: 0 done, 1 could not start, or nobody to ask, 64 mistakes in the arguments or the
configuration.";

/// The two ways to fail; 64 is EX_USAGE of sysexits.h.
const FAILED: u8 = 1;
const MISTAKES: u8 = 64;

fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => act(arguments),
        Err(error) => refuse(&error),
    }
}

fn act(arguments: Arguments) -> ExitCode {
    let Arguments { command, layers, check } = arguments;
    match command {
        Some(Command::Dummy { address }) => weak_application(&address),
        Some(Command::Demo { broken, layers }) => {
            with_config(layers, |config| demo(broken, config))
        }
        Some(Command::Ctl(ctl)) => control(ctl),
        None if check => match layers.load() {
            Ok((_, effective)) => print(&effective),
            Err(mistakes) => complain(mistakes, MISTAKES),
        },
        None => with_config(layers, |config| block_on(app::run(config))),
    }
}

/// Its log has no settings: it has none itself.
fn weak_application(address: &Address) -> ExitCode {
    start_log(&Log { filter: "info".to_owned(), format: LogFormat::Text });
    block_on(app::run_dummy(address, Weakness::default()))
}

fn demo(broken: bool, config: Config) -> ExitCode {
    let Some(port) = config.backend.base.plain_port() else {
        let why =
            "the weak application speaks plain HTTP on a port: set backend.baseurl to http://";
        return complain(why, MISTAKES);
    };
    let application = Address { host: None, port };
    let failure = if broken { 1.0 } else { 0.0 };
    block_on(app::demo(config, &application, Weakness { failure, ..Weakness::default() }))
}

/// Mistakes in the configuration matter only where it is needed to find the file.
fn control(ctl: Ctl) -> ExitCode {
    let Ctl { wish, time, json, file, layers } = ctl;
    if wish == Wish::Status && time.is_some() {
        return complain("--for goes with open, closed, auto or dry", MISTAKES);
    }
    let file = match file.map_or_else(|| layers.load().map(|(config, _)| config.store.path), Ok) {
        Ok(file) => file,
        Err(mistakes) => return complain(mistakes, MISTAKES),
    };
    match ctl::run(&file, wish, time, json, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(error, FAILED),
    }
}

/// Loads the configuration, starts the log, says what the layers had to say, and goes on.
fn with_config(layers: Layers, go_on: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match layers.load() {
        Err(mistakes) => complain(mistakes, MISTAKES),
        Ok((config, effective)) => {
            start_log(&config.log);
            effective.notices.iter().for_each(|notice| tracing::info!("{notice}"));
            go_on(config)
        }
    }
}

impl Layers {
    fn load(self) -> Result<(Config, Effective), Mistakes> {
        Config::load(&Sources {
            config: self.config,
            folder: PathBuf::new(),
            variables: std::env::vars_os().collect(),
            set: self.set,
        })
    }
}

fn block_on<E: Display>(work: impl Future<Output = Result<(), E>>) -> ExitCode {
    let runtime = match app::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return complain(error, FAILED),
    };
    let done = runtime.block_on(work);
    // A look-up of a name that hangs is nobody's any more.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(error, FAILED),
    }
}

fn start_log(log: &Log) {
    let log_lines = tracing_subscriber::fmt()
        // The filter was read once when it was checked.
        .with_env_filter(EnvFilter::new(&log.filter))
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    match log.format {
        LogFormat::Text => log_lines.init(),
        LogFormat::Json => log_lines.json().init(),
    }
}

fn complain(error: impl Display, code: u8) -> ExitCode {
    // Not `eprintln!`, which panics when nobody listens.
    let _ = writeln!(io::stderr(), "retter: {error}");
    ExitCode::from(code)
}

/// Notices go to stderr, so that stdout holds the settings alone. A reader that has seen enough
/// (`retter --check | head -1`) is no failure.
fn print(effective: &Effective) -> ExitCode {
    for notice in &effective.notices {
        let _ = writeln!(io::stderr(), "retter: {notice}");
    }
    match write!(io::stdout(), "{effective}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => complain(error, FAILED),
        _ => ExitCode::SUCCESS,
    }
}

/// Help and version come this way too, and are no mistakes.
fn refuse(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(MISTAKES) } else { ExitCode::SUCCESS }
}
