//! `Cache-Control` read for freshness as well (RFC 9111 section 5.2), for `cache.strict`.
//!
//! As in [`super::Said`] nothing unreadable may loosen anything: a word that forbids counts wherever
//! it stands, one that permits only as a directive of its own. A number that is none is 0, of two
//! the smaller one counts (section 4.2.1), and one directive that is none makes all of them stale.

use super::words_of;
use http::{HeaderMap, header};

/// All directives of all lines.
pub(in crate::policy) struct Directives<'a> {
    fields: &'a HeaderMap,
    read: Vec<(String, Option<Vec<u8>>)>,
    /// Something in it is no directive.
    pub is_broken: bool,
}

impl<'a> Directives<'a> {
    pub fn of(fields: &'a HeaderMap) -> Self {
        let mut directives = Self { fields, read: Vec::new(), is_broken: false };
        for line in fields.get_all(header::CACHE_CONTROL) {
            directives.read_line(line.as_bytes());
        }
        directives
    }

    /// The word stands somewhere, in whatever form: for what forbids.
    pub fn says(&self, word: &str) -> bool {
        let lines = self.fields.get_all(header::CACHE_CONTROL).iter();
        let mut words = lines.flat_map(|line| words_of(line.as_bytes()));
        words.any(|found| found.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// The directive is there, and all can be read: for what permits.
    pub fn permits(&self, name: &str) -> bool {
        !self.is_broken && self.values(name).next().is_some()
    }

    /// The seconds of a directive (section 1.2.2); `None`: it is not there. What permits nothing
    /// when it cannot be read is 0.
    pub fn seconds(&self, name: &str) -> Option<u64> {
        let values = self.values(name).map(|value| value.map_or(0, seconds));
        let least = values.min();
        if self.is_broken && self.says(name) { Some(0) } else { least }
    }

    /// As [`Self::seconds`] for a directive that may go without a number: then `u64::MAX`.
    pub fn seconds_or_any(&self, name: &str) -> Option<u64> {
        let values = self.values(name).map(|value| value.map_or(u64::MAX, seconds));
        if self.is_broken { None } else { values.min() }
    }

    fn values(&self, name: &str) -> impl Iterator<Item = Option<&[u8]>> {
        let named = self.read.iter().filter(move |(found, _)| found == name);
        named.map(|(_, value)| value.as_deref())
    }

    fn read_line(&mut self, line: &[u8]) {
        for directive in self.split(line) {
            let directive = directive.trim_ascii();
            if directive.is_empty() {
                continue;
            }
            let (name, value) = match directive.iter().position(|byte| *byte == b'=') {
                Some(at) => (&directive[..at], Some(unquoted(&directive[at + 1..]))),
                None => (directive, None),
            };
            if is_token(name) {
                let name = String::from_utf8_lossy(name).to_ascii_lowercase();
                self.read.push((name, value));
            } else {
                self.is_broken = true;
            }
        }
    }

    /// At the commas that stand in no quotes (RFC 9110 section 5.6.4).
    fn split<'l>(&mut self, line: &'l [u8]) -> Vec<&'l [u8]> {
        let (mut quoted, mut escaped) = (false, false);
        let directives = line
            .split(|byte| {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if quoted => escaped = true,
                    b'"' => quoted = !quoted,
                    _ => {}
                }
                *byte == b',' && !quoted
            })
            .collect();
        self.is_broken |= quoted;
        directives
    }
}

/// Both forms of a value are to be understood (section 5.2). What is neither is nothing.
fn unquoted(value: &[u8]) -> Vec<u8> {
    match value {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => inner.to_vec(),
        token if is_token(token) => token.to_vec(),
        _ => Vec::new(),
    }
}

fn seconds(value: &[u8]) -> u64 {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return 0;
    }
    let number = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
    number.map_or(MOST, |number: u64| number.min(MOST))
}

fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| super::is_in_word(*byte))
}

/// "The cache MUST consider the value to be 2147483648" (section 1.2.2).
const MOST: u64 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn fields(lines: &[&str]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for line in lines {
            fields.append(header::CACHE_CONTROL, HeaderValue::from_str(line).unwrap());
        }
        fields
    }

    #[test]
    fn seconds_are_read_in_both_forms_and_in_doubt_they_are_few() {
        for (lines, expected) in [
            (&["public"][..], None),
            (&["max-age=60"], Some(60)),
            (&["MAX-AGE=60"], Some(60)),
            (&["max-age=\"60\""], Some(60)),
            (&["a, max-age=60 , b=c"], Some(60)),
            (&["max-age=60, max-age=30"], Some(30)),
            (&["max-age=60", "max-age=30"], Some(30)),
            (&["max-age=60, max-age=x"], Some(0)),
            (&["max-age"], Some(0)),
            (&["max-age="], Some(0)),
            (&["max-age=-1"], Some(0)),
            (&["max-age=+1"], Some(0)),
            (&["max-age=1.5"], Some(0)),
            (&["max-age= 60"], Some(0)),
            (&["max-age=60; public"], Some(0)),
            (&["max-age=\"6\\0\""], Some(0)),
            (&["max-age=99999999999999999999999"], Some(1 << 31)),
            (&["max-age=4294967296"], Some(1 << 31)),
            (&["x-max-age=60"], None),
            (&["ext=\"a, max-age=60\""], None),
            (&["ext=\"a\\\", max-age=60\""], None),
            (&["ext=\"open, max-age=60"], Some(0)),
            (&["max-age=60, ext=\"open"], Some(0)),
            (&["max-age 60"], Some(0)),
            (&["max-age=60, a b"], Some(0)),
        ] {
            let fields = fields(lines);
            assert_eq!(Directives::of(&fields).seconds("max-age"), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_forbids_is_heard_everywhere_and_what_permits_where_it_is_clear() {
        for (line, says, permits) in [
            ("must-revalidate", true, true),
            ("Must-Revalidate, x", true, true),
            ("must-revalidate=1", true, true),
            ("ext=\"must-revalidate\"", true, false),
            ("must-revalidate; x", true, false),
            ("must-revalidate, ext=\"open", true, false),
            ("must-revalidates", false, false),
        ] {
            let fields = fields(&[line]);
            let read = Directives::of(&fields);
            let found = (read.says("must-revalidate"), read.permits("must-revalidate"));
            assert_eq!(found, (says, permits), "{line}");
        }
    }

    #[test]
    fn a_number_may_be_left_out_where_that_means_any() {
        for (line, expected) in [
            ("max-stale", Some(u64::MAX)),
            ("max-stale=5", Some(5)),
            ("max-stale=x", Some(0)),
            ("max-stale, max-stale=5", Some(5)),
            ("max-stale, \"", None),
            ("", None),
        ] {
            let fields = fields(&[line]);
            assert_eq!(Directives::of(&fields).seconds_or_any("max-stale"), expected, "{line}");
        }
    }
}
