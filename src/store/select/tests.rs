use super::*;

const NOW: UnixMillis = UnixMillis(1_000_000_000);
const ID: EntryId = EntryId([0xab; 16]);

fn place(host: &str, path: &str) -> Place {
    let (scheme, query) = ("http".into(), "?q=1".into());
    Place { scheme, host: host.into(), path: path.into(), query }
}

/// Is the copy of this place, stored so many seconds ago, meant?
fn means(words: Words, host: &str, path: &str, seconds: u64) -> bool {
    let stored_at = UnixMillis(NOW.0 - seconds * 1000);
    words.read().unwrap().selection.means(ID, &place(host, path), stored_at, NOW)
}

fn key(text: &str) -> Words {
    Words { key: Some(text.into()), ..Words::default() }
}

#[test]
fn nothing_said_selects_nothing_and_says_so() {
    let dry = Words { hard: true, dry_run: true, ..Words::default() };
    assert_eq!(dry.read().err(), Some(SelectError::Nothing));
}

#[test]
fn all_that_is_given_must_match() {
    let words = Words {
        path: Some("/shop/*".into()),
        host: Some("Shop.Test:81".into()),
        older: Some("1 minute".into()),
        ..Words::default()
    };
    let asked = |host, path, seconds| means(words.clone(), host, path, seconds);
    assert!(asked("shop.test:81", "/shop/a", 60));
    assert!(!asked("shop.test", "/shop/a", 60));
    assert!(!asked("shop.test:81", "/shop/a/b", 60), "a star stays within one part");
    assert!(!asked("shop.test:81", "/shop/a", 59));
    // All of those that match the rest.
    let all = Words { all: true, ..words.clone() };
    assert!(!means(all, "shop.test", "/shop/a", 60));
}

#[test]
fn a_key_is_an_id_its_beginning_or_an_address() {
    for good in ["ab", "AB", &"ab".repeat(16), "http://shop.test/a?q=1"] {
        assert!(means(key(good), "shop.test", "/a", 0), "{good}");
    }
    for other in ["ac", "b", "http://shop.test/a", "http://shop.test/a?q=12"] {
        assert!(!means(key(other), "shop.test", "/a", 0), "{other}");
    }
    assert!(means(key("http://shop.test/a\\u{1b}\\u{x}?q=1"), "shop.test", "/a\u{1b}\\u{x}", 0));
}

#[test]
fn what_cannot_be_read_is_named() {
    let refused = |words: Words| words.read().unwrap_err().to_string();
    for text in ["", "what?", &"a".repeat(33)] {
        assert!(refused(key(text)).contains("key: "), "{text}");
    }
    for path in ["shop", "/a?b", "/[", ""] {
        let said = refused(Words { path: Some(path.into()), ..Words::default() });
        assert!(said.contains(path) && said.starts_with("path: "), "{said}");
    }
    for host in ["", "a b", "http://a", "a/b"] {
        assert!(refused(Words { host: Some(host.into()), ..Words::default() }).contains("host: "));
    }
    for older in ["", "-3", "banana"] {
        let said = refused(Words { older: Some(older.into()), ..Words::default() });
        assert!(said.starts_with("older: "), "{said}");
    }
}

#[test]
fn an_unreadable_row_is_meant_by_its_id_or_by_all() {
    let means = |words: Words| words.read().unwrap().selection.means_unreadable(ID);
    let all = Words { all: true, ..Words::default() };
    assert!(means(all.clone()) && means(key("ab")));
    assert!(!means(key("ac")) && !means(key("http://shop.test/a")));
    assert!(!means(Words { older: Some("0".into()), ..all.clone() }));
    assert!(!means(Words { host: Some("a".into()), ..all.clone() }));
    assert!(!means(Words { path: Some("/**".into()), ..all }));
}
