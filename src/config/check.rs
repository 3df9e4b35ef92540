//! What `retter --check` prints: every setting as it was understood, and where it came from.

use std::fmt;

/// The configuration in effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// In the order of the table of keys.
    pub settings: Vec<Setting>,
    /// What the operator should hear once the log is there.
    pub notices: Vec<String>,
}

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub key: &'static str,
    /// In words that can be written back.
    pub value: String,
    /// `default`, the variable as written, `FILE: key` or `--set key`.
    pub origin: String,
}

/// Three columns. A list that is longer than its column pushes its own origin out, not everybody's.
impl fmt::Display for Effective {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.settings.iter().map(|setting| width(setting.key)).max().unwrap_or(0);
        let values = self.settings.iter().map(|setting| width(&setting.value));
        let values = values.filter(|width| *width <= WIDEST).max().unwrap_or(0);
        for Setting { key, value, origin } in &self.settings {
            writeln!(out, "{key:keys$}  {value:values$}  {origin}")?;
        }
        Ok(())
    }
}

const WIDEST: usize = 40;

fn width(text: &str) -> usize {
    text.chars().count()
}
