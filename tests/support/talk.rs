//! A client that knows no HTTP: bytes out, bytes in, and how the connection ended. For whoever
//! breaks the rules, stops half-way or leaves.

use socket2::SockRef;
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

pub struct Talk {
    stream: TcpStream,
}

/// All that came.
pub struct Heard {
    pub bytes: Vec<u8>,
    /// The other side ended the connection, in good order or by a reset.
    pub closed: bool,
    /// Until the end of the connection or of the listener's patience.
    pub took: Duration,
}

impl Talk {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_nodelay(true).expect("an option every system has");
        Self { stream }
    }

    /// False when the other side has closed already.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// In pieces with a pause after each; stops when the other side has closed.
    pub fn say_slowly(&mut self, bytes: impl AsRef<[u8]>, piece: usize, pause: Duration) -> bool {
        bytes.as_ref().chunks(piece).all(|piece| {
            let said = self.say(piece);
            thread::sleep(pause);
            said
        })
    }

    /// Says no more, and goes on listening.
    pub fn finish(&self) {
        // Closed by the other side already, otherwise.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Leaves with a reset, as a crashed client or a full middle box does; dropping it is the
    /// other way to leave.
    pub fn slam(self) {
        let lingers = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        lingers.expect("an option every system has");
    }

    /// Reads until that is enough, the connection ends, or `patience` is over.
    pub fn hear(&mut self, patience: Duration, enough: impl Fn(&[u8]) -> bool) -> Heard {
        let began = Instant::now();
        let (mut bytes, mut closed, mut buffer) = (Vec::new(), false, [0; 64 * 1024]);
        while !closed && !enough(&bytes) {
            let left = patience.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            self.stream.set_read_timeout(Some(left)).expect("an option every system has");
            match self.stream.read(&mut buffer) {
                Ok(0) => closed = true,
                Ok(got) => bytes.extend_from_slice(&buffer[..got]),
                Err(error) => closed = !is_silence(error.kind()),
            }
        }
        Heard { bytes, closed, took: began.elapsed() }
    }

    /// Reads at least so many bytes.
    pub fn hear_some(&mut self, most: usize, patience: Duration) -> Heard {
        self.hear(patience, |bytes| bytes.len() >= most)
    }

    /// Reads until the last bytes are these.
    pub fn hear_until(&mut self, end: &str, patience: Duration) -> Heard {
        self.hear(patience, |bytes| bytes.ends_with(end.as_bytes()))
    }

    pub fn hear_all(&mut self, patience: Duration) -> Heard {
        self.hear(patience, |_| false)
    }
}

impl Heard {
    /// The status of every answer in it, in order. No body of these tests has such a line.
    pub fn statuses(&self) -> Vec<u16> {
        let text = self.text();
        let answers = text.split("HTTP/1.1 ").skip(1);
        answers.map(|rest| rest.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0)).collect()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, closed: {}, after {:?}", self.text(), self.closed, self.took)
    }
}

fn is_silence(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
