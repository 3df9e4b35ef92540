//! Working a change out, before the transaction begins: compressing and sealing take longer than
//! writing.

use super::change::{Change, New, Old, Plan, hash_of};
use super::counters::Dropped;
use super::entry::{BODY_MAX, BodyRef, Header, body_bound, pack_headers, tag};
use super::meta::Meta;
use super::seal::{Nonce, Seal, content_hash, first_half};
use super::{Copy, Settings};
use crate::encoding;
use crate::key::{EntryId, Identity, StoreKey};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use redb::ReadOnlyTable;

/// What came of planning.
pub(super) enum Planned {
    Do(Box<Plan>),
    /// There is nothing to change.
    Nothing,
    Dropped(Dropped),
}

/// Works changes out against what the file holds. `meta` runs ahead with them and becomes the
/// truth when the batch is committed.
pub(super) struct Planner<'a> {
    pub entries: ReadOnlyTable<&'static [u8; 16], &'static [u8]>,
    pub settings: &'a Settings,
    pub meta: &'a mut Meta,
    /// Bytes of what was refused for want of room, and would have had room in an emptier file.
    pub short: u64,
}

impl Planner<'_> {
    pub fn plan(&mut self, id: EntryId, change: &Change) -> Result<Planned, redb::Error> {
        let row = self.entries.get(&id.0)?.map(|row| row.value().to_vec());
        let old = row.as_deref().map(|row| Old::read(id, row));
        let planned = match (change, old) {
            (Change::Put { key, copy, anew }, old) => {
                let kept = if *anew { None } else { kept_body(seal_of(key), copy, old.as_ref()) };
                self.put(id, key, copy, old, kept)
            }
            // What has come since is newer.
            (Change::Restore(new), None) => self.restore(id, new),
            (Change::Forget, Some(old)) => removal(id, old),
            (Change::Discard { row_hash }, Some(old)) if hash_of(row.as_deref()) == *row_hash => {
                removal(id, old)
            }
            (Change::Purge, Some(old)) => purged(id, old),
            _ => Planned::Nothing,
        };
        if let Planned::Do(plan) = &planned {
            plan.count(self.meta);
        }
        Ok(planned)
    }

    fn put(
        &mut self,
        id: EntryId,
        key: &StoreKey,
        copy: &Copy,
        old: Option<Old>,
        kept: Option<BodyRef>,
    ) -> Planned {
        let is_new = old.is_none();
        let new = match self.new_rows(id, key, copy, kept) {
            Ok(new) => new,
            Err(reason) => return Planned::Dropped(reason),
        };
        if is_new && !self.has_room_for(&new) {
            return Planned::Dropped(Dropped::MaxSize);
        }
        Planned::Do(Box::new(Plan { id, old, new: Some(new) }))
    }

    fn has_room_for(&mut self, new: &New) -> bool {
        let has_room = self.fits(new, self.meta.live);
        if !has_room && self.fits(new, 0) {
            self.short = self.short.saturating_add(new.weight());
        }
        has_room
    }

    fn fits(&self, new: &New, live: u64) -> bool {
        live.saturating_add(new.weight()) <= self.settings.maxsize
    }

    /// Not at the cost of others: they were refreshed later.
    fn restore(&self, id: EntryId, new: &New) -> Planned {
        if !self.fits(new, self.meta.live) {
            return Planned::Dropped(Dropped::MaxSize);
        }
        Planned::Do(Box::new(Plan { id, old: None, new: Some(new.clone()) }))
    }

    fn new_rows(
        &mut self,
        id: EntryId,
        key: &StoreKey,
        copy: &Copy,
        kept: Option<BodyRef>,
    ) -> Result<New, Dropped> {
        let seal = seal_of(key);
        let (body, bytes) = match kept {
            Some(body) => (body, None),
            None => {
                let (body, bytes) = self.new_body(id, seal, copy)?;
                (body, Some(bytes))
            }
        };
        let header = self.header(key, copy, body.clone());
        let expires_at = header.expires_at;
        let row = seal_head(id, seal, header).and_then(|header| header.encode(id));
        Ok(New { row: row.ok_or(Dropped::TooLarge)?, expires_at, body, bytes })
    }

    /// Compressed first, sealed then: what is sealed has nothing left to compress.
    fn new_body(
        &mut self,
        id: EntryId,
        seal: Option<Seal>,
        copy: &Copy,
    ) -> Result<(BodyRef, Vec<u8>), Dropped> {
        let raw_length = body_length(copy).ok_or(Dropped::TooLarge)?;
        let (kind, coding) = (text(copy, CONTENT_TYPE), text(copy, CONTENT_ENCODING));
        let packed = encoding::compress_at_rest(&copy.body, kind, coding);
        let body_id = self.meta.next_body;
        let bound = body_bound(id, body_id, raw_length, packed.is_some());
        let plain = packed.as_deref().unwrap_or(&copy.body);
        let (nonce, stored) = close_body(seal, &bound, plain).ok_or(Dropped::TooLarge)?;
        self.meta.next_body += 1;
        let body = BodyRef {
            id: body_id,
            raw_length,
            stored_length: u32::try_from(stored.len()).map_err(|_| Dropped::TooLarge)?,
            packed: packed.is_some(),
            nonce,
            stored_hash: first_half(blake3::hash(&stored)),
            content_hash: content_hash(seal, &copy.body),
        };
        Ok((body, stored))
    }

    fn header(&self, key: &StoreKey, copy: &Copy, body: BodyRef) -> Header {
        let ttl = u64::try_from(self.settings.ttl.as_millis()).unwrap_or(u64::MAX);
        Header {
            scheme: key.place.scheme.clone(),
            host: key.place.host.clone(),
            path: key.place.path.clone(),
            query: key.place.query.clone(),
            identity: tag(&key.identity),
            variant: key.variant.clone(),
            status: copy.status.as_u16(),
            why: copy.why as u8,
            stored_at: copy.stored_at.0,
            expires_at: copy.stored_at.0.saturating_add(ttl),
            content_encoding: text(copy, CONTENT_ENCODING).unwrap_or_default().to_owned(),
            head: pack_headers(&copy.headers),
            head_nonce: None,
            body,
            purged: copy.purged,
        }
    }
}

fn removal(id: EntryId, old: Old) -> Planned {
    Planned::Do(Box::new(Plan { id, old: Some(old), new: None }))
}

/// The same row, with the flag. What cannot be read is never served, so it needs none.
fn purged(id: EntryId, old: Old) -> Planned {
    let header = old.header.clone().filter(|header| !header.purged);
    let header = header.map(|header| Header { purged: true, ..header });
    let Some((row, header)) = header.and_then(|header| Some((header.encode(id)?, header))) else {
        return Planned::Nothing;
    };
    let new = New { row, expires_at: header.expires_at, body: header.body, bytes: None };
    Planned::Do(Box::new(Plan { id, old: Some(old), new: Some(new) }))
}

/// The old body, if the new one says the same.
fn kept_body(seal: Option<Seal>, copy: &Copy, old: Option<&Old>) -> Option<BodyRef> {
    let body = &old?.header.as_ref()?.body;
    let same = body_length(copy) == Some(body.raw_length)
        && body.nonce.is_some() == seal.is_some()
        && body.content_hash == content_hash(seal, &copy.body);
    same.then(|| body.clone())
}

fn close_body(seal: Option<Seal>, bound: &[u8], plain: &[u8]) -> Option<(Option<Nonce>, Vec<u8>)> {
    let Some(seal) = seal else {
        return Some((None, plain.to_vec()));
    };
    let (nonce, sealed) = seal.close(bound, plain)?;
    Some((Some(nonce), sealed))
}

fn seal_head(id: EntryId, seal: Option<Seal>, mut header: Header) -> Option<Header> {
    if let Some(seal) = seal {
        let (nonce, sealed) = seal.close(&header.head_bound(id), &header.head)?;
        (header.head_nonce, header.head) = (Some(nonce), sealed);
    }
    Some(header)
}

pub(super) fn seal_of(key: &StoreKey) -> Option<Seal<'_>> {
    match &key.identity {
        Identity::Anonymous => None,
        Identity::Person(person) => Some(Seal(&person.seal)),
    }
}

fn body_length(copy: &Copy) -> Option<u32> {
    u32::try_from(copy.body.len()).ok().filter(|&length| length as usize <= BODY_MAX)
}

fn text(copy: &Copy, name: HeaderName) -> Option<&str> {
    copy.headers.get(name)?.to_str().ok()
}
