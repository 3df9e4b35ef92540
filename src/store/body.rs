//! Bodies in chunks.
//!
//! redb rounds a large value up to a power of two: 1 MiB costs 2. Chunks of 65,516 bytes under
//! their 12-byte key fill their pages exactly; one byte more doubles them. What is left of a body
//! after those is cut in the same way, into smaller powers of two: 10,000 bytes in one piece would
//! take 16 KiB, and take 12.

use redb::{ReadableTable, Table};

/// What a chunk holds at most, bytes.
pub(super) const CHUNK: usize = 65_516;

/// How many chunks a body of this many bytes has.
pub(super) fn chunks(length: usize) -> u32 {
    pieces(length).count() as u32
}

pub(super) fn insert(table: &mut Bodies, id: u64, body: &[u8]) -> Result<(), redb::Error> {
    let mut rest = body;
    for (number, piece) in (0..).zip(pieces(body.len())) {
        let (chunk, left) = rest.split_at(piece);
        table.insert(&key(id, number), chunk)?;
        rest = left;
    }
    Ok(())
}

pub(super) fn remove(table: &mut Bodies, id: u64, length: usize) -> Result<(), redb::Error> {
    for number in 0..chunks(length) {
        table.remove(&key(id, number))?;
    }
    Ok(())
}

/// The body, or `None` when it is not exactly `length` bytes, however it was cut: files have bodies
/// in larger pieces too, from before there were small ones. Memory grows with what is there, not with
/// what the header promises.
pub(super) fn read(
    table: &impl ReadableTable<&'static [u8; 12], &'static [u8]>,
    id: u64,
    length: usize,
) -> Result<Option<Vec<u8>>, redb::Error> {
    let mut body = Vec::with_capacity(length.min(RESERVED_MAX));
    for number in 0..chunks(length) {
        if body.len() == length {
            break;
        }
        let Some(chunk) = table.get(&key(id, number))? else {
            return Ok(None);
        };
        let chunk = chunk.value();
        if chunk.len() > CHUNK.min(length - body.len()) {
            return Ok(None);
        }
        body.extend_from_slice(chunk);
    }
    Ok((body.len() == length).then_some(body))
}

/// How many bytes each chunk of a body has.
fn pieces(mut left: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let piece = piece(left);
        left -= piece;
        (piece > 0).then_some(piece)
    })
}

/// All that is left, if that fills its pages but for less than one; else as much as fills half of
/// them exactly.
fn piece(left: usize) -> usize {
    let pages = (left + ROW).next_power_of_two().max(PAGE);
    if left >= CHUNK {
        CHUNK
    } else if left + ROW + PAGE > pages {
        left
    } else {
        pages / 2 - ROW
    }
}

fn key(id: u64, number: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&id.to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

type Bodies<'t> = Table<'t, &'static [u8; 12], &'static [u8]>;

/// redb's.
const PAGE: usize = 4096;
/// What redb puts beside a chunk that has its pages to itself, bytes: its key and where it ends.
const ROW: usize = 20;
/// Reserved on the header's word alone, bytes.
const RESERVED_MAX: usize = 16 * 1024 * 1024;
