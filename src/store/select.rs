//! Which copies are meant: by what an operator writes, read once and asked of every copy.
//!
//! All that is given must match, and something must be given: nothing is ever purged by default. A
//! row that cannot be read matches only what needs no reading of it: its id, or all.

mod outdated;

pub use outdated::Outdated;

use crate::clock::UnixMillis;
use crate::key::{EntryId, Place};
use crate::units::{self, NotAQuantity};
use globset::GlobMatcher;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::time::Duration;

/// What is to be purged, and how, as it is written on a command line and said over the socket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Words {
    /// An id, the beginning of one, or an address as a dump prints it.
    pub key: Option<String>,
    /// A path glob, as in `cache.public`.
    pub path: Option<String>,
    /// With its port, unless that is the scheme's own.
    pub host: Option<String>,
    /// A duration: only copies stored at least this long ago.
    pub older: Option<String>,
    /// Every copy.
    pub all: bool,
    /// Removed, not only kept for an outage.
    pub hard: bool,
    /// Only counted.
    pub dry_run: bool,
}

/// Why [`Words`] select nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    #[error("nothing says which copies: give a key, a path, a host, an age, or all")]
    Nothing,
    #[error(
        "key: {0:?} is none: give an id (up to 32 hexadecimal digits, or the beginning of one), or \
         an address as `retter-db dump` prints it"
    )]
    Key(String),
    #[error("path: {0}")]
    Path(String),
    #[error("host: {0:?} is none")]
    Host(String),
    #[error("older: {0}")]
    Older(NotAQuantity),
}

/// A purge that has been understood.
#[derive(Clone, Debug)]
pub struct Purge {
    pub selection: Selection,
    /// Removed, not only kept for an outage.
    pub hard: bool,
    /// Only counted.
    pub dry_run: bool,
}

/// Asked of every copy.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    key: Option<Key>,
    path: Option<GlobMatcher>,
    host: Option<String>,
    older: Option<Duration>,
    outdated: Option<Outdated>,
}

/// One copy or those of one address.
#[derive(Clone, Debug)]
pub enum Key {
    Ids(RangeInclusive<EntryId>),
    Address(String),
}

impl Words {
    /// # Errors
    /// The first part that cannot be read, or that nothing was selected.
    pub fn read(&self) -> Result<Purge, SelectError> {
        let selects = [&self.key, &self.path, &self.host, &self.older];
        if !self.all && selects.iter().all(|part| part.is_none()) {
            return Err(SelectError::Nothing);
        }
        let selection = Selection {
            key: self.key.as_deref().map(read_key).transpose()?,
            path: self
                .path
                .as_deref()
                .map(units::path_glob)
                .transpose()
                .map_err(SelectError::Path)?,
            host: self.host.as_deref().map(read_host).transpose()?,
            older: self
                .older
                .as_deref()
                .map(units::duration)
                .transpose()
                .map_err(SelectError::Older)?,
            outdated: None,
        };
        Ok(Purge { selection, hard: self.hard, dry_run: self.dry_run })
    }
}

impl Selection {
    /// The copies that are out of date.
    pub fn outdated(outdated: Outdated) -> Self {
        Self { outdated: Some(outdated), ..Self::default() }
    }

    /// Where the ids of all that is meant lie.
    pub fn ids(&self) -> RangeInclusive<EntryId> {
        self.key.as_ref().map_or(ALL_IDS, Key::ids)
    }

    /// Is this copy meant? `now` says how old it is.
    pub fn means(
        &self,
        id: EntryId,
        place: &Place,
        stored_at: UnixMillis,
        now: UnixMillis,
    ) -> bool {
        self.key.as_ref().is_none_or(|key| key.means(id, place))
            && self.path.as_ref().is_none_or(|glob| glob.is_match(&place.path))
            && self.host.as_ref().is_none_or(|host| *host == place.host)
            && self.older.is_none_or(|older| now.since(stored_at) >= older)
            && self.outdated.as_ref().is_none_or(|outdated| outdated.means(place, stored_at))
    }

    /// The same of a row that cannot be read.
    pub fn means_unreadable(&self, id: EntryId) -> bool {
        let needs_reading = self.path.is_some()
            || self.host.is_some()
            || self.older.is_some()
            || self.outdated.is_some();
        let by_key = match &self.key {
            Some(Key::Ids(ids)) => ids.contains(&id),
            Some(Key::Address(_)) => false,
            None => true,
        };
        by_key && !needs_reading
    }
}

impl Key {
    /// `None` for what is neither.
    pub fn read(text: &str) -> Option<Self> {
        if text.contains("://") {
            return Some(Self::Address(text.to_owned()));
        }
        let is_id = (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        let filled = |with: &str| {
            let digits = format!("{text}{}", with.repeat(32 - text.len()));
            let number = u128::from_str_radix(&digits, 16).ok()?;
            Some(EntryId(number.to_be_bytes()))
        };
        if is_id { Some(Self::Ids(filled("0")?..=filled("f")?)) } else { None }
    }

    /// Where the ids of all that is meant lie.
    pub fn ids(&self) -> RangeInclusive<EntryId> {
        match self {
            Self::Ids(ids) => ids.clone(),
            Self::Address(_) => ALL_IDS,
        }
    }

    fn means(&self, id: EntryId, place: &Place) -> bool {
        match self {
            Self::Ids(ids) => ids.contains(&id),
            Self::Address(address) => place.to_string() == *address,
        }
    }
}

fn read_key(text: &str) -> Result<Key, SelectError> {
    Key::read(&unescaped(text)).ok_or_else(|| SelectError::Key(text.to_owned()))
}

/// As places have it: lower case.
fn read_host(text: &str) -> Result<String, SelectError> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "/?#@".contains(c);
    if text.is_empty() || text.contains(odd) {
        return Err(SelectError::Host(text.to_owned()));
    }
    Ok(text.to_ascii_lowercase())
}

/// A dump prints `\u{1b}` for what a terminal would obey; an address is copied from there.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let meant = part.split_once('}').and_then(|(digits, rest)| {
            Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, rest))
        });
        match meant {
            Some((character, rest)) => whole.extend([character.to_string().as_str(), rest]),
            None => whole.extend(["\\u{", part]),
        }
    }
    whole
}

const ALL_IDS: RangeInclusive<EntryId> = EntryId([0; 16])..=EntryId([255; 16]);

#[cfg(test)]
mod tests;
