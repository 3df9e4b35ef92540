//! The open file, in the ways it can be open, and the one place where it is held.

use super::file::guarded;
use parking_lot::RwLock;
use redb::{Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase};
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An open file. All can be read; one can be written.
pub(super) enum Handle {
    /// This RETTER is the writer.
    Own(Closing<Database>),
    /// Another one is, or nobody; this one follows.
    Beside(Closing<ReadOnlyDatabase>),
    /// As it was found: it was not closed, or the disk is full, and nothing of what is done to put it
    /// in order reaches the disk.
    Frozen(Closing<Database>),
}

impl Handle {
    pub fn begin_read(&self) -> Result<ReadTransaction, redb::Error> {
        Ok(match self {
            Self::Own(db) | Self::Frozen(db) => db.begin_read()?,
            Self::Beside(db) => db.begin_read()?,
        })
    }

    /// What may be written to.
    pub fn own(&self) -> Option<&Database> {
        match self {
            Self::Own(db) => Some(db),
            Self::Beside(_) | Self::Frozen(_) => None,
        }
    }
}

/// Closes without a panic: redb writes a last commit then, which meets damaged pages like any
/// other, and whoever lets go of a handle last may be a reader or the writer.
pub(super) struct Closing<T>(Option<T>);

impl<T> From<T> for Closing<T> {
    fn from(open: T) -> Self {
        Self(Some(open))
    }
}

impl<T> Deref for Closing<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("taken when it is dropped, and not before")
    }
}

impl<T> Drop for Closing<T> {
    fn drop(&mut self) {
        let open = self.0.take();
        let closed = guarded(|| {
            drop(open);
            Ok::<_, redb::Error>(())
        });
        if let Err(fault) = closed {
            tracing::warn!(%fault, "the file could not be closed in good order");
        }
    }
}

/// The file's handle, while there is one.
#[derive(Default)]
pub(super) struct Slot(RwLock<Handles>);

#[derive(Default)]
struct Handles {
    present: Option<Arc<Handle>>,
    /// Not given out any more; whoever has it is finishing.
    retired: Option<Arc<Handle>>,
}

impl Slot {
    pub fn get(&self) -> Option<Arc<Handle>> {
        self.0.read().present.clone()
    }

    /// This RETTER is the writer now.
    pub fn is_own(&self) -> bool {
        self.0.read().present.as_ref().is_some_and(|handle| handle.own().is_some())
    }

    pub fn set(&self, handle: Handle) {
        self.0.write().present = Some(Arc::new(handle));
    }

    /// Closes the file as soon as nobody reads it, and waits for that a second at most: until it is
    /// closed nobody can open it again.
    pub fn release(&self) {
        let handles = std::mem::take(&mut *self.0.write());
        close([handles.present, handles.retired]);
    }

    /// The same for what is not given out any more.
    pub fn release_retired(&self) {
        let retired = self.0.write().retired.take();
        close([retired]);
    }

    /// False when another handle has taken its place already.
    pub fn discard(&self, db: &Arc<Handle>) -> bool {
        let mut handles = self.0.write();
        let same = handles.present.as_ref().is_some_and(|present| Arc::ptr_eq(present, db));
        if same {
            handles.retired = handles.present.take();
        }
        same
    }
}

fn close(handles: impl IntoIterator<Item = Option<Arc<Handle>>>) {
    let until = Instant::now() + RELEASE_MAX;
    for handle in handles.into_iter().flatten() {
        while Arc::strong_count(&handle) > 1 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

const RELEASE_MAX: Duration = Duration::from_secs(1);
