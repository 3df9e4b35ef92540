//! WebSockets: a tunnel once the application has agreed, and not a byte before.

mod asking;
mod carrying;
mod ending;
mod weather;

use crate::support::SOON;
use crate::support::client::{HOST, Visit, get};
use crate::support::retter::Retter;
use socket2::{Domain, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

/// A visitor who asks for a WebSocket, and what became of that.
struct Visitor {
    stream: TcpStream,
    /// The head of the answer, in lower case.
    head: String,
}

impl Visitor {
    /// Asks as browsers do.
    fn ask(retter: &Retter, path: &str) -> Self {
        Self::ask_by(connect(retter.address()), &request(path).bytes())
    }

    /// One whose request has been answered with a 101.
    fn open(retter: &Retter, path: &str) -> Self {
        let visitor = Self::ask(retter, path);
        assert_eq!(visitor.status(), 101, "{}", visitor.head);
        visitor
    }

    fn ask_by(mut stream: TcpStream, bytes: &[u8]) -> Self {
        stream.write_all(bytes).expect("sent");
        let mut visitor = Self { stream, head: String::new() };
        visitor.head = visitor.next_head();
        visitor
    }

    /// Not a byte more than the head: what follows is another protocol.
    fn next_head(&mut self) -> String {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&head)),
            }
        }
        String::from_utf8_lossy(&head).to_lowercase()
    }

    fn status(&self) -> u16 {
        self.head.get(9..12).and_then(|code| code.parse().ok()).unwrap_or_default()
    }

    /// The values of a field, in order; `name` in lower case.
    fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(found, _)| *found == name).map(|(_, value)| value).collect()
    }

    fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("sent");
    }

    fn hear(&mut self, length: usize) -> Vec<u8> {
        let mut heard = vec![0; length];
        self.stream.read_exact(&mut heard).expect("as much as was said");
        heard
    }

    fn hears_back(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.say(bytes);
        assert!(self.hear(bytes.len()) == bytes, "something else came back");
    }

    /// What still comes until the other side ends; `None` if it does not soon.
    fn rest(&mut self) -> Option<Vec<u8>> {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => Some(rest),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Some(rest),
            Err(_) => None,
        }
    }

    fn finish(&self) {
        self.stream.shutdown(Shutdown::Write).expect("it is open");
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    listening(TcpStream::connect(address).expect("it listens"))
}

/// A visitor whose system holds little of what he has not read.
fn connect_narrow(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(16 * 1024).expect("an option every system has");
    socket.connect(&address.into()).expect("it listens");
    listening(socket.into())
}

fn listening(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(SOON)).expect("an option every system has");
    stream.set_nodelay(true).expect("an option every system has");
    stream
}

/// The request of RFC 6455 section 1.2.
fn request(path: &str) -> Visit {
    get(path)
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Origin", &format!("http://{HOST}"))
        .header("Sec-WebSocket-Protocol", "chat, superchat")
        .header("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
        .header("Sec-WebSocket-Version", "13")
}

/// A masked frame, as clients send them (RFC 6455 section 5.2).
fn frame(opcode: u8, last: bool, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![opcode | if last { 0x80 } else { 0 }];
    match payload.len() {
        length @ ..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
