//! Words for people: durations, and what somebody else wrote made harmless.

use std::borrow::Cow;
use std::time::Duration;

/// The two largest units of a duration: `6d 23h`, `3m 5s`, `0s`.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = UNITS.iter().map(|(name, size)| (name, seconds / size % limit_of(*size)));
    let shown = units.skip_while(|(_, count)| *count == 0).take(2);
    let words: Vec<String> = shown
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count}{name}"))
        .collect();
    if words.is_empty() { "0s".to_owned() } else { words.join(" ") }
}

/// Control characters and those that turn the direction of a line become `\u{..}`: a terminal
/// obeys the first, a reader is deceived by the second.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if is_obeyed(c) { c.escape_unicode().to_string() } else { c.into() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// Not shown by a terminal, but done.
pub(super) fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2066}'..='\u{2069}')
}

/// A header's value: UTF-8, or else each byte the character of its number (ISO-8859-1, which is
/// what old senders mean; RFC 9110 section 5.5).
pub(super) fn value(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many of a unit make the next larger one.
fn limit_of(size: u64) -> u64 {
    match size {
        1 | 60 => 60,
        3_600 => 24,
        _ => u64::MAX,
    }
}

/// Name and seconds, largest first.
const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_their_two_largest_units() {
        let said = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(said(0), "0s");
        assert_eq!(said(59), "59s");
        assert_eq!(said(185), "3m 5s");
        assert_eq!(said(3_600), "1h");
        assert_eq!(said(86_400 * 6 + 3_600 * 23 + 59), "6d 23h");
        assert_eq!(said(86_400 + 59), "1d");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_printed() {
        assert_eq!(escaped("/a\u{1b}[2J\tb"), "/a\\u{1b}[2J\\u{9}b");
        assert_eq!(escaped("/\u{9b}2J\u{202e}x"), "/\\u{9b}2J\\u{202e}x");
        assert_eq!(escaped("/täglich neu"), "/täglich neu");
    }

    #[test]
    fn a_header_that_is_no_utf8_is_latin_1() {
        assert_eq!(value("käse".as_bytes()), "käse");
        assert_eq!(value(b"k\xe4se"), "käse");
    }
}
