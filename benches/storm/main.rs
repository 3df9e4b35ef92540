//! The storm: `cargo bench --bench storm`, or with `-- --quick` for a first look.
//!
//! The real RETTER between a simulated application, which can do 400 pages a second and drowns
//! above 60 at a time, and visitors who come when they come. Each scenario is a mishap; each has a
//! fresh process, folder and file. What is wanted of each stands in `wanted.rs`.
//!
//! All three share the machine's cores. The application's time is reckoned, so that its capacity
//! does not depend on the machine; waits do. How far the visitors were behind their own time says
//! how far to believe them.
//!
//! `--list` names the scenarios and `--scenario NAME` picks one, again and again; `--picture FILE`
//! draws the storm with sessions; `--record` adds the raw figures to
//! `benches/results/storm-DATE.jsonl`, and `--from FILE` shows them again.
//!
//! A wrong page makes it exit 1, and so do words it does not know; nothing else does. What cannot be
//! measured here is said.

mod application;
mod arguments;
mod arithmetic;
mod director;
mod figure;
mod load;
mod outcome;
mod page;
#[allow(dead_code, reason = "shared with the other bench, and not all of it is needed here")]
#[path = "../proxy/pages.rs"]
mod pages;
mod picture;
mod progress;
mod record;
mod retter;
mod scenario;
mod scenarios;
mod series;
#[allow(dead_code, reason = "shared with the other bench, and not all of it is needed here")]
#[path = "../proxy/system.rs"]
mod system;
mod table;
mod wanted;
#[allow(dead_code, reason = "shared with the other bench, and not all of it is needed here")]
#[path = "../proxy/wire.rs"]
mod wire;

use arguments::{Arguments, Task};
use director::Run;
use progress::Progress;
use record::{Record, Setting, Told};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use table::Table;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = if words.iter().any(|word| word == application::ARGUMENT) {
        application::run().map(|()| ExitCode::SUCCESS)
    } else if words.iter().any(|word| word == "--bench") {
        Task::read(&words).and_then(act)
    } else {
        // cargo says so; `cargo test --benches` does not, and nobody wants to wait for this there.
        println!("measures with `cargo bench` only");
        return ExitCode::SUCCESS;
    };
    done.unwrap_or_else(|error| {
        eprintln!("storm: {error}");
        ExitCode::FAILURE
    })
}

fn act(task: Task) -> io::Result<ExitCode> {
    match task {
        Task::List => {
            for scenario in scenarios::all() {
                println!("{:<16} {:3.0} s  {}", scenario.name, scenario.seconds(), scenario.title);
            }
            Ok(ExitCode::SUCCESS)
        }
        Task::Run(arguments) => run(&arguments),
    }
}

fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    let records = match &arguments.from {
        Some(file) => record::read(file)?,
        None => measure(arguments),
    };
    if records.iter().all(|record| record.told().is_none()) && arguments.from.is_some() {
        println!("no storm in there");
        return Ok(ExitCode::SUCCESS);
    }
    draw(arguments, &records)?;
    if arguments.record && arguments.from.is_none() {
        keep(&records)?;
    }
    show(&records)
}

fn measure(arguments: &Arguments) -> Vec<Record> {
    let mut records = vec![Record::Setting(setting(arguments))];
    records.extend(lacking().map(|what| Record::Lacking { what: what.to_owned() }));
    let (mut progress, of) = (Progress::new(), arguments.scenarios.len());
    for (at, scenario) in arguments.scenarios.iter().enumerate() {
        progress.begin(scenario, at + 1, of);
        let run = Run::of(scenario, &mut progress);
        progress.end();
        match run {
            Ok(run) => records.push(Record::Scenario(Told::of(&run))),
            Err(error) => {
                records.push(Record::Lacking { what: format!("{}: {error}", scenario.title) });
            }
        }
    }
    records
}

/// The storm with sessions, or else the first there is.
fn draw(arguments: &Arguments, records: &[Record]) -> io::Result<()> {
    let told = records.iter().filter_map(Record::told);
    let told = told.min_by_key(|told| told.scenario != "session-storm");
    match (&arguments.picture, told) {
        (Some(file), Some(told)) => std::fs::write(file, picture::draw(told)),
        _ => Ok(()),
    }
}

fn keep(records: &[Record]) -> io::Result<()> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/results");
    let file = folder.join(format!("storm-{}.jsonl", system::today()));
    record::append(&file, records)?;
    eprintln!("raw figures: {}\n", file.display());
    Ok(())
}

fn show(records: &[Record]) -> io::Result<ExitCode> {
    let table = Table(records);
    print!("{table}");
    Ok(if table.wrong_pages() == 0.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn setting(arguments: &Arguments) -> Setting {
    Setting {
        date: system::today(),
        machine: system::machine(),
        command: arguments.command.clone(),
        retter: format!("RETTER {}", env!("CARGO_PKG_VERSION")),
        rustc: system::version("rustc", "--version"),
        load_before: system::load_average(),
    }
}

/// What this machine cannot do.
fn lacking() -> impl Iterator<Item = &'static str> {
    let one_core = std::thread::available_parallelism().is_ok_and(|cores| cores.get() < 2);
    let no_proc = !Path::new("/proc/self/status").exists();
    let few_files = raise_open_files().is_some_and(|files| files < FILES);
    [
        one_core.then_some("a second core: application and visitors are in RETTER's way"),
        no_proc.then_some("CPU time and memory: this system does not tell them in /proc"),
        few_files.then_some("open files: with fewer than 8,192, visitors cannot all wait at once"),
    ]
    .into_iter()
    .flatten()
}

/// As many files as may be; everybody who is started has them too. None: no limit.
fn raise_open_files() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Refused, it stays as it is, and that is told.
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current
}

/// 3,000 visitors a second who wait 2 s, and some more.
const FILES: u64 = 8192;
