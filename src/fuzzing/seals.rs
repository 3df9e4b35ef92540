//! Sealed copies. An input is a target and the header lines of a visitor's request, an empty line,
//! the header lines of the answer, an empty line, and its body.
//!
//! Held: his copy opens for him and comes out whole; neither its row nor its stored body shows
//! what the page says or what he brought; with any byte of either changed, cut off or added, or
//! with anything changed that stands in clear beside it, it never opens, though every checksum be
//! right; nor does it for another visitor, in another file, without a seal, as the copy of another
//! address, or with the body of another of his copies. Only whether it was purged may change.

use super::text::{fields, first_line, get, halves};
use crate::clock::UnixMillis;
use crate::key::{CacheKey, EntryId, Identity, Secret, Settings, StoreKey};
use crate::policy::{Why, stored_headers};
use crate::store::Copy;
use crate::store::fuzzed::Entry;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header, request};

/// See the module.
pub fn seals(input: &[u8]) {
    let (head, answer) = halves(input);
    let (target, lines) = first_line(head);
    let Some(mut asked) = get(target, fields(lines)) else { return };
    asked.headers.insert(header::HOST, HeaderValue::from_static("shop.test"));
    let Ok(key) = CacheKey::of(&asked, &Settings::default()) else { return };
    let (said, body) = halves(answer);
    let his = key.store_key(key.visitor.identity(&SECRET));
    let copy = copy_of(stored_headers(&fields(said)), body);
    let (entry, stored) = Entry::close(his.id(), &his, &copy);
    let sealed = Sealed { key: &his, copy: &copy, entry: &entry, stored: &stored };
    sealed.opens_for_its_owner();
    if matches!(his.identity, Identity::Person(_)) {
        sealed.opens_for_nobody_else(&key, &asked);
        sealed.shows_nothing(&asked);
        sealed.never_opens_when_changed();
        sealed.never_opens_with_parts_of_another();
    }
}

struct Sealed<'a> {
    key: &'a StoreKey,
    copy: &'a Copy,
    entry: &'a Entry,
    stored: &'a [u8],
}

impl Sealed<'_> {
    fn opens_for_its_owner(&self) {
        let id = self.key.id();
        let row = self.entry.encode(id).expect("a small row");
        let entry = Entry::decode(id, &row).expect("what was written");
        assert!(entry.is_of(self.key));
        let opened = entry.open(id, self.key, self.stored).expect("a sound copy");
        let opened = opened.expect("his own copy");
        assert_eq!((&opened.headers, &opened.body), (&self.copy.headers, &self.copy.body));
        assert_eq!((opened.status, opened.why), (self.copy.status, self.copy.why));
        assert_eq!(opened.stored_at, self.copy.stored_at);
    }

    fn opens_for_nobody_else(&self, key: &CacheKey, asked: &request::Parts) {
        let mut others = vec![Identity::Anonymous, key.visitor.identity(&Secret([8; 32]))];
        let mut other = asked.clone();
        other.headers.insert(header::COOKIE, HeaderValue::from_static("sid=Q7other"));
        other.headers.remove(header::AUTHORIZATION);
        if let Ok(other) = CacheKey::of(&other, &Settings::default()) {
            others.push(other.visitor.identity(&SECRET));
        }
        for identity in others {
            let theirs = StoreKey { identity, ..self.key.clone() };
            assert!(theirs == *self.key || !self.entry.is_of(&theirs));
            if theirs != *self.key {
                self.stays_shut(self.entry, &theirs, self.stored, "for somebody else");
            }
        }
        let elsewhere = EntryId(self.key.id().0.map(|byte| byte ^ 1));
        let opened = self.entry.open(elsewhere, self.key, self.stored);
        assert!(!matches!(opened, Ok(Some(_))), "it opens as the copy of another address");
    }

    fn shows_nothing(&self, asked: &request::Parts) {
        let row = self.entry.encode(self.key.id()).expect("a small row");
        let nobodys = StoreKey { identity: Identity::Anonymous, ..self.key.clone() };
        let (clear, _) = Entry::close(self.key.id(), &nobodys, &copy_of(HeaderMap::new(), b""));
        let clear = clear.encode(self.key.id()).expect("a small row");
        // What stands there for everybody shows nothing of him; and a page may say what a hash is.
        let may_be_seen = |text: &[u8]| {
            contains(&clear, text) || self.entry.hashes().iter().any(|hash| contains(hash, text))
        };
        let brought = [header::COOKIE, header::AUTHORIZATION];
        let brought = brought.iter().flat_map(|name| asked.headers.get_all(name));
        for text in brought.filter_map(|value| value.as_bytes().get(..FEW)) {
            let shown = contains(&row, text) || contains(self.stored, text);
            assert!(!shown || may_be_seen(text), "he brought {text:?}, which is in clear");
        }
        let says = self.copy.headers.values().map(HeaderValue::as_bytes);
        for text in says.chain([&self.copy.body[..]]).filter_map(|text| text.get(..FEW)) {
            let shown = contains(self.entry.head(), text) || contains(self.stored, text);
            assert!(!shown, "the page says {text:?}, which is in clear");
        }
    }

    fn never_opens_when_changed(&self) {
        let purged = self.entry.purged(true).open(self.key.id(), self.key, self.stored);
        assert!(matches!(purged, Ok(Some(copy)) if copy.purged), "who purges needs no seal");
        for changed in some_changes(self.stored) {
            self.stays_shut(self.entry, self.key, &changed, "another body");
            let fitting = self.entry.with_body(&changed);
            self.stays_shut(&fitting, self.key, &changed, "another body and its checksum");
        }
        for changed in some_changes(self.entry.head()) {
            let entry = self.entry.with_head(changed);
            self.stays_shut(&entry, self.key, self.stored, "another head");
        }
        for (at, entry) in self.entry.tampered().iter().enumerate() {
            self.stays_shut(entry, self.key, self.stored, &format!("change {at} beside it"));
        }
    }

    fn never_opens_with_parts_of_another(&self) {
        let copy = copy_of(HeaderMap::new(), &[&self.copy.body[..], b"!"].concat());
        let (entry, stored) = Entry::close(self.key.id(), self.key, &copy);
        self.stays_shut(&self.entry.with_body(&stored), self.key, &stored, "a newer body");
        self.stays_shut(&entry.with_body(self.stored), self.key, self.stored, "an older body");
        let mixed = self.entry.with_head(entry.head().to_vec());
        self.stays_shut(&mixed, self.key, self.stored, "a newer head");
        let (again, twice) = Entry::close(self.key.id(), self.key, self.copy);
        assert!(again.head() != self.entry.head() && twice != self.stored, "a nonce came twice");
    }

    fn stays_shut(&self, entry: &Entry, key: &StoreKey, stored: &[u8], why: &str) {
        let opened = entry.open(self.key.id(), key, stored);
        assert!(!matches!(opened, Ok(Some(_))), "{} opens with {why}", self.key.place);
    }
}

fn copy_of(headers: HeaderMap, body: &[u8]) -> Copy {
    Copy {
        status: StatusCode::OK,
        headers,
        body: Bytes::copy_from_slice(body),
        at_rest: None,
        stored_at: UnixMillis(1_790_000_000_000),
        why: Why::Identity,
        purged: false,
    }
}

/// One bit of it another, at both ends and in between; a byte less, and one more.
fn some_changes(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut changes = vec![[bytes, b"\0"].concat(), [b"\0", bytes].concat()];
    changes.push(bytes[..bytes.len().saturating_sub(1)].to_vec());
    let step = bytes.len().div_ceil(8).max(1);
    for at in (0..bytes.len()).step_by(step).chain(bytes.len().checked_sub(1)) {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 8);
        changes.push(changed);
    }
    changes
}

fn contains(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}

const SECRET: Secret = Secret([7; 32]);
/// Random bytes are never these by chance.
const FEW: usize = 8;
