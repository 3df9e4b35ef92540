//! What fuzzing looks at behind this room's door: rows and seals over any bytes, without a file.
//!
//! A copy is closed here by a second hand, so that what opens is not only the reverse of what
//! `plan` happens to do.

use super::entry::{BodyRef, Header, body_bound, pack_headers, tag, unpack_headers};
use super::plan::seal_of;
use super::row::{PREFIX, checksum};
use super::seal::{content_hash, first_half};
use super::{Copy, lookup};
use crate::encoding;
use crate::key::{EntryId, Identity, Person, StoreKey};
use http::HeaderMap;

/// A row whose checksum is right, over any fields.
pub(crate) fn framed(key: &[u8], version: u8, fields: &[u8]) -> Vec<u8> {
    [&[version], checksum(key, version, fields).as_slice(), fields].concat()
}

/// The fields of a row.
pub(crate) fn fields(row: &[u8]) -> &[u8] {
    &row[PREFIX..]
}

/// A copy's header row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry(Header);

impl Entry {
    pub fn decode(id: EntryId, row: &[u8]) -> Result<Self, &'static str> {
        Header::decode(id, row).map(Self).map_err(|damage| damage.as_str())
    }

    pub fn encode(&self, id: EntryId) -> Option<Vec<u8>> {
        self.0.encode(id)
    }

    /// The key it says it is of. The seal is not in a row.
    pub fn key(&self) -> StoreKey {
        let person = |tag| Identity::Person(Person { tag, seal: [0; 32] });
        StoreKey {
            place: self.0.place().into(),
            identity: self.0.identity.map_or(Identity::Anonymous, person),
            variant: self.0.variant.clone(),
        }
    }

    pub fn is_of(&self, key: &StoreKey) -> bool {
        self.0.is_of(key)
    }

    /// Its head, taken for one in clear.
    pub fn head(&self) -> &[u8] {
        &self.0.head
    }

    /// Was it made for one visitor, by its own word?
    pub fn is_sealed(&self) -> bool {
        self.0.head_nonce.is_some() || self.0.body.nonce.is_some()
    }

    /// What stands in clear and is made of what is sealed, under a key.
    pub fn hashes(&self) -> [[u8; 16]; 2] {
        [self.0.identity.unwrap_or_default(), self.0.body.content_hash]
    }

    /// The same, purged or not: that is outside of the seal.
    pub fn purged(&self, purged: bool) -> Self {
        let mut entry = self.clone();
        entry.0.purged = purged;
        entry
    }

    /// The same with the checksum of this body.
    pub fn with_body(&self, stored: &[u8]) -> Self {
        let mut entry = self.clone();
        entry.0.body.stored_hash = first_half(blake3::hash(stored));
        entry
    }

    /// As the store opens it for the owner of `key`. `None`: the seal does not fit.
    pub fn open(
        &self,
        id: EntryId,
        key: &StoreKey,
        stored: &[u8],
    ) -> Result<Option<Copy>, &'static str> {
        let opened = lookup::unwrap(id, seal_of(key), &self.0, stored.to_vec());
        opened.map_err(|damage| damage.as_str())
    }

    /// A copy as it would be written: its row, and its body.
    pub fn close(id: EntryId, key: &StoreKey, copy: &Copy) -> (Self, Vec<u8>) {
        let packed = encoding::compress_at_rest(&copy.body, None, None);
        let plain = packed.as_deref().unwrap_or(&copy.body);
        let bound = body_bound(id, BODY_ID, copy.body.len() as u32, packed.is_some());
        let seal = seal_of(key);
        let sealed = seal.and_then(|seal| seal.close(&bound, plain));
        let (nonce, stored) = sealed.map_or((None, plain.to_vec()), |(n, s)| (Some(n), s));
        let place = &key.place;
        let mut header = Header {
            scheme: place.scheme.clone(),
            host: place.host.clone(),
            path: place.path.clone(),
            query: place.query.clone(),
            identity: tag(&key.identity),
            variant: key.variant.clone(),
            status: copy.status.as_u16(),
            why: copy.why as u8,
            stored_at: copy.stored_at.0,
            expires_at: copy.stored_at.0.saturating_add(1),
            content_encoding: String::new(),
            head: Vec::new(),
            head_nonce: None,
            body: BodyRef {
                id: BODY_ID,
                raw_length: copy.body.len() as u32,
                stored_length: stored.len() as u32,
                packed: packed.is_some(),
                nonce,
                stored_hash: first_half(blake3::hash(&stored)),
                content_hash: content_hash(seal, &copy.body),
            },
            purged: false,
        };
        let head = pack_headers(&copy.headers);
        match seal.and_then(|seal| seal.close(&header.head_bound(id), &head)) {
            Some((nonce, head)) => (header.head_nonce, header.head) = (Some(nonce), head),
            None => header.head = head,
        }
        (Self(header), stored)
    }

    /// Every way to change one thing in the row, each under a right checksum.
    pub fn tampered(&self) -> Vec<Self> {
        let changes: [fn(&mut Header); 17] = [
            |header| header.scheme.push('s'),
            |header| header.host.push('s'),
            |header| header.path.push('s'),
            |header| header.query.push('s'),
            |header| header.identity = header.identity.map(|tag| tag.map(|byte| byte ^ 1)),
            |header| header.variant.push(0),
            |header| header.status ^= 1,
            |header| header.why = header.why % 6 + 1,
            |header| header.stored_at ^= 1,
            |header| header.expires_at ^= 1,
            |header| header.content_encoding.push('x'),
            |header| header.head_nonce = header.head_nonce.map(|nonce| nonce.map(|byte| byte ^ 1)),
            |header| header.body.nonce = header.body.nonce.map(|nonce| nonce.map(|byte| byte ^ 1)),
            |header| header.body.id ^= 1,
            |header| header.body.raw_length ^= 1,
            |header| header.body.packed = !header.body.packed,
            |header| header.body.content_hash[0] ^= 1,
        ];
        let change = |change: fn(&mut Header)| {
            let mut entry = self.clone();
            change(&mut entry.0);
            entry
        };
        changes.into_iter().map(change).collect()
    }

    /// The same with other bytes for its head.
    pub fn with_head(&self, head: Vec<u8>) -> Self {
        let mut entry = self.clone();
        entry.0.head = head;
        entry
    }
}

/// Packed headers, read and packed again; `None`: they are none.
pub(crate) fn repacked(head: &[u8]) -> Option<(HeaderMap, Vec<u8>)> {
    let headers = unpack_headers(head).ok()?;
    let packed = pack_headers(&headers);
    Some((headers, packed))
}

const BODY_ID: u64 = 7;
