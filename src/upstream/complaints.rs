//! Log lines about what stays wrong until somebody does something: said when it begins, when it
//! becomes something else, and once a minute while it lasts, not once a request.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// What was said last, and when.
#[derive(Default)]
pub(super) struct Complaints {
    last: Mutex<Option<(String, Instant)>>,
}

impl Complaints {
    /// Says what fails, what was seen and what to do, if it is time to.
    pub(super) fn say(&self, fails: &str, what: &str, remedy: &str) {
        if self.is_due(what, Instant::now()) {
            tracing::warn!("{fails}: {what}; {remedy}");
        }
    }

    fn is_due(&self, what: &str, now: Instant) -> bool {
        let mut last = self.last.lock();
        let due = last.as_ref().is_none_or(|(said, at)| {
            // Two that take turns are no reason to say each of them every time.
            now.duration_since(*at) >= if said == what { SAME_APART } else { OTHER_APART }
        });
        if due {
            *last = Some((what.to_owned(), now));
        }
        due
    }
}

const SAME_APART: Duration = Duration::from_secs(60);
const OTHER_APART: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_is_said_once_a_minute_and_what_changes_at_once() {
        let (complaints, start) = (Complaints::default(), Instant::now());
        let said = |what, seconds| complaints.is_due(what, start + Duration::from_secs(seconds));
        assert!(said("expired", 0));
        assert!(!said("expired", 1) && !said("expired", 59));
        assert!(said("expired", 60) && !said("expired", 61));
        assert!(said("wrong name", 62) && !said("expired", 62) && said("expired", 63));
    }
}
