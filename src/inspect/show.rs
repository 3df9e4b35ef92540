//! One copy: its head and its body, as the application sent them.

use super::line::CopyLine;
use super::search::Search;
use super::words::{escaped, is_obeyed, value};
use super::{Format, InspectError, json, while_read};
use crate::clock::UnixMillis;
use crate::policy::Why;
use crate::store::Copy;
use crate::store::reader::{Reader, Session};
use crate::store::select::Key;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

/// Which copy, and how it is to be shown.
#[derive(Clone, Debug)]
pub struct Asked {
    /// An id (32 hexadecimal digits), a beginning of one, or an address as a dump prints it.
    pub key: String,
    /// `NAME=VALUE` and `NAME: VALUE`, see [`Session::read`].
    pub sessions: Vec<String>,
    pub format: Format,
    /// The body is left out.
    pub head_only: bool,
    /// The reader is a terminal: a body that is no text is not sent to it.
    pub terminal: bool,
}

/// Prints one copy. A sealed one without a session is said to be sealed, with what is in clear.
pub fn show(
    file: &Path,
    asked: &Asked,
    now: UnixMillis,
    out: &mut impl Write,
) -> Result<(), InspectError> {
    let session = Session::read(&asked.sessions)?;
    let key = Key::read(&asked.key).ok_or_else(|| InspectError::Key(asked.printable_key()))?;
    let reader = Reader::open(file).map_err(InspectError::of(file))?;
    let people = reader.people(&session).map_err(InspectError::of(file))?;
    let mut search = Search { file, asked, now, reader, people };
    let row = search.one(&key)?;
    let copy = search.open(&row)?;
    let line = CopyLine::new(&row, now).opened(copy.as_ref());
    let shown = Shown { asked, line, copy: copy.as_ref(), is_list: row.why == Why::Variants };
    while_read(shown.print(out).map_err(InspectError::from))
}

impl Asked {
    pub(super) fn printable_key(&self) -> String {
        escaped(&self.key).into_owned()
    }
}

struct Shown<'a> {
    asked: &'a Asked,
    line: CopyLine<'a>,
    /// `None`: sealed.
    copy: Option<&'a Copy>,
    /// Of variants, and no page.
    is_list: bool,
}

impl Shown<'_> {
    fn print(self, out: &mut impl Write) -> io::Result<()> {
        match (self.asked.format, self.copy) {
            (Format::Json, _) => json::print(&self.object(), out)?,
            (Format::Text, _) if self.is_list => {
                self.in_clear("no page: the list of the variants of one", out)?;
            }
            (Format::Text, Some(copy)) => self.text(copy, out)?,
            (Format::Text, None) => {
                self.in_clear("sealed: its own visitor's session opens it (--session)", out)?;
            }
        }
        out.flush()
    }

    fn text(&self, copy: &Copy, out: &mut impl Write) -> io::Result<()> {
        let reason = copy.status.canonical_reason().map_or(String::new(), |r| format!(" {r}"));
        writeln!(out, "HTTP/1.1 {}{reason}", copy.status.as_u16())?;
        for (name, bytes) in &copy.headers {
            writeln!(out, "{name}: {}", escaped(&value(bytes.as_bytes())))?;
        }
        match &copy.body {
            _ if self.asked.head_only => Ok(()),
            body if self.asked.terminal && !is_text(body) => {
                writeln!(out, "\n({} bytes that are no text: for a file or a pipe)", body.len())
            }
            body => {
                writeln!(out)?;
                out.write_all(body)
            }
        }
    }

    /// What can be said of it beside its head and body, behind why these are not shown.
    fn in_clear(&self, reason: &str, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{reason}")?;
        for (name, value) in self.line.fields() {
            writeln!(out, "{name}: {value}")?;
        }
        Ok(())
    }

    fn object(&self) -> Object<'_> {
        let body = self.copy.filter(|_| !self.asked.head_only).map(|copy| body_of(&copy.body));
        let (body_encoding, body) = body.unzip();
        Object { line: &self.line, headers: self.copy.map(pairs), body, body_encoding }
    }
}

fn pairs(copy: &Copy) -> Vec<(&str, Cow<'_, str>)> {
    let pairs = copy.headers.iter();
    pairs.map(|(name, bytes)| (name.as_str(), value(bytes.as_bytes()))).collect()
}

/// The name of its form, and the body in it.
fn body_of(body: &[u8]) -> (&'static str, Cow<'_, str>) {
    match std::str::from_utf8(body) {
        Ok(text) => ("utf-8", text.into()),
        Err(_) => ("base64", STANDARD.encode(body).into()),
    }
}

/// A copy as `show --json` prints it. The names are written down in [`super`].
#[derive(Serialize)]
struct Object<'a> {
    #[serde(flatten)]
    line: &'a CopyLine<'a>,
    headers: Option<Vec<(&'a str, Cow<'a, str>)>>,
    body: Option<Cow<'a, str>>,
    body_encoding: Option<&'static str>,
}

/// UTF-8 that a terminal shows and does not obey.
fn is_text(body: &[u8]) -> bool {
    let shown = |c: char| matches!(c, '\n' | '\r' | '\t') || !is_obeyed(c);
    std::str::from_utf8(body).is_ok_and(|text| text.chars().all(shown))
}
