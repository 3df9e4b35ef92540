//! A disk whose power can go, and that can fail.
//!
//! What was written and not synced is in the disk's cache. When the power goes, any part of it may
//! have reached the platter: every sector of 512 bytes by itself, every change of length by itself
//! and out of order. Everything is decided by a seed.

use fastrand::Rng;
use redb::{BackendError, StorageBackend};
use std::collections::BTreeSet;
use std::io::{Error, ErrorKind, Result};
use std::ops::Bound;
use std::sync::Arc;

/// Cheap to clone: the same disk.
#[derive(Clone, Default)]
pub(super) struct Disk(Arc<parking_lot::Mutex<State>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The operation may have happened in part; nothing happens after it.
    PowerCut,
    /// This one operation fails and does nothing.
    Once(ErrorKind),
    /// It and all that follow it fail, until [`Disk::mend`].
    Lasting(ErrorKind),
}

#[derive(Clone, Default)]
struct State {
    /// As whoever reads it sees it.
    seen: Vec<u8>,
    /// What the next power cut leaves in any case.
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    /// Writes, syncs and changes of length so far.
    operations: u64,
    /// Bytes written so far.
    written: u64,
    /// Blocks that were ever written since the file was last shorter.
    blocks: BTreeSet<u64>,
    /// Which operation meets it.
    fault: Option<(u64, Fault)>,
    is_dead: bool,
}

#[derive(Clone)]
enum Change {
    Bytes(u64, Vec<u8>),
    Length(u64),
}

impl Disk {
    pub fn holding(bytes: &[u8]) -> Self {
        let state = State { seen: bytes.to_vec(), synced: bytes.to_vec(), ..State::default() };
        Self(Arc::new(state.into()))
    }

    /// The operation after `more` others meets the fault.
    pub fn fails_after(&self, more: u64, fault: Fault) {
        let mut state = self.0.lock();
        state.fault = Some((state.operations + more + 1, fault));
    }

    /// Another file in its place.
    pub fn clear(&self) {
        let mut state = self.0.lock();
        (state.seen, state.synced, state.unsynced) = Default::default();
    }

    pub fn mend(&self) {
        self.0.lock().fault = None;
    }

    pub fn is_dead(&self) -> bool {
        self.0.lock().is_dead
    }

    pub fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    pub fn written(&self) -> u64 {
        self.0.lock().written
    }

    /// Bytes that a file system keeps for it, holes not counted.
    pub fn taken(&self) -> u64 {
        self.0.lock().blocks.len() as u64 * BLOCK
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().seen.clone()
    }

    /// What a killed process leaves: the operating system still has all it wrote.
    pub fn after_kill(&self) -> Self {
        let mut state = self.0.lock();
        let left = state.clone();
        state.is_dead = true;
        Self(Arc::new(left.into()))
    }

    /// What a power cut leaves.
    pub fn after_power_cut(&self, random: &mut Rng) -> Self {
        let mut state = self.0.lock();
        state.is_dead = true;
        let mut unsynced = state.unsynced.clone();
        if random.bool() {
            move_lengths(&mut unsynced, random);
        }
        let odds = [0, 1, 10, 50, 90, 99, 100][random.usize(..7)];
        let mut left = state.synced.clone();
        for change in &unsynced {
            land(&mut left, change, || random.u32(..100) < odds);
        }
        Self::holding(&left)
    }
}

/// A file system may write a length down before or after the bytes around it.
fn move_lengths(unsynced: &mut Vec<Change>, random: &mut Rng) {
    for at in 0..unsynced.len() {
        if matches!(unsynced[at], Change::Length(_)) {
            let length = unsynced.remove(at);
            unsynced.insert(random.usize(..=unsynced.len()), length);
        }
    }
}

/// Bytes past the end of the file are lost: nothing says that they are its own.
fn land(disk: &mut Vec<u8>, change: &Change, mut survives: impl FnMut() -> bool) {
    match change {
        Change::Length(length) if survives() => disk.resize(*length as usize, 0),
        Change::Length(_) => {}
        Change::Bytes(offset, bytes) => {
            let mut at = *offset as usize;
            for sector in bytes.chunks(SECTOR) {
                let room = disk.len().saturating_sub(at).min(sector.len());
                if survives() && room > 0 {
                    disk[at..at + room].copy_from_slice(&sector[..room]);
                }
                at += sector.len();
            }
        }
    }
}

impl State {
    /// Every operation comes by here; `change` is what it is about to do.
    fn operate(&mut self, change: Option<Change>) -> Result<()> {
        self.check()?;
        self.operations += 1;
        match self.fault {
            Some((at, Fault::Once(kind))) if at == self.operations => return Err(kind.into()),
            Some((at, Fault::Lasting(kind))) if at <= self.operations => return Err(kind.into()),
            Some((at, Fault::PowerCut)) if at == self.operations => self.is_dead = true,
            _ => {}
        }
        match change {
            Some(change) => {
                self.count(&change);
                land(&mut self.seen, &change, || true);
                self.unsynced.push(change);
            }
            None if !self.is_dead => {
                let unsynced = std::mem::take(&mut self.unsynced);
                unsynced.iter().for_each(|change| land(&mut self.synced, change, || true));
            }
            None => {}
        }
        self.check()
    }

    fn count(&mut self, change: &Change) {
        match change {
            Change::Length(length) => drop(self.blocks.split_off(&length.div_ceil(BLOCK))),
            Change::Bytes(offset, bytes) => {
                self.written += bytes.len() as u64;
                let end = (offset + bytes.len() as u64).div_ceil(BLOCK);
                self.blocks.extend(offset / BLOCK..end);
            }
        }
    }

    fn check(&self) -> Result<()> {
        if self.is_dead { Err(Error::other("the power is gone")) } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64> {
        let state = self.0.lock();
        state.check().map(|()| state.seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let state = self.0.lock();
        state.check()?;
        let bytes = state.seen.get(offset as usize..offset as usize + out.len());
        out.copy_from_slice(bytes.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<()> {
        self.0.lock().operate(Some(Change::Length(length)))
    }

    fn sync_data(&self) -> Result<()> {
        self.0.lock().operate(None)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.0.lock().operate(Some(Change::Bytes(offset, data.to_vec())))
    }

    // Nobody else is there to be locked out.

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Locked<bool> {
        Ok(true)
    }

    fn try_lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Locked<bool> {
        Ok(true)
    }

    fn lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Locked<()> {
        Ok(())
    }

    fn lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Locked<()> {
        Ok(())
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Locked<()> {
        Ok(())
    }

    fn query_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Locked<bool> {
        Ok(false)
    }
}

type Locked<T> = std::result::Result<T, BackendError>;

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a simulated disk")
    }
}

const SECTOR: usize = 512;
const BLOCK: u64 = 4096;
