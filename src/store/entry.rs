//! The header row of a copy, as it stands in `entries.v1` (see `row` for its frame).
//!
//! The visitor's credentials are never in here: an identity is its keyed hash, and the headers of
//! a sealed copy are sealed.

pub(super) use super::row::Damage;
use super::row::{self, Decode, Encode};
use super::seal::Nonce;
use crate::key::{EntryId, Identity, Place, StoreKey};
use crate::policy::Why;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// Everything about a copy but its body.
#[derive(Clone, Debug, PartialEq, Decode, Encode)]
pub(super) struct Header {
    pub scheme: String,
    pub host: String,
    pub path: String,
    pub query: String,
    /// The identity's tag; `None` for anonymous.
    pub identity: Option<[u8; 16]>,
    pub variant: Vec<u8>,
    pub status: u16,
    /// `policy::Why` by its number.
    pub why: u8,
    /// Milliseconds since 1970.
    pub stored_at: u64,
    /// Milliseconds since 1970, by the `store.ttl` of the day.
    pub expires_at: u64,
    /// `Content-Encoding`, in clear even when the headers are sealed.
    pub content_encoding: String,
    /// [`pack_headers`], sealed with `head_nonce` if there is one.
    pub head: Vec<u8>,
    pub head_nonce: Option<Nonce>,
    pub body: BodyRef,
    /// Kept for an outage, and not fresh whatever its age. Version 2. It stands last, and outside of
    /// what a seal is bound to: who purges a sealed copy need not be able to open it.
    pub purged: bool,
}

/// Where the body is and how it got its form.
#[derive(Clone, Debug, PartialEq, Decode, Encode)]
pub(super) struct BodyRef {
    pub id: u64,
    /// Bytes as the application sent them.
    pub raw_length: u32,
    /// Bytes in `bodies.v1`.
    pub stored_length: u32,
    /// zstd around it; put on before the seal.
    pub packed: bool,
    pub nonce: Option<Nonce>,
    /// Of the stored bytes: are they what was written?
    pub stored_hash: [u8; 16],
    /// Of the raw bytes, keyed by the seal if there is one: is it the same page as before?
    pub content_hash: [u8; 16],
}

impl Header {
    /// The row; `None` when it would be too large for one.
    pub fn encode(&self, id: EntryId) -> Option<Vec<u8>> {
        row::encode(&id.0, VERSION, self)
    }

    /// Reads what anybody may have written, and believes only what [`Header::encode`] did.
    pub fn decode(id: EntryId, row: &[u8]) -> Result<Self, Damage> {
        let header: Self = match row.first() {
            Some(&UNPURGED_VERSION) => {
                row::decode_older(&id.0, UNPURGED_VERSION, row, &NOT_PURGED)?
            }
            _ => row::decode(&id.0, VERSION, row)?,
        };
        let sound = header.body.raw_length as usize <= BODY_MAX
            && header.body.stored_length as usize <= BODY_MAX + BODY_MAX / 8;
        if sound { Ok(header) } else { Err(Damage::Malformed) }
    }

    pub fn place(&self) -> Place {
        Place {
            scheme: self.scheme.clone(),
            host: self.host.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
        }
    }

    /// The whole key, not only its hash: a collision must not show somebody else's page.
    pub fn is_of(&self, key: &StoreKey) -> bool {
        let place = &key.place;
        (&self.scheme, &self.host) == (&place.scheme, &place.host)
            && (&self.path, &self.query) == (&place.path, &place.query)
            && self.identity == tag(&key.identity)
            && self.variant == key.variant
    }

    pub fn status(&self) -> Result<StatusCode, Damage> {
        StatusCode::from_u16(self.status).map_err(|_| Damage::Malformed)
    }

    pub fn why(&self) -> Result<Why, Damage> {
        Why::try_from(self.why).map_err(|_| Damage::Malformed)
    }

    /// What a sealed head is bound to: all that stood in clear beside it in version 1.
    pub fn head_bound(&self, id: EntryId) -> Vec<u8> {
        let clear = Self { head: Vec::new(), head_nonce: None, ..self.clone() };
        let mut fields = row::fields(&clear);
        fields.truncate(fields.len().saturating_sub(NOT_PURGED.len()));
        [b"retter.head.1".as_slice(), &id.0, &fields].concat()
    }
}

/// What a sealed body is bound to.
pub(super) fn body_bound(id: EntryId, body_id: u64, raw_length: u32, packed: bool) -> Vec<u8> {
    let mut bound = b"retter.body.1".to_vec();
    bound.extend_from_slice(&id.0);
    bound.extend_from_slice(&body_id.to_be_bytes());
    bound.extend_from_slice(&raw_length.to_be_bytes());
    bound.push(packed.into());
    bound
}

pub(super) fn tag(identity: &Identity) -> Option<[u8; 16]> {
    match identity {
        Identity::Anonymous => None,
        Identity::Person(person) => Some(person.tag),
    }
}

/// One `name:value\n` a line, in their order; a value cannot contain a line feed.
pub(super) fn pack_headers(headers: &HeaderMap) -> Vec<u8> {
    let mut packed = Vec::new();
    for (name, value) in headers {
        packed.extend_from_slice(name.as_str().as_bytes());
        packed.push(b':');
        packed.extend_from_slice(value.as_bytes());
        packed.push(b'\n');
    }
    packed
}

pub(super) fn unpack_headers(packed: &[u8]) -> Result<HeaderMap, Damage> {
    let mut headers = HeaderMap::new();
    for line in packed.split_inclusive(|&byte| byte == b'\n') {
        let (name, value) = unpack_line(line).ok_or(Damage::Malformed)?;
        headers.try_append(name, value).map_err(|_| Damage::Malformed)?;
    }
    Ok(headers)
}

fn unpack_line(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let line = line.strip_suffix(b"\n")?;
    let colon = line.iter().position(|&byte| byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    Some((name, HeaderValue::from_bytes(&line[colon + 1..]).ok()?))
}

/// The largest body that goes to the file, bytes.
pub(super) const BODY_MAX: usize = 64 * 1024 * 1024;

const VERSION: u8 = 2;
/// Rows from before `purged`; they are read as they are, so that no migration has to write them all.
const UNPURGED_VERSION: u8 = 1;
/// `purged: false`, as bincode writes it.
const NOT_PURGED: [u8; 1] = [0];

#[cfg(test)]
mod tests;
