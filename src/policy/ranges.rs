//! Which bytes of a body are asked for (RFC 9110 section 14.2).
//!
//! `Range` may always be ignored, and is where it would be answered with more than the body: only
//! so many parts are made, and none that overlap.

use std::ops::Range;

/// The answer to [`ranges`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ranges {
    /// All of it: this is no field we understand, or it asks for more than is sensible.
    Whole,
    /// At least one, none of them empty, in the order they were asked for. Those that overlap or
    /// touch are one.
    Parts(Vec<Range<usize>>),
    /// 416: no byte that was asked for exists.
    Unsatisfiable,
}

/// What `field` means for a body of `length` bytes. An empty body has no part that could be named.
pub fn ranges(field: &str, length: usize) -> Ranges {
    let Some((unit, set)) = field.split_once('=') else { return Ranges::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || length == 0 {
        return Ranges::Whole;
    }
    let Some(asked) = specs(set, length) else { return Ranges::Whole };
    let parts = merged(asked);
    match parts.len() {
        0 => Ranges::Unsatisfiable,
        1..=PARTS_MAX => Ranges::Parts(parts),
        _ => Ranges::Whole,
    }
}

/// Those that can be satisfied; `None` if one is malformed, if there is none, or too many.
fn specs(set: &str, length: usize) -> Option<Vec<Range<usize>>> {
    let mut satisfiable = Vec::new();
    let mut seen = 0;
    for text in set.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        seen += 1;
        if seen > SPECS_MAX {
            return None;
        }
        satisfiable.extend(Some(spec(text, length)?).filter(|range| !range.is_empty()));
    }
    (seen > 0).then_some(satisfiable)
}

/// `first-last`, `first-` or `-suffix` (section 14.1.1); empty if it cannot be satisfied.
fn spec(text: &str, length: usize) -> Option<Range<usize>> {
    let (first, last) = text.split_once('-')?;
    if first.is_empty() {
        return Some(length - number(last)?.min(length)..length);
    }
    let first = number(first)?;
    let last = if last.is_empty() { usize::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    Some(first.min(length)..last.saturating_add(1).min(length))
}

/// Digits only; a number too large for us is past every end.
fn number(text: &str) -> Option<usize> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(usize::MAX))
}

/// Each byte once; a part stands where the first of its ranges was asked for.
fn merged(asked: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut sorted: Vec<(usize, Range<usize>)> = asked.into_iter().enumerate().collect();
    sorted.sort_by_key(|(_, range)| range.start);
    let mut parts: Vec<(usize, Range<usize>)> = Vec::with_capacity(sorted.len());
    for (place, range) in sorted {
        match parts.last_mut() {
            Some((first, part)) if range.start <= part.end => {
                part.end = part.end.max(range.end);
                *first = place.min(*first);
            }
            _ => parts.push((place, range)),
        }
    }
    parts.sort_by_key(|(place, _)| *place);
    parts.into_iter().map(|(_, part)| part).collect()
}

const PARTS_MAX: usize = 16;
/// More than any client asks for at once.
const SPECS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::Ranges::{Parts, Unsatisfiable, Whole};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_of_a_range_is_understood() {
        for (field, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("Bytes = 2-", 2..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
            ("bytes=5-99999999999999999999999", 5..10),
            ("bytes=,, 0-9 ,", 0..10),
        ] {
            assert_eq!(ranges(field, 10), Parts(vec![part]), "{field}");
        }
    }

    #[test]
    fn what_is_malformed_or_of_another_unit_is_ignored() {
        for field in [
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=+1-2",
            "bytes=1-2-3",
            "bytes=0-1,x",
            "lines=0-1",
            "0-1",
            "bytes=1",
            "bytes= 1 - 2",
        ] {
            assert_eq!(ranges(field, 10), Whole, "{field}");
        }
    }

    #[test]
    fn bytes_that_do_not_exist_cannot_be_had() {
        for field in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99-,-0"] {
            assert_eq!(ranges(field, 10), Unsatisfiable, "{field}");
        }
        assert_eq!(ranges("bytes=10-20, 1-1", 10), Parts(vec![Range { start: 1, end: 2 }]));
        assert_eq!(ranges("bytes=0-", 0), Whole);
    }

    #[test]
    fn ranges_that_overlap_or_touch_are_one_and_the_order_stays() {
        assert_eq!(ranges("bytes=8-8, 0-2, 2-3, 4-5", 10), Parts(vec![8..9, 0..6]));
        assert_eq!(ranges("bytes=0-, 0-, 0-", 10), Parts(vec![Range { start: 0, end: 10 }]));
    }

    #[test]
    fn too_many_parts_are_not_worth_it() {
        let apart = |count: usize| {
            let specs: Vec<String> = (0..count).map(|it| format!("{0}-{0}", it * 2)).collect();
            ranges(&format!("bytes={}", specs.join(",")), 1000)
        };
        assert!(matches!(apart(16), Parts(parts) if parts.len() == 16));
        assert_eq!(apart(17), Whole);
        assert_eq!(ranges(&format!("bytes={}", "0-,".repeat(129)), 10), Whole);
    }

    proptest! {
        #[test]
        fn parts_are_what_was_asked_for_each_byte_once(
            asked in proptest::collection::vec((0usize..60, 0usize..60), 1..20),
            length in 1usize..50,
        ) {
            let specs: Vec<String> = asked
                .iter()
                .map(|(first, more)| format!("{first}-{}", first + more))
                .collect();
            let mut times = vec![0; length];
            let parts = match ranges(&format!("bytes={}", specs.join(", ")), length) {
                Parts(parts) => parts,
                Unsatisfiable => vec![],
                Whole => return Ok(()),
            };
            prop_assert!(parts.len() <= PARTS_MAX);
            for part in parts {
                prop_assert!(part.start < part.end && part.end <= length);
                times[part].iter_mut().for_each(|times| *times += 1);
            }
            for (at, times) in times.iter().enumerate() {
                let wanted = asked.iter().any(|(first, more)| (*first..=first + more).contains(&at));
                prop_assert_eq!(*times, usize::from(wanted), "byte {}", at);
            }
        }

        #[test]
        fn any_field_gives_parts_within_the_body(field in "(bytes=)?[-0-9, a]{0,40}", length in 0usize..99) {
            if let Parts(parts) = ranges(&field, length) {
                prop_assert!(parts.iter().all(|part| part.start < part.end && part.end <= length));
                prop_assert!(parts.iter().map(Range::len).sum::<usize>() <= length);
            }
        }
    }
}
