//! RETTER stands in front of one web application. Every request goes to the application as long
//! as it copes; when it fails, hangs or drowns, the visitor gets the last known good page instead
//! of an error, and the application gets air.
//!
//! The rooms, top to bottom. Data flows down this list and imports only ever point down
//! (`tests/house.rs` reads the `use` lines and holds them to it):
//!
//! | room | what it does |
//! |---|---|
//! | `fuzzing` | what must hold whatever comes in; built for tests and fuzzing alone |
//! | [`app`] | builds the parts and runs them until told to stop: the only wiring |
//! | [`config`] | every setting, from every layer, with every mistake and its source |
//! | [`server`] | accept, one hyper connection each, timeouts in front, drain |
//! | [`admin`], [`inspect`] | what the operator sees and does: `/health`, the socket; `retter-db`, `retter ctl` |
//! | [`proxy`] | the story of one request |
//! | [`upstream`] | one try to the application: its connections and its timeouts |
//! | [`store`] | the file, its one writer, the memory tier and the index above it |
//! | [`breaker`], [`gate`], [`key`], [`policy`] | pure decisions: no I/O, no tokio, `now` is an argument |
//! | [`dummy`] | the weak application of `retter dummy` and `retter demo` |
//! | [`at_path`], [`capture`], [`clock`], [`control`], [`encoding`], [`headers`], [`meter`], `streams`, [`units`] | leaves |
//! | [`migrations`] | the file format's history, one step a file |
//!
//! # Invariants
//! - Only `store/` opens the file; only its writer thread writes, and `retter-db` while no RETTER
//!   has it.
//! - No request waits for the disk to write. No lock is held across an await. No map grows
//!   without a bound.
//! - A copy is stored whole or not at all, and its checksum is verified before it is served.
//! - A copy made for one identity is never shown to another.
//! - A client leaving is nobody's failure. An unfinished request that is already too slow counts
//!   as slow now, not when it ends.
//! - Nothing in a GET can force work on an application that is open, full or down; other methods
//!   wait for a slot, first in the queue.
//! - The call to the application is its own task: a client that leaves takes neither the slot,
//!   nor the refresh, nor the outcome with it.
#![forbid(unsafe_code)]

pub mod admin;
pub mod app;
pub mod at_path;
pub mod breaker;
pub mod capture;
pub mod clock;
pub mod config;
pub mod control;
pub mod dummy;
pub mod encoding;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod gate;
pub mod headers;
pub mod inspect;
pub mod key;
pub mod meter;
#[path = "../migrations/mod.rs"]
pub mod migrations;
pub mod policy;
pub mod proxy;
pub mod server;
pub mod store;
mod streams;
pub mod units;
pub mod upstream;
