//! What is wrong with a configuration, all of it, each with the place the operator has to look at.
//!
//! Collected and never thrown one by one: who has to start a program five times to learn of five
//! mistakes fixes four of them in anger. What was seen is cut and escaped, since it goes to a
//! terminal and may be anything.

use figment::value::Value;
use std::fmt;

/// One mistake. `source` is the variable as written, `FILE: key`, `--set key` or `--config FILE`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// A setting that does not exist, with the existing one that looks most like it.
    #[error("{source_name}: there is no such setting{}", hint(nearest))]
    Unknown { source_name: String, nearest: Option<String> },
    /// A value that is none for its setting.
    #[error("{source_name}: {seen}: {reason} (allowed: {allowed})")]
    Value { source_name: String, seen: String, reason: String, allowed: &'static str },
    /// Bytes that are no text.
    #[error("{source_name}: {seen}: it is not UTF-8")]
    NotUtf8 { source_name: String, seen: String },
    /// `--set` without `=`.
    #[error("--set {seen}: it has no `=` (allowed: KEY=VALUE)")]
    NoAssignment { seen: String },
    /// A file that cannot be read or is no TOML.
    #[error("{source_name}: {reason}")]
    File { source_name: String, reason: String },
    /// Two settings that contradict each other.
    #[error("{first} and {second}: {reason}")]
    Conflict { first: String, second: String, reason: String },
}

/// Every mistake of one configuration; never empty where it is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(out, "the configuration has a mistake:")?,
            many => write!(out, "the configuration has {many} mistakes:")?,
        }
        self.0.iter().try_for_each(|mistake| write!(out, "\n  {mistake}"))
    }
}

impl std::error::Error for Mistakes {}

/// A value as it was seen.
pub fn seen(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("\"{}\"", harmless(text)),
        Value::Bool(_, native) => native.to_string(),
        Value::Array(_, elements) => {
            let elements: Vec<_> = elements.iter().take(MOST).map(seen).collect();
            cut(&format!("[{}]", elements.join(", ")))
        }
        other => crate::config::kinds::number_or_text(other)
            .map_or_else(|_| "{...}".to_owned(), |number| cut(&number)),
    }
}

/// A reason quotes what it blames, so it is as long and as odd as that.
pub fn harmless_reason(reason: &str) -> String {
    reason.lines().map(harmless).collect::<Vec<_>>().join(" ")
}

/// [`printable`] text, cut at 80 characters.
pub fn harmless(text: &str) -> String {
    cut(&printable(text))
}

/// Text that may go to a terminal: what is no letter, digit, space or ASCII sign is escaped, for a
/// control character can clear the screen and a mark of direction can turn the line around.
pub fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        if c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric() {
            safe.push(c);
        } else {
            safe.extend(c.escape_default());
        }
        safe
    })
}

/// Characters of a value that are shown.
const MOST: usize = 80;

fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean {name}?"))
}
