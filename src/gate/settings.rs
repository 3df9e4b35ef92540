//! What the operator says about the gate (`gate.*`).

use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Settings {
    /// `gate.mode`
    pub mode: Mode,
    /// `gate.min`: no limit is lower.
    pub min: u32,
    /// `gate.max`: no limit is higher; with `fixed` it is the limit.
    pub max: u32,
    /// `gate.queue`: so many calls may wait for a slot.
    pub queue: u32,
    /// `gate.wait`: so long a request waits for one.
    pub wait: Duration,
}

/// Who decides how many requests may be inside the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// What the application handles best, between `gate.min` and `gate.max`.
    Auto,
    /// `gate.max`.
    Fixed,
    /// Nobody: all go in.
    Off,
}
