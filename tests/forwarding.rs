//! What the application is asked: the same request, said the same way, over whatever connection.

mod addresses;
mod again;
mod fields;
mod names;
mod old;
mod secure;
mod targets;
mod trailers;
mod trusted;

use crate::support::client::raw;
use crate::support::origin::{Origin, Seen};
use crate::support::retter::{Retter, Setup};

fn before(origin: &Origin) -> Retter {
    Setup::before(origin).start()
}

/// Sends these bytes as they are, and says the status of the answer.
fn say(retter: &Retter, bytes: impl AsRef<[u8]>) -> u16 {
    let came = raw(retter.address(), bytes.as_ref());
    let status = came.get(9..12).and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
    status.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&came)))
}

/// The last request.
fn asked(origin: &Origin) -> Seen {
    origin.seen().last().expect("the application was asked").clone()
}

fn holds(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}
