//! Durations and sizes in words, both ways: what an operator writes, and what `--check` and log
//! lines say back. And globs of paths, one way.
//!
//! Written by hand because the usual crates read `1.5` or `-3` each in its own way. Everything is
//! whole numbers inside, so a value survives being said and read again, to the nanosecond and the
//! byte. Refused: negative numbers, exponents, units that mean two things (`k` is 1000 to some and
//! 1024 to others), and anything that does not fit.

mod globs;
#[cfg(test)]
mod tests;

pub use globs::path_glob;

use std::time::Duration;

/// Why words are no duration or no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAQuantity {
    #[error("it is empty")]
    Empty,
    #[error("it is negative")]
    Negative,
    #[error("`{0}` is no number")]
    NotANumber(String),
    #[error("`{0}` is no unit")]
    UnknownUnit(String),
    #[error("a number after the first needs its unit")]
    MissingUnit,
    #[error("units must go from the larger to the smaller, each once")]
    Order,
    #[error("it is too large")]
    TooLarge,
    #[error("it is less than the smallest unit")]
    TooFine,
    #[error("it is below 1 ms")]
    TooShort,
}

/// The longest duration there is: ten years of 365 days.
pub const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Reads `15 seconds`, `250ms`, `1 minute 5 seconds`, `1h30m`, or a bare number of seconds.
/// Fractions are allowed everywhere and cut off below the nanosecond.
///
/// # Errors
/// Everything else, and what exceeds [`LONGEST`].
pub fn duration(words: &str) -> Result<Duration, NotAQuantity> {
    let parts = split(words)?;
    if let [(number, "")] = parts[..] {
        return scaled(number, SECOND).and_then(bounded);
    }
    let mut total = 0_u128;
    let mut last = u128::MAX;
    for (number, unit) in parts {
        let unit = time_unit(unit)?;
        if unit >= last {
            return Err(NotAQuantity::Order);
        }
        last = unit;
        total = total.saturating_add(scaled(number, unit)?);
    }
    bounded(total)
}

/// The same, and not zero: for what nothing sensible would be left of.
///
/// # Errors
/// As [`duration`], and below a millisecond.
pub fn some_time(words: &str) -> Result<Duration, NotAQuantity> {
    match duration(words)? {
        short if short < Duration::from_millis(1) => Err(NotAQuantity::TooShort),
        enough => Ok(enough),
    }
}

/// Says a duration in the words [`duration`] reads: `1 minute 5 seconds`.
pub fn duration_words(duration: Duration) -> String {
    let mut rest = duration.as_nanos();
    let mut words = Vec::new();
    for (one, many, unit) in TIME_WORDS {
        let count = rest / unit;
        rest %= unit;
        match count {
            0 => {}
            1 => words.push(format!("1 {one}")),
            _ => words.push(format!("{count} {many}")),
        }
    }
    if words.is_empty() {
        return "0 seconds".to_owned();
    }
    words.join(" ")
}

/// Reads `8 MiB`, `64MB`, `1.5 GiB`, or a bare number of bytes. Upper and lower case are the same.
///
/// # Errors
/// Everything else, and what does not fit 64 bits.
pub fn size(words: &str) -> Result<u64, NotAQuantity> {
    let (number, unit) = match split(words)?[..] {
        [one] => one,
        _ => return Err(NotAQuantity::NotANumber(words.trim().to_owned())),
    };
    let bytes = scaled(number, size_unit(unit)?)?;
    u64::try_from(bytes).map_err(|_| NotAQuantity::TooLarge)
}

/// Says a size in the words [`size`] reads, in the largest unit that leaves no fraction.
pub fn size_words(bytes: u64) -> String {
    SIZE_WORDS
        .iter()
        .filter(|(_, unit)| bytes != 0 && u128::from(bytes) % unit == 0)
        .max_by_key(|(_, unit)| *unit)
        .map_or_else(
            || format!("{bytes} bytes"),
            |(word, unit)| format!("{} {word}", u128::from(bytes) / unit),
        )
}

/// `1h 30m` as `[("1", "h"), ("30", "m")]`. Only a number alone may go without its unit.
fn split(words: &str) -> Result<Vec<(&str, &str)>, NotAQuantity> {
    let mut rest = words.trim();
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (number, after) = rest.split_at(end_of(rest, |c| c.is_ascii_digit() || c == '.'));
        if number.is_empty() {
            return Err(not_a_number(rest));
        }
        let after = after.trim_start();
        let (unit, after) = after.split_at(end_of(after, |c| c.is_alphabetic() || c == 'µ'));
        parts.push((number, unit));
        rest = after.trim_start();
    }
    match parts.len() {
        0 => Err(NotAQuantity::Empty),
        1 => Ok(parts),
        _ if parts.iter().any(|(_, unit)| unit.is_empty()) => Err(NotAQuantity::MissingUnit),
        _ => Ok(parts),
    }
}

fn end_of(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn not_a_number(text: &str) -> NotAQuantity {
    match text.strip_prefix('-') {
        Some(number) if number.trim_start().starts_with(|c: char| c.is_ascii_digit()) => {
            NotAQuantity::Negative
        }
        _ => NotAQuantity::NotANumber(text.to_owned()),
    }
}

fn bounded(nanoseconds: u128) -> Result<Duration, NotAQuantity> {
    if nanoseconds > LONGEST.as_nanos() {
        return Err(NotAQuantity::TooLarge);
    }
    // Ten years are 3e17 ns: it fits.
    Ok(Duration::from_nanos(nanoseconds as u64))
}

/// `number` times `unit`, in whole numbers: a float would turn 0.1 into something else.
fn scaled(number: &str, unit: u128) -> Result<u128, NotAQuantity> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return Err(NotAQuantity::NotANumber(number.to_owned()));
    }
    let whole = digits(whole)?.checked_mul(unit).ok_or(NotAQuantity::TooLarge)?;
    // More digits than this are below the nanosecond whatever the unit.
    let fraction = &fraction[..fraction.len().min(18)];
    let tail = digits(fraction)?.checked_mul(unit).ok_or(NotAQuantity::TooLarge)?
        / 10_u128.pow(fraction.len() as u32);
    let total = whole.checked_add(tail).ok_or(NotAQuantity::TooLarge)?;
    if total == 0 && number.contains(|c| ('1'..='9').contains(&c)) {
        return Err(NotAQuantity::TooFine);
    }
    Ok(total)
}

fn digits(text: &str) -> Result<u128, NotAQuantity> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| NotAQuantity::TooLarge)
}

fn time_unit(word: &str) -> Result<u128, NotAQuantity> {
    match word.to_lowercase().as_str() {
        "" => Err(NotAQuantity::MissingUnit),
        "ns" | "nanosecond" | "nanoseconds" => Ok(1),
        "us" | "µs" | "microsecond" | "microseconds" => Ok(1_000),
        "ms" | "msec" | "millisecond" | "milliseconds" => Ok(1_000_000),
        "s" | "sec" | "secs" | "second" | "seconds" => Ok(SECOND),
        "m" | "min" | "mins" | "minute" | "minutes" => Ok(60 * SECOND),
        "h" | "hr" | "hrs" | "hour" | "hours" => Ok(3_600 * SECOND),
        "d" | "day" | "days" => Ok(86_400 * SECOND),
        "w" | "week" | "weeks" => Ok(7 * 86_400 * SECOND),
        _ => Err(NotAQuantity::UnknownUnit(word.to_owned())),
    }
}

fn size_unit(word: &str) -> Result<u128, NotAQuantity> {
    if matches!(word.to_lowercase().as_str(), "" | "b" | "byte" | "bytes") {
        return Ok(1);
    }
    SIZE_WORDS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
        .map(|(_, unit)| *unit)
        .ok_or_else(|| NotAQuantity::UnknownUnit(word.to_owned()))
}

/// In nanoseconds.
const SECOND: u128 = 1_000_000_000;

const TIME_WORDS: [(&str, &str, u128); 7] = [
    ("day", "days", 86_400 * SECOND),
    ("hour", "hours", 3_600 * SECOND),
    ("minute", "minutes", 60 * SECOND),
    ("second", "seconds", SECOND),
    ("ms", "ms", 1_000_000),
    ("us", "us", 1_000),
    ("ns", "ns", 1),
];

const SIZE_WORDS: [(&str, u128); 8] = [
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];
