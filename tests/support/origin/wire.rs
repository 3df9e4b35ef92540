//! The bytes of the scripted application: reads requests, writes what a behaviour says.

use super::behaviour::{Answer, Ending, Framing};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

/// One connection as the application sees it.
pub struct Wire<'a> {
    stream: &'a TcpStream,
    reader: BufReader<&'a TcpStream>,
    /// What is to go out in one piece.
    held: Option<Vec<u8>>,
}

/// What becomes of the connection after an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Request,
    Close,
    Reset,
    Hang,
}

impl<'a> Wire<'a> {
    pub fn new(stream: &'a TcpStream) -> Self {
        Self { stream, reader: BufReader::new(stream), held: None }
    }

    /// The next request's head up to and with its empty line; `None` at the end.
    pub fn head(&mut self) -> Option<Vec<u8>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if self.reader.read_until(b'\n', &mut head).ok()? == 0 {
                return None;
            }
        }
        Some(head)
    }

    /// Hands the body of a request to `sink` as it arrives; the lines after it are its trailers.
    pub fn body(&mut self, head: &[u8], mut sink: impl FnMut(&[u8])) -> io::Result<Vec<String>> {
        if header(head, "expect").is_some() {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        if header(head, "transfer-encoding").is_some() {
            return self.chunks(&mut sink);
        }
        let length = header(head, "content-length").and_then(|text| text.parse().ok());
        self.exactly(length.unwrap_or(0), &mut sink).map(|()| Vec::new())
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.held {
            Some(held) => held.write_all(bytes),
            None => self.stream.write_all(bytes),
        }
    }

    /// What comes when there is no HTTP any more; 0 at the end.
    pub fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.reader.read(into)
    }

    /// Says no more, and goes on listening.
    pub fn finish(&self) {
        // Ended by the other side already, otherwise.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// To talk while somebody else listens.
    pub fn twin(&self) -> &'a TcpStream {
        self.stream
    }

    /// Writes the answer, as far as its ending lets it.
    pub fn answer(&mut self, answer: &Answer, without_body: bool) -> io::Result<Next> {
        // Bytes after the end arrive with the answer, or they would be another story.
        self.held = matches!(answer.ending, Ending::Extra(_)).then(Vec::new);
        let next = self.tell(answer, without_body);
        match self.held.take() {
            Some(held) => self.stream.write_all(&held).and(next),
            None => next,
        }
    }

    fn tell(&mut self, answer: &Answer, without_body: bool) -> io::Result<Next> {
        thread::sleep(answer.delay);
        self.write(head_of(answer).as_bytes())?;
        if without_body {
            return Ok(Next::Request);
        }
        if let Ending::Extra(more) = &answer.ending {
            return self.with_more(answer, more);
        }
        self.content(answer)?;
        self.end(answer)
    }

    /// True when the other side has left; waits a moment to see.
    pub fn is_left(&mut self) -> bool {
        let waits = self.stream.set_read_timeout(Some(super::conversation::MOMENT));
        let left = match self.reader.fill_buf() {
            Ok(bytes) => bytes.is_empty(),
            Err(error) => !matches!(
                error.kind(),
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
            ),
        };
        left || waits.and_then(|()| self.stream.set_read_timeout(None)).is_err()
    }

    fn content(&mut self, answer: &Answer) -> io::Result<()> {
        let (size, pause) = answer.pace.unwrap_or((PIECE, std::time::Duration::ZERO));
        let end = sent_length(answer);
        let mut start = 0;
        while start < end {
            let piece = answer.body.piece(start, end, size);
            start += piece.len() as u64;
            self.write(&framed(answer.framing, piece))?;
            thread::sleep(pause);
        }
        Ok(())
    }

    /// In one piece: what comes later than the end may come after the answer has been believed.
    fn with_more(&mut self, answer: &Answer, more: &[u8]) -> io::Result<Next> {
        let length = answer.body.length();
        let body = framed(answer.framing, answer.body.piece(0, length, length as usize));
        let chunked = answer.framing == Framing::Chunked;
        let last = if chunked { LAST_CHUNK } else { b"" };
        self.write(&[&body, last, more].concat())?;
        Ok(Next::Request)
    }

    fn end(&mut self, answer: &Answer) -> io::Result<Next> {
        let next = match &answer.ending {
            Ending::CloseAt(_) => return Ok(Next::Close),
            Ending::ResetAt(_) => return Ok(Next::Reset),
            Ending::HangAt(_) => return Ok(Next::Hang),
            Ending::BadChunkAt(_) => {
                self.write(b"zz\r\nno size\r\n")?;
                return Ok(Next::Close);
            }
            Ending::Whole | Ending::Extra(_) if answer.framing == Framing::Close => Next::Close,
            Ending::Whole | Ending::Extra(_) => Next::Request,
        };
        if answer.framing == Framing::Chunked {
            self.write(LAST_CHUNK)?;
        }
        Ok(next)
    }

    fn chunks(&mut self, sink: &mut impl FnMut(&[u8])) -> io::Result<Vec<String>> {
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default();
            let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
            self.exactly(size, sink)?;
            if size == 0 {
                return self.trailers();
            }
            self.line()?;
        }
    }

    fn trailers(&mut self) -> io::Result<Vec<String>> {
        let mut trailers = Vec::new();
        loop {
            match self.line()? {
                end if end.is_empty() => return Ok(trailers),
                line => trailers.push(line),
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&line).trim().to_owned())
    }

    fn exactly(&mut self, length: u64, sink: &mut impl FnMut(&[u8])) -> io::Result<()> {
        let mut left = length;
        let mut buffer = vec![0; PIECE];
        while left > 0 {
            let most = left.min(PIECE as u64) as usize;
            let got = self.reader.read(&mut buffer[..most])?;
            if got == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            sink(&buffer[..got]);
            left -= got as u64;
        }
        Ok(())
    }
}

/// The first value of a header in a raw head; `name` in lower case.
pub fn header(head: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    text.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
}

fn head_of(answer: &Answer) -> String {
    let reason = http::StatusCode::from_u16(answer.status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unheard Of");
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match answer.framing {
        Framing::Length if answer.status == 304 => {}
        Framing::Length => head.push_str(&format!("Content-Length: {}\r\n", answer.body.length())),
        Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
        Framing::Close => head.push_str("Connection: close\r\n"),
    }
    head + "\r\n"
}

fn sent_length(answer: &Answer) -> u64 {
    match answer.ending {
        Ending::Whole | Ending::Extra(_) => answer.body.length(),
        Ending::CloseAt(at) | Ending::ResetAt(at) | Ending::HangAt(at) | Ending::BadChunkAt(at) => {
            at.min(answer.body.length())
        }
    }
}

fn framed(framing: Framing, piece: Vec<u8>) -> Vec<u8> {
    if framing != Framing::Chunked {
        return piece;
    }
    let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
    chunk.extend_from_slice(&piece);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

const PIECE: usize = 64 * 1024;
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
