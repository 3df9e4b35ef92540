//! Settings that name a file, or none.

use crate::config::kinds::{FILE, Kind};
use std::path::PathBuf;

pub const MAYBE_FILE: Kind<Option<PathBuf>> = Kind {
    allowed: "the path of a file, or `none`",
    read: |value| match value.as_str().map(str::trim) {
        Some("" | "none") => Ok(None),
        _ => (FILE.read)(value).map(Some),
    },
    say: |file| file.as_ref().map_or_else(|| "none".to_owned(), FILE.say),
};
