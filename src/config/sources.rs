//! Where settings come from: the defaults, a file, variables and `--set`.
//!
//! Each layer is matched against the table of keys here, before figment holds it: serde would
//! stop at the first mistake, figment's own reader of variables would show `BREAKER.OPEN.MIN` for
//! `RETTER_BREAKER_OPEN_MIN` and drop `RETTER_CACHE__TTL` without a word, and its reader of files
//! would climb into parent folders for a file that is none of ours.

use crate::config::document::{self, NoToml};
use crate::config::keys::{self, AnyKey, PREFIX};
use crate::config::mistakes::{Mistake, harmless, harmless_reason, printable, seen};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

/// What the layers are made of. Nothing is read from the process itself, so that tests can say
/// what there is.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `--config FILE`, which must exist. `None`: `retter.toml` in `folder`, if there is one.
    pub config: Option<PathBuf>,
    /// Where `retter.toml` is looked for; empty for the current folder.
    pub folder: PathBuf,
    /// The environment.
    pub variables: Vec<(OsString, OsString)>,
    /// `--set KEY=VALUE`, in their order; later ones win.
    pub set: Vec<String>,
}

/// One value for one setting. It is a figment layer of its own: so figment knows of every value
/// which variable, or which key of which file, it came from.
pub(super) struct Entry {
    key: &'static dyn AnyKey,
    value: Value,
    source: String,
}

/// What the layers had to say, in the order in which later ones win.
#[derive(Default)]
pub(super) struct Collected {
    pub entries: Vec<Entry>,
    pub mistakes: Vec<Mistake>,
    /// Names of keys with a value that is none: what they should have been is unknown.
    pub unclear: Vec<&'static str>,
    /// What the operator should hear once the log is there.
    pub notices: Vec<String>,
}

impl Sources {
    pub(super) fn collect(&self) -> Collected {
        self.collect_over(|collected| collected.file(self))
    }

    /// With a text in the place of the file, for fuzzing.
    #[cfg(any(test, fuzzing))]
    pub(super) fn collect_with(&self, toml: &[u8]) -> Collected {
        self.collect_over(|collected| collected.document(DEFAULT_FILE, toml.to_vec()))
    }

    /// What is wrong in these layers, defaults aside, which take long to read.
    #[cfg(any(test, fuzzing))]
    pub(super) fn mistakes_with(&self, toml: &[u8]) -> Vec<Mistake> {
        let mut collected = Collected::default();
        collected.document(DEFAULT_FILE, toml.to_vec());
        collected.over_file(self);
        collected.mistakes
    }

    fn collect_over(&self, read_file: impl FnOnce(&mut Collected)) -> Collected {
        let mut collected = Collected::default();
        collected.defaults();
        read_file(&mut collected);
        collected.over_file(self);
        collected
    }
}

impl Provider for Entry {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.source.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let nested = figment::util::nest(self.key.name(), self.value.clone());
        Ok(Profile::Default.collect(nested.into_dict().unwrap_or_default()))
    }
}

impl Collected {
    fn defaults(&mut self) {
        for key in keys::TABLE {
            self.offer(*key, Value::from(key.default()), DEFAULT.to_owned());
        }
    }

    fn file(&mut self, sources: &Sources) {
        let (path, wanted) = match &sources.config {
            Some(path) => (path.clone(), true),
            None => (sources.folder.join(DEFAULT_FILE), false),
        };
        let name = printable(&path.display().to_string());
        match document::read(&path) {
            Ok(bytes) => self.document(&name, bytes),
            Err(error) if !wanted && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if wanted => self.no_file(format!("--config {name}"), error.to_string()),
            Err(error) => self.no_file(name, error.to_string()),
        }
    }

    fn over_file(&mut self, sources: &Sources) {
        self.variables(&sources.variables);
        sources.set.iter().for_each(|assignment| self.assignment(assignment));
    }

    fn document(&mut self, name: &str, bytes: Vec<u8>) {
        match document::leaves(bytes) {
            Ok(leaves) => {
                for (key, value) in leaves {
                    self.leaf(name, &key, value);
                }
            }
            Err(NoToml { line: Some(line), reason }) => {
                self.no_file(format!("{name}: line {line}"), reason);
            }
            Err(NoToml { line: None, reason }) => self.no_file(name.to_owned(), reason),
        }
    }

    /// A file that cannot be read may have meant anything.
    fn no_file(&mut self, source_name: String, reason: String) {
        self.unclear.extend(keys::TABLE.iter().map(|key| key.name()));
        self.mistakes.push(Mistake::File { source_name, reason });
    }

    fn leaf(&mut self, file: &str, name: &str, value: Value) {
        let source = format!("{file}: {}", harmless(name));
        match keys::named(name) {
            Some(key) => self.offer(key, value, source),
            None => self.unknown(source, keys::nearest(name).map(str::to_owned)),
        }
    }

    fn variables(&mut self, variables: &[(OsString, OsString)]) {
        let mut ours: Vec<_> = variables.iter().filter(|(name, _)| is_ours(name)).collect();
        // The environment has no order; mistakes are easier to read in one.
        ours.sort();
        let (foreign, ours): (Vec<_>, Vec<_>) =
            ours.into_iter().partition(|(name, value)| is_from_kubernetes(name, value));
        for (name, value) in ours {
            self.variable(name, value);
        }
        self.notices.extend(passed_over(foreign.into_iter().map(|(name, _)| name)));
    }

    fn variable(&mut self, name: &OsStr, value: &OsStr) {
        let lossy = name.to_string_lossy();
        let source_name = harmless(&lossy);
        let Some(key) = keys::TABLE.iter().find(|key| *lossy == keys::variable(key.name())) else {
            let nearest = keys::nearest(&lossy[PREFIX.len()..]).map(keys::variable);
            return self.unknown(source_name, nearest);
        };
        match value.to_str() {
            Some(text) => self.offer(*key, Value::from(text), source_name),
            None => {
                self.unclear.push(key.name());
                let seen = format!("\"{}\"", harmless(&value.to_string_lossy()));
                self.mistakes.push(Mistake::NotUtf8 { source_name, seen });
            }
        }
    }

    fn assignment(&mut self, assignment: &str) {
        let Some((name, value)) = assignment.split_once('=') else {
            return self.mistakes.push(Mistake::NoAssignment { seen: harmless(assignment) });
        };
        let name = name.trim();
        let source = format!("--set {}", harmless(name));
        match keys::named(name) {
            Some(key) => self.offer(key, Value::from(value), source),
            None => self.unknown(source, keys::nearest(name).map(str::to_owned)),
        }
    }

    /// Takes a value that can be read; every other is a mistake, also where a later layer wins.
    fn offer(&mut self, key: &'static dyn AnyKey, value: Value, source: String) {
        match key.words(&value) {
            Ok(_) => self.entries.push(Entry { key, value, source }),
            Err(reason) => {
                self.unclear.push(key.name());
                self.mistakes.push(Mistake::Value {
                    source_name: source,
                    seen: seen(&value),
                    reason: harmless_reason(&reason),
                    allowed: key.allowed(),
                });
            }
        }
    }

    fn unknown(&mut self, source_name: String, nearest: Option<String>) {
        self.mistakes.push(Mistake::Unknown { source_name, nearest });
    }
}

/// The source of what nobody set.
pub(super) const DEFAULT: &str = "default";

const DEFAULT_FILE: &str = "retter.toml";

/// One line for all of them, or none.
fn passed_over<'a>(names: impl Iterator<Item = &'a OsString>) -> Option<String> {
    let names: Vec<_> = names.map(|name| harmless(&name.to_string_lossy())).collect();
    let names = (!names.is_empty()).then(|| names.join(", "))?;
    Some(format!("passed over variables that Kubernetes sets for a service of this name: {names}"))
}

fn is_ours(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}

/// What Kubernetes puts into every container beside a service called `retter`:
/// `RETTER_SERVICE_HOST`, `RETTER_SERVICE_PORT...`, `RETTER_PORT=tcp://...` and
/// `RETTER_PORT_80_TCP...`.
fn is_from_kubernetes(name: &OsStr, value: &OsStr) -> bool {
    let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else {
        return false;
    };
    let name = &name[PREFIX.len()..];
    name.starts_with("SERVICE_")
        || name.starts_with("PORT") && is_service_address(value)
        || name.strip_prefix("PORT_").is_some_and(is_port_detail)
}

fn is_service_address(value: &str) -> bool {
    ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
}

/// `80_TCP_ADDR` and its like.
fn is_port_detail(detail: &str) -> bool {
    let mut parts = detail.split('_');
    parts.next().is_some_and(|port| port.parse::<u16>().is_ok())
        && parts.next().is_some_and(|protocol| ["TCP", "UDP", "SCTP"].contains(&protocol))
        && parts.next().is_some_and(|what| ["ADDR", "PORT", "PROTO"].contains(&what))
        && parts.next().is_none()
}
