//! The claims of the configuration, on layers that are written here: nothing is read from the
//! environment or the folder of whoever runs the tests.

mod layers;
mod refusals;
mod table;

use super::*;
use std::ffi::OsString;
use std::fs;
use tempfile::TempDir;

/// What an operator gives, in an empty folder of its own.
struct Operator {
    folder: TempDir,
    sources: Sources,
}

impl Operator {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sources = Sources { folder: folder.path().to_owned(), ..Sources::default() };
        Self { folder, sources }
    }

    /// `retter.toml` in the current folder.
    fn file(self, toml: impl AsRef<[u8]>) -> Self {
        fs::write(self.folder.path().join("retter.toml"), toml).unwrap();
        self
    }

    fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.sources.variables.push((name.into(), value.into()));
        self
    }

    fn set(mut self, assignment: &str) -> Self {
        self.sources.set.push(assignment.to_owned());
        self
    }

    fn config(&self) -> Config {
        self.load().unwrap().0
    }

    fn effective(&self) -> Effective {
        self.load().unwrap().1
    }

    /// Every mistake as it is printed, the folder taken out of the file's name.
    fn mistakes(&self) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        let Mistakes(mistakes) = self.load().unwrap_err();
        mistakes.iter().map(|mistake| mistake.to_string().replace(&folder, "")).collect()
    }

    fn load(&self) -> Result<(Config, Effective), Mistakes> {
        Config::load(&self.sources)
    }
}
