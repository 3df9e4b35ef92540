//! An application that is sound, fast and remembers nothing: for what would drown the scripted one
//! in its own records.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// Runs until the test process ends. `/bytes/N` answers N bytes, an upload is swallowed, and every
/// other target answers [`page`].
pub struct Plain {
    address: SocketAddr,
}

impl Plain {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // The end of a connection is an error here, and nobody's.
                thread::spawn(move || drop(converse(&stream)));
            }
        });
        Self { address }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// About a kilobyte that tells its own address.
pub fn page(target: &str) -> String {
    format!("page of {target}\n{}", "lorem ipsum dolor ".repeat(50))
}

fn converse(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let (target, length) = head(&mut reader)?;
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        match target.strip_prefix("/bytes/").and_then(|count| count.parse().ok()) {
            Some(count) => pour(stream, count)?,
            None => answer(stream, page(&target).as_bytes())?,
        }
    }
}

fn head(reader: &mut impl BufRead) -> io::Result<(String, u64)> {
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if line.is_empty() {
            let target = first.split(' ').nth(1).ok_or(io::ErrorKind::UnexpectedEof)?;
            return Ok((target.to_owned(), length));
        }
    }
}

fn answer(mut stream: &TcpStream, body: &[u8]) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat())
}

fn pour(mut stream: &TcpStream, count: u64) -> io::Result<()> {
    let kind = "Content-Type: application/octet-stream";
    stream.write_all(
        format!("HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {count}\r\n\r\n").as_bytes(),
    )?;
    io::copy(&mut io::repeat(b'x').take(count), &mut stream).map(|_| ())
}
