//! From what somebody writes to the one copy that is meant.
//!
//! The key is an id, the beginning of one, or an address. An address may have a copy for each
//! visitor: a session says which is meant, and without one the choice is not made for anybody.

use super::line::CopyLine;
use super::words::escaped;
use super::{Asked, InspectError};
use crate::clock::UnixMillis;
use crate::policy::Why;
use crate::store::Copy;
use crate::store::reader::{EntryId, Found, Look, People, Reader, Row};
use crate::store::select::Key;
use std::path::Path;

/// For an address that a dump had to escape, both spellings are good. It means pages, and not the list of
/// the variants of one.
fn means(key: &Key, found: &Found) -> bool {
    match (key, found) {
        (Key::Ids(_), _) => true,
        (Key::Address(_), Err(_)) => false,
        (Key::Address(address), Ok(row)) => {
            let own = row.place.to_string();
            row.why != Why::Variants && (own == *address || escaped(&own) == *address)
        }
    }
}

/// A look for one copy in one file.
pub(super) struct Search<'a> {
    pub file: &'a Path,
    pub asked: &'a Asked,
    pub now: UnixMillis,
    pub reader: Reader,
    pub people: People,
}

impl Search<'_> {
    /// The copy that is meant. With a session, an address means that visitor's own if he has one.
    pub fn one(&mut self, key: &Key) -> Result<Row, InspectError> {
        let by_session = self.has_session() && matches!(key, Key::Address(_));
        let own = if by_session { self.find(key, Whose::Own)? } else { Vec::new() };
        let no_own = by_session && own.is_empty();
        let mut found = if own.is_empty() { self.find(key, Whose::Any)? } else { own };
        match found.len() {
            0 => Err(self.not_found()),
            1 => found.remove(0).map_err(|row| self.damaged(row.id, row.reason)),
            _ if no_own => Err(self.wrong_session(&found)),
            _ => Err(self.several(&found)),
        }
    }

    /// `None`: sealed, and nobody said whose it is.
    pub fn open(&self, row: &Row) -> Result<Option<Copy>, InspectError> {
        match self.reader.look(row.id, &self.people).map_err(InspectError::of(self.file))? {
            Look::Open(copy) => Ok(Some(*copy)),
            Look::Sealed if self.has_session() => Err(self.wrong_session(&[Ok(row.clone())])),
            Look::Sealed => Ok(None),
            Look::Damaged(reason) => Err(self.damaged(row.id, reason)),
            Look::Gone => Err(self.not_found()),
        }
    }

    fn find(&mut self, key: &Key, whose: Whose) -> Result<Vec<Found>, InspectError> {
        let is_own = |found: &Found| found.as_ref().is_ok_and(|row| self.people.own(row));
        let is_wanted = |found: &Found| means(key, found) && (whose == Whose::Any || is_own(found));
        let found = self.reader.find(key.ids(), LISTED + 1, is_wanted);
        found.map_err(InspectError::of(self.file))
    }

    fn has_session(&self) -> bool {
        !self.asked.sessions.is_empty()
    }

    fn not_found(&self) -> InspectError {
        InspectError::NotFound { file: self.file.to_owned(), key: self.asked.printable_key() }
    }

    fn damaged(&self, id: EntryId, reason: &'static str) -> InspectError {
        InspectError::Damaged { file: self.file.to_owned(), id: id.to_string(), reason }
    }

    fn several(&self, found: &[Found]) -> InspectError {
        let (file, key) = (self.file.to_owned(), self.asked.printable_key());
        InspectError::Several { file, key, copies: self.listed(found) }
    }

    fn wrong_session(&self, found: &[Found]) -> InspectError {
        let (file, key) = (self.file.to_owned(), self.asked.printable_key());
        InspectError::WrongSession { file, key, copies: self.listed(found) }
    }

    /// One line a copy, the id first.
    fn listed(&self, found: &[Found]) -> String {
        let more = (found.len() > LISTED).then(|| "  and more".to_owned());
        let lines = found.iter().take(LISTED).map(|found| self.listed_one(found));
        lines.chain(more).collect::<Vec<_>>().join("\n")
    }

    fn listed_one(&self, found: &Found) -> String {
        let row = match found {
            Ok(row) => row,
            Err(row) => return format!("  {}  unreadable: {}", row.id, row.reason),
        };
        let [address, identity, status, age, .., why, _] =
            CopyLine::new(row, self.now).fields().map(|(_, value)| value);
        format!("  {}  {address}  identity {identity}  status {status}  {age}  {why}", row.id)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Made for the visitor whose session was given.
    Own,
    Any,
}

/// How many copies an error lists.
const LISTED: usize = 20;
