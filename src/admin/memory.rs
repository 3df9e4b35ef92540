//! How much memory the process has, as Linux counts it.

use std::fs;

/// Bytes; zero where the system does not say (no `/proc`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// Resident now, code and shared pages included (`VmRSS`).
    pub(super) resident: u64,
    /// Resident now and the process's own (`RssAnon`).
    pub(super) own: u64,
    /// The most that was ever resident (`VmHWM`).
    pub(super) peak: u64,
}

impl Memory {
    pub(super) fn read() -> Self {
        fs::read_to_string("/proc/self/status").map_or_else(|_| Self::default(), |it| of(&it))
    }
}

fn of(status: &str) -> Memory {
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    };
    Memory { resident: bytes("VmRSS"), own: bytes("RssAnon"), peak: bytes("VmHWM") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_in_bytes_and_missing_ones_are_zero() {
        let status = "Name:\tretter\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(of(status), Memory { resident: 1 << 20, own: 0, peak: 2 << 20 });
    }
}
