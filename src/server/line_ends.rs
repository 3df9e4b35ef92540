//! Line ends of a request's head, as they came: hyper takes a bare LF for CRLF and does not tell.

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
}

impl LineEnds {
    /// True if a line of the head ends in these bytes without its CR.
    pub(super) fn has_bare_lf(&mut self, bytes: &[u8]) -> bool {
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
        }
        self.length += bytes.len() - start;
        self.last = bytes.last().copied().unwrap_or(self.last);
        bare
    }

    fn begins_anew(&mut self, bytes: &[u8], start: usize) -> bool {
        let anew = bytes.get(start).is_some_and(u8::is_ascii_uppercase);
        if anew {
            *self = Self::default();
        }
        anew
    }
}

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
}
