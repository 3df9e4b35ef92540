//! What `Cache-Control` says about *for whom* an answer is (RFC 9111 section 5.2.2). What it says
//! about freshness is read in `directives`, for those who want it obeyed.

mod directives;

pub(super) use directives::Directives;

use http::{HeaderMap, header};

/// The directives about privacy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub public: bool,
    pub private: bool,
    pub no_store: bool,
}

impl Said {
    /// Reads all lines, as bytes. What cannot be read must never loosen anything: the words that
    /// protect count wherever they stand, in a quoted text, after a quote that is not closed, and
    /// where a semicolon or a blank took the place of the comma; `public` counts only as a
    /// directive of its own outside of quotes, and not beside a backslash, which may hide where a
    /// quote ends. `private="..."` is taken as `private`.
    pub fn by(answer: &HeaderMap) -> Self {
        let mut said = Self::default();
        for line in answer.get_all(header::CACHE_CONTROL) {
            said.read_line(line.as_bytes());
        }
        said
    }

    /// For everybody, and nothing beside it says otherwise.
    pub fn is_for_everybody(self) -> bool {
        self.public && !self.private && !self.no_store
    }

    fn read_line(&mut self, line: &[u8]) {
        let is_clear = !line.contains(&b'\\');
        let mut in_quotes = false;
        for directive in line.split(|byte| *byte == b',') {
            let name = directive.split(|byte| *byte == b'=').next().unwrap_or_default();
            let outside = is_clear && !in_quotes;
            self.public |= outside && name.trim_ascii().eq_ignore_ascii_case(b"public");
            in_quotes ^= directive.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
        }
        for word in words_of(line) {
            self.private |= word.eq_ignore_ascii_case(b"private");
            self.no_store |= word.eq_ignore_ascii_case(b"no-store");
        }
    }
}

/// All words of a line, wherever they stand.
fn words_of(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| !is_in_word(*byte))
}

/// Can this byte stand in a directive's name (RFC 9110 section 5.6.2)?
fn is_in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn protection_is_heard_everywhere_and_permission_only_where_it_is_clear() {
        for (line, public, private, no_store) in [
            ("", false, false, false),
            ("no-cache, max-age=0, must-revalidate", false, false, false),
            ("public, max-age=60", true, false, false),
            ("PUBLIC", true, false, false),
            ("no-store, no-cache, must-revalidate", false, false, true),
            ("Private , No-Store", false, true, true),
            ("private=\"set-cookie, x\"", false, true, false),
            ("no-cache=\"set-cookie\", public", true, false, false),
            ("ext=\"a, public, b\"", false, false, false),
            ("ext=\"a, private, no-store\"", false, true, true),
            ("ext=\"open, no-store, public", false, false, true),
            ("publicity, privates, no-stores", false, false, false),
            ("\"private\"", false, true, false),
            ("\"public\"", false, false, false),
            (r#"ext="a\", public, b""#, false, false, false),
            ("private; max-age=0", false, true, false),
            ("public, no-store; max-age=0", true, false, true),
            ("public; max-age=60", false, false, false),
            ("max-age=60 private", false, true, false),
            ("max-age=60, private\tno-store", false, true, true),
        ] {
            let mut answer = HeaderMap::new();
            answer.append(header::CACHE_CONTROL, HeaderValue::from_static(line));
            assert_eq!(Said::by(&answer), Said { public, private, no_store }, "{line}");
        }
    }

    #[test]
    fn every_line_counts_and_bytes_beyond_ascii_hide_nothing() {
        let mut answer = HeaderMap::new();
        answer.append(header::CACHE_CONTROL, HeaderValue::from_static("public"));
        assert!(Said::by(&answer).is_for_everybody());
        let odd = HeaderValue::from_bytes(b"x=\xff, private").unwrap();
        answer.append(header::CACHE_CONTROL, odd);
        assert!(!Said::by(&answer).is_for_everybody());
    }
}
