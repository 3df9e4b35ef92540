//! What the command line says.

use crate::scenario::Scenario;
use crate::scenarios;
use std::io;
use std::path::PathBuf;

pub enum Task {
    List,
    Run(Arguments),
}

pub struct Arguments {
    pub scenarios: Vec<Scenario>,
    /// Raw figures to show again, instead of measuring.
    pub from: Option<PathBuf>,
    pub picture: Option<PathBuf>,
    pub record: bool,
    /// As somebody would have to type it.
    pub command: String,
}

impl Task {
    /// # Errors
    /// A word that is none of ours.
    pub fn read(words: &[String]) -> io::Result<Self> {
        let (mut chosen, mut quick) = (Vec::new(), false);
        let (mut from, mut picture, mut record) = (None, None, false);
        let mut rest = words.iter().map(String::as_str).filter(|word| *word != "--bench");
        while let Some(word) = rest.next() {
            match word {
                "--list" => return Ok(Self::List),
                "--quick" => quick = true,
                "--record" => record = true,
                "--scenario" => chosen.push(named(rest.next())?),
                "--picture" => picture = Some(rest.next().ok_or_else(usage)?.into()),
                "--from" => from = Some(rest.next().ok_or_else(usage)?.into()),
                _ => return Err(usage()),
            }
        }
        let scenarios = if chosen.is_empty() { scenarios::all() } else { chosen };
        let shorten = |scenario: Scenario| scenario.in_short(if quick { QUICK } else { 1.0 });
        let scenarios = scenarios.into_iter().map(shorten).collect();
        let command = command(words);
        Ok(Self::Run(Arguments { scenarios, from, picture, record, command }))
    }
}

fn named(name: Option<&str>) -> io::Result<Scenario> {
    let mut all = scenarios::all().into_iter();
    all.find(|scenario| Some(scenario.name) == name).ok_or_else(|| {
        let names: Vec<_> = scenarios::all().iter().map(|scenario| scenario.name).collect();
        mistake(&format!("the scenarios are {}", names.join(", ")))
    })
}

fn command(words: &[String]) -> String {
    let own: Vec<_> = words.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    let separator = if own.is_empty() { "" } else { " -- " };
    format!("cargo bench --bench storm{separator}{}", own.join(" "))
}

fn usage() -> io::Error {
    mistake(USAGE)
}

fn mistake(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, words)
}

const USAGE: &str = "cargo bench --bench storm [-- [--quick] [--scenario NAME]... \
     [--picture FILE] [--record] | --from FILE [--picture FILE] | --list]";
/// How long a phase is in a quick run, of its full time.
const QUICK: f64 = 0.25;
