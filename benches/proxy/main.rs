//! What RETTER costs, beside nginx: `cargo bench`, or `cargo bench -- --quick` for a first look.
//!
//! The real binary in front of a made-up application, asked by made-up visitors. The proxy has
//! core 0 to itself, visitors and application share core 1 and are cheaper than it. What is
//! compared is CPU time per request, which a noisy neighbour disturbs less than speed, and the two
//! proxies take turns, round by round, so that what disturbs one disturbs the other.
//!
//! A full run writes its raw figures to `benches/results/DATE.jsonl`, a line for each round;
//! `cargo bench --bench proxy -- --from FILE` makes the table from them again. With `--guided` it is
//! the RETTER that `benches/guided` has built.
//!
//! Nothing it needs is a must: without nginx, a second core or Linux's `/proc` the table says what
//! is lacking. An answer that is not the right page, whole, with status 200, makes it exit 1.

mod contender;
mod load;
mod origin;
mod pages;
mod record;
mod scenes;
mod system;
mod table;
mod wire;

use record::{Record, Setting};
use scenes::Bench;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use table::Table;

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Of each row for each proxy.
    rounds: usize,
    round: Duration,
    /// Distinct pages of 10 KB in the file.
    pages: u64,
    starts: usize,
}

/// Which RETTER.
#[derive(Clone, Copy)]
enum Build {
    /// As cargo builds it.
    Plain,
    /// As `benches/guided` does.
    Guided,
}

const FULL: Plan = Plan { rounds: 5, round: Duration::from_secs(3), pages: 20_000, starts: 20 };
const QUICK: Plan = Plan { rounds: 1, round: Duration::from_millis(500), pages: 2_000, starts: 4 };

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // cargo says so; `cargo test --benches` does not, and nobody wants to wait for this there.
    if !arguments.iter().any(|word| word == "--bench") {
        println!("measures with `cargo bench` only");
        return ExitCode::SUCCESS;
    }
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    act(&words).unwrap_or_else(|error| {
        eprintln!("bench: {error}");
        ExitCode::FAILURE
    })
}

fn act(words: &[&str]) -> io::Result<ExitCode> {
    if let ["--from", file, "--bench"] = words {
        return show(&record::read(Path::new(file))?);
    }
    let (mut build, mut quick) = (Build::Plain, false);
    for word in words {
        match *word {
            "--bench" => {}
            "--quick" => quick = true,
            "--guided" => build = Build::Guided,
            _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, USAGE)),
        }
    }
    let records = measure(if quick { QUICK } else { FULL }, build)?;
    if quick { show(&records) } else { keep(&records, build) }
}

fn measure(plan: Plan, build: Build) -> io::Result<Vec<Record>> {
    let retter = build.program()?;
    let setting = setting();
    let mut bench = Bench::new(plan, retter, setting.nginx.is_some())?;
    bench.passing()?;
    bench.rescuing()?;
    bench.reading_and_crashing()?;
    let mut records = vec![Record::Setting(setting)];
    records.append(&mut bench.records);
    Ok(records)
}

impl Build {
    /// In the name of the file with the raw figures.
    fn mark(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Guided => "-guided",
        }
    }

    fn program(self) -> io::Result<PathBuf> {
        match self {
            Self::Plain => Ok(PathBuf::from(env!("CARGO_BIN_EXE_retter"))),
            Self::Guided => {
                let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/guided/retter");
                let lacking = "there is no target/guided/retter; benches/guided builds it";
                program.is_file().then_some(program).ok_or_else(|| io::Error::other(lacking))
            }
        }
    }
}

fn setting() -> Setting {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let command = match words.is_empty() {
        true => "cargo bench".to_owned(),
        false => format!("cargo bench --bench proxy -- {}", words.join(" ")),
    };
    let nginx = contender::nginx_program().and_then(|program| system::version(program, "-v"));
    Setting {
        date: system::today(),
        // Before the first thread is moved to one core, which would be all it sees.
        machine: system::machine(),
        command,
        retter: format!("RETTER {}", env!("CARGO_PKG_VERSION")),
        nginx: nginx.map(|version| version.replace("nginx version: nginx/", "nginx ")),
        rustc: system::version("rustc", "--version"),
        load_before: system::load_average(),
    }
}

/// Writes the raw figures down and shows the table.
fn keep(records: &[Record], build: Build) -> io::Result<ExitCode> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/results");
    let file = folder.join(format!("{}{}.jsonl", system::today(), build.mark()));
    record::write(&file, records)?;
    eprintln!("raw figures: {}\n", file.display());
    show(records)
}

fn show(records: &[Record]) -> io::Result<ExitCode> {
    let table = Table(records);
    print!("{table}");
    Ok(if table.errors() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

const USAGE: &str = "cargo bench --bench proxy [-- [--guided] [--quick] | --from FILE]";
