//! What can be wrong with the file, in words: who, what was seen, what to do.

use crate::migrations::MigrationError;
use redb::DatabaseError;
use std::io::ErrorKind;

/// Why the file cannot be used. RETTER goes on with the memory tier alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// Another RETTER writes it.
    Locked,
    /// It was not closed properly and cannot be opened without reading all of it.
    NeedsRepair,
    /// Its content is no RETTER file, or one of an old redb.
    NotOurs(String),
    /// Its pages contradict each other.
    Damaged(String),
    /// A newer RETTER wrote it.
    Newer { found: u32, known: u32 },
    /// It is not there (said to readers only: RETTER itself creates it).
    Missing,
    /// The folder is not there.
    NoFolder,
    /// The operating system forbids it.
    Forbidden,
    /// There is no room left to write in.
    Full,
    /// The file system has no byte-range locks, which those who look beside a writer need.
    NoLocks,
    /// Anything else the operating system said: read-only file system, I/O error.
    Io(String),
}

impl Trouble {
    /// The name for logs and counters.
    pub fn as_str(&self) -> &'static str {
        match self {
            Trouble::Locked => "locked by another process",
            Trouble::NeedsRepair => "not closed properly and in need of repair",
            Trouble::NotOurs(_) => "not a RETTER file",
            Trouble::Damaged(_) => "damaged",
            Trouble::Newer { .. } => "written by a newer RETTER",
            Trouble::Missing => "not there",
            Trouble::NoFolder => "in a folder that does not exist",
            Trouble::Forbidden => "not ours to open",
            Trouble::Full => "on a full disk",
            Trouble::NoLocks => "on a file system without byte-range locks",
            Trouble::Io(_) => "refused by the operating system",
        }
    }

    /// What the operator can do about it, for who was only to look into the file or to tidy it up.
    pub fn remedy_for_tools(&self) -> &'static str {
        match self {
            Trouble::Locked => "stop the process that has it first",
            Trouble::NeedsRepair => "start RETTER on it, which brings its copies back",
            Trouble::Damaged(_) => {
                "nothing was changed; a RETTER that starts on it sets it aside and begins a new one"
            }
            Trouble::NotOurs(_) => "name the file that RETTER's store.path names",
            Trouble::Newer { .. } => "start the newer RETTER, or use the tools that came with it",
            Trouble::Missing | Trouble::NoFolder => {
                "name the file that RETTER's store.path names, or set store.path where no file is named"
            }
            Trouble::Forbidden => "try it as the user whom RETTER runs as",
            Trouble::Full => "make room",
            Trouble::NoLocks => "stop RETTER and copy the file to another file system",
            Trouble::Io(_) => "see whether it is the right file, and to the disk",
        }
    }

    /// What the operator of a running RETTER can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Trouble::Locked => {
                "nothing, if the other one is about to end: this one takes over then; otherwise give \
                 this one its own store.path"
            }
            Trouble::NeedsRepair => {
                "nothing: it is set aside, and its copies are brought back in the background"
            }
            Trouble::Damaged(_) => {
                "nothing: it is set aside, and a new one is begun; delete it when you have looked at it"
            }
            Trouble::NotOurs(_) => "point store.path to another file, or move this one aside",
            Trouble::Newer { .. } => "start the newer RETTER, or give this one its own store.path",
            Trouble::Missing => "name the file that store.path names",
            Trouble::NoFolder => "create the folder, or correct store.path",
            Trouble::Forbidden => "let this user read and write the file and its folder",
            Trouble::Full => "make room: the file is written again within seconds",
            Trouble::NoLocks => {
                "set store.sharing to exclusive, or store.path to another file system"
            }
            Trouble::Io(_) => "see to the disk: the file is tried again every few seconds",
        }
    }

    /// The storage's fault speaks of its bytes, not of the disk.
    pub(super) fn is_damage(fault: &redb::Error) -> bool {
        match fault {
            redb::Error::Io(error) => error.kind() == ErrorKind::UnexpectedEof,
            redb::Error::PreviousIo => false,
            _ => true,
        }
    }

    /// The disk is full, by whatever name the system calls it.
    pub(super) fn is_want_of_room(fault: &redb::Error) -> bool {
        matches!(fault, redb::Error::Io(error) if is_full(error.kind()))
    }

    /// Time does not mend it, only the operator does: the file is not asked for again.
    pub(super) fn is_hopeless(&self) -> bool {
        matches!(self, Trouble::NotOurs(_) | Trouble::Newer { .. } | Trouble::NoLocks)
    }
}

fn is_full(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Trouble::NotOurs(seen) | Trouble::Damaged(seen) | Trouble::Io(seen) => {
                write!(f, " ({seen})")
            }
            Trouble::Newer { found, known } => {
                write!(f, " (schema version {found}, known up to {known})")
            }
            _ => Ok(()),
        }
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Trouble::NoFolder,
            ErrorKind::PermissionDenied => Trouble::Forbidden,
            // redb's word for a file that does not begin like one of its own.
            ErrorKind::InvalidData => Trouble::NotOurs(error.to_string()),
            // A page that points past the end.
            ErrorKind::UnexpectedEof => Trouble::Damaged(error.to_string()),
            kind if is_full(kind) => Trouble::Full,
            ErrorKind::Unsupported => Trouble::NoLocks,
            _ => Trouble::Io(error.to_string()),
        }
    }
}

impl From<DatabaseError> for Trouble {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Storage(error) => redb::Error::from(error).into(),
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                Trouble::Locked
            }
            DatabaseError::RepairAborted => Trouble::NeedsRepair,
            DatabaseError::UpgradeRequired(_) => Trouble::NotOurs(error.to_string()),
            other => Trouble::Damaged(other.to_string()),
        }
    }
}

impl From<redb::Error> for Trouble {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => error.into(),
            redb::Error::Unsupported => Trouble::NoLocks,
            redb::Error::PreviousIo
            | redb::Error::LockPoisoned(_)
            | redb::Error::DatabaseClosed
            | redb::Error::ValueTooLarge(_) => Trouble::Io(error.to_string()),
            other => Trouble::Damaged(other.to_string()),
        }
    }
}

impl From<MigrationError> for Trouble {
    fn from(error: MigrationError) -> Self {
        match error {
            MigrationError::Newer { found, known } => Trouble::Newer { found, known },
            MigrationError::Unreadable => Trouble::Damaged(error.to_string()),
            MigrationError::Storage(error) => error.into(),
        }
    }
}
