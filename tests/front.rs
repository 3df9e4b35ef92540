//! The ways in: whose a connection is by a proxy's word, and a socket at a path.

mod proxied;
mod unix;
