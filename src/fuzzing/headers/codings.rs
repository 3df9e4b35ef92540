//! `Accept-Encoding`, and codings on and off.

use crate::encoding::{
    Accepts, DecodeError, compress_at_rest, decode, decompress, is_decodable, narrowed,
};
use crate::headers::text;
use http::{HeaderMap, header};

pub(super) fn hold(fields: &HeaderMap, body: &[u8]) {
    asks_only_for_what_we_can_take_off(text(fields, &header::ACCEPT_ENCODING));
    comes_off_under_a_cap(body);
    for coding in [None, text(fields, &header::CONTENT_ENCODING)] {
        is_packed_and_comes_out_whole(body, text(fields, &header::CONTENT_TYPE), coding);
    }
}

fn asks_only_for_what_we_can_take_off(said: Option<&str>) {
    let Some(narrow) = narrowed(said) else {
        return assert_eq!(said, None, "what was said is not passed on");
    };
    let words = narrow.to_str().expect("plain words");
    let (client, application) = (Accepts::of(said), Accepts::of(Some(words)));
    assert_eq!(narrowed(Some(words)).as_ref(), Some(&narrow), "narrowing twice");
    for member in words.split(", ") {
        let coding = member.split(';').next().unwrap_or_default();
        assert!(is_decodable(coding) && decode(coding, b"", 1) != Err(DecodeError::Unknown));
        assert_eq!(application.accepts(coding), client.accepts(coding), "{coding} of {said:?}");
    }
}

fn comes_off_under_a_cap(body: &[u8]) {
    for coding in ["identity", "gzip", "x-gzip", "deflate", " ZSTD "] {
        assert!(is_decodable(coding));
        match decode(coding, body, CAP) {
            Ok(plain) => {
                assert!(plain.len() <= CAP);
                // One byte less is too few, and says so.
                let short = plain.len().checked_sub(1).map(|cap| decode(coding, body, cap));
                assert!(short.is_none_or(|short| short == Err(DecodeError::TooLarge)));
            }
            Err(error) => assert_ne!(error, DecodeError::Unknown, "{coding}"),
        }
    }
    for length in [0, body.len(), CAP] {
        let raw = decompress(body, length);
        assert!(raw.is_err() || raw.is_ok_and(|raw| raw.len() == length));
    }
}

fn is_packed_and_comes_out_whole(body: &[u8], kind: Option<&str>, coding: Option<&str>) {
    // Long enough and even enough to be worth it.
    let page = body.repeat(if body.is_empty() { 0 } else { 2048 / body.len() + 2 });
    let Some(packed) = compress_at_rest(&page, kind, coding) else { return };
    assert!(packed.len() < page.len());
    assert_eq!(decompress(&packed, page.len()).as_ref(), Ok(&page));
    for wrong in [page.len() - 1, page.len() + 1] {
        assert!(decompress(&packed, wrong).is_err(), "another length than it was");
    }
    assert!(decompress(&packed[..packed.len() - 1], page.len()).is_err(), "broken off");
    assert_eq!(decode("zstd", &packed, page.len()).as_deref(), Ok(&page[..]));
    assert_eq!(decode("zstd", &packed, page.len() - 1), Err(DecodeError::TooLarge));
}

/// Bytes.
const CAP: usize = 64 * 1024;
