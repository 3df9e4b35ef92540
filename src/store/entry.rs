//! The header row of a copy, as it stands in `entries.v1`: one version byte, 16 bytes of checksum
//! (blake3 over entry id, version and rest), then bincode.
//!
//! redb does not check its pages when it reads, so the row does. The checksum covers the id as
//! well: a sound row under a wrong key is as damaged as a flipped bit. bincode runs with a limit,
//! since without one 20 hostile bytes make it allocate 275 GB. The visitor's credentials are
//! never in here: an identity is its keyed hash, and the headers of a sealed copy are sealed.

use super::seal::{Nonce, first_half};
use crate::key::{EntryId, Identity, Place, StoreKey};
use crate::policy::Why;
use bincode::config::{Configuration, Limit, standard};
use bincode::{Decode, Encode};
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

/// Why a row or body is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    Version,
    Checksum,
    Malformed,
    OtherKey,
    Body,
}

impl Damage {
    pub fn as_str(self) -> &'static str {
        match self {
            Damage::Version => "unknown row version",
            Damage::Checksum => "header checksum",
            Damage::Malformed => "header malformed",
            Damage::OtherKey => "header of another key",
            Damage::Body => "body checksum",
        }
    }
}

impl Header {
    /// The row; `None` when it would be larger than [`ROW_MAX`].
    pub fn encode(&self, id: EntryId) -> Option<Vec<u8>> {
        let mut row = vec![0; PREFIX];
        row[0] = VERSION;
        bincode::encode_into_std_write(self, &mut row, CONFIG).ok()?;
        let sum = checksum(id, &row[PREFIX..]);
        row[1..PREFIX].copy_from_slice(&sum);
        (row.len() <= ROW_MAX).then_some(row)
    }

    /// Reads what anybody may have written, and believes only what [`Header::encode`] did.
    pub fn decode(id: EntryId, row: &[u8]) -> Result<Self, Damage> {
        let (&version, rest) = row.split_first().ok_or(Damage::Malformed)?;
        if version != VERSION {
            return Err(Damage::Version);
        }
        let (sum, fields) = rest.split_at_checked(PREFIX - 1).ok_or(Damage::Malformed)?;
        if sum != checksum(id, fields) {
            return Err(Damage::Checksum);
        }
        Self::decode_fields(fields)
    }

    fn decode_fields(fields: &[u8]) -> Result<Self, Damage> {
        let (header, read): (Self, usize) =
            bincode::decode_from_slice(fields, CONFIG).map_err(|_| Damage::Malformed)?;
        let sound = read == fields.len()
            && header.body.raw_length as usize <= BODY_MAX
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

    /// What a sealed head is bound to: all that stands in clear beside it.
    pub fn head_bound(&self, id: EntryId) -> Vec<u8> {
        let clear = Self { head: Vec::new(), head_nonce: None, ..self.clone() };
        let fields = bincode::encode_to_vec(&clear, CONFIG).unwrap_or_default();
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

fn checksum(id: EntryId, fields: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&id.0).update(&[VERSION]).update(fields);
    first_half(hasher.finalize())
}

/// The largest body that goes to the file, bytes.
pub(super) const BODY_MAX: usize = 64 * 1024 * 1024;
/// The largest header row, bytes: four times the default limit of a header block.
pub(super) const ROW_MAX: usize = 128 * 1024;

const VERSION: u8 = 1;
const PREFIX: usize = 17;
/// Bytes that decoding may claim; twice a row, so that what was written can always be read.
const CONFIG: Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    Limit<262_144>,
> = standard().with_limit::<262_144>();

#[cfg(test)]
mod tests;
