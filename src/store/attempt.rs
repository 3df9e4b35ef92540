//! A file that ends the process while it is opened does so again at the next start, for ever.
//!
//! redb meets some damage with a panic in a destructor during a panic, which nothing can catch. So
//! an attempt to open the file leaves a mark beside it, one byte in `retter.redb.opening`, and takes
//! it away when it has come to any end. Marks that are found are attempts that ended the process (or
//! were ended with it, `kill -9` in these few milliseconds); after three of them in a row the file
//! is damaged. A mark that cannot be left keeps nobody from opening.

use super::aside::beside;
use super::trouble::Trouble;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

pub(super) struct Attempt {
    path: PathBuf,
    /// Locked, so that an attempt under way is not taken for one that ended badly.
    marks: Option<File>,
}

impl Attempt {
    /// # Errors
    /// The file ended the process too often.
    pub fn begin(file: &Path) -> Result<Self, Trouble> {
        let path = marks(file);
        let marks = OpenOptions::new().append(true).create(true).open(&path);
        match marks.and_then(leave) {
            Ok(Left::Mark(marks)) => Ok(Self { path, marks: Some(marks) }),
            Ok(Left::TooMany) => {
                Err(Trouble::Damaged("opening it ended the process again and again".into()))
            }
            Err(error) => {
                tracing::debug!(marks = %path.display(), %error, "no mark of the attempt");
                Ok(Self { path, marks: None })
            }
        }
    }

    /// The file is not there any more.
    pub fn forget_all(file: &Path) {
        // Not there, or not ours to remove.
        let _ = std::fs::remove_file(marks(file));
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.marks.is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

enum Left {
    Mark(File),
    TooMany,
}

fn leave(mut marks: File) -> std::io::Result<Left> {
    marks.try_lock()?;
    if marks.metadata()?.len() >= ATTEMPTS_MAX {
        return Ok(Left::TooMany);
    }
    marks.write_all(b".")?;
    Ok(Left::Mark(marks))
}

fn marks(file: &Path) -> PathBuf {
    beside(file, ".opening")
}

const ATTEMPTS_MAX: u64 = 3;
