//! The page of the weak application: a price list nobody would miss, about 6 KB long because that
//! is what a small shop or a forum sends.

use std::fmt::Write;

/// The page for `path`; `serial` tells one rendering from the next.
pub fn html(path: &str, serial: u64) -> String {
    let path = escaped(path);
    let mut page = String::with_capacity(7 * 1024);
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{path}</title></head>\n\
         <body>\n<h1>The weak application</h1>\n<p>path: {path}</p>\n<p>serial: {serial}</p>\n<ul>\n"
    );
    for number in 1..=ARTICLES {
        let (name, euros, cents) = article(number);
        let _ = writeln!(
            page,
            "  <li id=\"article-{number}\"><b>{name} No. {number}</b>: {euros}.{cents:02} EUR, \
             packed by hand, sent on the same day</li>"
        );
    }
    page.push_str("</ul>\n</body>\n</html>\n");
    page
}

/// `text` with the five characters replaced that mean something in HTML text and attributes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

fn article(number: usize) -> (&'static str, usize, usize) {
    (GOODS[number % GOODS.len()], 2 + number * 7 % 60, number * 37 % 100)
}

const ARTICLES: usize = 58;
const GOODS: [&str; 6] = ["Lifebelt", "Rope", "Lantern", "Oilskin", "Whistle", "Flare"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_about_6_kb_and_names_its_path_and_serial() {
        let page = html("/shop", 7);
        assert!((5_500..6_800).contains(&page.len()), "{}", page.len());
        assert!(page.contains("path: /shop<") && page.contains("serial: 7<"));
    }

    #[test]
    fn a_path_cannot_write_markup_into_the_page() {
        let page = html("/<script>\"&'", 1);
        assert!(!page.contains("<script>"));
        assert!(page.contains("/&lt;script&gt;&quot;&amp;&#39;"));
    }
}
