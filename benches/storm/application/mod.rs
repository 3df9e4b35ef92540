//! The simulated application: the weak server that is to be protected. A process of its own, this
//! same binary again, so that it shares no runtime with the visitors. It is told what to do on its
//! stdin, a JSON line each, tells its counts on stdout for each line, and ends with its stdin.

mod connection;
mod counts;
mod house;
mod orders;

pub use counts::Counts;
pub use orders::Mood;

use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// It runs until this is dropped.
pub struct Application {
    pub address: SocketAddr,
    child: Child,
    orders: Option<ChildStdin>,
    counts: BufReader<ChildStdout>,
}

impl Application {
    pub fn start() -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let orders = child.stdin.take();
        let counts = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut counts = BufReader::new(counts);
        let address = serde_json::from_str(&line(&mut counts)?)?;
        Ok(Self { address, child, orders, counts })
    }

    /// How it is from now on.
    pub fn be(&mut self, mood: Mood) -> io::Result<()> {
        self.say(&serde_json::to_string(&Some(mood))?).map(drop)
    }

    pub fn counts(&mut self) -> io::Result<Counts> {
        self.say("null")
    }

    fn say(&mut self, order: &str) -> io::Result<Counts> {
        let mut orders = self.orders.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        orders.write_all(format!("{order}\n").as_bytes())?;
        Ok(serde_json::from_str(&line(&mut self.counts)?)?)
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        drop(self.orders.take());
        // It has ended or ends now; there is nobody left to tell.
        let _ = self.child.wait();
    }
}

/// What the process of the application does: all its life.
pub fn run() -> io::Result<()> {
    house::run()
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    match from.read_line(&mut line)? {
        0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the application has ended")),
        _ => Ok(line),
    }
}

/// What this binary is started with to be the application.
pub const ARGUMENT: &str = "--application";
/// Pages it makes at the same time, when all is well.
pub const WORKERS: usize = 8;
/// What a page takes when nobody is in the way, in milliseconds.
pub const SERVICE_MS: u64 = 20;
/// More requests than this inside it, and it answers 500.
pub const LIMIT: usize = 60;
/// Pages a second at most.
pub const CAPACITY: f64 = WORKERS as f64 * 1000.0 / SERVICE_MS as f64;
