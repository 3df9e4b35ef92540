//! What `Cache-Control` says about *for whom* an answer is (RFC 9111 section 5.2.2). What it says
//! about freshness is not read here.

use http::{HeaderMap, header};

/// The directives about privacy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub public: bool,
    pub private: bool,
    pub no_store: bool,
}

impl Said {
    /// Reads all lines, as bytes. What cannot be read must never loosen anything: directives that
    /// protect count wherever they stand, even in a quoted text or after a quote that is not
    /// closed; `public` counts only outside of quotes. `private="..."` is taken as `private`.
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
        let mut in_quotes = false;
        for directive in line.split(|byte| *byte == b',') {
            let name = directive.split(|byte| *byte == b'=').next().unwrap_or_default();
            self.read_directive(trim_quotes(name), in_quotes);
            in_quotes ^= directive.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
        }
    }

    fn read_directive(&mut self, name: &[u8], in_quotes: bool) {
        self.public |= !in_quotes && name.eq_ignore_ascii_case(b"public");
        self.private |= name.eq_ignore_ascii_case(b"private");
        self.no_store |= name.eq_ignore_ascii_case(b"no-store");
    }
}

fn trim_quotes(text: &[u8]) -> &[u8] {
    let outside = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'"';
    let start = text.iter().position(|byte| !outside(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !outside(byte)).map_or(start, |last| last + 1);
    &text[start..end]
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
