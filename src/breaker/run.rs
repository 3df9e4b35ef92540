//! Failures in a row, which tell of trouble at any volume: a site with one visitor a minute never
//! fills a window.

use super::spread::Spread;

/// The failures since the last good outcome.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    transport: u32,
    answers: u32,
    /// Where the `answers` came from.
    paths: Spread,
}

impl Run {
    pub(super) fn transport(&mut self) {
        self.transport = self.transport.saturating_add(1);
    }

    pub(super) fn answer(&mut self, path: u64) {
        self.answers = self.answers.saturating_add(1);
        self.paths.note(path, 0); // a run does not age
    }

    pub(super) fn len(&self) -> u32 {
        self.transport.saturating_add(self.answers)
    }

    /// The length without answers that come from fewer than `enough` paths.
    pub(super) fn counted(&self, enough: usize) -> u32 {
        match self.paths.since(0).count() >= enough {
            true => self.len(),
            false => self.transport,
        }
    }

    pub(super) fn transport_len(&self) -> u32 {
        self.transport
    }

    pub(super) fn paths(&self) -> usize {
        self.paths.since(0).count()
    }

    /// As it was before a restart.
    pub(super) fn restored(transport: u32, answers: u32, paths: usize) -> Self {
        Self { transport, answers, paths: Spread::of_strangers(paths, 0) }
    }

    pub(super) fn end(&mut self) {
        *self = Self::default();
    }
}
