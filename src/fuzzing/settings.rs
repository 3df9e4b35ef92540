//! The configuration. An input is a file in TOML, in which a line that begins with `RETTER_` is a
//! variable and one with `--set ` an assignment on the command line.
//!
//! Held: whatever it says it loads or is refused; every mistake is told that each line has by
//! itself, with where it stands, in a line that is safe for a terminal; and what loads, loads again
//! to the same when it is written back as `--check` shows it: as assignments, as variables, and as
//! a file.

use crate::config::{
    Config, Effective, Mistake, Mistakes, Sources, keys, load_text, mistakes_in_text,
};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// See the module.
pub fn settings(input: &[u8]) {
    let told = Told::read(input);
    match told.load() {
        Ok((config, effective)) => loads_again(&told, &config, &effective),
        Err(mistakes) => {
            are_told_with_their_source(&mistakes);
            every_one_is_told(&told, &mistakes);
        }
    }
}

/// What an operator said.
#[derive(Default)]
struct Told {
    file: Vec<u8>,
    sources: Sources,
}

impl Told {
    fn read(input: &[u8]) -> Self {
        let mut told = Self::default();
        for line in input.split(|byte| *byte == b'\n') {
            let begins = |with: &[u8]| line.starts_with(with);
            if begins(b"RETTER_") {
                let at = line.iter().position(|byte| *byte == b'=').unwrap_or(line.len());
                let value = line.get(at + 1..).unwrap_or_default();
                let [name, value] = [&line[..at], value].map(|it| OsString::from_vec(it.to_vec()));
                told.sources.variables.push((name, value));
            } else if begins(b"--set ") {
                told.sources.set.push(String::from_utf8_lossy(&line[6..]).into_owned());
            } else {
                told.file.extend_from_slice(line);
                told.file.push(b'\n');
            }
        }
        told
    }

    fn load(&self) -> Result<(Config, Effective), Mistakes> {
        load_text(&self.sources, &self.file)
    }

    fn mistakes(&self) -> Vec<Mistake> {
        mistakes_in_text(&self.sources, &self.file)
    }

    /// The file, and every other line, each as if nothing else had been said.
    fn each_alone(&self) -> Vec<Self> {
        let mut all = vec![Self { file: self.file.clone(), ..Self::default() }];
        all.extend(self.sources.variables.iter().map(|variable| {
            let variables = vec![variable.clone()];
            Self { sources: Sources { variables, ..Sources::default() }, ..Self::default() }
        }));
        all.extend(self.sources.set.iter().map(|assignment| {
            let set = vec![assignment.clone()];
            Self { sources: Sources { set, ..Sources::default() }, ..Self::default() }
        }));
        all
    }
}

fn are_told_with_their_source(mistakes: &Mistakes) {
    assert!(!mistakes.0.is_empty());
    for mistake in &mistakes.0 {
        let line = mistake.to_string();
        let sources = ["retter.toml", "RETTER_", "--set "];
        assert!(sources.iter().any(|source| line.contains(source)), "{line} has no source");
        assert!(is_safe(&line) && line.len() < 4096, "{line:?} goes to a terminal");
    }
}

fn every_one_is_told(told: &Told, mistakes: &Mistakes) {
    let alone: Vec<_> = told.each_alone().iter().flat_map(Told::mistakes).collect();
    for mistake in &alone {
        assert!(mistakes.0.contains(mistake), "{mistake} is not told beside others");
    }
    let together = mistakes.0.iter().filter(|mistake| !is_conflict(mistake));
    assert_eq!(together.count(), alone.len(), "{mistakes}");
}

fn is_conflict(mistake: &Mistake) -> bool {
    matches!(mistake, Mistake::Conflict { .. })
}

fn loads_again(told: &Told, config: &Config, effective: &Effective) {
    assert_eq!(effective.settings.len(), keys::TABLE.len());
    assert!(effective.to_string().lines().all(is_safe));
    assert!(effective.notices.iter().all(|notice| is_safe(notice)));
    let values = || effective.settings.iter().map(|setting| (setting.key, &setting.value));
    // What was escaped for the terminal is not meant to be read back.
    if values().any(|(_, value)| ["\\u{", "\\t", "\\n", "\\r"].iter().any(|it| value.contains(it)))
    {
        return;
    }
    let set = || values().map(|(key, value)| format!("{key}={value}")).collect();
    let variables = || values().map(|(key, value)| (keys::variable(key).into(), value.into()));
    let file = || values().map(|(key, value)| format!("{key} = '{value}'\n")).collect::<String>();
    // One way a time, since loading is what takes long; the corpus goes all of them.
    let mut way = Told::default();
    match told.file.len() % 3 {
        0 => way.sources.set = set(),
        1 => way.sources.variables = variables().collect(),
        _ if values().any(|(_, value)| value.contains('\'')) => return,
        _ => way.file = file().into_bytes(),
    }
    let (again, shown) = way.load().unwrap_or_else(|wrong| panic!("not read back: {wrong}"));
    for (one, other) in effective.settings.iter().zip(&shown.settings) {
        assert_eq!((one.key, &one.value), (other.key, &other.value));
    }
    // Long to write; and a glob may be spelled in two ways that mean the same.
    let is_one_of_some = told.file.len().is_multiple_of(7);
    if is_one_of_some && !values().any(|(_, value)| value.contains('\\')) {
        assert_eq!(format!("{again:?}"), format!("{config:?}"));
    }
}

/// Nothing in it moves the cursor or turns the line around.
fn is_safe(line: &str) -> bool {
    line.chars().all(|c| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric())
}
