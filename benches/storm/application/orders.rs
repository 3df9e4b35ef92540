//! How the application can be.

use super::WORKERS;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mood {
    /// Nobody listens, and every connection is cut, as when the process has died.
    pub refused: bool,
    /// Takes requests and answers none; they are gone on with when it has passed.
    pub hangs: bool,
    /// The part of the pages, of 1, that are made in vain and end as 500.
    pub errors: f64,
    /// Every page takes this many times as long.
    pub slower: f64,
    pub workers: usize,
}

impl Mood {
    pub const WELL: Self =
        Self { refused: false, hangs: false, errors: 0.0, slower: 1.0, workers: WORKERS };
    pub const REFUSED: Self = Self { refused: true, ..Self::WELL };
    pub const HANGS: Self = Self { hangs: true, ..Self::WELL };
    pub const HALF_ERRORS: Self = Self { errors: 0.5, ..Self::WELL };
}
