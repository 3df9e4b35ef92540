//! The frame of a row: one version byte, 16 bytes of checksum (blake3 over the row's key, the
//! version and the rest), then bincode.
//!
//! redb does not check its pages when it reads, so the row does. The checksum covers the key as
//! well: a sound row under a wrong key is as damaged as a flipped bit. bincode runs with a limit,
//! since without one 20 hostile bytes make it allocate 275 GB. This is its only home: what goes
//! into a row derives the two traits from here.

use super::seal::first_half;
use bincode::config::{Configuration, Limit, standard};
pub(super) use bincode::{Decode, Encode};

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
            Damage::Checksum => "row checksum",
            Damage::Malformed => "row malformed",
            Damage::OtherKey => "row of another key",
            Damage::Body => "body checksum",
        }
    }
}

/// The row; `None` when it would be larger than [`ROW_MAX`].
pub(super) fn encode(key: &[u8], version: u8, value: &impl Encode) -> Option<Vec<u8>> {
    let mut row = vec![0; PREFIX];
    row[0] = version;
    bincode::encode_into_std_write(value, &mut row, CONFIG).ok()?;
    let sum = checksum(key, version, &row[PREFIX..]);
    row[1..PREFIX].copy_from_slice(&sum);
    (row.len() <= ROW_MAX).then_some(row)
}

/// Reads what anybody may have written, and believes only what [`encode`] did.
pub(super) fn decode<T: Decode<()>>(key: &[u8], version: u8, row: &[u8]) -> Result<T, Damage> {
    believe(fields_of(key, version, row)?)
}

/// As [`decode`], for a row of an older version: `added` are the fields that a later one put behind
/// its own, with the values that say the same as their absence did.
pub(super) fn decode_older<T: Decode<()>>(
    key: &[u8],
    version: u8,
    row: &[u8],
    added: &[u8],
) -> Result<T, Damage> {
    believe(&[fields_of(key, version, row)?, added].concat())
}

/// What stands behind version and checksum, if both are right.
fn fields_of<'r>(key: &[u8], version: u8, row: &'r [u8]) -> Result<&'r [u8], Damage> {
    let (&found, rest) = row.split_first().ok_or(Damage::Malformed)?;
    if found != version {
        return Err(Damage::Version);
    }
    let (sum, fields) = rest.split_at_checked(PREFIX - 1).ok_or(Damage::Malformed)?;
    if sum != checksum(key, version, fields) {
        return Err(Damage::Checksum);
    }
    Ok(fields)
}

fn believe<T: Decode<()>>(fields: &[u8]) -> Result<T, Damage> {
    match bincode::decode_from_slice(fields, CONFIG) {
        Ok((value, read)) if read == fields.len() => Ok(value),
        _ => Err(Damage::Malformed),
    }
}

/// The bytes of a value without their frame.
pub(super) fn fields(value: &impl Encode) -> Vec<u8> {
    bincode::encode_to_vec(value, CONFIG).unwrap_or_default()
}

pub(super) fn checksum(key: &[u8], version: u8, fields: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key).update(&[version]).update(fields);
    first_half(hasher.finalize())
}

/// The largest row, bytes: four times the default limit of a header block, and the byte that header
/// rows have had since version 2, so that the largest older one can still be written.
pub(super) const ROW_MAX: usize = 128 * 1024 + 1;
/// Version byte and checksum.
pub(super) const PREFIX: usize = 17;

/// Bytes that decoding may claim; twice a row, so that what was written can always be read.
const CONFIG: Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    Limit<262_144>,
> = standard().with_limit::<262_144>();
