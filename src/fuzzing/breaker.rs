//! A breaker that opens at the first failure.

use crate::breaker::{Mode, Settings};
use std::time::Duration;

pub(super) fn settings() -> Settings {
    let seconds = Duration::from_secs;
    Settings {
        mode: Mode::Auto,
        fail_rate: 0.5,
        consecutive_fail: 1,
        window: seconds(10),
        minimum: 1,
        slow_time: seconds(10),
        slow_rate: 1.0,
        open_min: seconds(5),
        open_max: seconds(60),
        probes: 1,
        close: 1,
        lease: seconds(15),
        statuses: vec![500..=599],
        ignore: vec![],
    }
}
