//! Over how many distinct paths something is spread, as far as anybody needs to know.
//!
//! The only question is "at least three?", so the three latest distinct paths are enough for an
//! exact answer, in a rolling window too: if a third path is in the window at all, it is among
//! them. Constant memory, whatever the URLs.

/// From so many paths answers must come before they speak for the whole application.
pub(super) const ENOUGH: usize = 3;

/// The latest distinct paths (as hashes), each with the tick at which it was last seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Spread {
    latest: [Option<Seen>; ENOUGH],
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    path: u64,
    tick: u64,
}

impl Spread {
    /// So many paths whose names are not known any more. Too few to speak for the application
    /// are none at all: they could be the same as those that are seen next.
    pub(super) fn of_strangers(paths: usize, tick: u64) -> Self {
        let mut spread = Self::default();
        if paths >= ENOUGH {
            (0..ENOUGH as u64).for_each(|stranger| spread.note(stranger, tick));
        }
        spread
    }

    pub(super) fn note(&mut self, path: u64, tick: u64) {
        let known = self.latest.iter().position(|seen| seen.is_some_and(|s| s.path == path));
        // An unknown path pushes the one out that was not seen for longest.
        self.latest[..=known.unwrap_or(ENOUGH - 1)].rotate_right(1);
        self.latest[0] = Some(Seen { path, tick });
    }

    /// The paths last seen at `oldest` or later: all of them if fewer than [`ENOUGH`].
    pub(super) fn since(&self, oldest: u64) -> impl Iterator<Item = u64> + '_ {
        self.latest.iter().flatten().filter(move |seen| seen.tick >= oldest).map(|seen| seen.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn enough_paths_are_told_exactly_from_too_few(
            paths in proptest::collection::vec(0u64..6, 0..40),
            horizon in 0u64..40,
        ) {
            let mut spread = Spread::default();
            for (tick, &path) in paths.iter().enumerate() {
                spread.note(path, tick as u64);
            }
            let recent: HashSet<_> = paths.iter().skip(horizon as usize).collect();
            prop_assert_eq!(spread.since(horizon).count(), recent.len().min(ENOUGH));
        }
    }
}
