//! Rows of the file, as whoever can write to the disk may have made them. An input is the name of
//! a row in a line (`entry`, `application` or `path /the/path`) and the fields that stand in its
//! frame; `entry-1` is one of the first version. After `raw` stands a whole row, after `head` the
//! packed headers of one.
//!
//! Held: what decodes is what encodes, byte for byte unless a number was written longer than it
//! has to be; a row that lost or changed a byte, or stands under another name, is refused; a copy
//! is opened for its own key only, and only whole; a breaker comes back within its settings.

use super::breaker;
use super::text::first_line;
use crate::breaker::{Admission, Ask, Breakers, Fault, Outcome, State};
use crate::clock::UnixMillis;
use crate::key::{EntryId, Identity, Person, Place, StoreKey};
use crate::store::breakers::Remembered;
use crate::store::fuzzed::{Entry, fields, framed, repacked};
use std::time::{Duration, Instant};

/// See the module.
pub fn rows(input: &[u8]) {
    let (name, rest) = first_line(input);
    match name {
        b"raw" => entry_holds(rest),
        b"head" => head_holds(rest),
        b"entry" => entry_holds(&framed(&ID.0, 2, rest)),
        b"entry-1" => entry_holds(&framed(&ID.0, 1, rest)),
        name => {
            let Ok(name) = std::str::from_utf8(name) else { return };
            let row = framed(name.as_bytes(), 1, rest);
            if let Some(breaker) = Remembered::of_row(name, &row) {
                breaker_holds(breaker, name, &row);
            }
        }
    }
}

fn entry_holds(row: &[u8]) {
    let Ok(entry) = Entry::decode(ID, row) else { return };
    if let Some(again) = entry.encode(ID) {
        is_the_same_row(&again, row);
        assert_eq!(Entry::decode(ID, &again).as_ref(), Ok(&entry));
    }
    is_refused_when_damaged(row, |row| Entry::decode(ID, row).is_ok());
    assert!(Entry::decode(EntryId([6; 16]), row).is_err(), "it is a row of another copy");
    is_of_its_own_key_only(&entry);
    opens_whole_or_not_at_all(&entry);
    head_holds(entry.head());
}

/// bincode reads a number that was written longer than it has to be; RETTER writes none such. A row
/// of an older version is written again in the present one, which is a byte longer.
fn is_the_same_row(again: &[u8], row: &[u8]) {
    if again[0] != row[0] {
        assert!(again[0] > row[0] && again.len() <= row.len() + 1);
        return;
    }
    assert!(again.len() <= row.len());
    assert!(again.len() < row.len() || again == row, "decoded and encoded it is another");
}

fn is_refused_when_damaged(row: &[u8], is_sound: impl Fn(&[u8]) -> bool) {
    let step = row.len().div_ceil(16).max(1);
    for at in (0..row.len()).step_by(step) {
        let mut altered = row.to_vec();
        altered[at] ^= 1 << (at % 8);
        assert!(!is_sound(&altered), "byte {at} does not matter");
        assert!(!is_sound(&row[..at]), "it is whole after {at} bytes");
    }
    assert!(!is_sound(&[row, b"\0"].concat()), "a byte more does not matter");
    let longer = framed(&ID.0, row[0], &[fields(row), b"\0"].concat());
    assert!(!is_sound(&longer), "a field more does not matter");
}

fn is_of_its_own_key_only(entry: &Entry) {
    let key = entry.key();
    assert!(entry.is_of(&key));
    let person = Identity::Person(Person { tag: *b"somebody else's.", seal: [0; 32] });
    let place = Place { path: format!("{}x", key.place.path), ..(*key.place).clone() };
    let others = [
        StoreKey { place: place.into(), ..key.clone() },
        StoreKey { variant: [&key.variant[..], b"x"].concat(), ..key.clone() },
        StoreKey { identity: person, ..key.clone() },
    ];
    assert!(!others.iter().any(|other| entry.is_of(other) && *other != key));
}

fn opens_whole_or_not_at_all(entry: &Entry) {
    let (key, stored) = (entry.key(), entry.head());
    let anonymous = StoreKey { identity: Identity::Anonymous, ..key.clone() };
    assert!(!matches!(entry.open(ID, &anonymous, b"no such body"), Ok(Some(_))));
    let fitting = entry.with_body(stored);
    if let Ok(Some(copy)) = fitting.open(ID, &anonymous, stored) {
        assert!(!entry.is_sealed(), "a sealed copy opens for anybody");
        assert!(copy.body.len() <= 64 * 1024 * 1024);
        let (again, body) = Entry::close(ID, &anonymous, &copy);
        let again = again.open(ID, &anonymous, &body).ok().flatten().expect("what was closed");
        assert!((again.status, again.why) == (copy.status, copy.why) && again.body == copy.body);
    }
    let person = Person { tag: [1; 16], seal: [2; 32] };
    let somebody = StoreKey { identity: Identity::Person(person), ..key };
    assert!(!matches!(fitting.open(ID, &somebody, stored), Ok(Some(_))), "a forged copy opens");
}

fn head_holds(head: &[u8]) {
    let Some((headers, packed)) = repacked(head) else { return };
    assert_eq!(repacked(&packed), Some((headers, packed.clone())), "packing twice");
    assert!(packed.len() == head.len(), "a field was lost");
}

fn breaker_holds(breaker: Remembered, name: &str, row: &[u8]) {
    let (own, again) = breaker.row();
    assert_eq!(own, name);
    let again = again.expect("a small row");
    is_the_same_row(&again, row);
    assert_eq!(Remembered::of_row(name, &again).as_ref(), Some(&breaker));
    assert!(Remembered::of_row("another", row).is_none());
    let moments = [0, breaker.saved_at.0, breaker.open_until.0, u64::MAX];
    for now in moments {
        comes_back_within_its_settings(breaker.clone(), UnixMillis(now));
    }
}

fn comes_back_within_its_settings(breaker: Remembered, wall: UnixMillis) {
    let (settings, now) = (breaker::settings(), Instant::now());
    let most = settings.open_max;
    let mut breakers = Breakers::new(settings, 7);
    for saved in breakers.restore(vec![breaker.at(wall)], now) {
        assert!(saved.remaining <= saved.open_for && saved.open_for <= most);
        assert!(saved.open_time <= most && saved.age <= most * 2);
    }
    for saved in breakers.snapshot(now) {
        assert!(saved.remaining <= most && saved.state != State::HalfOpen);
    }
    let later = now + most + Duration::from_secs(1);
    for now in [now, now, later, later] {
        match breakers.admit("/", Ask::MayProbe, now) {
            Admission::Rejected { retry_after, .. } => assert!(retry_after <= most),
            Admission::Admitted(permit) => {
                let failed = Outcome::Failed(Fault::Timeout);
                breakers.record(permit, "/", failed, now);
            }
        }
    }
    breakers.take_unsaved(later);
}

const ID: EntryId = EntryId([5; 16]);
