//! What must hold whatever comes in: one function for each fuzz target, over any bytes.
//!
//! The targets in `fuzz/` are a call each, and the bodies are here, so that `cargo test` runs them
//! over the corpus that is kept beside the targets (`fuzz/corpus`), on any toolchain and without
//! libFuzzer. Everything a visitor, an application, an operator or a disk can put into RETTER goes
//! through one of them.
//!
//! A body asserts what the rooms promise, not only that nothing panics: see each file's head. An
//! input is text where it can be, so that somebody can write one by hand and read the one that
//! was found. Nothing here is part of the product: it is built for tests and for fuzzing alone.

mod beginnings;
mod breaker;
mod headers;
mod keys;
mod rows;
mod seals;
mod settings;
mod text;
mod visitors;

#[cfg(test)]
mod tests;

pub use beginnings::beginnings;
pub use headers::headers;
pub use keys::keys;
pub use rows::rows;
pub use seals::seals;
pub use settings::settings;
pub use visitors::visitors;
