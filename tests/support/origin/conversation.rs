//! One connection of the scripted application: reads requests and does what the script says.

use super::Behaviour;
use super::script::Shared;
use super::wire::{self, Next, Wire};
use socket2::SockRef;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Takes connections until told to stop; each has a thread of its own.
pub fn accept(listener: &TcpListener, shared: &Arc<Shared>, stop: &AtomicBool) {
    for stream in listener.incoming() {
        if stop.load(Ordering::SeqCst) {
            // Closing is not enough: a process that another test is just starting may hold the
            // socket a moment longer. Systems that refuse this close it soon.
            let _ = SockRef::from(listener).shutdown(Shutdown::Both);
            return;
        }
        let Ok(stream) = stream else { continue };
        let (number, stream) = shared.begin(stream);
        let shared = shared.clone();
        thread::spawn(move || {
            // Small pieces leave as they are written.
            let _ = stream.set_nodelay(true);
            if converse(&shared, number, &stream) == Next::Reset {
                let _ = SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
            }
            shared.connections().live.remove(&number);
        });
    }
}

/// Answers the requests of one connection; says how it is to end.
fn converse(shared: &Shared, number: usize, stream: &TcpStream) -> Next {
    let mut wire = Wire::new(stream);
    while let Some(head) = wire.head() {
        let last = wire::header(&head, "connection").is_some_and(|value| value == "close");
        let place = shared.saw(number, head.clone());
        match wire.body(&head, |piece| shared.saw_more(place, piece)) {
            Ok(trailers) => shared.saw_all(place, trailers),
            Err(_) => return Next::Close,
        }
        match perform(shared, &mut wire, place) {
            Next::Request if !last => {}
            Next::Request => return Next::Close,
            end => return end,
        }
    }
    Next::Close
}

fn perform(shared: &Shared, wire: &mut Wire, place: usize) -> Next {
    let seen = shared.seen()[place].clone();
    loop {
        let (behaviour, read_at) = shared.behaviour(&seen);
        let next = match behaviour {
            Behaviour::Answer(answer) => {
                wire.answer(&answer, seen.method() == "HEAD").unwrap_or(Next::Close)
            }
            Behaviour::Raw(bytes) => wire.write(&bytes).map_or(Next::Close, |()| Next::Close),
            Behaviour::Tunnel(first, then) => {
                if wire.write(&first).is_ok() {
                    then(wire);
                }
                Next::Close
            }
            Behaviour::Reset => Next::Reset,
            Behaviour::Close | Behaviour::Computed(_) => Next::Close,
            Behaviour::Hang => {
                if is_left_while_unchanged(shared, wire, read_at) {
                    return Next::Close;
                }
                continue;
            }
        };
        if next == Next::Hang {
            // In the middle of a body nothing else can be said any more.
            is_left_while_unchanged(shared, wire, usize::MAX);
            return Next::Close;
        }
        return next;
    }
}

/// Waits while the script stays as it is; true when the other side left meanwhile.
fn is_left_while_unchanged(shared: &Shared, wire: &mut Wire, read_at: usize) -> bool {
    while read_at == usize::MAX || shared.script().changes == read_at {
        if wire.is_left() {
            return true;
        }
    }
    false
}

/// How often somebody who hangs looks around.
pub const MOMENT: Duration = Duration::from_millis(10);
