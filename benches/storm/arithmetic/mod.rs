//! What the storm reckons with, and nothing that touches the world: `tests/storm.rs` checks it.

pub mod arrivals;
pub mod crowd;
pub mod quantile;
pub mod recovery;
pub mod scale;
pub mod zipf;
