//! One object a line.

use super::words::is_obeyed;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io::{self, Write};

/// Writes `object` and the end of its line. An error is the writer's.
pub(super) fn print(object: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    object.serialize(&mut Serializer::with_formatter(&mut *out, Harmless))?;
    out.write_all(b"\n")
}

/// As short as JSON can be, and harmless on a terminal: it escapes more than JSON asks for.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, obeyed)) = rest.char_indices().find(|(_, c)| is_obeyed(*c)) {
            // None of them is above U+FFFF.
            write!(out, "{}\\u{:04x}", &rest[..at], u32::from(obeyed))?;
            rest = &rest[at + obeyed.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_as_it_was_and_does_nothing_to_a_terminal() {
        let text = "a\u{1b}\"\\\n\u{7f}\u{9b}2J\u{202e}ä\u{1f600}";
        let mut printed = Vec::new();
        print(&text, &mut printed).unwrap();
        let line = String::from_utf8(printed).unwrap();
        assert_eq!(line.trim_end(), r#""a\u001b\"\\\n\u007f\u009b2J\u202eä😀""#);
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }
}
