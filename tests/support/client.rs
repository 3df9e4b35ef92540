//! A client on a plain socket that reports exactly what came: every header in its order, and
//! whether the body was whole or the connection was cut.

use socket2::{Domain, Socket, Type};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One request to be made.
#[derive(Clone)]
pub struct Visit {
    method: &'static str,
    target: String,
    version: &'static str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub fn get(target: &str) -> Visit {
    visit("GET", target)
}

pub fn head(target: &str) -> Visit {
    visit("HEAD", target)
}

pub fn post(target: &str, body: impl AsRef<[u8]>) -> Visit {
    visit("POST", target).body(body)
}

pub fn visit(method: &'static str, target: &str) -> Visit {
    Visit { method, target: target.into(), version: "1.1", headers: vec![], body: vec![] }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// 0 when the connection ended before a head.
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub end: End,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its length was reached, its last chunk was seen, or the end of the connection was its end.
    Whole,
    /// The connection ended in good order before that.
    Early,
    /// The connection was reset.
    Reset,
    /// Nothing came for [`PATIENCE`].
    Silent,
}

/// A connection that can be used again.
pub struct Line {
    reader: BufReader<TcpStream>,
}

impl Visit {
    /// Adds a header line, also of a name that is there already.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn cookie(self, pairs: &str) -> Self {
        self.header("Cookie", pairs)
    }

    pub fn body(self, body: impl AsRef<[u8]>) -> Self {
        Self { body: body.as_ref().to_vec(), ..self }
    }

    pub fn http10(self) -> Self {
        Self { version: "1.0", ..self }
    }

    /// Makes the request on a connection of its own.
    pub fn to(&self, address: SocketAddr) -> Answer {
        match Line::open(address) {
            Ok(mut line) => line.send(&self.clone().header("Connection", "close")),
            Err(error) => Answer::without_head(end_of(&error)),
        }
    }

    /// The request as it goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/{}\r\n", self.method, self.target, self.version);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            text.push_str(&format!("Host: {HOST}\r\n"));
        }
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        [text.as_bytes(), b"\r\n", &self.body].concat()
    }
}

impl Line {
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        Self::over(TcpStream::connect(address)?)
    }

    /// A client that takes little before it has read: what it has not read stays with RETTER.
    pub fn narrow(address: SocketAddr) -> io::Result<Self> {
        Self::over(narrow(address)?)
    }

    fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    pub fn send(&mut self, visit: &Visit) -> Answer {
        // A server may answer before it has read everything: what it said is read all the same.
        let _ = self.write(&visit.bytes());
        let mut body = Vec::new();
        let answer = self.receive(visit.method == "HEAD", |piece| body.extend_from_slice(piece));
        Answer { body, ..answer }
    }

    /// Writing fails where nothing is taken for so long.
    pub fn give_up_writing_after(&self, limit: Duration) -> io::Result<()> {
        self.reader.get_ref().set_write_timeout(Some(limit))
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Reads an answer and hands its body to `sink` as it arrives.
    pub fn receive(&mut self, without_body: bool, sink: impl FnMut(&[u8])) -> Answer {
        let mut answer = match self.head() {
            Ok(answer) => answer,
            Err(error) => return Answer::without_head(end_of(&error)),
        };
        if !without_body && !matches!(answer.status, 204 | 304) {
            answer.end = match self.body(&answer, sink) {
                Ok(()) => End::Whole,
                Err(error) => end_of(&error),
            };
        }
        answer
    }

    /// Reads a head, past any 1xx before it; its body is still to come.
    pub fn head(&mut self) -> io::Result<Answer> {
        loop {
            let answer = self.any_head()?;
            if !(100..200).contains(&answer.status) || answer.status == 101 {
                return Ok(answer);
            }
        }
    }

    fn any_head(&mut self) -> io::Result<Answer> {
        let first = self.line()?;
        let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
        let status = status.and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status: {first:?}")))?;
        let mut answer = Answer { status, ..Answer::without_head(End::Whole) };
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                return Ok(answer);
            };
            answer.headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    fn body(&mut self, answer: &Answer, mut sink: impl FnMut(&[u8])) -> io::Result<()> {
        if answer.header("transfer-encoding").is_some() {
            return self.chunks(&mut sink);
        }
        match answer.header("content-length") {
            Some(length) => self.exactly(length.parse().map_err(io::Error::other)?, &mut sink),
            None => self.until_the_end(&mut sink),
        }
    }

    fn chunks(&mut self, sink: &mut impl FnMut(&[u8])) -> io::Result<()> {
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default();
            let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
            self.exactly(size, sink)?;
            if size == 0 {
                while !self.line()?.is_empty() {}
                return Ok(());
            }
            self.line()?;
        }
    }

    fn exactly(&mut self, length: u64, sink: &mut impl FnMut(&[u8])) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            let bytes = self.more()?;
            let most = (bytes.len() as u64).min(left) as usize;
            if most == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            sink(&bytes[..most]);
            self.reader.consume(most);
            left -= most as u64;
        }
        Ok(())
    }

    fn until_the_end(&mut self, sink: &mut impl FnMut(&[u8])) -> io::Result<()> {
        loop {
            match self.some()? {
                end if end.is_empty() => return Ok(()),
                bytes => sink(&bytes),
            }
        }
    }

    /// The next bytes of whatever comes, without reading any of it as HTTP; empty at the end.
    pub fn some(&mut self) -> io::Result<Vec<u8>> {
        let bytes = self.more()?.to_vec();
        self.reader.consume(bytes.len());
        Ok(bytes)
    }

    /// A wait with a time limit may be interrupted, as one without never is (signal(7)); the
    /// standard library then asks again in some places only.
    fn more(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.reader.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(_) => return Ok(self.reader.buffer()),
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    }
}

impl Answer {
    /// The first value of a header; `name` without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).into_iter().next()
    }

    /// Every value of a header, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub fn retter(&self) -> &str {
        self.header("x-retter").unwrap_or_default()
    }

    pub fn circuit(&self) -> &str {
        self.header("x-circuit").unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn is_whole(&self) -> bool {
        self.status != 0 && self.end == End::Whole
    }

    /// The visitor can tell that this is not all: the connection ended or was reset too early.
    pub fn is_cut(&self) -> bool {
        matches!(self.end, End::Early | End::Reset)
    }

    fn without_head(end: End) -> Self {
        Self { status: 0, headers: vec![], body: vec![], end }
    }
}

/// See [`Line::narrow`].
pub fn narrow(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Before connecting, or the window has been offered already.
    socket.set_recv_buffer_size(NARROW)?;
    socket.connect(&address.into())?;
    Ok(socket.into())
}

/// Sends `bytes` and answers all that comes until the connection ends or falls silent.
pub fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    if let Ok(mut line) = Line::open(address) {
        let _ = line.write(bytes);
        // An error at the end is an end: what came before it counts.
        let _ = line.reader.read_to_end(&mut all);
    }
    all
}

fn end_of(error: &io::Error) -> End {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            End::Reset
        }
        ErrorKind::WouldBlock | ErrorKind::TimedOut => End::Silent,
        _ => End::Early,
    }
}

/// The `Host` of a visit that names none.
pub const HOST: &str = "shop.example";
/// How long nothing may come.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes that a narrow client's system holds for it.
const NARROW: usize = 16 * 1024;
