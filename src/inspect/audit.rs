//! Every copy with the reason it was kept for, and what the present settings have against it.

use super::line::{CopyLine, Line, Printer};
use super::{Format, InspectError, while_read};
use crate::clock::UnixMillis;
use crate::policy::{Facts, objection};
use crate::store::reader::{Found, Reader, Row};
use crate::{key, policy};
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// What the operator says at present.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub key: key::Settings,
    pub policy: policy::Settings,
}

/// Prints a line for every copy. True: each of them may stay. A row that cannot be read is not
/// accounted for, and so may not.
pub fn audit(
    file: &Path,
    rules: &Rules,
    format: Format,
    now: UnixMillis,
    out: &mut impl Write,
) -> Result<bool, InspectError> {
    let mut audit = Audit { rules, now, printer: Printer::new(format, out), refused: 0 };
    while_read(audit.run(file))?;
    Ok(audit.refused == 0)
}

struct Audit<'a, W> {
    rules: &'a Rules,
    now: UnixMillis,
    printer: Printer<'a, W>,
    refused: u64,
}

impl<W: Write> Audit<'_, W> {
    fn run(&mut self, file: &Path) -> Result<(), InspectError> {
        let mut reader = Reader::open(file).map_err(InspectError::of(file))?;
        loop {
            let rows = reader.rows().map_err(InspectError::of(file))?;
            if rows.is_empty() {
                return Ok(self.printer.finish()?);
            }
            rows.iter().try_for_each(|found| self.judge(found))?;
        }
    }

    /// Counted before it is printed: what nobody reads counts too.
    fn judge(&mut self, found: &Found) -> Result<(), InspectError> {
        let Ok(row) = found else {
            self.refused += 1;
            return Ok(found.as_ref().err().map_or(Ok(()), |row| self.printer.print(row))?);
        };
        let objection = objection(&facts(row), &self.rules.key, &self.rules.policy);
        let refused = objection.map(|objection| objection.as_str());
        self.refused += u64::from(refused.is_some());
        let copy = CopyLine::new(row, self.now);
        Ok(self.printer.print(&Judged { copy, refused })?)
    }
}

fn facts(row: &Row) -> Facts<'_> {
    Facts {
        place: &row.place,
        personal: row.identity.is_some(),
        sealed: row.sealed,
        why: row.why,
        status: row.status,
        bytes: row.raw_bytes,
        content_encoding: &row.content_encoding,
        head: row.headers.as_ref(),
    }
}

/// The names are written down in [`super`].
#[derive(Serialize)]
struct Judged<'a> {
    #[serde(flatten)]
    copy: CopyLine<'a>,
    refused: Option<&'static str>,
}

impl Line for Judged<'_> {
    /// The verdict, why it was kept, then what tells which copy it is.
    fn text(&self) -> String {
        let verdict = self.refused.map_or("kept".to_owned(), |reason| format!("refused: {reason}"));
        let [address, identity, status, stored, _, _, _, why, id] =
            self.copy.fields().map(|(_, value)| value);
        [verdict, why, address, identity, status, stored, id].join("\t")
    }
}
