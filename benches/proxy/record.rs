//! The raw figures: one JSON object a line, everything that was measured and nothing worked out.
//! The table is made from them alone (`cargo bench -- --from FILE`).

use crate::contender::Name;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "record")]
pub enum Record {
    /// First: where, when and with what.
    Setting(Setting),
    Run(Run),
    Start(Start),
    Filled(Filled),
    /// What could not be measured, and why.
    Lacking {
        what: String,
    },
}

#[derive(Serialize, Deserialize)]
pub struct Setting {
    pub date: String,
    pub machine: String,
    pub command: String,
    pub retter: String,
    pub nginx: Option<String>,
    pub rustc: Option<String>,
    /// Processes of others that wanted a core in the minute before (the system's load average).
    pub load_before: Option<f64>,
}

/// One proxy under load for one round.
#[derive(Serialize, Deserialize)]
pub struct Run {
    pub row: Row,
    pub contender: Name,
    pub round: usize,
    pub connections: usize,
    pub requests: u64,
    pub errors: u64,
    pub seconds: f64,
    /// User and system time of the process that handles requests, all threads.
    pub cpu_seconds: Option<f64>,
    /// The same of visitors and application together, as a check: the proxy has to be the one
    /// that is busy.
    pub bench_cpu_seconds: Option<f64>,
    pub p50_us: f64,
    pub p99_us: f64,
}

/// One start after `kill -9`, from before the process is made to the last byte of a right page.
#[derive(Serialize, Deserialize)]
pub struct Start {
    pub contender: Name,
    pub milliseconds: f64,
}

/// What RETTER's file held for the rows from disk and the starts.
#[derive(Serialize, Deserialize)]
pub struct Filled {
    pub pages: u64,
    /// Bytes of the pages as visitors get them.
    pub page_bytes: u64,
    /// Bytes of the copies as they are kept, compressed.
    pub copy_bytes: u64,
    /// Bytes of the file with all there is around them.
    pub file_bytes: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Row {
    Pass1,
    Pass10,
    Memory1,
    Disk10,
    AloneMemory10,
    AloneDisk10,
}

impl Run {
    /// Microseconds of a total for each request.
    pub fn per_request(&self, seconds: Option<f64>) -> Option<f64> {
        seconds.map(|seconds| seconds * 1e6 / self.requests as f64)
    }
}

impl Row {
    pub const ALL: [Self; 6] = [
        Self::Pass1,
        Self::Pass10,
        Self::Memory1,
        Self::Disk10,
        Self::AloneMemory10,
        Self::AloneDisk10,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass1 => "passing, 1 KB",
            Self::Pass10 => "passing, 10 KB",
            Self::Memory1 => "rescue from memory, 1 KB",
            Self::Disk10 => "rescue from disk, 10 KB",
            Self::AloneMemory10 => "rescue from memory, 10 KB, one visitor",
            Self::AloneDisk10 => "rescue from disk, 10 KB, one visitor",
        }
    }
}

/// # Errors
/// A line that no such bench has written.
pub fn read(file: &Path) -> io::Result<Vec<Record>> {
    let text = fs::read_to_string(file)?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

pub fn write(file: &Path, records: &[Record]) -> io::Result<()> {
    let mut text = String::new();
    for record in records {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", serde_json::to_string(record)?);
    }
    fs::write(file, text)
}
