//! A 304: the application says that the page a client has is still the page (RFC 9111 section 4.3).

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Is this copy the page that a 304 to this request is about? By its `ETag`, or else its
/// `Last-Modified`; a 304 that names neither is about the one `ETag` that was asked with. In doubt
/// it is about another page. `request` are the fields that the application got to see.
pub fn is_about(copy: &HeaderMap, not_modified: &HeaderMap, request: &HeaderMap) -> bool {
    let same = |name: &HeaderName, said: &HeaderMap| {
        said.get(name).map(|said| copy.get(name).is_some_and(|own| own_tag(own) == own_tag(said)))
    };
    same(&header::ETAG, not_modified)
        .or_else(|| same(&header::LAST_MODIFIED, not_modified))
        .unwrap_or_else(|| asked_with(copy, request))
}

/// The fields of the copy, as the 304 brings them up to date (RFC 9111 section 3.2): what it says
/// replaces what was there, but for those that describe the body it does not have.
pub fn brought_up_to_date(copy: &HeaderMap, not_modified: &HeaderMap) -> HeaderMap {
    let is_of_the_body = |name: &HeaderName| {
        name.as_str().starts_with("content-") && *name != header::CONTENT_SECURITY_POLICY
            || matches!(*name, header::ETAG | header::TRANSFER_ENCODING)
    };
    let news: Vec<_> = not_modified.keys().filter(|name| !is_of_the_body(name)).cloned().collect();
    let mut merged = copy.clone();
    // Its own age began with the old answer.
    merged.remove(header::AGE);
    for name in news {
        let mut values = not_modified.get_all(&name).iter();
        if let Some(first) = values.next() {
            merged.insert(&name, first.clone());
        }
        values.for_each(|value| {
            merged.append(&name, value.clone());
        });
    }
    merged
}

fn asked_with(copy: &HeaderMap, request: &HeaderMap) -> bool {
    let mut asked = request.get_all(header::IF_NONE_MATCH).iter();
    match (asked.next(), asked.next(), copy.get(header::ETAG)) {
        (Some(only), None, Some(own)) => own_tag(only) == own_tag(own),
        _ => false,
    }
}

/// Weak comparison (RFC 9110 section 8.8.3.2): the page is as good, if not the same to the byte.
fn own_tag(tag: &HeaderValue) -> &[u8] {
    let tag = tag.as_bytes().trim_ascii();
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(*name, HeaderValue::from_static(value));
        }
        fields
    }

    #[test]
    fn a_304_is_about_the_page_it_names() {
        let copy = fields(&[("etag", "\"a\""), ("last-modified", "then")]);
        let none = &[];
        for (said, asked, about) in [
            (&[("etag", "\"a\"")][..], &none[..], true),
            (&[("etag", "W/\"a\"")], none, true),
            (&[("etag", "\"b\"")], none, false),
            (&[("etag", "\"b\""), ("last-modified", "then")], none, false),
            (&[("last-modified", "then")], none, true),
            (&[("last-modified", "now")], none, false),
            (none, none, false),
            (none, &[("if-none-match", "\"a\"")], true),
            (none, &[("if-none-match", "\"b\"")], false),
            (none, &[("if-none-match", "\"a\", \"b\"")], false),
            (none, &[("if-none-match", "*")], false),
            (none, &[("if-none-match", "\"a\""), ("if-none-match", "\"b\"")], false),
        ] {
            assert_eq!(is_about(&copy, &fields(said), &fields(asked)), about, "{said:?} {asked:?}");
        }
        assert!(!is_about(&fields(&[]), &fields(&[("etag", "\"a\"")]), &fields(&[])));
    }

    #[test]
    fn what_it_says_is_taken_over_and_what_describes_the_body_is_not() {
        let copy = fields(&[
            ("etag", "\"a\""),
            ("content-type", "text/html"),
            ("content-security-policy", "old"),
            ("link", "1"),
            ("age", "7"),
            ("x", "kept"),
        ]);
        let said = fields(&[
            ("etag", "W/\"a\""),
            ("content-type", "text/plain"),
            ("content-length", "0"),
            ("content-encoding", "gzip"),
            ("content-security-policy", "new"),
            ("link", "2"),
            ("link", "3"),
            ("date", "d"),
        ]);
        let expected = fields(&[
            ("etag", "\"a\""),
            ("content-type", "text/html"),
            ("content-security-policy", "new"),
            ("link", "2"),
            ("link", "3"),
            ("x", "kept"),
            ("date", "d"),
        ]);
        assert_eq!(brought_up_to_date(&copy, &said), expected);
    }
}
