//! A scripted application on a real socket: std threads and raw bytes, so that it can do to RETTER
//! what no HTTP library would do. `Origin::new().route("/a", ok("1")).then(fail(503))`.

mod behaviour;
mod conversation;
mod script;
mod wire;

use crate::support::{SOON, until};
pub use behaviour::*;
use conversation::accept;
use script::Shared;
use socket2::{Domain, Socket, Type};
use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;
pub use wire::Wire;

pub struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Bound but never listening: keeps the port while nobody answers on it.
    _port: Socket,
    door: Mutex<Door>,
    last_route: String,
}

/// One request as the application saw it.
#[derive(Clone)]
pub struct Seen {
    /// Which connection it came on, counted from 1.
    pub connection: usize,
    /// The head as it came, with the empty line at its end.
    pub head: Vec<u8>,
    /// The body without its framing, as far as it fits into a megabyte.
    pub body: Vec<u8>,
    /// How long the body was, so far.
    pub body_length: u64,
    pub body_hash: blake3::Hasher,
    /// The lines after the last chunk.
    pub trailers: Vec<String>,
    /// The body has come to its end: the application takes the request for whole.
    pub whole: bool,
}

enum Door {
    Open {
        stop: Arc<AtomicBool>,
        accepting: JoinHandle<()>,
    },
    /// Nobody listens: connections are refused.
    Shut,
    /// The kernel's queue is full and nobody takes from it: connecting takes for ever.
    Deaf {
        _queue: Vec<TcpStream>,
        _listener: Socket,
    },
}

impl Origin {
    /// Listens on a free port of 127.0.0.1 and answers 404 until told otherwise.
    pub fn new() -> Self {
        let port = socket("127.0.0.1:0".parse().expect("an address"));
        let address = port.local_addr().ok().and_then(|local| local.as_socket());
        let origin = Self {
            address: address.expect("a bound socket has an address"),
            shared: Arc::default(),
            _port: port,
            door: Mutex::new(Door::Shut),
            last_route: String::new(),
        };
        origin.up();
        origin
    }

    /// Says what `path` answers from the start.
    pub fn route(mut self, path: &str, behaviour: impl Into<Behaviour>) -> Self {
        self.set(path, behaviour);
        self.last_route = path.to_owned();
        self
    }

    /// What the path of the last `route` does after that: each behaviour once, the last for ever.
    pub fn then(self, behaviour: impl Into<Behaviour>) -> Self {
        let mut script = self.shared.script();
        let route = script.routes.get_mut(&self.last_route).expect("then comes after route");
        route.push_back(behaviour.into());
        drop(script);
        self
    }

    /// What every path does that has no route.
    pub fn elsewhere(self, behaviour: impl Into<Behaviour>) -> Self {
        self.shared.script().elsewhere = Some(behaviour.into());
        self
    }

    /// Changes one path from now on, also for a request that hangs in it.
    pub fn set(&self, path: &str, behaviour: impl Into<Behaviour>) {
        let mut script = self.shared.script();
        script.routes.insert(path.to_owned(), VecDeque::from([behaviour.into()]));
        script.changes += 1;
    }

    /// Changes every path from now on.
    pub fn set_all(&self, behaviour: impl Into<Behaviour>) {
        let mut script = self.shared.script();
        script.routes.clear();
        script.elsewhere = Some(behaviour.into());
        script.changes += 1;
    }

    /// Refuses connections, and ends those there are.
    pub fn down(&self) {
        let was = std::mem::replace(&mut *self.door(), Door::Shut);
        if let Door::Open { stop, accepting } = was {
            stop.store(true, Ordering::SeqCst);
            // Wakes the thread that accepts; it then gives the listener up.
            drop(TcpStream::connect(self.address));
            accepting.join().expect("the accepting thread does not panic");
        }
        self.shared.end_all();
    }

    /// Listens again, on the same port.
    pub fn up(&self) {
        self.down();
        let listener = socket(self.address);
        listener.listen(1024).expect("the port is kept");
        let (listener, stop) = (TcpListener::from(listener), Arc::new(AtomicBool::new(false)));
        let (shared, stopped) = (self.shared.clone(), stop.clone());
        let accepting = thread::spawn(move || accept(&listener, &shared, &stopped));
        *self.door() = Door::Open { stop, accepting };
    }

    /// Neither takes nor refuses connections: connecting never ends.
    pub fn deaf(&self) {
        self.down();
        let listener = socket(self.address);
        listener.listen(0).expect("the port is kept");
        let queue = std::iter::from_fn(|| {
            TcpStream::connect_timeout(&self.address, Duration::from_millis(200)).ok()
        });
        *self.door() = Door::Deaf { _queue: queue.take(16).collect(), _listener: listener };
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen().clone()
    }

    /// The last request to `path`.
    pub fn last(&self, path: &str) -> Seen {
        let seen = self.shared.seen();
        seen.iter().rfind(|seen| seen.path() == path).expect("the path was asked for").clone()
    }

    /// How many requests `path` has had.
    pub fn hits(&self, path: &str) -> usize {
        self.shared.seen().iter().filter(|seen| seen.path() == path).count()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.shared.connections().opened
    }

    /// How many of them are open now.
    pub fn live(&self) -> usize {
        self.shared.connections().live.len()
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().expect("no holder panics")
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.down();
    }
}

impl Seen {
    pub fn method(&self) -> String {
        self.word(0)
    }

    /// The request target as it came, query and all.
    pub fn target(&self) -> String {
        self.word(1)
    }

    /// The target without query and path parameters.
    pub fn path(&self) -> String {
        self.target().split(['?', ';']).next().unwrap_or_default().to_owned()
    }

    /// The first value of a header; `name` without regard to case.
    pub fn header(&self, name: &str) -> Option<String> {
        wire::header(&self.head, name)
    }

    /// The header lines as they came.
    pub fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.head).lines().skip(1).map(str::to_owned).collect()
    }

    /// Every value of a header, in order; `name` without regard to case.
    pub fn all(&self, name: &str) -> Vec<String> {
        let lines = self.lines();
        let fields = lines.iter().filter_map(|line| line.split_once(':'));
        let named = fields.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim().to_owned()).collect()
    }

    fn word(&self, place: usize) -> String {
        let text = String::from_utf8_lossy(&self.head);
        text.split(' ').nth(place).unwrap_or_default().to_owned()
    }
}

fn socket(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    // Lets the one that keeps the port and the one that listens share it.
    socket.set_reuse_address(true).expect("an option every system has");
    let bound = until(SOON, || socket.bind(&address.into()).is_ok());
    assert!(bound, "{address} stays taken");
    socket
}
