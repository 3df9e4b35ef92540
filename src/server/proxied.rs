//! The PROXY protocol, versions 1 and 2: a proxy that only passes bytes on says first, before any
//! of them, whose they are (<https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt>).
//!
//! With `server.proxyprotocol = on` every connection must begin so, and only peers in
//! `server.trusted` may connect at all. Nothing is guessed, as section 2 of the protocol demands: on
//! a port where the header is optional, whoever reaches it directly could say who he is; and one
//! that goes without it has gone round what was put in front.
//!
//! Not a byte is read beyond the header, so that none has to be carried over to whoever reads on.
//! A header of version 1 has no length and is read byte by byte from where it could end: at most
//! some ninety reads, once a connection.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Whose a connection is, by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The proxy's own, for looking whether RETTER lives.
    Peers,
    /// Of somebody whom the proxy cannot name: a visitor, and not the proxy.
    Nobodys,
    /// This address's.
    Of(IpAddr),
}

/// Why there is no header.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoHeader {
    /// As who only looks whether somebody listens.
    #[error("the peer left without a word")]
    Silent,
    #[error("it does not begin with a PROXY protocol header")]
    Malformed,
    #[error("its PROXY protocol header is longer than {MOST_BYTES} bytes")]
    TooLong,
    #[error("its PROXY protocol header breaks off: {0}")]
    Cut(#[from] io::Error),
}

/// Reads the header and nothing else.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Whose, NoHeader> {
    let mut start = [0; SHORTEST];
    let got = stream.read(&mut start).await?;
    if got == 0 {
        return Err(NoHeader::Silent);
    }
    // Garbage is known for it at once, without waiting for fifteen bytes of it.
    let is_like = |known: &[u8]| start[..got].iter().zip(known).all(|(byte, it)| byte == it);
    if !is_like(V1) && !is_like(V2) {
        return Err(NoHeader::Malformed);
    }
    stream.read_exact(&mut start[got..]).await?;
    if start.starts_with(V2) { read_v2(stream, start).await } else { read_v1(stream, start).await }
}

async fn read_v1(
    stream: &mut (impl AsyncRead + Unpin),
    start: [u8; SHORTEST],
) -> Result<Whose, NoHeader> {
    let (mut line, mut length) = ([0; V1_MOST], SHORTEST);
    line[..SHORTEST].copy_from_slice(&start);
    while line[length - 1] != b'\n' {
        if length == V1_MOST {
            return Err(NoHeader::Malformed);
        }
        stream.read_exact(&mut line[length..=length]).await?;
        length += 1;
    }
    v1(&line[..length]).ok_or(NoHeader::Malformed)
}

async fn read_v2(
    stream: &mut (impl AsyncRead + Unpin),
    start: [u8; SHORTEST],
) -> Result<Whose, NoHeader> {
    let last = stream.read_u8().await?;
    let length = usize::from(u16::from_be_bytes([start[14], last]));
    if V2_HEAD + length > MOST_BYTES {
        return Err(NoHeader::TooLong);
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    v2(start[12], start[13], &rest).ok_or(NoHeader::Malformed)
}

/// A whole line of version 1 (section 2.1).
fn v1(line: &[u8]) -> Option<Whose> {
    let line = str::from_utf8(line).ok()?.strip_prefix("PROXY ")?.strip_suffix("\r\n")?;
    if line == "UNKNOWN" || line.starts_with("UNKNOWN ") {
        return Some(Whose::Nobodys);
    }
    let words: Vec<&str> = line.split(' ').collect();
    let [family, from, to, from_port, to_port] = words[..] else { return None };
    let from = match family {
        "TCP4" => both::<Ipv4Addr>(from, to)?.into(),
        "TCP6" => both::<Ipv6Addr>(from, to)?.into(),
        _ => return None,
    };
    (is_port(from_port) && is_port(to_port)).then(|| of(from))
}

/// The first, if both are addresses of one family.
fn both<A: std::str::FromStr>(from: &str, to: &str) -> Option<A> {
    let (from, _to) = (from.parse().ok()?, to.parse::<A>().ok()?);
    Some(from)
}

fn is_port(text: &str) -> bool {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number && (text == "0" || !text.starts_with('0')) && text.parse::<u16>().is_ok()
}

/// What follows the signature of version 2 (section 2.2): version and command, family and
/// transport, and the block of addresses with what extensions there are, which say nothing we need.
fn v2(command: u8, family: u8, block: &[u8]) -> Option<Whose> {
    match command {
        LOCAL => return Some(Whose::Peers),
        PROXY => {}
        _ => return None,
    }
    let (family, transport) = (family >> 4, family & 0x0f);
    if transport > DGRAM {
        return None;
    }
    match family {
        UNSPEC => Some(Whose::Nobodys),
        INET => block.get(..12)?.first_chunk::<4>().map(|from| of(Ipv4Addr::from(*from).into())),
        INET6 => block.get(..36)?.first_chunk::<16>().map(|from| of(Ipv6Addr::from(*from).into())),
        // A path names a place on the proxy's machine, not somebody.
        UNIX => block.get(..216).map(|_| Whose::Nobodys),
        _ => None,
    }
}

fn of(address: IpAddr) -> Whose {
    Whose::Of(address.to_canonical())
}

const V1: &[u8] = b"PROXY ";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// `PROXY UNKNOWN` and its line end; a byte less than the fixed part of version 2.
const SHORTEST: usize = 15;
/// By the protocol's own word, line end included.
const V1_MOST: usize = 107;
/// Signature, command, family and length.
const V2_HEAD: usize = 16;
/// Addresses take 216 bytes at most; the rest is for extensions such as a certificate's names.
const MOST_BYTES: usize = 4096;

const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const UNSPEC: u8 = 0;
const INET: u8 = 1;
const INET6: u8 = 2;
const UNIX: u8 = 3;
const DGRAM: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is read of these bytes, and what is left of them.
    fn read_of(bytes: &[u8]) -> (Result<Whose, NoHeader>, &[u8]) {
        let mut rest = bytes;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let whose = runtime.block_on(read(&mut rest));
        (whose, rest)
    }

    fn v2_of(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
        let length = (block.len() as u16).to_be_bytes();
        [V2, &[command, family], &length, block].concat()
    }

    fn address(text: &str) -> Whose {
        Whose::Of(text.parse().unwrap())
    }

    #[test]
    fn the_client_is_whom_the_line_names() {
        for (line, expected) in [
            ("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", address("192.0.2.1")),
            ("PROXY TCP4 1.1.1.1 1.1.1.1 0 0\r\n", address("1.1.1.1")),
            ("PROXY TCP6 2001:db8::1 ::1 65535 80\r\n", address("2001:db8::1")),
            ("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 80\r\n", address("192.0.2.1")),
            ("PROXY UNKNOWN\r\n", Whose::Nobodys),
            ("PROXY UNKNOWN ffff::1 whatever 1 2 3\r\n", Whose::Nobodys),
        ] {
            let said = format!("{line}GET / HTTP/1.1\r\n");
            let (whose, rest) = read_of(said.as_bytes());
            assert_eq!(whose.ok(), Some(expected), "{line}");
            assert_eq!(rest, b"GET / HTTP/1.1\r\n", "{line}");
        }
    }

    #[test]
    fn what_is_no_line_of_version_1_is_malformed() {
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(V1_MOST - 15));
        for line in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n",
            "PROXY TCP4 192.0.2.1  198.51.100.1 1 2\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 +1 2\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n",
            "PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n",
            "PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n",
            "PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
            "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n",
            "PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n",
            "PROXY UNKNOWNS\r\n",
            "PROXY UNKNOWN\n\r\n",
            "PROXY TCP4 \u{e9}92.0.2.1 198.51.100.1 1 2\r\n",
            &long,
        ] {
            assert!(matches!(read_of(line.as_bytes()).0, Err(NoHeader::Malformed)), "{line}");
        }
    }

    #[test]
    fn the_client_is_whom_the_block_names() {
        let (v4, v6) = ([192, 0, 2, 1, 198, 51, 100, 1, 1, 2, 3, 4], [0x20; 36]);
        let with_extensions = [&v4[..], b"\x01\x00\x02h2"].concat();
        for (command, family, block, expected) in [
            (PROXY, 0x11, &v4[..], address("192.0.2.1")),
            (PROXY, 0x12, &v4[..], address("192.0.2.1")),
            (PROXY, 0x11, &with_extensions, address("192.0.2.1")),
            (PROXY, 0x21, &v6, address("2020:2020:2020:2020:2020:2020:2020:2020")),
            (PROXY, 0x31, &[7; 216], Whose::Nobodys),
            (PROXY, 0x00, &[], Whose::Nobodys),
            (PROXY, 0x01, b"whatever", Whose::Nobodys),
            (LOCAL, 0x00, &[], Whose::Peers),
            (LOCAL, 0x11, &v4, Whose::Peers),
            // To be ignored, whatever it is.
            (LOCAL, 0xff, &[], Whose::Peers),
        ] {
            let bytes = [v2_of(command, family, block), b"GET /".to_vec()].concat();
            let (whose, rest) = read_of(&bytes);
            assert_eq!(whose.ok(), Some(expected), "{command:x} {family:x}");
            assert_eq!(rest, b"GET /", "{command:x} {family:x}");
        }
    }

    #[test]
    fn what_is_no_block_of_version_2_is_malformed() {
        for (command, family, length) in [
            (0x11, 0x11, 12),
            (0x22, 0x11, 12),
            (PROXY, 0x11, 11),
            (PROXY, 0x21, 35),
            (PROXY, 0x31, 215),
            (PROXY, 0x41, 12),
            (PROXY, 0x13, 12),
        ] {
            let bytes = v2_of(command, family, &vec![1; length]);
            let whose = read_of(&bytes).0;
            assert!(matches!(whose, Err(NoHeader::Malformed)), "{command:x} {family:x} {length}");
        }
    }

    #[test]
    fn too_long_a_block_is_not_waited_for() {
        let most = v2_of(PROXY, 0x11, &[1; MOST_BYTES - V2_HEAD]);
        assert_eq!(read_of(&most).0.ok(), Some(address("1.1.1.1")));
        let more = v2_of(PROXY, 0x11, &[1; MOST_BYTES - V2_HEAD + 1]);
        assert!(matches!(read_of(&more[..V2_HEAD]).0, Err(NoHeader::TooLong)));
    }

    #[test]
    fn a_header_that_breaks_off_is_none() {
        let line = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n".to_vec();
        for whole in [line, v2_of(PROXY, 0x11, &[1; 12])] {
            assert!(matches!(read_of(&whole[..0]).0, Err(NoHeader::Silent)));
            for end in 1..whole.len() {
                assert!(matches!(read_of(&whole[..end]).0, Err(NoHeader::Cut(_))), "{end}");
            }
        }
    }

    proptest! {
        #[test]
        fn whoever_is_named_is_understood_and_what_follows_is_left(
            from: [u8; 16],
            from_port: u16,
            to_port: u16,
            follows in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let v6 = Ipv6Addr::from(from);
            let v4 = Ipv4Addr::from(<[u8; 4]>::try_from(&from[..4]).unwrap());
            let ports = [from_port.to_be_bytes(), to_port.to_be_bytes()].concat();
            for (header, expected) in [
                (format!("PROXY TCP4 {v4} {v4} {from_port} {to_port}\r\n").into(), of(v4.into())),
                (format!("PROXY TCP6 {v6} {v6} {from_port} {to_port}\r\n").into(), of(v6.into())),
                (v2_of(PROXY, 0x11, &[&v4.octets()[..], &[9; 4], &ports].concat()), of(v4.into())),
                (v2_of(PROXY, 0x21, &[&from[..], &[9; 16], &ports].concat()), of(v6.into())),
            ] {
                let bytes: Vec<u8> = [&header[..], &follows].concat();
                let (whose, rest) = read_of(&bytes);
                prop_assert_eq!(whose.ok(), Some(expected));
                prop_assert_eq!(rest, &follows[..]);
            }
        }

        #[test]
        fn no_bytes_are_read_past_the_longest_header(
            version in any::<bool>(),
            noise in proptest::collection::vec(any::<u8>(), 5000),
        ) {
            let bytes = [if version { V1 } else { V2 }, &noise].concat();
            let (_, rest) = read_of(&bytes);
            let most = if version { V1_MOST } else { MOST_BYTES };
            prop_assert!(bytes.len() - rest.len() <= most);
        }
    }
}
