//! Line ends of a request's head, as they came: hyper takes a bare LF for CRLF and does not tell. And
//! where a request ends: what shares a read with its body is not looked at, and so not believed.

use super::io::Before;
use memchr::memchr_iter;

/// Where in a head the reading is. It ends with an empty line. What follows and begins like a
/// method is taken for the next head, in doubt too: a body that is mistaken for one costs its
/// sender a connection, no more.
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

/// What came since a request began with a read of its own.
#[derive(Default)]
struct Came {
    bytes: u64,
    /// How many of them were its head.
    head: Option<u64>,
    end: [u8; LAST_CHUNK.len()],
}

impl LineEnds {
    /// True if a line of the head ends in these bytes without its CR.
    pub(super) fn has_bare_lf(&mut self, bytes: &[u8]) -> bool {
        let before = self.came.bytes;
        self.pass(bytes);
        let (mut bare, mut start) = (false, 0);
        for end in memchr_iter(b'\n', bytes) {
            if self.ended && !self.begins_anew(bytes, start) {
                return bare;
            }
            let last = if end > start { bytes[end - 1] } else { self.last };
            let length = self.length + end - start;
            let has_cr = length > 0 && last == b'\r';
            bare |= !has_cr;
            let is_empty = length == usize::from(has_cr);
            self.ended = is_empty && self.begun;
            self.begun |= !is_empty;
            (self.length, start) = (0, end + 1);
            if self.ended {
                self.came.head.get_or_insert(before + start as u64);
            }
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

    fn begins_anew(&mut self, bytes: &[u8], start: usize) -> bool {
        let anew = bytes.get(start).is_some_and(u8::is_ascii_uppercase);
        if anew {
            *self = Self { came: std::mem::take(&mut self.came), ..Self::default() };
        }
        anew
    }
}

const LAST_CHUNK: &[u8; 7] = b"\r\n0\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_lf_is_seen_wherever_the_reads_divide_the_head() {
        let head = b"GET / HTTP/1.1\r\nHost: a\n\r\n";
        for cut in 0..head.len() {
            let (mut lines, (first, rest)) = (LineEnds::default(), head.split_at(cut));
            assert!(lines.has_bare_lf(first) | lines.has_bare_lf(rest), "{cut}");
        }
    }

    #[test]
    fn whole_line_ends_are_whole_wherever_they_are_divided() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        for cut in 0..head.len() {
            let (mut lines, (first, rest)) = (LineEnds::default(), head.split_at(cut));
            assert!(!lines.has_bare_lf(first) && !lines.has_bare_lf(rest), "{cut}");
        }
    }

    #[test]
    fn what_follows_the_head_does_not_matter() {
        let mut lines = LineEnds::default();
        assert!(!lines.has_bare_lf(b"POST / HTTP/1.1\r\nHost: a\r\n\r\na\nb\n"));
        assert!(!lines.has_bare_lf(b"more\n"));
    }

    #[test]
    fn the_next_head_in_the_same_read_and_empty_lines_before_one_are_read_too() {
        let pipelined = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\nHost: a\n\n";
        assert!(LineEnds::default().has_bare_lf(pipelined));
        assert!(LineEnds::default().has_bare_lf(b"\r\n\r\nGET /b HTTP/1.1\nHost: a\n\n"));
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
                assert!(!lines.has_bare_lf(first.as_bytes()));
                match cut < head.len() {
                    true => assert!(!lines.has_bare_lf(rest.as_bytes())),
                    false => lines.pass(rest.as_bytes()),
                }
                assert_eq!(lines.ended_with(before), expected, "{body:?} {cut}");
            }
        }
    }
}
