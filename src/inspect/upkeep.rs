//! The two verbs that change a file, and what they say about it.

use super::progress::Progress;
use super::{InspectError, while_read};
use crate::store::upkeep::{self, Compacted, Migrated, Packing};
use std::io::Write;
use std::path::Path;

/// Packs a file that no RETTER has.
pub fn compact(
    file: &Path,
    progress: &mut Progress,
    out: &mut impl Write,
) -> Result<(), InspectError> {
    let mut say = |packing| match packing {
        Packing::Copying { done, of } => progress.say(|| format!("copied {done} of {of} bytes")),
        Packing::Packing => {
            progress.wipe();
            progress.say(|| "packing the copy".to_owned());
        }
    };
    let Compacted { before, after } = upkeep::compact(file, &mut say)?;
    progress.wipe();
    said(out, &format!("{}\t{before} bytes before, {after} after", file.display()))
}

/// Brings a file to the present version of the format.
pub fn migrate(file: &Path, out: &mut impl Write) -> Result<(), InspectError> {
    let Migrated { from, to } = upkeep::migrate(file)?;
    let done = match from == to {
        true => format!("version {to} already, nothing to do"),
        false => format!("from version {from} to {to}"),
    };
    said(out, &format!("{}\t{done}", file.display()))
}

fn said(out: &mut impl Write, words: &str) -> Result<(), InspectError> {
    let printed = writeln!(out, "{words}").and_then(|()| out.flush());
    while_read(printed.map_err(InspectError::from))
}
