//! The claims of this room: of a try against real sockets, of when another follows against a
//! script, under a paused clock.

mod answers;
mod connections;
mod hedges;
mod origin;
mod replays;
mod retries;
mod script;
mod timeouts;
mod uploads;
