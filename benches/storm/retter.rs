//! The real RETTER: its binary, in a folder of its own, on a port that stays the same.

use crate::scenarios::{SETTINGS, Settings};
use crate::system;
use serde_json::Value;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Killed when dropped.
pub struct Retter {
    pub address: SocketAddr,
    application: SocketAddr,
    settings: Vec<(&'static str, &'static str)>,
    folder: TempDir,
    child: Child,
    before: Cost,
}

/// What it has taken, where the system tells.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    /// User and system time, all threads.
    pub cpu: Option<Duration>,
    /// The most memory it ever had.
    pub peak_kb: Option<u64>,
}

/// What the gate says of itself, if there is one.
#[derive(Clone, Copy, Default)]
pub struct Gate {
    pub limit: Option<f64>,
    pub inside: Option<f64>,
}

impl Retter {
    pub fn start(application: SocketAddr, own: Settings) -> io::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        // On the disk that holds the build, not in a file system that is memory.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let settings = [SETTINGS, own].concat();
        let child = spawn(address, application, &settings, &folder)?;
        let before = Cost::default();
        let mut retter = Self { address, application, settings, folder, child, before };
        retter.wait()?;
        Ok(retter)
    }

    /// `kill -9`, and started again at once with the same file; returns when it listens.
    pub fn kill_and_restart(&mut self) -> io::Result<()> {
        self.before = self.cost();
        self.child.kill()?;
        self.child.wait()?;
        self.child = spawn(self.address, self.application, &self.settings, &self.folder)?;
        self.wait()
    }

    /// All its lives together.
    pub fn cost(&self) -> Cost {
        let process = self.child.id();
        let cpu = system::cpu_time(process);
        Cost {
            cpu: cpu.map(|cpu| cpu + self.before.cpu.unwrap_or_default()),
            peak_kb: peak_kb(process).max(self.before.peak_kb),
        }
    }

    /// What `/health` says; nothing when it does not answer soon.
    pub fn gate(&self) -> Gate {
        let health = self.health().unwrap_or_default();
        Gate { limit: figure(&health, "limit"), inside: figure(&health, "inside") }
    }

    fn health(&self) -> io::Result<Value> {
        let mut stream = TcpStream::connect_timeout(&self.address, SOON)?;
        stream.set_read_timeout(Some(SOON))?;
        stream.write_all(
            b"GET /health HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n",
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok(serde_json::from_str(body)?)
    }

    fn wait(&mut self) -> io::Result<()> {
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(self.address).is_err() {
            if Instant::now() > end || self.child.try_wait()?.is_some() {
                let log = fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default();
                let last = log.lines().last().unwrap_or("no word from it").to_owned();
                return Err(io::Error::other(format!("RETTER does not start: {last}")));
            }
            thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }
}

impl Drop for Retter {
    fn drop(&mut self) {
        // Ended already, otherwise.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(
    address: SocketAddr,
    application: SocketAddr,
    settings: &[(&str, &str)],
    folder: &TempDir,
) -> io::Result<Child> {
    let log = OpenOptions::new().create(true).append(true).open(folder.path().join(LOG))?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_retter"));
    command.current_dir(folder.path()).env_clear();
    command.env("RETTER_BACKEND_BASEURL", format!("http://{application}"));
    command.env("RETTER_SERVER_LISTEN", address.to_string());
    command.envs(settings.iter().map(|(key, value)| (format!("RETTER_{key}"), value)));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()
}

/// `"gate-limit"`, or `"limit"` within `"gate"`.
fn figure(health: &Value, name: &str) -> Option<f64> {
    let flat = health.get(format!("gate-{name}"));
    flat.or_else(|| health.get("gate")?.get(name))?.as_f64()
}

fn peak_kb(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

const LOG: &str = "stderr.log";
const SOON: Duration = Duration::from_millis(100);
