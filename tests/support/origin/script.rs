//! What the scripted application has been told and what it has seen: shared by the test and every
//! connection.

use super::{Behaviour, Seen, fail};
use std::collections::{HashMap, VecDeque};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Default)]
pub struct Shared {
    script: Mutex<Script>,
    seen: Mutex<Vec<Seen>>,
    connections: Mutex<Connections>,
}

#[derive(Default)]
pub struct Connections {
    pub opened: usize,
    pub live: HashMap<usize, Arc<TcpStream>>,
}

#[derive(Default)]
pub struct Script {
    pub routes: HashMap<String, VecDeque<Behaviour>>,
    pub elsewhere: Option<Behaviour>,
    /// Grows with every change: those who hang look again.
    pub changes: usize,
}

impl Shared {
    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no holder panics")
    }

    pub fn seen(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().expect("no holder panics")
    }

    pub fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().expect("no holder panics")
    }

    pub fn begin(&self, stream: TcpStream) -> (usize, Arc<TcpStream>) {
        let mut connections = self.connections();
        connections.opened += 1;
        let (number, stream) = (connections.opened, Arc::new(stream));
        connections.live.insert(number, stream.clone());
        (number, stream)
    }

    pub fn end_all(&self) {
        for (_, stream) in self.connections().live.drain() {
            // Already ended by the other side, otherwise.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Notes a request; the answer is its place in the list.
    pub fn saw(&self, connection: usize, head: Vec<u8>) -> usize {
        let (body, body_hash) = (Vec::new(), blake3::Hasher::new());
        let mut seen = self.seen();
        let (body_length, trailers, whole) = (0, Vec::new(), false);
        seen.push(Seen { connection, head, body, body_length, body_hash, trailers, whole });
        seen.len() - 1
    }

    pub fn saw_more(&self, place: usize, piece: &[u8]) {
        let seen = &mut self.seen()[place];
        let room = KEPT_BODY.saturating_sub(seen.body.len()).min(piece.len());
        seen.body.extend_from_slice(&piece[..room]);
        seen.body_length += piece.len() as u64;
        seen.body_hash.update(piece);
    }

    pub fn saw_all(&self, place: usize, trailers: Vec<String>) {
        let seen = &mut self.seen()[place];
        seen.trailers = trailers;
        seen.whole = true;
    }

    /// What to do now, and the state of the script this was read from.
    pub fn behaviour(&self, seen: &Seen) -> (Behaviour, usize) {
        let mut script = self.script();
        let behaviour = script.next(&seen.target()).or_else(|| script.next(&seen.path()));
        let behaviour = behaviour.or_else(|| script.elsewhere.clone());
        let changes = script.changes;
        drop(script);
        match behaviour.unwrap_or_else(|| fail(404).into()) {
            Behaviour::Computed(function) => (function(seen), changes),
            other => (other, changes),
        }
    }
}

impl Script {
    pub fn next(&mut self, path: &str) -> Option<Behaviour> {
        let route = self.routes.get_mut(path)?;
        if route.len() > 1 { route.pop_front() } else { route.front().cloned() }
    }
}

const KEPT_BODY: usize = 1 << 20;
