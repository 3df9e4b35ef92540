use super::*;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;
use std::io::Write;

fn encoded(coding: &str, body: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => written(GzEncoder::new(Vec::new(), Compression::fast()), body, |e| e.finish()),
        "zlib" => written(ZlibEncoder::new(Vec::new(), Compression::fast()), body, |e| e.finish()),
        "raw" => {
            written(DeflateEncoder::new(Vec::new(), Compression::fast()), body, |e| e.finish())
        }
        _ => zstd::encode_all(body, 3).unwrap(),
    }
}

fn written<W: Write>(
    mut encoder: W,
    body: &[u8],
    finish: impl Fn(W) -> std::io::Result<Vec<u8>>,
) -> Vec<u8> {
    encoder.write_all(body).unwrap();
    finish(encoder).unwrap()
}

const CODINGS: [(&str, &str); 4] =
    [("gzip", "gzip"), ("deflate", "zlib"), ("deflate", "raw"), ("zstd", "zstd")];

pub(super) fn page(bytes: usize) -> Vec<u8> {
    b"<p>the same words again and again</p>\n".iter().copied().cycle().take(bytes).collect()
}

#[test]
fn text_is_packed_and_comes_back() {
    let packed = compress_at_rest(&page(10_000), Some("text/html"), None).unwrap();
    assert!(packed.len() < 1_000);
    assert_eq!(decompress(&packed, 10_000).unwrap(), page(10_000));
}

#[test]
fn what_is_dense_small_or_encoded_stays_as_it_is() {
    let body = page(10_000);
    assert!(compress_at_rest(&page(511), Some("text/html"), None).is_none());
    assert!(compress_at_rest(&body, Some("text/html"), Some("gzip")).is_none());
    assert!(compress_at_rest(&body, Some("image/PNG"), None).is_none());
    assert!(compress_at_rest(&body, Some("application/zip; x=y"), None).is_none());
    assert!(compress_at_rest(&body, Some("image/svg+xml"), None).is_some());
    assert!(compress_at_rest(&body, None, Some("identity")).is_some());
    let noise: Vec<u8> = (0..10_000).map(|_| fastrand::u8(..)).collect();
    assert!(compress_at_rest(&noise, Some("text/html"), None).is_none());
}

#[test]
fn a_wrong_length_is_damage() {
    let packed = compress_at_rest(&page(10_000), None, None).unwrap();
    assert_eq!(decompress(&packed, 9_999), Err(DecodeError::Damaged));
    assert_eq!(decompress(&packed, 10_001), Err(DecodeError::Damaged));
}

#[test]
fn every_coding_is_decoded_up_to_the_cap_and_not_past_it() {
    for (coding, form) in CODINGS {
        let body = page(100_000);
        let bytes = encoded(form, &body);
        assert_eq!(decode(coding, &bytes, 100_000).unwrap(), body, "{form}");
        assert_eq!(decode(coding, &bytes, 99_999), Err(DecodeError::TooLarge), "{form}");
    }
}

#[test]
fn a_broken_off_body_is_damaged_in_every_coding() {
    for (coding, form) in CODINGS {
        let bytes = encoded(form, &page(100_000));
        for end in [1, bytes.len() / 2, bytes.len() - 1] {
            assert_eq!(decode(coding, &bytes[..end], 1 << 20), Err(DecodeError::Damaged), "{form}");
        }
    }
}

#[test]
fn an_unknown_coding_is_refused() {
    assert_eq!(decode("br", b"x", 10), Err(DecodeError::Unknown));
    assert_eq!(decode("gzip, gzip", b"x", 10), Err(DecodeError::Unknown));
}

#[test]
fn a_window_above_eight_mebibytes_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(24).unwrap();
    encoder.write_all(&vec![b'x'; 20 << 20]).unwrap();
    let bytes = encoder.finish().unwrap();
    assert_eq!(decode("zstd", &bytes, 32 << 20), Err(DecodeError::Damaged));
}

proptest! {
    #[test]
    fn codings_round_trip(body in proptest::collection::vec(any::<u8>(), 0..5_000)) {
        for (coding, form) in CODINGS {
            prop_assert_eq!(&decode(coding, &encoded(form, &body), 5_000).unwrap()[..], &body[..]);
        }
    }

    #[test]
    fn rest_round_trips(word in "[a-z]{1,20}", times in 1usize..500) {
        let body = word.repeat(times).into_bytes();
        if let Some(packed) = compress_at_rest(&body, None, None) {
            prop_assert_eq!(decompress(&packed, body.len()).unwrap(), body);
        }
    }

    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        for (coding, _) in CODINGS {
            let _ = decode(coding, &bytes, 1_000);
        }
        let _ = decompress(&bytes, 1_000);
    }
}
