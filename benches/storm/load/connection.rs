//! Connections to RETTER, kept as long as they can be used.

use crate::wire;
use std::cell::{Cell, RefCell};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

pub struct Pool {
    target: SocketAddr,
    /// The one used last is used next, and what is not needed any more falls asleep.
    idle: RefCell<Vec<TcpStream>>,
    opened: Cell<u8>,
}

pub struct Answer {
    pub status: u16,
    pub bytes: Vec<u8>,
    /// Bytes of the head.
    pub head: usize,
}

impl Pool {
    pub fn new(target: SocketAddr) -> Self {
        Self { target, idle: RefCell::default(), opened: Cell::new(0) }
    }

    /// Asks and reads the whole answer. A kept connection may have been closed meanwhile: what
    /// gets no answer on one is asked again on a new one, as browsers do.
    pub async fn ask(&self, request: &[u8]) -> io::Result<Answer> {
        loop {
            let kept = self.idle.borrow_mut().pop();
            let was_kept = kept.is_some();
            let mut stream = match kept {
                Some(stream) => stream,
                None => self.open().await?,
            };
            match ask(&mut stream, request).await {
                Ok(Some((answer, stays))) => {
                    if stays {
                        self.idle.borrow_mut().push(stream);
                    }
                    return Ok(answer);
                }
                Ok(None) if was_kept => {}
                Ok(None) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) => return Err(error),
            }
        }
    }

    /// From one address after the other where the system has many: an address has 28,000 ports,
    /// and one that was closed rests for a minute.
    async fn open(&self) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if cfg!(target_os = "linux") {
            self.opened.set(self.opened.get() % ADDRESSES + 1);
            socket.bind((Ipv4Addr::new(127, 0, 6, self.opened.get()), 0).into())?;
        }
        let stream = socket.connect(self.target).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// The answer and whether the connection stays; none if it ended before the first byte.
async fn ask(stream: &mut TcpStream, request: &[u8]) -> io::Result<Option<(Answer, bool)>> {
    if stream.write_all(request).await.is_err() {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(BUFFER);
    let mut framing = None;
    loop {
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) if bytes.is_empty() => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => read?,
        };
        if framing.is_none() {
            framing = head(&bytes)?;
        }
        match framing {
            Some((status, head, whole)) if bytes.len() >= whole => {
                let stays = wire::header(&bytes[..head], "connection") != Some("close");
                return Ok(Some((Answer { status, bytes, head }, stays)));
            }
            _ => {}
        }
    }
}

/// Status, bytes of the head and bytes of all, as soon as the head is there.
fn head(seen: &[u8]) -> io::Result<Option<(u16, usize, usize)>> {
    let Some(head) = wire::head_end(seen) else {
        return Ok(None);
    };
    let status = seen.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    let length = wire::header(&seen[..head], "content-length").and_then(|text| text.parse().ok());
    let status = status.ok_or_else(|| wire::wrong("no status"))?;
    let length: usize = length.ok_or_else(|| wire::wrong("no Content-Length"))?;
    Ok(Some((status, head, head + length)))
}

const ADDRESSES: u8 = 30;
const BUFFER: usize = 8 << 10;
