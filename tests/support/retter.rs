//! The real RETTER: its binary, in a folder of its own, with nothing in its environment but what a
//! test says.

use super::apart::Apart;
use super::client::{Answer, Visit, get};
use super::origin::Origin;
use super::{SOON, until};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Settings and arguments, before the start.
#[derive(Clone, Default)]
pub struct Setup {
    variables: BTreeMap<String, String>,
    arguments: Vec<String>,
    /// What `ulimit` is told before the start.
    limits: Vec<String>,
}

/// A running RETTER; killed when dropped. Shows its log when the test has failed.
pub struct Retter {
    setup: Setup,
    folder: TempDir,
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Setup {
    /// Nothing set at all.
    pub fn bare() -> Self {
        Self::default()
    }

    /// In front of `origin`, on a free port, with timeouts short enough to wait for.
    pub fn before(origin: &Origin) -> Self {
        Self::bare()
            .set("BACKEND_BASEURL", origin.url())
            .set("SERVER_LISTEN", "127.0.0.1:0")
            .set("BACKEND_TIMEOUT", "1")
            .set("BACKEND_CONNECT", "500ms")
            .set("LOG_FILTER", "debug")
    }

    /// Sets `RETTER_{name}`.
    pub fn set(self, name: &str, value: impl ToString) -> Self {
        self.variable(&format!("RETTER_{name}"), value)
    }

    pub fn variable(mut self, name: &str, value: impl ToString) -> Self {
        self.variables.insert(name.to_owned(), value.to_string());
        self
    }

    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// The breaker never opens: what is looked at is the single answer.
    pub fn without_breaker(self) -> Self {
        self.set("BREAKER_CONSECUTIVE_FAIL", 1_000_000).set("BREAKER_MINIMUM", 1_000_000)
    }

    /// In front of an application that is no [`Origin`].
    pub fn before_url(url: &str) -> Self {
        Self::bare().set("BACKEND_BASEURL", url).set("SERVER_LISTEN", "127.0.0.1:0")
    }

    /// Starts with `soft` file descriptors, and may raise that to `hard`.
    pub fn files(mut self, soft: usize, hard: usize) -> Self {
        self.limits = vec![format!("-S -n {soft}"), format!("-H -n {hard}")];
        self
    }

    /// No file it writes may be larger, in blocks of 512 bytes.
    pub fn largest_file(mut self, blocks: u64) -> Self {
        self.limits = vec![format!("-f {blocks}")];
        self
    }

    /// In a folder of the test's own, which is filled before the start.
    pub fn start_in(self, folder: TempDir) -> Retter {
        let (child, log) = self.spawn(&folder);
        let mut retter =
            Retter { setup: self, folder, child, address: ([127, 0, 0, 1], 0).into(), log };
        retter.address = retter.wait_for_address().expect("RETTER says where it listens");
        retter
    }

    /// Starts it and waits until it says where it listens.
    pub fn start(self) -> Retter {
        self.start_in(tempfile::tempdir().expect("a folder"))
    }

    /// Runs it in `folder` to its end, for what ends by itself.
    pub fn run_in(&self, folder: &TempDir) -> Output {
        let mut child = self.command(folder).stdout(Stdio::piped()).spawn().expect("the binary");
        if !until(SOON, || matches!(child.try_wait(), Ok(Some(_)))) {
            // What it said so far helps to see why it did not end.
            child.kill().expect("it runs");
        }
        child.wait_with_output().expect("its output")
    }

    pub fn run(&self) -> Output {
        self.run_in(&tempfile::tempdir().expect("a folder"))
    }

    fn command(&self, folder: &TempDir) -> Command {
        let mut command = self.program();
        command.args(&self.arguments).current_dir(folder.path());
        command.env_clear().env("NO_COLOR", "1").envs(&self.variables);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn program(&self) -> Command {
        let binary = env!("CARGO_BIN_EXE_retter");
        if self.limits.is_empty() {
            return Command::new(binary);
        }
        let limits = self.limits.iter().map(|limit| format!("ulimit {limit} && "));
        let script = limits.collect::<String>() + "exec \"$0\" \"$@\"";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script, binary]);
        command
    }

    fn spawn(&self, folder: &TempDir) -> (Child, Arc<Mutex<String>>) {
        let mut child = self.command(folder).spawn().expect("the binary starts");
        let stderr = child.stderr.take().expect("stderr is piped");
        let log = Arc::new(Mutex::new(String::new()));
        let kept = log.clone();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = kept.lock().expect("no holder panics");
                log.push_str(&line);
                log.push('\n');
            }
        });
        (child, log)
    }
}

impl Retter {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn get(&self, path: &str) -> Answer {
        self.visit(&get(path))
    }

    pub fn visit(&self, visit: &Visit) -> Answer {
        visit.to(self.address)
    }

    /// Everything it has written to stderr since its (last) start.
    pub fn log(&self) -> String {
        self.log.lock().expect("no holder panics").clone()
    }

    /// The folder it runs in; its file is `retter.redb` there.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("retter.redb")
    }

    pub fn kill9(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it was started here");
    }

    /// Asks it to end, as a service manager would.
    pub fn term(&self) {
        self.signal("TERM");
    }

    pub fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        let told = Command::new("sh").args(["-c", &command]).status();
        assert!(told.is_ok_and(|status| status.success()), "no signal was sent");
    }

    /// How it ended, if it did within `limit`.
    pub fn ended(&mut self, limit: Duration) -> Option<ExitStatus> {
        let mut ended = None;
        let in_time = until(limit, || {
            ended = self.child.try_wait().expect("it was started here");
            ended.is_some()
        });
        in_time.then_some(ended).flatten()
    }

    /// Kills it if it still runs and starts it again: same folder, settings and port.
    pub fn restart(&mut self) {
        self.kill9();
        self.setup = self.setup.clone().set("SERVER_LISTEN", self.address);
        (self.child, self.log) = self.setup.spawn(&self.folder);
        self.address = self.wait_for_address().expect("RETTER says where it listens");
    }

    /// Kills it, starts it again, and asks as soon as it takes connections: the answer, and the time
    /// from the start to its end.
    /// Where the system allows, the one who asks has another processor, as visitors have; a thread
    /// that is woken up behind a program that starts would measure its own wait.
    pub fn restart_and_ask(&mut self, visit: &Visit) -> (Answer, Duration) {
        self.kill9();
        self.setup = self.setup.clone().set("SERVER_LISTEN", self.address);
        let apart = Apart::begin();
        let started = Instant::now();
        (self.child, self.log) = self.setup.spawn(&self.folder);
        apart.leave_to_child();
        while TcpStream::connect(self.address).is_err() {
            assert!(started.elapsed() < SOON, "not started:\n{}", self.log());
            thread::sleep(Duration::from_micros(200));
        }
        let answer = self.visit(visit);
        (answer, started.elapsed())
    }

    /// A figure of `/health`, by the names on the way to it.
    pub fn figure(&self, names: &[&str]) -> f64 {
        let health: serde_json::Value =
            serde_json::from_str(&self.get("/health").text()).expect("JSON");
        let figure = names.iter().fold(&health, |value, name| &value[name]);
        figure.as_f64().unwrap_or_else(|| panic!("no figure {names:?} in {health}"))
    }

    /// The same with one setting changed.
    pub fn restart_with(&mut self, name: &str, value: impl ToString) {
        self.setup = self.setup.clone().set(name, value);
        self.restart();
    }

    /// What `retter-db dump` prints about its file.
    pub fn dump(&self) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_retter-db"));
        command.arg("dump").arg(self.file()).env_clear().env("NO_COLOR", "1");
        command.output().expect("the binary starts")
    }

    /// `retter ctl` with these words, in its folder and with its settings.
    pub fn ctl(&self, words: &[&str]) -> Output {
        let arguments = ["ctl"].iter().chain(words).map(|word| (*word).to_owned()).collect();
        Setup { arguments, ..self.setup.clone() }.run_in(&self.folder)
    }

    /// Waits until the file holds a copy of every one of these addresses. On a disk that others
    /// keep busy that may take a while: RETTER then writes less often.
    pub fn wait_for_copies(&self, paths: &[&str]) {
        let mut dump = String::new();
        let there = until(SOON * 3, || {
            dump = String::from_utf8_lossy(&self.dump().stdout).into_owned();
            paths.iter().all(|path| dump.contains(path))
        });
        assert!(there, "no copy of one of {paths:?} in\n{dump}");
    }

    /// The most memory it ever had, in kilobytes, where the system tells.
    pub fn peak_memory_kb(&self) -> Option<u64> {
        self.memory_kb("VmHWM:")
    }

    /// The memory it has now, in kilobytes, where the system tells.
    pub fn resident_memory_kb(&self) -> Option<u64> {
        self.memory_kb("VmRSS:")
    }

    fn memory_kb(&self, figure: &str) -> Option<u64> {
        let status = std::fs::read_to_string(self.proc("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(figure))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    /// How many file descriptors it has open, where the system tells.
    pub fn open_files(&self) -> Option<usize> {
        Some(std::fs::read_dir(self.proc("fd")).ok()?.count())
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.child.id())
    }

    pub fn has_panicked(&self) -> bool {
        self.log().contains("panicked")
    }

    /// A breaker has done something: every change is a line with these words.
    pub fn breaker_has_changed(&self) -> bool {
        self.log().contains("breaker of ")
    }

    fn wait_for_address(&mut self) -> Option<SocketAddr> {
        let mut address = None;
        let started = until(SOON, || {
            address = listening(&self.log());
            address.is_some() || matches!(self.child.try_wait(), Ok(Some(_)))
        });
        if !started || address.is_none() {
            eprintln!("not started:\n{}", self.log());
        }
        address
    }
}

impl Drop for Retter {
    fn drop(&mut self) {
        // Ended already, otherwise.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- the log of RETTER\n{}---", self.log());
        }
    }
}

/// The address in the log line `listening address=127.0.0.1:8089`; nobody's if it is a path.
fn listening(log: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once("listening address=")?;
    match rest.split_whitespace().next()? {
        path if path.starts_with("unix:") => Some(([0, 0, 0, 0], 0).into()),
        address => address.parse().ok(),
    }
}
