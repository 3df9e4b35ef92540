//! The ways in: whose a connection is by a proxy's word, a socket at a path, and how much may be
//! sent.

mod body;
mod proxied;
mod unix;
