//! Globs of paths, as an operator writes them.

use globset::{GlobBuilder, GlobMatcher};

/// Reads `/feed`, `/blog/**`, `/*.{css,js}`. `*` stays within one part of the path and `**` crosses
/// them: of two readings the narrow one is the safe one where a glob declares pages the same for
/// everybody.
///
/// # Errors
/// In words: what is no path, has a query, or is no glob.
pub fn path_glob(word: &str) -> Result<GlobMatcher, String> {
    if !word.starts_with('/') {
        return Err(format!("`{word}` does not begin with `/`"));
    }
    if word.contains(|c: char| c.is_whitespace() || c == '?' || c == '#') {
        return Err(format!("`{word}` is more than a path"));
    }
    let glob = GlobBuilder::new(word).literal_separator(true).backslash_escape(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|wrong| format!("`{word}`: {}", wrong.kind()))
}
