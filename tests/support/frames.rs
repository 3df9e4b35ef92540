//! HTTP/2 frame by frame (RFC 9113 section 4), for what no HTTP/2 library would send or leave unsaid.

use super::client::Line;
use std::net::SocketAddr;

/// A client that says what it is told to and reads what comes as frames.
pub struct Peer {
    pub line: Line,
    come: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Peer {
    /// Has greeted, with these settings.
    pub fn greeting(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        Self::over(Line::open(address).expect("it listens"), settings)
    }

    pub fn over(mut line: Line, settings: &[(u16, u32)]) -> Self {
        let values = settings
            .iter()
            .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat());
        let settings = frame(4, 0, 0, &values.collect::<Vec<_>>());
        line.write(&[PREFACE, &settings].concat()).expect("it reads");
        Self { line, come: Vec::new() }
    }

    pub fn say(&mut self, bytes: &[u8]) -> bool {
        self.line.write(bytes).is_ok()
    }

    /// None: the connection has ended, or nothing comes.
    pub fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.take() {
                return Some(frame);
            }
            match self.line.some() {
                Ok(bytes) if !bytes.is_empty() => self.come.extend_from_slice(&bytes),
                _ => return None,
            }
        }
    }

    /// The next of these kinds on this stream, past all others.
    pub fn next_of(&mut self, stream: u32, kinds: &[u8]) -> Option<Frame> {
        std::iter::from_fn(|| self.next())
            .find(|frame| frame.stream == stream && kinds.contains(&frame.kind))
    }

    fn take(&mut self) -> Option<Frame> {
        let head: [u8; HEAD] = self.come.get(..HEAD)?.try_into().ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let end = HEAD + u32::from_be_bytes([0, a, b, c]) as usize;
        let payload = self.come.get(HEAD..end)?.to_vec();
        self.come.drain(..end);
        Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }
}

/// What kinds of frames these bytes are.
pub fn kinds(mut bytes: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let [a, b, c, kind, ..] = bytes {
        kinds.push(*kind);
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        bytes = bytes.get(HEAD + length..).unwrap_or_default();
    }
    kinds
}

/// A whole `GET http://a/`, the first on a connection being number 0.
pub fn request(number: u32) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream(number), &FIELDS)
}

pub fn stream(number: u32) -> u32 {
    number * 2 + 1
}

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = &(payload.len() as u32).to_be_bytes()[1..];
    [length, &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Fields as they are, in HPACK's plainest form (RFC 7541 section 6.2.2). None is longer than 126 bytes.
pub fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// So much more may be sent; stream 0 is the connection.
pub fn window(stream: u32, more: u32) -> Vec<u8> {
    frame(8, 0, stream, &more.to_be_bytes())
}

pub fn ping() -> Vec<u8> {
    frame(PING, 0, 0, &[7; 8])
}

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const INITIAL_WINDOW_SIZE: u16 = 4;
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty frame of settings.
pub const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
/// `GET http://a/` in HPACK (RFC 7541, appendix A).
pub const FIELDS: [u8; 6] = [0x82, 0x86, 0x84, 0x41, 0x01, b'a'];
const HEAD: usize = 9;
