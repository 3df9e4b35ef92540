//! Sums over many copies, in memory that does not grow with their number.

use crate::store::reader::Row;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many, and how large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Sum {
    pub copies: u64,
    pub bytes: u64,
    pub stored_bytes: u64,
}

impl Sum {
    pub fn add(&mut self, row: &Row) {
        self.copies += 1;
        self.bytes += row.raw_bytes;
        self.stored_bytes += row.stored_bytes;
    }
}

/// Sums by something, as long as there are not too many of them: what comes later is summed up
/// together.
pub(super) struct Shares<K> {
    by: BTreeMap<K, Sum>,
    pub others: Sum,
}

impl<K: Ord + Clone> Shares<K> {
    pub fn new() -> Self {
        Self { by: BTreeMap::new(), others: Sum::default() }
    }

    pub fn add<Q: Ord + ToOwned<Owned = K> + ?Sized>(&mut self, key: &Q, row: &Row)
    where
        K: std::borrow::Borrow<Q>,
    {
        let has_room = self.by.len() < SHARES_MAX;
        match self.by.get_mut(key) {
            Some(sum) => sum.add(row),
            None if has_room => {
                self.by.entry(key.to_owned()).or_default().add(row);
            }
            None => self.others.add(row),
        }
    }

    /// The largest first.
    pub fn sorted(&self) -> Vec<(K, Sum)> {
        let mut sorted: Vec<_> = self.by.iter().map(|(key, sum)| (key.clone(), *sum)).collect();
        sorted.sort_by_key(|(_, sum)| std::cmp::Reverse((sum.stored_bytes, sum.copies)));
        sorted
    }
}

/// How old copies are, in seconds. Ages between the youngest and the oldest are known to within
/// 2 %: so there are some 4,000 of them at most.
#[derive(Default)]
pub(super) struct Ages {
    counts: BTreeMap<u64, u64>,
    total: u64,
    ends: Option<(u64, u64)>,
}

impl Ages {
    pub fn add(&mut self, seconds: u64) {
        *self.counts.entry(rounded(seconds)).or_default() += 1;
        self.total += 1;
        let (youngest, oldest) = self.ends.unwrap_or((seconds, seconds));
        self.ends = Some((youngest.min(seconds), oldest.max(seconds)));
    }

    /// Youngest and oldest; `None`: no copies.
    pub fn ends(&self) -> Option<(u64, u64)> {
        self.ends
    }

    /// The age that so many percent of the copies do not exceed.
    pub fn at(&self, percent: u64) -> Option<u64> {
        let (youngest, oldest) = self.ends?;
        let wanted = (u128::from(self.total) * u128::from(percent)).div_ceil(100);
        let mut seen = 0;
        let found = self.counts.iter().find(|(_, count)| {
            seen += u128::from(**count);
            seen >= wanted
        });
        found.map(|(age, _)| (*age).clamp(youngest, oldest))
    }
}

/// The ten rows that weigh most.
#[derive(Default)]
pub(super) struct Top(Vec<(u64, Row)>);

impl Top {
    /// Of rows that weigh the same the first ones stay.
    pub fn offer(&mut self, weight: u64, row: &Row) {
        if self.0.len() == TOP && self.0.last().is_some_and(|(least, _)| *least >= weight) {
            return;
        }
        let at = self.0.partition_point(|(other, _)| *other >= weight);
        self.0.insert(at, (weight, row.clone()));
        self.0.truncate(TOP);
    }

    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.0.iter().map(|(_, row)| row)
    }
}

/// To seven binary digits.
fn rounded(seconds: u64) -> u64 {
    let shift = (u64::BITS - seconds.leading_zeros()).saturating_sub(7);
    seconds >> shift << shift
}

/// Hosts, say, that are told apart.
const SHARES_MAX: usize = 1_000;
const TOP: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;
    use crate::key::{EntryId, Place};
    use crate::policy::Why;

    fn row(number: u16) -> Row {
        Row {
            id: EntryId([0; 16]),
            place: Place {
                scheme: "http".into(),
                host: format!("{number}.test"),
                path: "/".into(),
                query: String::new(),
            },
            identity: None,
            status: 200,
            why: Why::Public,
            stored_at: UnixMillis(0),
            expires_at: UnixMillis(0),
            stored_bytes: number.into(),
            raw_bytes: 1_000,
            content_encoding: String::new(),
            content_type: None,
            packed: false,
            sealed: false,
            purged: false,
            headers: None,
        }
    }

    #[test]
    fn hosts_past_the_bound_are_summed_up_together_and_none_is_lost() {
        let mut shares: Shares<String> = Shares::new();
        for number in (0..1_500).chain([7]) {
            let row = row(number);
            shares.add(row.place.host.as_str(), &row);
        }
        let sorted = shares.sorted();
        assert_eq!((sorted.len(), sorted[0].0.as_str()), (SHARES_MAX, "999.test"));
        assert_eq!(shares.others.copies, 500);
        let copies: u64 = sorted.iter().map(|(_, sum)| sum.copies).sum();
        assert_eq!((copies, shares.others.bytes), (1_001, 500_000));
    }

    #[test]
    fn ages_are_exact_at_the_ends_and_near_between() {
        let mut ages = Ages::default();
        assert_eq!((ages.ends(), ages.at(50)), (None, None));
        (0..100_000).for_each(|age| ages.add(age * 7 + 1));
        assert_eq!(ages.ends(), Some((1, 699_994)));
        for percent in [1, 10, 50, 90, 99] {
            let (found, right) = (ages.at(percent).unwrap() as f64, percent as f64 * 7_000.0);
            assert!((found - right).abs() / right < 0.02, "{percent}: {found} and {right}");
        }
        assert_eq!(ages.at(0), Some(1));
        assert!(ages.counts.len() < 4_000);
    }

    #[test]
    fn the_ten_largest_are_kept_in_their_order() {
        let mut top = Top::default();
        for number in [5, 90, 3, 80, 70, 1, 60, 50, 40, 30, 20, 10, 100, 2] {
            top.offer(number, &row(number as u16));
        }
        let kept: Vec<_> = top.rows().map(|row| row.stored_bytes).collect();
        assert_eq!(kept, [100, 90, 80, 70, 60, 50, 40, 30, 20, 10]);
    }
}
