//! The claims of this room, against real sockets.

mod answers;
mod connections;
mod origin;
mod timeouts;
mod uploads;
