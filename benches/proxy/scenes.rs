//! What is measured: the good day, the bad one, and the morning after.

use crate::Plan;
use crate::contender::{Contender, Name, Role};
use crate::load::{Load, Tally};
use crate::origin::Origin;
use crate::pages::Pages;
use crate::record::{Filled, Record, Row, Run, Start};
use crate::{system, wire};
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub struct Bench {
    plan: Plan,
    /// The program.
    retter: PathBuf,
    with_nginx: bool,
    pub records: Vec<Record>,
}

/// Pages to ask for, and by how many visitors at a time.
#[derive(Clone, Copy)]
struct Crowd {
    row: Row,
    pages: Pages,
    connections: usize,
}

impl Bench {
    pub fn new(plan: Plan, retter: PathBuf, with_nginx: bool) -> io::Result<Self> {
        let mut bench = Self { plan, retter, with_nginx, records: Vec::new() };
        if !with_nginx {
            bench.lacks("nginx is not installed, so there is nothing to compare with");
        }
        if !system::pin(system::LOAD_CORE) {
            bench.lacks("no second core to pin to: visitors and application disturb the proxy");
        }
        if system::cpu_time(std::process::id()).is_none() {
            bench.lacks("this system does not tell CPU time in /proc");
        }
        Ok(bench)
    }

    /// The application copes: breaker, key, capture and store are all at work.
    pub fn passing(&mut self) -> io::Result<()> {
        for (row, pages) in [(Row::Pass1, SITE_1), (Row::Pass10, SITE_10)] {
            let (folder, origin) = (folder()?, Origin::start()?);
            let mut contenders = self.contenders(&folder, origin.address, Role::Pass, &[])?;
            start(&mut contenders)?;
            self.compete(&mut contenders, Crowd { row, pages, connections: MANY })?;
        }
        Ok(())
    }

    /// The application is gone, and the pages are those asked for most.
    pub fn rescuing(&mut self) -> io::Result<()> {
        let (folder, origin) = (folder()?, Origin::start()?);
        let mut contenders = self.contenders(&folder, origin.address, Role::Cache, &STAYS_OPEN)?;
        start(&mut contenders)?;
        for contender in &contenders {
            ask_for(contender, SITE_1, (0..SITE_1.count).collect())?;
            ask_for(contender, SITE_10, (0..SITE_10.count).collect())?;
        }
        drop(origin);
        see_it_broken(&contenders)?;
        let crowd = Crowd { row: Row::Memory1, pages: SITE_1, connections: MANY };
        self.compete(&mut contenders, crowd)?;
        let alone = Crowd { row: Row::AloneMemory10, pages: SITE_10, connections: 1 };
        self.compete(&mut contenders, alone)
    }

    /// The application is gone, and there are more pages than memory is given for. Then everything
    /// is killed, again and again.
    pub fn reading_and_crashing(&mut self) -> io::Result<()> {
        let (folder, origin) = (folder()?, Origin::start()?);
        let address = origin.address;
        let pages = Pages { size: SIZE_10, count: self.plan.pages };
        let mut contenders = self.contenders(&folder, address, Role::Cache, &[])?;
        start(&mut contenders)?;
        for contender in &contenders {
            fill(contender, pages)?;
        }
        self.note_what_is_filled(&contenders[0], pages)?;
        drop((contenders, origin));

        let mut contenders = self.contenders(&folder, address, Role::Cache, &FROM_DISK)?;
        start(&mut contenders)?;
        see_it_broken(&contenders)?;
        let crowd = Crowd { row: Row::Disk10, pages, connections: MANY };
        self.compete(&mut contenders, crowd)?;
        self.compete(&mut contenders, Crowd { row: Row::AloneDisk10, connections: 1, ..crowd })?;
        drop(contenders);

        let mut contenders = self.contenders(&folder, address, Role::Cache, &[])?;
        start(&mut contenders)?;
        self.crash(&mut contenders, pages)
    }

    /// Rounds in turn.
    fn compete(&mut self, contenders: &mut [Contender], crowd: Crowd) -> io::Result<()> {
        eprintln!("{}", crowd.row.as_str());
        for contender in contenders.iter() {
            crowd.load(contender).during(self.plan.round / 4)?;
        }
        for round in 0..self.plan.rounds {
            for contender in contenders.iter() {
                let run = crowd.round(contender, self.plan.round, round)?;
                self.records.push(Record::Run(run));
            }
        }
        Ok(())
    }

    /// Kills and starts in turn.
    fn crash(&mut self, contenders: &mut [Contender], pages: Pages) -> io::Result<()> {
        eprintln!("kill -9, start to first rescue");
        for number in pages.endlessly().take(self.plan.starts) {
            for contender in contenders.iter_mut() {
                contender.kill9()?;
                let took = start_to_first_rescue(contender, pages.size, number)?;
                let milliseconds = took.as_secs_f64() * 1e3;
                let contender = contender.name;
                self.records.push(Record::Start(Start { contender, milliseconds }));
            }
        }
        Ok(())
    }

    /// RETTER first, and nginx if there is one.
    fn contenders(
        &self,
        folder: &TempDir,
        origin: SocketAddr,
        role: Role,
        settings: &[(&str, &str)],
    ) -> io::Result<Vec<Contender>> {
        let mut contenders =
            vec![Contender::retter(&self.retter, folder.path(), origin, settings)?];
        if self.with_nginx {
            contenders.push(Contender::nginx(folder.path(), origin, role)?);
        }
        Ok(contenders)
    }

    fn note_what_is_filled(&mut self, retter: &Contender, pages: Pages) -> io::Result<()> {
        let copies = retter.copies()?;
        self.records.push(Record::Filled(Filled {
            pages: copies.len() as u64,
            page_bytes: pages.count * pages.size as u64,
            copy_bytes: copies.values().sum(),
            file_bytes: retter.file_size()?,
        }));
        Ok(())
    }

    fn lacks(&mut self, what: &str) {
        self.records.push(Record::Lacking { what: what.to_owned() });
    }
}

impl Crowd {
    fn load(self, contender: &Contender) -> Load {
        Load { target: contender.address, pages: self.pages, connections: self.connections }
    }

    fn round(self, contender: &Contender, time: Duration, round: usize) -> io::Result<Run> {
        let cpu_times = || [contender.cpu_time(), system::cpu_time(std::process::id())];
        let (before, started) = (cpu_times(), Instant::now());
        let tally = self.load(contender).during(time)?;
        let (seconds, after) = (started.elapsed().as_secs_f64(), cpu_times());
        let cpu = |of: usize| Some(after[of]?.saturating_sub(before[of]?).as_secs_f64());
        let wait = |part| tally.quantile(part).unwrap_or_default().as_secs_f64() * 1e6;
        Ok(Run {
            row: self.row,
            contender: contender.name,
            round,
            connections: self.connections,
            requests: tally.requests,
            errors: tally.errors,
            seconds,
            cpu_seconds: cpu(0),
            bench_cpu_seconds: cpu(1),
            p50_us: wait(0.5),
            p99_us: wait(0.99),
        })
    }
}

/// From before the process is made to the last byte of a page that only a copy can be.
fn start_to_first_rescue(
    contender: &mut Contender,
    size: usize,
    number: u64,
) -> io::Result<Duration> {
    let started = Instant::now();
    contender.start()?;
    loop {
        match wire::visit(contender.address, size, number) {
            Ok(_) => return Ok(started.elapsed()),
            // Nobody listens yet. Anything else is no rescue.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                thread::sleep(Duration::from_micros(50));
            }
            Err(error) => return Err(error),
        }
    }
}

fn start(contenders: &mut [Contender]) -> io::Result<()> {
    contenders.iter_mut().try_for_each(Contender::start_and_wait)
}

fn see_it_broken(contenders: &[Contender]) -> io::Result<()> {
    contenders.iter().try_for_each(|contender| contender.see_it_broken(SIZE_10))
}

/// Brings every page into the file, no faster than a disk takes them, and those again that were
/// dropped on the way.
fn fill(contender: &Contender, pages: Pages) -> io::Result<()> {
    eprintln!("filling with {} pages", pages.count);
    let mut missing: BTreeSet<u64> = (0..pages.count).collect();
    for _ in 0..FILLINGS {
        for some in Vec::from_iter(missing).chunks(200) {
            ask_for(contender, pages, some.to_vec())?;
            thread::sleep(Duration::from_millis(70));
        }
        thread::sleep(Duration::from_secs(1));
        missing = missing_in(contender, pages)?;
        if missing.is_empty() {
            return Ok(());
        }
    }
    Err(wire::wrong("the file does not take all pages"))
}

/// nginx writes before it has answered, so it misses none.
fn missing_in(contender: &Contender, pages: Pages) -> io::Result<BTreeSet<u64>> {
    if contender.name == Name::Nginx {
        return Ok(BTreeSet::new());
    }
    let copies = contender.copies()?;
    Ok((0..pages.count).filter(|number| !copies.contains_key(number)).collect())
}

/// # Errors
/// One of the answers was wrong.
fn ask_for(contender: &Contender, pages: Pages, numbers: Vec<u64>) -> io::Result<()> {
    let Tally { errors, .. } =
        Load { target: contender.address, pages, connections: 4 }.over(numbers.into_iter())?;
    if errors == 0 { Ok(()) } else { Err(wire::wrong("wrong answers before the measuring began")) }
}

/// On the disk that holds the build, not in a file system that is memory.
fn folder() -> io::Result<TempDir> {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))
}

const SIZE_1: usize = 1 << 10;
const SIZE_10: usize = 10 << 10;
/// Small sites, all in memory.
const SITE_1: Pages = Pages { size: SIZE_1, count: 100 };
const SITE_10: Pages = Pages { size: SIZE_10, count: 100 };
/// Connections of a crowd.
const MANY: usize = 50;
/// The file gets a twentieth of the disk's time: on a slow disk filling takes a while.
const FILLINGS: usize = 60;
/// No probe disturbs the measuring.
const STAYS_OPEN: [(&str, &str); 2] =
    [("BREAKER_OPEN_MIN", "1 hour"), ("BREAKER_OPEN_MAX", "1 hour")];
/// No copy is kept in memory.
const FROM_DISK: [(&str, &str); 3] =
    [("BREAKER_OPEN_MIN", "1 hour"), ("BREAKER_OPEN_MAX", "1 hour"), ("CACHE_MEMORY", "0")];
