//! A file that is read and never written: what redb writes stays in memory.
//!
//! redb opens a file that was not closed (`kill -9`) only for writing, since it has to be put in
//! order first. `retter-db` must not change what it looks at, so the order is made in memory.
//! Memory: the blocks redb writes, which is little with quick repair.

use redb::StorageBackend;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(super) struct Overlay(Mutex<Layers>);

#[derive(Debug)]
struct Layers {
    file: File,
    /// How much of the file still shows through, bytes.
    visible: u64,
    length: u64,
    /// By block number.
    written: BTreeMap<u64, Box<[u8; BLOCK]>>,
}

impl Overlay {
    /// `file` needs to be open for reading only.
    pub fn new(file: File) -> Result<Self> {
        let length = file.metadata()?.len();
        let layers = Layers { file, visible: length, length, written: BTreeMap::new() };
        Ok(Self(Mutex::new(layers)))
    }

    fn layers(&self) -> MutexGuard<'_, Layers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> Result<u64> {
        Ok(self.layers().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let layers = self.layers();
        if offset.saturating_add(out.len() as u64) > layers.length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        layers.read_file(offset, out)?;
        let blocks = place(offset).0..(offset + out.len() as u64).div_ceil(BLOCK as u64);
        for (&block, bytes) in layers.written.range(blocks) {
            let start = block * BLOCK as u64;
            let (skipped, at) = (offset.saturating_sub(start), start.saturating_sub(offset));
            let (bytes, out) = (&bytes[skipped as usize..], &mut out[at as usize..]);
            let part = bytes.len().min(out.len());
            out[..part].copy_from_slice(&bytes[..part]);
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<()> {
        let mut layers = self.layers();
        layers.visible = layers.visible.min(length);
        layers.length = length;
        layers.written.split_off(&length.div_ceil(BLOCK as u64));
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut layers = self.layers();
        let end =
            offset.checked_add(data.len() as u64).ok_or(Error::from(ErrorKind::InvalidInput))?;
        layers.length = layers.length.max(end);
        let mut done = 0;
        while done < data.len() {
            let (block, from) = place(offset + done as u64);
            let part = (BLOCK - from).min(data.len() - done);
            let mut bytes = layers.block(block)?;
            bytes[from..from + part].copy_from_slice(&data[done..done + part]);
            layers.written.insert(block, bytes);
            done += part;
        }
        Ok(())
    }
}

impl Layers {
    /// What was written, else what the file has, else zeros.
    fn block(&self, block: u64) -> Result<Box<[u8; BLOCK]>> {
        if let Some(bytes) = self.written.get(&block) {
            return Ok(bytes.clone());
        }
        let mut bytes = Box::new([0; BLOCK]);
        self.read_file(block * BLOCK as u64, &mut bytes[..])?;
        Ok(bytes)
    }

    /// What the file has, else zeros.
    fn read_file(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let there = self.visible.saturating_sub(offset).min(out.len() as u64) as usize;
        out[there..].fill(0);
        self.file.read_exact_at(&mut out[..there], offset)
    }
}

/// Block number and place in the block.
fn place(offset: u64) -> (u64, usize) {
    (offset / BLOCK as u64, (offset % BLOCK as u64) as usize)
}

const BLOCK: usize = 4096;
