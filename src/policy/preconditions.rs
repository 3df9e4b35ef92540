//! Does a copy meet what the visitor made his request conditional on (RFC 9110 section 13)?
//!
//! The conditions are held against the fields that would be sent: a copy whose coding was changed
//! on its way has a weak validator, and a strong comparison with it fails.

use crate::headers::text;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use std::time::{Duration, SystemTime};

/// The answer to [`precondition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// There is none, or it is met.
    Holds,
    /// The visitor has this page already: 304.
    NotModified,
    /// 412.
    Failed,
}

/// The order of RFC 9110 section 13.2.2, for GET and HEAD. `sent` are the fields of the answer.
pub fn precondition(request: &HeaderMap, sent: &HeaderMap) -> Precondition {
    if is_lost(request, sent) {
        Precondition::Failed
    } else if is_known(request, sent) {
        Precondition::NotModified
    } else {
        Precondition::Holds
    }
}

/// May a range be given, as far as `If-Range` goes (section 13.1.5)? Both kinds of validators must
/// be strong; a date is when the answer was made a second later or more (section 8.8.2.2).
pub fn range_holds(request: &HeaderMap, sent: &HeaderMap) -> bool {
    let Some(condition) = request.get(header::IF_RANGE) else { return true };
    if let Some(tag) = Tag::of(condition) {
        return Tag::sent(sent).is_some_and(|sent| tag.is_strongly(sent));
    }
    let (Some(wanted), Some(modified)) = (only_date(request, &header::IF_RANGE), modified(sent))
    else {
        return false;
    };
    let made = date(sent, &header::DATE);
    wanted == modified && made.is_some_and(|made| made >= modified + Duration::from_secs(1))
}

/// `If-Match` or, without it, `If-Unmodified-Since`: another page than the visitor means.
fn is_lost(request: &HeaderMap, sent: &HeaderMap) -> bool {
    if request.contains_key(header::IF_MATCH) {
        return !names(request, &header::IF_MATCH, sent, |tag, sent| tag.is_strongly(sent));
    }
    let Some(since) = only_date(request, &header::IF_UNMODIFIED_SINCE) else { return false };
    modified(sent).is_some_and(|modified| modified > since)
}

/// `If-None-Match` or, without it, `If-Modified-Since`; a page without `Last-Modified` is as old as
/// its `Date` (RFC 9111 section 4.3.2).
fn is_known(request: &HeaderMap, sent: &HeaderMap) -> bool {
    if request.contains_key(header::IF_NONE_MATCH) {
        return names(request, &header::IF_NONE_MATCH, sent, |tag, sent| tag.is_weakly(sent));
    }
    let Some(since) = only_date(request, &header::IF_MODIFIED_SINCE) else { return false };
    let modified = modified(sent).or_else(|| date(sent, &header::DATE));
    modified.is_some_and(|modified| modified <= since)
}

/// Does the list name this page? There is a page, which is all that `*` asks for.
fn names(
    request: &HeaderMap,
    list: &HeaderName,
    sent: &HeaderMap,
    is: fn(Tag<'_>, Tag<'_>) -> bool,
) -> bool {
    let sent = Tag::sent(sent);
    request.get_all(list).iter().any(|line| {
        line.as_bytes().trim_ascii() == b"*"
            || sent.is_some_and(|sent| tags(line.as_bytes()).any(|tag| is(tag, sent)))
    })
}

/// An entity-tag (section 8.8.3), compared byte by byte.
#[derive(Clone, Copy)]
struct Tag<'a> {
    weak: bool,
    /// With its quotes.
    opaque: &'a [u8],
}

impl<'a> Tag<'a> {
    fn of(value: &'a HeaderValue) -> Option<Self> {
        let (tag, rest) = first_tag(value.as_bytes().trim_ascii())?;
        rest.is_empty().then_some(tag)
    }

    fn sent(sent: &'a HeaderMap) -> Option<Self> {
        sent.get(header::ETAG).and_then(Self::of)
    }

    fn is_strongly(self, other: Tag<'_>) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    fn is_weakly(self, other: Tag<'_>) -> bool {
        self.opaque == other.opaque
    }
}

/// The members of a list, up to the first that is none. A tag may hold commas.
fn tags(mut list: &[u8]) -> impl Iterator<Item = Tag<'_>> {
    std::iter::from_fn(move || {
        let is_between = |byte: &u8| matches!(byte, b' ' | b'\t' | b',');
        let begin = list.iter().position(|byte| !is_between(byte))?;
        let (tag, rest) = first_tag(&list[begin..])?;
        list = rest;
        Some(tag)
    })
}

fn first_tag(text: &[u8]) -> Option<(Tag<'_>, &[u8])> {
    let (weak, quoted) = match text.strip_prefix(b"W/") {
        Some(quoted) => (true, quoted),
        None => (false, text),
    };
    let inside = quoted.strip_prefix(b"\"")?;
    let end = inside.iter().position(|byte| *byte == b'"')? + 2;
    let (opaque, rest) = quoted.split_at(end);
    Some((Tag { weak, opaque }, rest))
}

fn modified(sent: &HeaderMap) -> Option<SystemTime> {
    date(sent, &header::LAST_MODIFIED)
}

/// A condition that is no date, or several, is none (section 13.1.3).
fn only_date(request: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    if request.get_all(name).iter().nth(1).is_some() {
        return None;
    }
    date(request, name)
}

fn date(fields: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(text(fields, name)?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::Precondition::{Failed, Holds, NotModified};
    use super::*;

    const EARLIER: &str = "Fri, 31 Dec 1999 23:59:58 GMT";
    const THEN: &str = "Fri, 31 Dec 1999 23:59:59 GMT";
    const LATER: &str = "Sat, 01 Jan 2000 00:00:00 GMT";

    fn fields(lines: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(name, HeaderValue::from_static(value));
        }
        fields
    }

    fn decided(request: &[(HeaderName, &'static str)], sent: &HeaderMap) -> Precondition {
        precondition(&fields(request), sent)
    }

    #[test]
    fn a_tag_is_known_weakly_in_a_list_or_by_star() {
        for etag in ["\"a\"", "W/\"a\""] {
            let sent = fields(&[(header::ETAG, etag)]);
            for known in ["\"a\"", "W/\"a\"", "\"x,y\" ,, W/\"a\"", "*", " * "] {
                assert_eq!(decided(&[(header::IF_NONE_MATCH, known)], &sent), NotModified);
            }
            for other in ["\"b\"", "a", "\"A\"", "\"a", "", "\"b\", a, \"a\"", "w/\"a\""] {
                assert_eq!(decided(&[(header::IF_NONE_MATCH, other)], &sent), Holds, "{other}");
            }
            let two = [(header::IF_NONE_MATCH, "\"b\""), (header::IF_NONE_MATCH, "\"a\"")];
            assert_eq!(decided(&two, &sent), NotModified);
        }
        assert_eq!(decided(&[(header::IF_NONE_MATCH, "\"a\"")], &HeaderMap::new()), Holds);
        assert_eq!(decided(&[(header::IF_NONE_MATCH, "*")], &HeaderMap::new()), NotModified);
    }

    #[test]
    fn a_match_must_be_strong() {
        let strong = fields(&[(header::ETAG, "\"a\"")]);
        let weak = fields(&[(header::ETAG, "W/\"a\"")]);
        for (asked, sent, decision) in [
            ("\"b\", \"a\"", &strong, Holds),
            ("*", &weak, Holds),
            ("W/\"a\"", &strong, Failed),
            ("\"a\"", &weak, Failed),
            ("\"b\"", &strong, Failed),
        ] {
            assert_eq!(decided(&[(header::IF_MATCH, asked)], sent), decision, "{asked}");
        }
    }

    #[test]
    fn dates_count_where_there_is_no_tag_to_compare() {
        let sent = fields(&[(header::LAST_MODIFIED, THEN), (header::DATE, LATER)]);
        for (name, at, decision) in [
            (header::IF_MODIFIED_SINCE, EARLIER, Holds),
            (header::IF_MODIFIED_SINCE, THEN, NotModified),
            (header::IF_MODIFIED_SINCE, LATER, NotModified),
            (header::IF_MODIFIED_SINCE, "yesterday", Holds),
            (header::IF_UNMODIFIED_SINCE, EARLIER, Failed),
            (header::IF_UNMODIFIED_SINCE, THEN, Holds),
            (header::IF_UNMODIFIED_SINCE, "yesterday", Holds),
        ] {
            assert_eq!(decided(&[(name.clone(), at)], &sent), decision, "{name} {at}");
        }
        let tag_first = [(header::IF_NONE_MATCH, "\"b\""), (header::IF_MODIFIED_SINCE, LATER)];
        assert_eq!(decided(&tag_first, &sent), Holds);
        let two = [(header::IF_MODIFIED_SINCE, LATER), (header::IF_MODIFIED_SINCE, LATER)];
        assert_eq!(decided(&two, &sent), Holds);
    }

    #[test]
    fn a_page_without_a_date_of_its_own_is_as_old_as_its_answer() {
        let sent = fields(&[(header::DATE, THEN)]);
        assert_eq!(decided(&[(header::IF_MODIFIED_SINCE, THEN)], &sent), NotModified);
        assert_eq!(decided(&[(header::IF_MODIFIED_SINCE, EARLIER)], &sent), Holds);
        assert_eq!(decided(&[(header::IF_UNMODIFIED_SINCE, EARLIER)], &sent), Holds);
    }

    #[test]
    fn a_lost_page_is_told_before_a_known_one() {
        let sent = fields(&[(header::ETAG, "\"a\"")]);
        let both = [(header::IF_MATCH, "\"b\""), (header::IF_NONE_MATCH, "\"a\"")];
        assert_eq!(decided(&both, &sent), Failed);
        let both = [(header::IF_MATCH, "\"a\""), (header::IF_NONE_MATCH, "\"a\"")];
        assert_eq!(decided(&both, &sent), NotModified);
    }

    #[test]
    fn a_range_is_given_of_the_very_same_page_only() {
        let page = [(header::LAST_MODIFIED, THEN), (header::DATE, LATER), (header::ETAG, "\"a\"")];
        let sent = fields(&page);
        for (asked, holds) in [
            ("\"a\"", true),
            ("W/\"a\"", false),
            ("\"b\"", false),
            ("\"a\", \"b\"", false),
            (THEN, true),
            (LATER, false),
            (EARLIER, false),
            ("yesterday", false),
        ] {
            let request = fields(&[(header::IF_RANGE, asked)]);
            assert_eq!(range_holds(&request, &sent), holds, "{asked}");
        }
        assert!(range_holds(&HeaderMap::new(), &sent));
        let just_made = fields(&[(header::LAST_MODIFIED, THEN), (header::DATE, THEN)]);
        assert!(!range_holds(&fields(&[(header::IF_RANGE, THEN)]), &just_made));
        let weak = fields(&[(header::ETAG, "W/\"a\"")]);
        assert!(!range_holds(&fields(&[(header::IF_RANGE, "\"a\"")]), &weak));
    }

    proptest::proptest! {
        #[test]
        fn any_list_ends_and_a_tag_in_it_is_found(before in "[ ,\\t]*", after in "\\PC*") {
            let list = format!("{before}\"a\"{after}");
            proptest::prop_assert!(tags(list.as_bytes()).any(|tag| tag.opaque == b"\"a\""));
            proptest::prop_assert!(tags(after.as_bytes()).count() <= after.len());
        }
    }
}
