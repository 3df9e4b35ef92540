//! The raw figures: one JSON object a line. The table is made from them alone.

use crate::director::Run;
use crate::outcome::{self, Figures};
use crate::series::Series;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "record")]
pub enum Record {
    /// First: where, when and with what.
    Setting(Setting),
    Scenario(Told),
    /// What could not be measured, and why.
    Lacking {
        what: String,
    },
}

impl Record {
    pub fn told(&self) -> Option<&Told> {
        match self {
            Self::Scenario(told) => Some(told),
            _ => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub struct Setting {
    pub date: String,
    pub machine: String,
    pub command: String,
    pub retter: String,
    pub rustc: Option<String>,
    /// Processes of others that wanted a core in the minute before (the system's load average).
    pub load_before: Option<f64>,
}

/// One run of a scenario.
#[derive(Serialize, Deserialize)]
pub struct Told {
    pub scenario: String,
    pub title: String,
    pub figures: Figures,
    /// When each phase began, in seconds, and what it is.
    pub phases: Vec<(f64, String)>,
    pub over_time: Series,
}

impl Told {
    pub fn of(run: &Run) -> Self {
        Self {
            scenario: run.scenario.name.to_owned(),
            title: run.scenario.title.to_owned(),
            figures: outcome::figures(run),
            phases: run.scenario.timeline().map(|(phase, from, _)| (from, phase.words())).collect(),
            over_time: Series::of(run),
        }
    }
}

/// What a storm has written; lines that somebody else has written are passed over.
///
/// # Errors
/// The file cannot be read.
pub fn read(file: &Path) -> io::Result<Vec<Record>> {
    let text = fs::read_to_string(file)?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// Behind what the file has already.
pub fn append(file: &Path, records: &[Record]) -> io::Result<()> {
    let mut text = String::new();
    for record in records {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", serde_json::to_string(record)?);
    }
    OpenOptions::new().create(true).append(true).open(file)?.write_all(text.as_bytes())
}
