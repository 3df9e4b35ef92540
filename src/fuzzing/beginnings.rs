//! What a connection begins with, before anybody takes it for HTTP. An input is its first bytes.
//!
//! Held: whom a PROXY protocol header names does not depend on the pieces it comes in, nor on what
//! follows it, and nothing of that is read; half a header names nobody; no address is named in two
//! spellings. A bare LF as a line end of a head is seen wherever the pieces end, and taken neither for
//! one of what follows nor the other way round.

use crate::server::fuzzed::{Owner, bare_lf, owner};
use std::net::IpAddr;

/// See the module.
pub fn beginnings(input: &[u8]) {
    a_header_says_one_thing(input);
    line_ends_are_seen(input);
}

fn a_header_says_one_thing(input: &[u8]) {
    let (whole, length) = owner(input, usize::MAX);
    assert!(length <= MOST_BYTES);
    for piece in [1, 7] {
        let (same, read) = owner(input, piece);
        assert_eq!(whole, same);
        // What is none may be known for it sooner or later.
        assert!(read == length || whole == Owner::Unheaded);
    }
    if whole == Owner::Unheaded {
        return;
    }
    let header = &input[..length];
    assert_eq!(owner(header, usize::MAX), (whole, length));
    assert_eq!(owner(&[header, b"GET / HTTP/1.1\r\n"].concat(), usize::MAX), (whole, length));
    assert_eq!(owner(&header[..length - 1], usize::MAX).0, Owner::Unheaded);
    if let Owner::Named(IpAddr::V6(address)) = whole {
        assert!(address.to_ipv4_mapped().is_none());
    }
}

fn line_ends_are_seen(input: &[u8]) {
    let whole = bare_lf([input, b""]);
    for cut in 0..input.len().min(200) {
        let (head, rest) = input.split_at(cut);
        let (in_head, behind) = bare_lf([head, rest]);
        assert_eq!(in_head, whole.0);
        // Which of two in one piece is told does not matter: either ends the connection.
        assert!(behind == whole.1 || whole.0);
    }
    let lines = input.split(|byte| *byte == b'\n').rev().skip(1);
    let any = lines.into_iter().any(|line| !line.ends_with(b"\r"));
    assert_eq!(whole.0 || whole.1, any);
}

const MOST_BYTES: usize = 4096;
