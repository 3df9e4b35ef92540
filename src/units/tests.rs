//! The claims of words for durations and sizes.

use super::*;
use proptest::prelude::*;

#[test]
fn durations_are_read_in_words_and_in_seconds() {
    for (words, milliseconds) in [
        ("15 seconds", 15_000),
        ("250ms", 250),
        ("1 minute 5 seconds", 65_000),
        ("1m30s", 90_000),
        ("1h", 3_600_000),
        ("7 days", 7 * 86_400_000),
        ("2 weeks", 14 * 86_400_000),
        ("1.5 h", 5_400_000),
        ("5", 5_000),
        (" 0.25 ", 250),
        (".5", 500),
        ("0", 0),
        ("0s", 0),
    ] {
        assert_eq!(duration(words), Ok(Duration::from_millis(milliseconds)), "{words}");
    }
}

#[test]
fn what_is_no_duration_is_refused_with_its_reason() {
    use NotAQuantity::*;
    for (words, reason) in [
        ("", Empty),
        ("  ", Empty),
        ("-3", Negative),
        ("- 3 s", Negative),
        ("banana", NotANumber("banana".into())),
        ("NaN", NotANumber("NaN".into())),
        ("inf", NotANumber("inf".into())),
        ("1.2.3", NotANumber("1.2.3".into())),
        (".", NotANumber(".".into())),
        ("+5", NotANumber("+5".into())),
        ("5 bananas", UnknownUnit("bananas".into())),
        ("1e3", MissingUnit),
        ("5 6", MissingUnit),
        ("1 minute 5", MissingUnit),
        ("5 s 1 m", Order),
        ("5s 5s", Order),
        ("3651 days", TooLarge),
        ("99999999999999999999999999999999999999999", TooLarge),
        ("99999999999999999999999999999999999999 weeks", TooLarge),
        ("0.0000000001", TooFine),
    ] {
        assert_eq!(duration(words), Err(reason), "{words}");
    }
}

#[test]
fn durations_are_said_in_the_largest_units() {
    for (milliseconds, words) in [
        (0, "0 seconds"),
        (250, "250 ms"),
        (1_000, "1 second"),
        (65_000, "1 minute 5 seconds"),
        (7 * 86_400_000, "7 days"),
        (3_600_500, "1 hour 500 ms"),
    ] {
        assert_eq!(duration_words(Duration::from_millis(milliseconds)), words);
    }
}

#[test]
fn sizes_are_read_in_words_and_in_bytes() {
    for (words, bytes) in [
        ("8 MiB", 8 << 20),
        ("64MB", 64_000_000),
        ("1gib", 1 << 30),
        ("1.5 KiB", 1_536),
        ("123", 123),
        ("12 bytes", 12),
        ("0", 0),
    ] {
        assert_eq!(size(words), Ok(bytes), "{words}");
    }
}

#[test]
fn what_is_no_size_is_refused_with_its_reason() {
    use NotAQuantity::*;
    for (words, reason) in [
        ("", Empty),
        ("-1", Negative),
        ("banana", NotANumber("banana".into())),
        ("512k", UnknownUnit("k".into())),
        ("1 MiB 5 KiB", NotANumber("1 MiB 5 KiB".into())),
        ("0.5", TooFine),
        ("18446744073709551616", TooLarge),
        ("99999999999 TiB", TooLarge),
    ] {
        assert_eq!(size(words), Err(reason), "{words}");
    }
}

#[test]
fn sizes_are_said_without_a_fraction() {
    for (bytes, words) in [
        (0, "0 bytes"),
        (123, "123 bytes"),
        (1_000, "1 KB"),
        (8 << 20, "8 MiB"),
        (64_000_000, "64 MB"),
        (1 << 30, "1 GiB"),
    ] {
        assert_eq!(size_words(bytes), words);
    }
}

proptest! {
    #[test]
    fn a_duration_survives_being_said_and_read(ns in 0..=LONGEST.as_nanos() as u64) {
        let exact = Duration::from_nanos(ns);
        prop_assert_eq!(duration(&duration_words(exact)), Ok(exact));
    }

    #[test]
    fn a_size_survives_being_said_and_read(bytes in any::<u64>()) {
        prop_assert_eq!(size(&size_words(bytes)), Ok(bytes));
    }

    #[test]
    fn no_words_make_a_quantity_panic(words in "\\PC*") {
        let _ = duration(&words);
        let _ = size(&words);
    }
}
