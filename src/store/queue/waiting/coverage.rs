//! Figures that ride along with a batch.

use super::{State, Waiting};
use crate::store::coverage::Covered;

impl Waiting {
    /// The newest counts. Nobody has to hear of it.
    pub fn push_coverage(&mut self, covered: Covered) {
        if self.state != State::Ended {
            self.coverage = Some(Box::new(covered));
        }
    }

    /// The last word is worth a commit; before that nothing is.
    pub fn has_last_word(&self) -> bool {
        self.state != State::Open && self.coverage.is_some()
    }
}
