//! What a check of the whole file found, a line for each flaw, and a line about all of it.

use super::line::{Line, Printer};
use super::progress::Progress;
use super::words::escaped;
use super::{Format, InspectError, while_read};
use crate::store::Trouble;
use crate::store::reader::{Check, Flaw, Part, Reader, Tally};
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// Checks everything in the file. True: it is sound.
pub fn verify(
    file: &Path,
    format: Format,
    progress: &mut Progress,
    out: &mut impl Write,
) -> Result<bool, InspectError> {
    let mut verify = Verify { printer: Printer::new(format, out), progress, damaged: 0 };
    while_read(verify.run(file))?;
    Ok(verify.damaged == 0)
}

struct Verify<'a, W> {
    printer: Printer<'a, W>,
    progress: &'a mut Progress,
    damaged: u64,
}

impl<W: Write> Verify<'_, W> {
    fn run(&mut self, file: &Path) -> Result<(), InspectError> {
        let tally = match Reader::open(file).and_then(Check::of) {
            Ok(check) => self.check(check, file)?,
            Err(Trouble::Damaged(reason)) => self.unreadable(reason)?,
            Err(trouble) => return Err(InspectError::of(file)(trouble)),
        };
        self.printer.print(&Summary::of(tally, self.damaged))?;
        Ok(self.printer.finish()?)
    }

    fn check(&mut self, mut check: Check, file: &Path) -> Result<Tally, InspectError> {
        while let Some(flaws) = check.step().map_err(InspectError::of(file))? {
            self.print(&flaws)?;
            let Tally { rows, expected, .. } = check.tally();
            self.progress.rows(rows, expected);
        }
        self.progress.wipe();
        Ok(check.tally())
    }

    fn unreadable(&mut self, reason: String) -> Result<Tally, InspectError> {
        self.print(&[Flaw { part: Part::Pages, name: "all".to_owned(), reason }])?;
        Ok(Tally::default())
    }

    /// At once, so that a long check need not be waited for.
    fn print(&mut self, flaws: &[Flaw]) -> Result<(), InspectError> {
        if flaws.is_empty() {
            return Ok(());
        }
        self.damaged += flaws.len() as u64;
        self.progress.wipe();
        flaws.iter().try_for_each(|flaw| self.printer.print(&FlawLine::of(flaw)))?;
        Ok(self.printer.finish()?)
    }
}

/// The names are written down in [`super`].
#[derive(Serialize)]
struct FlawLine<'a> {
    kind: &'static str,
    part: &'static str,
    name: &'a str,
    reason: &'a str,
}

impl<'a> FlawLine<'a> {
    fn of(flaw: &'a Flaw) -> Self {
        let Flaw { part, name, reason } = flaw;
        Self { kind: "damage", part: part.as_str(), name, reason }
    }
}

impl Line for FlawLine<'_> {
    fn text(&self) -> String {
        let (name, reason) = (escaped(self.name), escaped(self.reason));
        [self.kind, self.part, &name, &reason].join("\t")
    }
}

/// The names are written down in [`super`].
#[derive(Serialize)]
struct Summary {
    kind: &'static str,
    sound: bool,
    damaged: u64,
    copies: u64,
    stored_bytes: u64,
    breakers: u64,
    orphans: u64,
    orphan_bytes: u64,
    figures_compared: bool,
}

impl Summary {
    fn of(tally: Tally, damaged: u64) -> Self {
        Self {
            kind: "verify",
            sound: damaged == 0,
            damaged,
            copies: tally.copies,
            stored_bytes: tally.stored_bytes,
            breakers: tally.breakers,
            orphans: tally.orphans,
            orphan_bytes: tally.orphan_bytes,
            figures_compared: tally.compared,
        }
    }
}

impl Line for Summary {
    fn text(&self) -> String {
        let Self { damaged, copies, stored_bytes, breakers, orphans, orphan_bytes, .. } = self;
        let verdict = if self.sound { "sound".to_owned() } else { format!("{damaged} damaged") };
        let read = format!("{copies} copies with {stored_bytes} bytes, {breakers} breakers");
        let orphans = format!("{orphans} bodies of no copy ({orphan_bytes} bytes)");
        let compared = if self.figures_compared {
            "figures compared"
        } else {
            "figures not compared: the file is being written, or rows are unreadable"
        };
        [&verdict, &read, &orphans, compared].join("\t")
    }
}
