use super::*;
use crate::store::row::{PREFIX, ROW_MAX, checksum};
use proptest::prelude::*;

const ID: EntryId = EntryId([5; 16]);

fn header(text: &str, head: Vec<u8>) -> Header {
    Header {
        scheme: "http".into(),
        host: "shop.test".into(),
        path: text.into(),
        query: format!("?{text}"),
        identity: Some([1; 16]),
        variant: head.clone(),
        status: 200,
        why: 1,
        stored_at: u64::MAX,
        expires_at: 0,
        content_encoding: text.into(),
        head,
        head_nonce: Some([2; 24]),
        body: BodyRef {
            id: 3,
            raw_length: 4,
            stored_length: 5,
            packed: true,
            nonce: None,
            stored_hash: [6; 16],
            content_hash: [7; 16],
        },
        purged: true,
    }
}

/// The row that version 1 wrote of the same: no flag, and its own version byte.
fn row_of_version_1(header: &Header) -> Vec<u8> {
    let row = header.encode(ID).unwrap();
    let fields = &row[PREFIX..row.len() - 1];
    [&[1], checksum(&ID.0, 1, fields).as_slice(), fields].concat()
}

/// A row with a right checksum over these fields.
fn row_of(fields: &[u8]) -> Vec<u8> {
    let sum = checksum(&ID.0, VERSION, fields);
    [&[VERSION], sum.as_slice(), fields].concat()
}

#[test]
fn row_with_bytes_left_over_is_malformed() {
    let row = header("/", Vec::new()).encode(ID).unwrap();
    let longer = row_of(&[&row[PREFIX..], &[0]].concat());
    assert_eq!(Header::decode(ID, &longer), Err(Damage::Malformed));
}

#[test]
fn row_of_another_id_version_or_length_is_refused() {
    let mut row = header("/", Vec::new()).encode(ID).unwrap();
    assert_eq!(Header::decode(EntryId([6; 16]), &row), Err(Damage::Checksum));
    for end in 1..row.len() {
        assert!(Header::decode(ID, &row[..end]).is_err());
    }
    row[0] = 3;
    assert_eq!(Header::decode(ID, &row), Err(Damage::Version));
    assert_eq!(Header::decode(ID, &[]), Err(Damage::Malformed));
}

#[test]
fn row_of_version_1_is_a_copy_that_was_not_purged() {
    let header = header("/a", vec![b'x'; 40]);
    let old = row_of_version_1(&header);
    assert_eq!(Header::decode(ID, &old), Ok(Header { purged: false, ..header.clone() }));
    let mut flipped = old.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(Header::decode(ID, &flipped), Err(Damage::Checksum));
    // Neither byte can be passed off as the other.
    for (byte, mut row) in [(2, old), (1, header.encode(ID).unwrap())] {
        row[0] = byte;
        assert_eq!(Header::decode(ID, &row), Err(Damage::Checksum));
    }
}

#[test]
fn the_checksum_covers_the_purge_and_the_seal_does_not() {
    let header = header("/a", vec![b'x'; 40]);
    let mut row = header.encode(ID).unwrap();
    *row.last_mut().unwrap() = 0;
    assert_eq!(Header::decode(ID, &row), Err(Damage::Checksum));
    let not_purged = Header { purged: false, ..header.clone() };
    assert_eq!(header.head_bound(ID), not_purged.head_bound(ID));
    let other = Header { why: 2, ..header.clone() };
    assert_ne!(header.head_bound(ID), other.head_bound(ID));
    let other = header.body.clone();
    let other = Header { body: BodyRef { content_hash: [8; 16], ..other }, ..header.clone() };
    assert_ne!(header.head_bound(ID), other.head_bound(ID));
}

#[test]
fn lengths_that_would_eat_the_memory_are_refused() {
    // A string that says it is 2^62 bytes long.
    let mut fields = vec![253];
    fields.extend_from_slice(&(1u64 << 62).to_le_bytes());
    assert_eq!(Header::decode(ID, &row_of(&fields)), Err(Damage::Malformed));
    let mut huge = header("/", Vec::new());
    huge.body.raw_length = u32::MAX;
    assert_eq!(Header::decode(ID, &huge.encode(ID).unwrap()), Err(Damage::Malformed));
}

#[test]
fn largest_row_that_is_written_can_be_read() {
    let fitting = header("/", vec![b'x'; ROW_MAX / 2 - 200]);
    assert_eq!(Header::decode(ID, &fitting.encode(ID).unwrap()), Ok(fitting));
    assert!(header("/", vec![b'x'; ROW_MAX / 2]).encode(ID).is_none());
}

#[test]
fn headers_keep_their_order_and_their_bytes() {
    let mut headers = HeaderMap::new();
    headers.append("link", HeaderValue::from_static("a: b"));
    headers.append("link", HeaderValue::from_bytes(b"\xff:\t").unwrap());
    headers.append("x-empty", HeaderValue::from_static(""));
    assert_eq!(unpack_headers(&pack_headers(&headers)), Ok(headers));
    for hostile in ["x", "x: y", "a b:c\n", ":\n", "a:\u{1}\n"] {
        assert_eq!(unpack_headers(hostile.as_bytes()), Err(Damage::Malformed), "{hostile:?}");
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(text in "\\PC{0,40}", head in proptest::collection::vec(any::<u8>(), 0..99)) {
        let header = header(&text, head);
        prop_assert_eq!(Header::decode(ID, &header.encode(ID).unwrap()), Ok(header));
    }

    #[test]
    fn hostile_rows_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Header::decode(ID, &bytes);
        if let Ok(header) = Header::decode(ID, &row_of(&bytes)) {
            let _ = (header.status(), header.why(), unpack_headers(&header.head));
        }
    }

    #[test]
    fn sound_rows_with_one_byte_changed_never_panic(at in 17usize..200, byte in any::<u8>()) {
        let row = header("/some/path", vec![b'x'; 40]).encode(ID).unwrap();
        let mut fields = row[PREFIX..].to_vec();
        let at = at % fields.len();
        fields[at] = byte;
        let _ = Header::decode(ID, &row_of(&fields));
    }
}
