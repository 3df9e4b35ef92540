//! As much HTTP/1.1 as a measuring client needs: keep-alive, `Content-Length`, whole bodies, and
//! everything else an error. Written by hand so that it costs next to nothing.

use crate::pages;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Writes a request for a page over what is in `out`.
pub fn write_request(size: usize, number: u64, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(format!("GET /{size}/{number} HTTP/1.1\r\n{HEADERS}\r\n").as_bytes());
}

/// The length of the request head that `seen` begins with, if it is all there.
pub fn head_end(seen: &[u8]) -> Option<usize> {
    seen.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// Where the body of an answer lies.
#[derive(Clone, Copy)]
pub struct Framing {
    pub head: usize,
    pub whole: usize,
}

/// Reads the head of an answer; none as long as it is not all there.
///
/// # Errors
/// The status is not 200, or the length is not told.
pub fn framing(seen: &[u8]) -> io::Result<Option<Framing>> {
    let Some(head) = head_end(seen) else {
        return Ok(None);
    };
    if !seen.starts_with(b"HTTP/1.1 200 ") {
        return Err(wrong("the status is not 200"));
    }
    let length = header(&seen[..head], "content-length").and_then(|value| value.parse().ok());
    let length: usize = length.ok_or_else(|| wrong("no Content-Length"))?;
    Ok(Some(Framing { head, whole: head + length }))
}

/// The value of a header in the head of an answer.
pub fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (is, value) = (line.get(..name.len())?, line.get(name.len()..)?);
        let value = value.strip_prefix(b":").filter(|_| is.eq_ignore_ascii_case(name.as_bytes()));
        std::str::from_utf8(value?).ok().map(str::trim)
    })
}

/// One visitor, one page, a connection of its own, waited for. Answers the head.
///
/// # Errors
/// Not 200, or not that page.
pub fn visit(target: SocketAddr, size: usize, number: u64) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(target)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LONG))?;
    let (mut request, mut seen, mut part) = (Vec::new(), Vec::new(), [0; 16 << 10]);
    write_request(size, number, &mut request);
    stream.write_all(&request)?;
    loop {
        match stream.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => seen.extend_from_slice(&part[..count]),
        }
        if let Some(framing) = framing(&seen)?.filter(|framing| seen.len() >= framing.whole) {
            let is_page = pages::is_page(size, number, &seen[framing.head..]);
            seen.truncate(framing.head);
            return if is_page { Ok(seen) } else { Err(wrong("another body")) };
        }
    }
}

pub fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// What the visitors say. No `Accept-Encoding`: bodies are compared byte by byte.
const HEADERS: &str = "Host: shop.example\r\nUser-Agent: bench\r\nAccept: text/html\r\n";
const LONG: Duration = Duration::from_secs(10);
