//! From the file to a copy, believing nothing: header checksum, whole key, age, body hash, seal,
//! length. The transaction ends before the work on the bytes begins.

use super::Copy;
use super::body;
use super::change::hash_of;
use super::entry::{Damage, Header, body_bound, unpack_headers};
use super::file::{BODIES, ENTRIES, guarded};
use super::handle::Handle;
use super::plan::seal_of;
use super::seal::{Seal, first_half};
use crate::clock::UnixMillis;
use crate::encoding;
use crate::key::{EntryId, StoreKey};
use bytes::Bytes;
use redb::ReadTransaction;

/// What the file says about a key.
pub(super) enum Answer {
    Copy(Copy),
    Missing,
    /// Older than `store.ttl`.
    Expired,
    /// Sound, but this seal does not open it.
    Sealed,
    Damaged {
        damage: Damage,
        row_hash: [u8; 16],
    },
}

/// Copies stored before `oldest` have expired.
pub(super) fn read(
    db: &Handle,
    id: EntryId,
    key: &StoreKey,
    oldest: UnixMillis,
) -> Result<Answer, redb::Error> {
    let fetched = guarded(|| fetch(db, id, key, oldest))?;
    let Some((row_hash, fetched)) = fetched else {
        return Ok(Answer::Missing);
    };
    let answer = match fetched {
        Ok(Fetched::Expired) => Ok(Answer::Expired),
        Ok(Fetched::Stored(header, stored)) => unwrap(id, seal_of(key), &header, stored)
            .map(|copy| copy.map_or(Answer::Sealed, Answer::Copy)),
        Err(damage) => Err(damage),
    };
    Ok(answer.unwrap_or_else(|damage| Answer::Damaged { damage, row_hash }))
}

/// Is there a row? Nothing is said about its soundness.
pub(super) fn has(db: &Handle, id: EntryId) -> Result<bool, redb::Error> {
    guarded(|| Ok(db.begin_read()?.open_table(ENTRIES)?.get(&id.0)?.is_some()))
}

enum Fetched {
    Stored(Box<Header>, Vec<u8>),
    Expired,
}

/// The hash of a row, and what came of it.
type Seen = ([u8; 16], Result<Fetched, Damage>);

fn fetch(
    db: &Handle,
    id: EntryId,
    key: &StoreKey,
    oldest: UnixMillis,
) -> Result<Option<Seen>, redb::Error> {
    let transaction = db.begin_read()?;
    let Some(row) = transaction.open_table(ENTRIES)?.get(&id.0)?.map(|row| row.value().to_vec())
    else {
        return Ok(None);
    };
    let fetched = match Header::decode(id, &row) {
        Err(damage) => Err(damage),
        Ok(header) if !header.is_of(key) => Err(Damage::OtherKey),
        Ok(header) if header.stored_at < oldest.0 => Ok(Fetched::Expired),
        Ok(header) => fetch_body(&transaction, header)?,
    };
    Ok(Some((hash_of(Some(&row)), fetched)))
}

fn fetch_body(
    transaction: &ReadTransaction,
    header: Header,
) -> Result<Result<Fetched, Damage>, redb::Error> {
    let stored = stored_body(transaction, &header)?;
    Ok(stored.map(|stored| Fetched::Stored(Box::new(header), stored)))
}

/// The bytes in `bodies.v1` that a header row promises.
pub(super) fn stored_body(
    transaction: &ReadTransaction,
    header: &Header,
) -> Result<Result<Vec<u8>, Damage>, redb::Error> {
    let bodies = transaction.open_table(BODIES)?;
    let stored = body::read(&bodies, header.body.id, header.body.stored_length as usize)?;
    Ok(stored.ok_or(Damage::Body))
}

/// The copy that a row and its stored body are; `None` when the seal does not fit.
pub(super) fn unwrap(
    id: EntryId,
    seal: Option<Seal>,
    header: &Header,
    stored: Vec<u8>,
) -> Result<Option<Copy>, Damage> {
    if first_half(blake3::hash(&stored)) != header.body.stored_hash {
        return Err(Damage::Body);
    }
    let Some((head, at_rest)) = unseal(id, seal, header, stored) else {
        return Ok(None);
    };
    let at_rest = Bytes::from(at_rest);
    let (body, at_rest) = match header.body.packed {
        true => (unpack(header, &at_rest)?, Some(at_rest)),
        false => (at_rest, None),
    };
    if body.len() as u64 != u64::from(header.body.raw_length) {
        return Err(Damage::Body);
    }
    Ok(Some(Copy {
        status: header.status()?,
        headers: unpack_headers(&head)?,
        body,
        at_rest,
        stored_at: UnixMillis(header.stored_at),
        why: header.why()?,
        purged: header.purged,
    }))
}

/// Head and body in clear; `None` when the seal does not fit.
fn unseal(
    id: EntryId,
    seal: Option<Seal>,
    header: &Header,
    stored: Vec<u8>,
) -> Option<(Vec<u8>, Vec<u8>)> {
    let body = &header.body;
    match (seal, &header.head_nonce, &body.nonce) {
        (None, None, None) => Some((header.head.clone(), stored)),
        (Some(seal), Some(head_nonce), Some(body_nonce)) => {
            let head = seal.open(head_nonce, &header.head_bound(id), &header.head)?;
            let bound = body_bound(id, body.id, body.raw_length, body.packed);
            Some((head, seal.open(body_nonce, &bound, &stored)?))
        }
        _ => None,
    }
}

fn unpack(header: &Header, packed: &[u8]) -> Result<Bytes, Damage> {
    let raw = encoding::decompress(packed, header.body.raw_length as usize);
    raw.map(Bytes::from).map_err(|_| Damage::Body)
}
