//! Reading `Cookie` and `Set-Cookie` (RFC 6265 sections 4.2.1, 5.2), as bytes: what cannot be read
//! must still count.

use http::{HeaderMap, HeaderName, header};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What one `Set-Cookie` does.
pub(super) struct SetCookie<'a> {
    pub name: &'a [u8],
    /// The new value; `None` if the cookie is deleted.
    pub value: Option<&'a [u8]>,
}

/// The cookies of one `Cookie` line. Values are whole, quotes included. A cookie without `=` has an
/// empty name, as browsers send it.
pub(super) fn of_line(line: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    line.split(|byte| *byte == b';')
        .map(<[u8]>::trim_ascii)
        .filter(|cookie| !cookie.is_empty())
        .map(name_and_value)
}

/// The cookies an answer sets and deletes, in their order.
pub(super) fn set_by(answer: &HeaderMap) -> impl Iterator<Item = SetCookie<'_>> {
    let lines = answer.get_all(header::SET_COOKIE).into_iter();
    lines.map(|line| set_cookie(line.as_bytes(), answer))
}

/// True if the answer tells the browser to drop its cookies (`Clear-Site-Data`).
pub(super) fn cleared_by(answer: &HeaderMap) -> bool {
    let clears = |line: &[u8]| {
        line.split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .any(|kind| kind.eq_ignore_ascii_case(b"\"cookies\"") || kind == b"\"*\"")
    };
    answer.get_all(CLEAR_SITE_DATA).into_iter().any(|line| clears(line.as_bytes()))
}

fn set_cookie<'a>(line: &'a [u8], answer: &HeaderMap) -> SetCookie<'a> {
    let mut parts = line.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let (name, value) = name_and_value(parts.next().unwrap_or_default());
    let mut max_age = None;
    let mut expires = None;
    for (attribute, value) in parts.map(name_and_value) {
        if attribute.eq_ignore_ascii_case(b"max-age") {
            max_age = ends_by_max_age(value).or(max_age);
        } else if attribute.eq_ignore_ascii_case(b"expires") {
            expires = date(value).or(expires);
        }
    }
    // Max-Age goes before Expires (RFC 6265 section 5.3).
    let ended = max_age.unwrap_or_else(|| expires.is_some_and(|end| end <= sent_at(answer)));
    SetCookie { name, value: (!ended).then_some(value) }
}

fn name_and_value(pair: &[u8]) -> (&[u8], &[u8]) {
    match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii()),
        None => (b"", pair),
    }
}

/// `None` for what is no number: the attribute is then ignored.
fn ends_by_max_age(seconds: &[u8]) -> Option<bool> {
    let (negative, digits) = match seconds {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| negative || digits.iter().all(|digit| *digit == b'0'))
}

/// When the answer was made, by its own `Date`: this room has no clock. Without one, a moment that
/// has passed for certain; a deletion that is not seen as one only costs a copy.
fn sent_at(answer: &HeaderMap) -> SystemTime {
    let date = answer.get(header::DATE).and_then(|line| date(line.as_bytes()));
    date.unwrap_or(UNIX_EPOCH + Duration::from_secs(PASSED_FOR_CERTAIN))
}

fn date(text: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(text).ok()?;
    let in_dashes = || httpdate::parse_http_date(&text.replace('-', " "));
    // Older PHP writes the dashes of RFC 850 with the year of RFC 1123.
    httpdate::parse_http_date(text).or_else(|_| in_dashes()).ok()
}

/// 2026-01-01T00:00:00Z, in seconds.
const PASSED_FOR_CERTAIN: u64 = 1_767_225_600;
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn set(line: &str) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut answer = HeaderMap::new();
        answer.insert(header::DATE, HeaderValue::from_static("Fri, 02 Jan 2026 00:00:00 GMT"));
        let read = set_cookie(line.as_bytes(), &answer);
        (read.name.to_vec(), read.value.map(<[u8]>::to_vec))
    }

    #[test]
    fn cookies_are_split_trimmed_and_kept_whole() {
        let line = b" a=1;b=\"x y\" ;; c = d=e ;flag; =f";
        let read: Vec<_> = of_line(line).collect();
        let expected: [(&[u8], &[u8]); 5] =
            [(b"a", b"1"), (b"b", b"\"x y\""), (b"c", b"d=e"), (b"", b"flag"), (b"", b"f")];
        assert_eq!(read, expected);
    }

    #[test]
    fn a_cookie_is_deleted_by_max_age_or_an_expiry_in_the_past() {
        for (attributes, deleted) in [
            ("", false),
            ("; Max-Age=0", true),
            ("; max-age=-5", true),
            ("; Max-Age=00", true),
            ("; Max-Age=60", false),
            ("; Max-Age=soon", false),
            ("; Max-Age=", false),
            ("; Max-Age=-", false),
            ("; Expires=Thu, 01 Jan 1970 00:00:01 GMT", true),
            ("; expires=Thu, 01-Jan-1970 00:00:01 GMT", true),
            ("; expires=Thursday, 01-Jan-70 00:00:01 GMT", true),
            ("; Expires=Thu, 01 Jan 2026 23:59:59 GMT", true),
            ("; Expires=Sat, 03 Jan 2026 00:00:00 GMT", false),
            ("; Expires=never", false),
            ("; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=60", false),
            ("; Expires=Sat, 03 Jan 2026 00:00:00 GMT; Max-Age=0", true),
            ("; Path=/; Secure; HttpOnly", false),
        ] {
            let (name, value) = set(&format!("sid=v{attributes}"));
            assert_eq!((name, value.is_none()), (b"sid".to_vec(), deleted), "{attributes}");
        }
    }

    #[test]
    fn without_a_date_only_what_has_passed_for_certain_is_a_deletion() {
        let answer = HeaderMap::new();
        let ended = |line: &str| set_cookie(line.as_bytes(), &answer).value.is_none();
        assert!(ended("a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT"));
        assert!(!ended("a=b; Expires=Fri, 01 Jan 2027 00:00:00 GMT"));
    }

    #[test]
    fn clear_site_data_takes_the_cookies() {
        for (line, clears) in
            [("\"cache\", \"cookies\"", true), ("\"*\"", true), ("\"cache\"", false), ("", false)]
        {
            let mut answer = HeaderMap::new();
            answer.insert(CLEAR_SITE_DATA, HeaderValue::from_static(line));
            assert_eq!(cleared_by(&answer), clears, "{line}");
        }
    }
}
