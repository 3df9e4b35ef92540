//! What the scripted application does with a request.

use super::Seen;
use super::wire::Wire;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone)]
pub enum Behaviour {
    Answer(Answer),
    /// Says nothing until it is told another behaviour or the other side leaves.
    Hang,
    /// Ends the connection in good order before a byte of the head.
    Close,
    /// Resets the connection before a byte of the head.
    Reset,
    /// These bytes, whatever they are, and the end of the connection.
    Raw(Vec<u8>),
    /// These bytes, and then whatever the function does, which is no HTTP.
    Tunnel(Vec<u8>, Talker),
    /// Whatever the function makes of the request.
    Computed(Computer),
}

type Talker = Arc<dyn Fn(&mut Wire<'_>) + Send + Sync>;
type Computer = Arc<dyn Fn(&Seen) -> Behaviour + Send + Sync>;

/// An HTTP answer, sound unless an ending says otherwise.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Content,
    pub framing: Framing,
    pub ending: Ending,
    pub delay: Duration,
    pub pace: Option<(usize, Duration)>,
}

#[derive(Clone)]
pub enum Content {
    Bytes(Arc<[u8]>),
    /// So many bytes of a pattern, made while they are sent.
    Pattern(u64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    Length,
    Chunked,
    /// Only the end of the connection ends the body.
    Close,
}

/// What happens when so many bytes of the body have been sent.
#[derive(Clone)]
pub enum Ending {
    Whole,
    CloseAt(u64),
    ResetAt(u64),
    HangAt(u64),
    /// In a chunked body: a chunk whose size is no number.
    BadChunkAt(u64),
    /// A whole body, and then these bytes that belong to nothing.
    Extra(Vec<u8>),
}

pub fn ok(body: impl AsRef<[u8]>) -> Answer {
    answer(200, body)
}

pub fn fail(status: u16) -> Answer {
    answer(status, format!("the application's own {status}"))
}

pub fn answer(status: u16, body: impl AsRef<[u8]>) -> Answer {
    Answer {
        status,
        headers: vec![("Content-Type".into(), "text/html; charset=utf-8".into())],
        body: Content::Bytes(body.as_ref().into()),
        framing: Framing::Length,
        ending: Ending::Whole,
        delay: Duration::ZERO,
        pace: None,
    }
}

/// A body of `length` bytes that is never in memory as a whole: see [`pattern`].
pub fn pattern_body(length: u64) -> Answer {
    Answer { body: Content::Pattern(length), ..answer(200, "") }.typed("application/octet-stream")
}

pub fn computed<B: Into<Behaviour>>(
    function: impl Fn(&Seen) -> B + Send + Sync + 'static,
) -> Behaviour {
    Behaviour::Computed(Arc::new(move |seen| function(seen).into()))
}

/// Agrees to a WebSocket.
pub fn websocket(then: impl Fn(&mut Wire<'_>) + Send + Sync + 'static) -> Behaviour {
    websocket_with("", then)
}

/// The same, with these bytes in one packet with the 101.
pub fn websocket_with(
    first: impl AsRef<[u8]>,
    then: impl Fn(&mut Wire<'_>) + Send + Sync + 'static,
) -> Behaviour {
    Behaviour::Tunnel([SWITCHING.as_bytes(), first.as_ref()].concat(), Arc::new(then))
}

/// Says what is said to it until the other side has ended, and then ends too.
pub fn echo(wire: &mut Wire<'_>) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = wire.read(&mut piece) {
        if wire.write(&piece[..read]).is_err() {
            return;
        }
    }
}

/// The answer to the key in RFC 6455 section 1.3.
pub const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    Sec-WebSocket-Protocol: chat\r\n\r\n";

pub fn garbage() -> Behaviour {
    Behaviour::Raw(b"\x00\x17SSH-2.0-not a web server\r\n\r\n".to_vec())
}

/// A head far over any limit: a megabyte of header lines.
pub fn huge_head() -> Behaviour {
    let line = format!("X-Filler: {}\r\n", "x".repeat(1000));
    Behaviour::Raw(format!("HTTP/1.1 200 OK\r\n{}\r\n", line.repeat(1000)).into_bytes())
}

impl Answer {
    /// Adds a header line, also of a name that is there already.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn typed(mut self, kind: &str) -> Self {
        self.headers.retain(|(name, _)| name != "Content-Type");
        self.header("Content-Type", kind)
    }

    pub fn chunked(self) -> Self {
        Self { framing: Framing::Chunked, ..self }
    }

    pub fn close_delimited(self) -> Self {
        Self { framing: Framing::Close, ..self }
    }

    pub fn ending(self, ending: Ending) -> Self {
        Self { ending, ..self }
    }

    /// The connection ends in good order after so many bytes of the body.
    pub fn truncated(self, at: u64) -> Self {
        self.ending(Ending::CloseAt(at))
    }

    /// Waits before the head.
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Sends the body in pieces with pauses between them.
    pub fn slowly(self, piece: usize, pause: Duration) -> Self {
        Self { pace: Some((piece, pause)), ..self }
    }
}

impl From<Answer> for Behaviour {
    fn from(answer: Answer) -> Self {
        Behaviour::Answer(answer)
    }
}

impl Content {
    pub fn length(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Pattern(length) => *length,
        }
    }

    /// The bytes from `start` on, at most `most` of them and none past `end`.
    pub fn piece(&self, start: u64, end: u64, most: usize) -> Vec<u8> {
        let length = (end - start).min(most as u64);
        match self {
            Content::Bytes(bytes) => bytes[start as usize..(start + length) as usize].to_vec(),
            Content::Pattern(_) => pattern(start, length as usize),
        }
    }
}

/// Bytes that differ with their place, so that a lost or doubled piece is noticed: the places of
/// every eighth byte, one after the other.
pub fn pattern(start: u64, length: usize) -> Vec<u8> {
    let first = start / 8;
    let last = (start + length as u64).div_ceil(8);
    let mut words = Vec::with_capacity(length + 16);
    for word in first..last {
        words.extend_from_slice(&word.to_be_bytes());
    }
    let skip = (start % 8) as usize;
    words[skip..skip + length].to_vec()
}
