//! Compression of what rests on disk, and content codings (RFC 9110 section 8.4.1).
//!
//! The only home of zstd and flate2. Everything that decompresses has a hard cap on what may come
//! out, because what goes in was written by somebody else. A frame may ask for a window of at most
//! 8 MiB (RFC 9659), so its header alone cannot make us allocate more.

mod accept;
mod encoder;
mod worth;

pub use accept::{Accepts, narrowed};
pub use encoder::{Coding, Encoder, encode};
pub use worth::{forbids_transforming, is_text, is_worth_encoding, mark_decoded, mark_encoded};

use crate::headers::media_type;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use std::cell::RefCell;
use std::io::Read;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, DParameter};

/// Why bytes could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The coding is none that we can take off.
    #[error("unknown content coding")]
    Unknown,
    /// Not what the coding's name says, or broken off.
    #[error("the encoded bytes are damaged or incomplete")]
    Damaged,
    /// More would come out than the cap allows.
    #[error("the decoded body is larger than allowed")]
    TooLarge,
}

/// The body as zstd, if that is worth it: not for what is compressed already (by its coding or by
/// its media type), not under 512 bytes, not for a gain under a tenth.
pub fn compress_at_rest(
    body: &[u8],
    content_type: Option<&str>,
    content_encoding: Option<&str>,
) -> Option<Vec<u8>> {
    if body.len() < WORTH_COMPRESSING || is_encoded(content_encoding) || is_dense(content_type) {
        return None;
    }
    let packed = packed(body)?;
    (packed.len() <= body.len() / 10 * 9).then_some(packed)
}

/// All of `body` as zstd.
fn packed(body: &[u8]) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|slot| compressor(slot)?.compress(body).ok())
}

/// Takes [`compress_at_rest`] off again. More or fewer than `raw_length` bytes are damage.
pub fn decompress(packed: &[u8], raw_length: usize) -> Result<Vec<u8>, DecodeError> {
    let raw = DECOMPRESSOR
        .with_borrow_mut(|slot| decompressor(slot)?.decompress(packed, raw_length).ok())
        .ok_or(DecodeError::Damaged)?;
    if raw.len() == raw_length { Ok(raw) } else { Err(DecodeError::Damaged) }
}

/// Takes one content coding off, for a reader that cannot. At most `cap` bytes come out.
pub fn decode(coding: &str, bytes: &[u8], cap: usize) -> Result<Bytes, DecodeError> {
    let decoded = match coding.trim().to_ascii_lowercase().as_str() {
        "identity" | "" => read_capped(bytes, cap),
        "gzip" | "x-gzip" => read_capped(MultiGzDecoder::new(bytes), cap),
        "zstd" => unzstd(bytes, cap),
        "deflate" => inflate(bytes, cap),
        _ => Err(DecodeError::Unknown),
    };
    decoded.map(Bytes::from)
}

/// Can [`decode`] take this coding off?
pub fn is_decodable(coding: &str) -> bool {
    let coding = coding.trim().to_ascii_lowercase();
    matches!(coding.as_str(), "" | "identity" | "x-gzip") || DECODABLE.contains(&coding.as_str())
}

/// Codings that [`decode`] takes off, by their registered names, besides `identity`.
const DECODABLE: [&str; 3] = ["gzip", "deflate", "zstd"];

fn is_encoded(content_encoding: Option<&str>) -> bool {
    content_encoding.is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity"))
}

/// Media types whose bytes are compressed by their own format.
fn is_dense(content_type: Option<&str>) -> bool {
    let full = content_type.unwrap_or_default().to_ascii_lowercase();
    let (kind, subtype) = media_type(&full);
    match kind {
        "image" => !subtype.ends_with("+xml") && subtype != "bmp",
        "video" | "audio" => true,
        "font" => subtype.starts_with("woff"),
        "application" => DENSE_APPLICATIONS.contains(&subtype),
        _ => false,
    }
}

fn unzstd(bytes: &[u8], cap: usize) -> Result<Vec<u8>, DecodeError> {
    let mut decoder = zstd::Decoder::with_buffer(bytes).map_err(|_| DecodeError::Damaged)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(|_| DecodeError::Damaged)?;
    read_capped(decoder, cap)
}

/// `deflate` means zlib (RFC 9110 section 8.4.1.2), but some senders leave its wrapper off.
fn inflate(bytes: &[u8], cap: usize) -> Result<Vec<u8>, DecodeError> {
    let wrapped = matches!(bytes, [first, second, ..]
        if first & 0x0f == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0);
    match inflate_as(wrapped, bytes, cap) {
        // A raw stream may begin with two bytes that look like the wrapper.
        Err(DecodeError::Damaged) if wrapped => inflate_as(false, bytes, cap),
        decoded => decoded,
    }
}

/// By hand, since flate2's reader takes a stream that broke off for a whole one.
fn inflate_as(wrapped: bool, bytes: &[u8], cap: usize) -> Result<Vec<u8>, DecodeError> {
    let mut stream = Decompress::new(wrapped);
    let mut decoded = Vec::new();
    loop {
        let rest = &bytes[(stream.total_in() as usize).min(bytes.len())..];
        let before = (stream.total_in(), decoded.len());
        decoded.reserve(STEP);
        let status = stream
            .decompress_vec(rest, &mut decoded, FlushDecompress::None)
            .map_err(|_| DecodeError::Damaged)?;
        if decoded.len() > cap {
            return Err(DecodeError::TooLarge);
        }
        match status {
            Status::StreamEnd => return Ok(decoded),
            _ if before == (stream.total_in(), decoded.len()) => return Err(DecodeError::Damaged),
            _ => {}
        }
    }
}

fn read_capped(reader: impl Read, cap: usize) -> Result<Vec<u8>, DecodeError> {
    let mut decoded = Vec::new();
    let mut limited = reader.take((cap as u64).saturating_add(1));
    limited.read_to_end(&mut decoded).map_err(|_| DecodeError::Damaged)?;
    if decoded.len() > cap { Err(DecodeError::TooLarge) } else { Ok(decoded) }
}

/// A context costs more to make than a page costs to compress, so each thread keeps its own.
fn compressor<'s>(
    slot: &'s mut Option<Compressor<'static>>,
) -> Option<&'s mut Compressor<'static>> {
    if slot.is_none() {
        let mut fresh = Compressor::new(LEVEL).ok()?;
        fresh.set_parameter(CParameter::ChecksumFlag(true)).ok()?;
        fresh.set_parameter(CParameter::ContentSizeFlag(true)).ok()?;
        fresh.set_parameter(CParameter::WindowLog(WINDOW_LOG_MAX)).ok()?;
        *slot = Some(fresh);
    }
    slot.as_mut()
}

fn decompressor<'s>(
    slot: &'s mut Option<Decompressor<'static>>,
) -> Option<&'s mut Decompressor<'static>> {
    if slot.is_none() {
        let mut fresh = Decompressor::new().ok()?;
        fresh.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).ok()?;
        *slot = Some(fresh);
    }
    slot.as_mut()
}

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

const LEVEL: i32 = 3;
/// log2 of bytes: the 8 MiB that browsers accept.
const WINDOW_LOG_MAX: u32 = 23;
/// Bytes.
const WORTH_COMPRESSING: usize = 512;
/// How much room an inflating buffer grows by, bytes.
const STEP: usize = 16 * 1024;

const DENSE_APPLICATIONS: [&str; 12] = [
    "gzip",
    "java-archive",
    "pdf",
    "vnd.ms-fontobject",
    "vnd.rar",
    "x-7z-compressed",
    "x-bzip2",
    "x-gzip",
    "x-rar-compressed",
    "x-xz",
    "zip",
    "zstd",
];

#[cfg(test)]
mod tests;
