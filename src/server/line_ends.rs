//! Line ends of a request's head, as they came: hyper takes a bare LF for CRLF and does not tell. And
//! where a request ends: what shares a read with its body is not looked at, and so not believed.

use super::io::Before;
use memchr::memchr_iter;

/// Where in a request's head the reading is, which ends with an empty line.
#[derive(Default)]
pub(super) struct LineEnds {
    /// Bytes of the line being read, its CR included.
    length: usize,
    last: u8,
    /// Of the lines of this head, one was not empty.
    begun: bool,
    ended: bool,
    came: Came,
}

/// Where a line ends without its CR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bare {
    Nowhere,
    InHead,
    /// In what follows it, which is the next head if this request has no body.
    Behind,
}

/// What came since a request began with a read of its own.
#[derive(Default)]
struct Came {
    bytes: u64,
    /// How many of them were its head.
    head: Option<u64>,
    end: [u8; LAST_CHUNK.len()],
}

impl LineEnds {
    /// Reads on.
    pub(super) fn bare_lf(&mut self, bytes: &[u8]) -> Bare {
        let before = self.came.bytes;
        self.pass(bytes);
        let (mut bare, mut start) = (Bare::Nowhere, 0);
        for end in memchr_iter(b'\n', bytes) {
            let last = if end > start { bytes[end - 1] } else { self.last };
            let length = self.length + end - start;
            let has_cr = length > 0 && last == b'\r';
            (self.length, start) = (0, end + 1);
            match (self.ended, has_cr) {
                (true, true) => continue,
                (true, false) if bare == Bare::Nowhere => bare = Bare::Behind,
                (true, false) => {}
                (false, true) => {}
                (false, false) => bare = Bare::InHead,
            }
            let is_empty = length == usize::from(has_cr);
            if is_empty && self.begun && !self.ended {
                self.ended = true;
                self.came.head = Some(before + start as u64);
            }
            self.begun |= !is_empty;
        }
        self.length += bytes.len() - start;
        self.last = bytes.last().copied().unwrap_or(self.last);
        bare
    }

    /// These bytes are a body's, or come with one.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        self.came.bytes += bytes.len() as u64;
        let end = &mut self.came.end;
        let fresh = bytes.len().min(end.len());
        end.copy_within(fresh.., 0);
        end[LAST_CHUNK.len() - fresh..].copy_from_slice(&bytes[bytes.len() - fresh..]);
    }

    /// True if the request before had a body, and all that came was its head and that: what comes now
    /// is the next from its first byte on.
    ///
    /// Of a body in chunks only the usual end tells. No head that is not whole ends like it, for it
    /// would have a line without a colon; and one that is whole is answered without another read.
    pub(super) fn ended_with(&self, before: Before) -> bool {
        match before {
            Before::Length(length) => {
                self.came.head.is_some_and(|it| it + length == self.came.bytes)
            }
            Before::Chunks => self.came.end == *LAST_CHUNK,
            Before::Open => false,
        }
    }
}

const LAST_CHUNK: &[u8; 7] = b"\r\n0\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn in_pieces(bytes: &[u8], cut: usize) -> [Bare; 2] {
        let (mut lines, (first, rest)) = (LineEnds::default(), bytes.split_at(cut));
        [lines.bare_lf(first), lines.bare_lf(rest)]
    }

    #[test]
    fn a_bare_lf_is_seen_wherever_the_reads_divide_the_head() {
        for head in [
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "\n\r\nGET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\n\n",
        ] {
            for cut in 0..head.len() {
                assert!(in_pieces(head.as_bytes(), cut).contains(&Bare::InHead), "{head:?} {cut}");
            }
        }
    }

    #[test]
    fn whole_line_ends_are_whole_wherever_they_are_divided() {
        let head = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nget /b HTTP/1.1\r\nHost: a\r\n\r\n";
        for cut in 0..head.len() {
            assert_eq!(in_pieces(head, cut), [Bare::Nowhere; 2], "{cut}");
        }
    }

    #[test]
    fn what_follows_the_head_is_told_apart_from_it() {
        for follows in ["a\nb", "GET /b HTTP/1.1\nHost: a\n\n", "get /b\n", "\n", "\r\n\r\nX\n"] {
            let all = format!("POST / HTTP/1.1\r\nHost: a\r\n\r\n{follows}");
            for cut in 0..all.len() {
                let seen = in_pieces(all.as_bytes(), cut);
                assert!(
                    seen.contains(&Bare::Behind) && !seen.contains(&Bare::InHead),
                    "{all:?} {cut}"
                );
            }
        }
    }

    #[test]
    fn a_request_ends_where_its_body_does() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\n\r\n";
        for (body, before, expected) in [
            ("abc", Before::Length(3), true),
            ("abcG", Before::Length(3), false),
            ("ABC\r\nD", Before::Length(6), true),
            ("3\r\nabc\r\n0\r\n\r\n", Before::Chunks, true),
            ("0\r\n\r\n", Before::Chunks, true),
            ("0\r\n\r\nGET / HTTP/1.1\r\n", Before::Chunks, false),
            ("0\r\nX: y\r\n\r\n", Before::Chunks, false),
            ("abc", Before::Open, false),
        ] {
            let all = format!("{head}{body}");
            for cut in 0..all.len() {
                let (mut lines, (first, rest)) = (LineEnds::default(), all.split_at(cut));
                assert_eq!(lines.bare_lf(first.as_bytes()), Bare::Nowhere);
                match cut < head.len() {
                    true => assert_eq!(lines.bare_lf(rest.as_bytes()), Bare::Nowhere),
                    false => lines.pass(rest.as_bytes()),
                }
                assert_eq!(lines.ended_with(before), expected, "{body:?} {cut}");
            }
        }
    }
}
