//! A configuration file as the values it holds: TOML tables as dotted keys.

use crate::config::keys;
use crate::config::mistakes::harmless_reason;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The bytes of a file, at most 1 MiB.
///
/// # Errors
/// What the system says, or that the file is longer.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(io::Error::other("it is longer than 1 MiB"));
    }
    Ok(bytes)
}

/// Why a file is no TOML: the line, from 1, where it is known, and what is wrong there.
pub(super) struct NoToml {
    pub line: Option<usize>,
    pub reason: String,
}

/// Every value of a document with its dotted key, which need not be one of ours.
///
/// # Errors
/// Bytes that are no TOML.
pub(super) fn leaves(bytes: Vec<u8>) -> Result<Vec<(String, Value)>, NoToml> {
    let mut leaves = Vec::new();
    flatten("", parse(bytes)?, &mut leaves);
    Ok(leaves)
}

/// No configuration is longer; what is, is another file.
const LONGEST_FILE: u64 = 1 << 20;

fn parse(bytes: Vec<u8>) -> Result<Dict, NoToml> {
    let text = String::from_utf8(bytes).map_err(|error| NoToml {
        line: Some(line_of(error.as_bytes(), error.utf8_error().valid_up_to())),
        reason: "it is not UTF-8".to_owned(),
    })?;
    Toml::from_str(&text).map_err(|error| NoToml {
        line: error.span().map(|span| line_of(text.as_bytes(), span.start)),
        reason: harmless_reason(error.message()),
    })
}

fn line_of(text: &[u8], position: usize) -> usize {
    text.iter().take(position).filter(|byte| **byte == b'\n').count() + 1
}

/// Tables as dotted keys. A table that leads to no key is listed itself where it is empty, or
/// nobody would hear of it.
fn flatten(prefix: &str, table: Dict, leaves: &mut Vec<(String, Value)>) {
    for (part, value) in table {
        let name = format!("{prefix}{}", quoted(&part));
        match value {
            Value::Dict(_, inner) if is_section(&name) || !is_end(&name, &inner) => {
                flatten(&format!("{name}."), inner, leaves);
            }
            value => leaves.push((name, value)),
        }
    }
}

fn is_section(name: &str) -> bool {
    let inside = format!("{name}.");
    keys::TABLE.iter().any(|key| key.name().starts_with(&inside))
}

fn is_end(name: &str, table: &Dict) -> bool {
    table.is_empty() || keys::named(name).is_some()
}

/// A part with a dot in it is not two parts: `"cache.ttl" = 5` is not `cache.ttl = 5` to TOML.
fn quoted(part: &str) -> String {
    if part.contains('.') { format!("\"{part}\"") } else { part.to_owned() }
}
