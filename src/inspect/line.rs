//! The lines of a dump.

use super::words::{duration, escaped, hex, value};
use super::{Format, json};
use crate::clock::UnixMillis;
use crate::store::Copy;
use crate::store::reader::{Row, Unreadable};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::io::{self, Write};

/// Something that a dump lists: as an object by its `Serialize`, and for people.
pub(super) trait Line: Serialize {
    /// Fields apart by tabs, nothing that a terminal obeys.
    fn text(&self) -> String;
}

/// Prints lines, all in one format, and counts them.
pub(super) struct Printer<'o, W> {
    format: Format,
    out: &'o mut W,
    lines: u64,
}

impl<'o, W: Write> Printer<'o, W> {
    pub fn new(format: Format, out: &'o mut W) -> Self {
        Self { format, out, lines: 0 }
    }

    pub fn print(&mut self, line: &impl Line) -> io::Result<()> {
        self.lines += 1;
        match self.format {
            Format::Text => writeln!(self.out, "{}", line.text()),
            Format::Json => json::print(line, self.out),
        }
    }

    pub fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    pub fn lines(&self) -> u64 {
        self.lines
    }
}

/// What everybody may know of a copy. The names are written down in [`super`].
#[derive(serde::Serialize)]
pub(super) struct CopyLine<'a> {
    kind: &'static str,
    id: String,
    address: String,
    scheme: &'a str,
    host: &'a str,
    path: &'a str,
    query: &'a str,
    identity: Option<String>,
    sealed: bool,
    status: u16,
    stored_at: u64,
    age_seconds: u64,
    expires_in_seconds: i64,
    bytes: u64,
    stored_bytes: u64,
    encoding: &'a str,
    packed: bool,
    content_type: Option<String>,
    why: &'static str,
    purged: bool,
    #[serde(skip)]
    now: UnixMillis,
    #[serde(skip)]
    row: &'a Row,
}

impl<'a> CopyLine<'a> {
    pub fn new(row: &'a Row, now: UnixMillis) -> Self {
        let coding = &row.content_encoding;
        Self {
            kind: "copy",
            id: row.id.to_string(),
            address: row.place.to_string(),
            scheme: &row.place.scheme,
            host: &row.place.host,
            path: &row.place.path,
            query: &row.place.query,
            identity: row.identity.map(|tag| hex(&tag)),
            sealed: row.sealed,
            status: row.status,
            stored_at: row.stored_at.0,
            age_seconds: now.since(row.stored_at).as_secs(),
            expires_in_seconds: seconds_until(row.expires_at, now),
            bytes: row.raw_bytes,
            stored_bytes: row.stored_bytes,
            encoding: if coding.is_empty() { "identity" } else { coding },
            packed: row.packed,
            content_type: row.content_type.clone(),
            why: row.why.as_str(),
            purged: row.purged,
            now,
            row,
        }
    }

    /// With what only the opened copy tells.
    pub fn opened(self, copy: Option<&Copy>) -> Self {
        let kind = copy.and_then(|copy| copy.headers.get("content-type"));
        let kind = kind.map(|kind| value(kind.as_bytes()).into_owned());
        Self { content_type: kind.or(self.content_type), ..self }
    }

    /// Names and values of what a line says, in its order.
    pub fn fields(&self) -> [(&'static str, String); 9] {
        [
            ("address", escaped(&self.address).into_owned()),
            ("identity", self.short_identity()),
            ("status", self.status.to_string()),
            ("stored", self.age()),
            ("expiry", self.expiry()),
            ("bytes", format!("{}/{}", self.stored_bytes, self.bytes)),
            ("encoding", self.codings()),
            ("why", self.why.to_owned()),
            ("id", self.id.clone()),
        ]
    }

    /// Long enough to tell people apart.
    fn short_identity(&self) -> String {
        self.row.identity.map_or_else(|| "-".to_owned(), |tag| hex(&tag[..8]))
    }

    fn age(&self) -> String {
        let purged = if self.purged { ", purged" } else { "" };
        format!("age {}{purged}", duration(self.now.since(self.row.stored_at)))
    }

    fn expiry(&self) -> String {
        if self.row.expires_at <= self.now {
            return "expired".to_owned();
        }
        format!("expires in {}", duration(self.row.expires_at.since(self.now)))
    }

    /// The application's own coding, then what was done to it at rest.
    fn codings(&self) -> String {
        let coding = escaped(self.encoding);
        let packed = if self.packed { "+zstd" } else { "" };
        let sealed = if self.sealed { "+sealed" } else { "" };
        [&coding, packed, sealed].concat()
    }
}

impl Line for CopyLine<'_> {
    /// Address, identity, status, age, expiry, bytes stored/raw, encoding, why stored, id.
    fn text(&self) -> String {
        self.fields().map(|(_, value)| value).join("\t")
    }
}

impl Line for Unreadable {
    fn text(&self) -> String {
        format!("{}\tunreadable: {}", self.id, self.reason)
    }
}

impl Serialize for Unreadable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Unreadable", 3)?;
        object.serialize_field("kind", "unreadable")?;
        object.serialize_field("id", &self.id.to_string())?;
        object.serialize_field("reason", self.reason)?;
        object.end()
    }
}

/// Rounded up, so that what is not over yet is never 0.
fn seconds_until(end: UnixMillis, now: UnixMillis) -> i64 {
    let left = i128::from(end.0) - i128::from(now.0);
    i64::try_from((left + 999).div_euclid(1000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_over_has_no_second_left() {
        let left = |end, now| seconds_until(UnixMillis(end), UnixMillis(now));
        assert_eq!([left(1, 0), left(1_000, 0), left(1_001, 0)], [1, 1, 2]);
        assert_eq!([left(5, 5), left(0, 999), left(0, 1_000), left(0, 7_500)], [0, 0, -1, -7]);
        assert!(left(u64::MAX, 0) > 0);
    }
}
