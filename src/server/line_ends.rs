//! Line ends of a request's head, as they came: hyper takes a bare LF for CRLF and does not tell.

/// Where in a head the reading is. It ends with the first empty line; what follows is a body's or
/// another request's affair.
#[derive(Default)]
pub(super) struct LineEnds {
    last: u8,
    line_is_empty: bool,
    ended: bool,
}

impl LineEnds {
    /// True if a line of the head ends in these bytes without its CR.
    pub(super) fn has_bare_lf(&mut self, bytes: &[u8]) -> bool {
        let mut bare = false;
        for &byte in bytes {
            if self.ended {
                break;
            }
            match byte {
                b'\n' => {
                    bare |= self.last != b'\r';
                    self.ended = self.line_is_empty;
                    self.line_is_empty = true;
                }
                b'\r' => {}
                _ => self.line_is_empty = false,
            }
            self.last = byte;
        }
        bare
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
    fn what_follows_the_head_does_not_matter() {
        let mut lines = LineEnds::default();
        assert!(!lines.has_bare_lf(b"POST / HTTP/1.1\r\nHost: a\r\n\r\na\nb\n"));
    }
}
