//! Bodies in chunks.
//!
//! redb rounds a large value up to a power of two: 1 MiB costs 2. Chunks of 65,516 bytes under
//! their 12-byte key fill their pages exactly; one byte more doubles them.

use redb::{ReadableTable, Table};

/// What a chunk holds at most, bytes.
pub(super) const CHUNK: usize = 65_516;

/// How many chunks a body of this many bytes has.
pub(super) fn chunks(length: usize) -> u32 {
    length.div_ceil(CHUNK) as u32
}

pub(super) fn insert(table: &mut Bodies, id: u64, body: &[u8]) -> Result<(), redb::Error> {
    for (number, chunk) in (0..).zip(body.chunks(CHUNK)) {
        table.insert(&key(id, number), chunk)?;
    }
    Ok(())
}

pub(super) fn remove(table: &mut Bodies, id: u64, length: usize) -> Result<(), redb::Error> {
    for number in 0..chunks(length) {
        table.remove(&key(id, number))?;
    }
    Ok(())
}

/// The body, or `None` when it is not exactly `length` bytes. Memory grows with what is there, not
/// with what the header promises.
pub(super) fn read(
    table: &impl ReadableTable<&'static [u8; 12], &'static [u8]>,
    id: u64,
    length: usize,
) -> Result<Option<Vec<u8>>, redb::Error> {
    let mut body = Vec::with_capacity(length.min(RESERVED_MAX));
    for number in 0..chunks(length) {
        let Some(chunk) = table.get(&key(id, number))? else {
            return Ok(None);
        };
        let chunk = chunk.value();
        if chunk.len() != CHUNK.min(length - body.len()) {
            return Ok(None);
        }
        body.extend_from_slice(chunk);
    }
    Ok(Some(body))
}

fn key(id: u64, number: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&id.to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

type Bodies<'t> = Table<'t, &'static [u8; 12], &'static [u8]>;

/// Reserved on the header's word alone, bytes.
const RESERVED_MAX: usize = 16 * 1024 * 1024;
