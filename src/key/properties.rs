//! What holds for every request a client can think of.

use super::tests::{SECRET, get};
use super::*;
use proptest::prelude::*;

/// Targets made of what gives keys trouble.
fn target() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..7).prop_map(|pieces| format!("/{}", pieces.concat()))
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "/",
        "?",
        "&",
        "=",
        ";",
        "%",
        "%2",
        "%41",
        "%61",
        "%2f",
        "%2F",
        "%25",
        "%3B",
        "%c3%a4",
        "%zz",
        "a",
        "A",
        "b",
        "1",
        "41",
        "+",
        ".",
        "ä",
        "x=1",
        ";jsessionid=",
        "PHPSESSID=",
        "PHPSE",
        "-",
        "~",
        "%7e",
        "*",
        "[",
        "]",
    ])
}

/// Two targets that differ in one piece, or not at all.
fn near_targets() -> impl Strategy<Value = (String, String)> {
    let alike = ["", "a", "%61", "/", "%2f", "%2F", ";", "%3b", "?", "&", "&a"];
    let middle = move || prop::sample::select(alike.to_vec());
    (target(), middle(), middle(), target()).prop_map(|(begin, one, other, end)| {
        let end = end.trim_start_matches('/');
        [one, other].map(|middle| format!("{begin}{middle}{end}")).into()
    })
}

/// Cookies that tell who it is, by names known and unknown.
fn cookies() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop::sample::select(vec!["sid", "PHPSESSID", "SESSx", "theme", "lang", "", "s"]);
    let cookie = (name.prop_map(str::to_owned), "[a-c=\"]{0,3}");
    prop::collection::vec(cookie, 0..4)
}

/// Two lists of which one has a cookie more.
fn near_cookies() -> impl Strategy<Value = [Vec<(String, String)>; 2]> {
    (cookies(), cookies(), any::<prop::sample::Index>()).prop_map(|(one, more, at)| {
        let mut other = one.clone();
        let at = at.index(other.len() + 1);
        more.into_iter().take(1).for_each(|cookie| other.insert(at, cookie));
        [one, other]
    })
}

fn line(cookies: &[(String, String)]) -> String {
    cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

/// What the rule says counts, written down naively: named ones alone or all, sorted by name.
fn counting(cookies: &[(String, String)]) -> Vec<(String, String)> {
    let named = |name: &str| matches!(name, "sid" | "PHPSESSID") || name.starts_with("SESS");
    let any = cookies.iter().any(|(name, _)| named(name));
    let mut counting: Vec<_> =
        cookies.iter().filter(|(name, _)| named(name) || !any).cloned().collect();
    counting.sort_by(|a, b| a.0.cmp(&b.0));
    counting
}

fn key(target: &str) -> Option<CacheKey> {
    target.parse::<http::Uri>().ok()?;
    get(target).key_with(&Settings::default()).ok()
}

fn id(key: &CacheKey) -> EntryId {
    key.store_key(key.visitor.identity(&SECRET)).id()
}

/// What a target asks for and who asks, by a second, slow reading of the rules.
#[derive(PartialEq)]
struct Naive {
    path: Vec<String>,
    query: Vec<String>,
    path_ids: Vec<String>,
    query_ids: Vec<String>,
}

impl Naive {
    fn read(target: &str) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, query.split('&').map(naive_normal).collect()),
            None => (target, vec![]),
        };
        let path: Vec<_> = parts(path).map(naive_normal).collect();
        let is_path_id = |part: &String| part.starts_with(";jsessionid=");
        let is_query_id = |part: &String| part.starts_with("PHPSESSID=");
        let (path_ids, path) = path.into_iter().partition(is_path_id);
        let (query_ids, query) = query.into_iter().partition(is_query_id);
        Self { path, query, path_ids, query_ids }
    }
}

/// The text cut before each delimiter, so that a delimiter stands at the beginning of its part.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let in_path = text.find('?').unwrap_or(text.len());
    let is_border = move |(at, byte): (usize, u8)| match byte {
        b'/' | b';' => at < in_path,
        b'?' => at == in_path,
        b'&' => at > in_path,
        _ => false,
    };
    let borders = text.bytes().enumerate().filter(move |border| is_border(*border));
    let ends = borders.map(|(at, _)| at).chain([text.len()]);
    let mut start = 0;
    ends.map(move |end| &text[std::mem::replace(&mut start, end)..end])
}

/// Escapes of unreserved characters decoded and hex digits in upper case; a text with a stray `%`
/// is left as it is.
fn naive_normal(text: &str) -> String {
    let (mut normal, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('%') {
        let digits = after.get(..2).filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(digits) = digits else {
            return text.to_owned();
        };
        let byte = u8::from_str_radix(digits, 16).unwrap();
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let decoded =
            if unreserved { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        normal += before;
        normal += &decoded;
        rest = &after[2..];
    }
    normal + rest
}

proptest! {
    #[test]
    fn normalising_twice_is_normalising_once(target in target()) {
        let Some(once) = key(&target) else { return Ok(()) };
        let again = key(&format!("{}{}", once.place.path, once.place.query));
        let again = again.expect("a normalised address has a key");
        prop_assert_eq!(&again.place, &once.place);
        prop_assert!(again.may_store && again.visitor.is_anonymous());
        let absolute = key(&once.place.to_string()).expect("an address has a key");
        prop_assert_eq!(absolute.place, once.place);
    }

    #[test]
    fn requests_have_one_id_exactly_if_they_are_equivalent((a, b) in near_targets()) {
        let (Some(one), Some(other)) = (key(&a), key(&b)) else { return Ok(()) };
        prop_assert_eq!(id(&one) == id(&other), Naive::read(&a) == Naive::read(&b));
    }

    #[test]
    fn what_is_remembered_is_what_would_be_read((a, b) in near_targets()) {
        let (places, settings) = (Places::remembering(1), Settings::default());
        for target in [&a, &a, &b, &a] {
            let Some(read) = key(target) else { return Ok(()) };
            let known = get(target).key_by(&places, &settings);
            prop_assert_eq!(id(&known), id(&read));
            prop_assert_eq!((known.place, known.may_store), (read.place, read.may_store));
        }
    }

    #[test]
    fn an_odd_spelling_looks_for_what_the_normal_one_stores(target in target()) {
        let Some(asked) = key(&target) else { return Ok(()) };
        let plain: String = parts(&target).map(naive_normal).collect();
        let normal = key(&plain).expect("the normal spelling has a key too");
        prop_assert!(normal.may_store);
        prop_assert_eq!(id(&asked), id(&normal));
    }

    #[test]
    fn different_visitors_never_share_an_id([a, b] in near_cookies()) {
        let keys = [&a, &b].map(|cookies| get("/").with("cookie", &line(cookies)).key());
        let [one, other] = keys.map(|key| id(&key));
        prop_assert_eq!(one == other, counting(&a) == counting(&b));
    }

    #[test]
    fn harmless_cookies_do_not_matter(
        mut cookies in cookies(), value in "[a-z]{0,5}", at in any::<prop::sample::Index>()
    ) {
        let before = id(&get("/").with("cookie", &line(&cookies)).key());
        cookies.insert(at.index(cookies.len() + 1), ("_ga_X".to_owned(), value));
        prop_assert_eq!(id(&get("/").with("cookie", &line(&cookies)).key()), before);
    }

    #[test]
    fn debug_output_never_shows_a_credential(value in "[G-Z]{8,20}") {
        let target = format!("/a;jsessionid={value}?PHPSESSID={value}");
        let key = get(&target)
            .with("cookie", &format!("sid={value}; {value}=1; {value}"))
            .with("authorization", &value)
            .key();
        let person = key.visitor.identity(&SECRET);
        let Identity::Person(Person { seal, .. }) = &person else { panic!("nobody") };
        let seal: String = seal.iter().map(|byte| format!("{byte:02x}")).collect();
        let lookups = key.lookups(&SECRET, &Settings::default());
        let shown = format!("{key:?} {key:#?} {person:?} {lookups:?} {SECRET:?} {}", key.place);
        prop_assert!(!shown.contains(&value) && !shown.contains(&seal), "{}", shown);
    }

    #[test]
    fn no_header_and_no_target_makes_it_panic(
        target in "/[ -~äß]{0,40}", cookie in prop::collection::vec(32u8..=255, 0..40)
    ) {
        let cookie = http::HeaderValue::from_bytes(&cookie);
        let request = http::Request::builder().uri(target).header("host", "a");
        if let (Ok(cookie), Ok(request)) = (cookie, request.body(())) {
            let mut parts = request.into_parts().0;
            parts.headers.insert("cookie", cookie.clone());
            let mut answer = http::HeaderMap::new();
            answer.insert("set-cookie", cookie);
            let settings = Settings::default();
            if let Ok(key) = CacheKey::of(&parts, &settings) {
                key.visitor.after(&answer, &settings);
                key.visitor.rotated_by(&answer);
            }
            forwarded(&parts.uri, &settings);
        }
    }

    #[test]
    fn what_the_key_ignores_is_not_sent_on(target in target()) {
        let settings = Settings { query_ignore: vec!["a*".into()], ..Settings::default() };
        let Ok(uri) = target.parse::<http::Uri>() else { return Ok(()) };
        let sent = forwarded(&uri, &settings);
        let keys = [target.as_str(), &sent].map(|target| get(target).key_with(&settings));
        let [Ok(one), Ok(other)] = keys else { return Ok(()) };
        prop_assert_eq!(one.place, other.place);
        let again: http::Uri = sent.parse().unwrap();
        prop_assert_eq!(forwarded(&again, &settings), sent);
    }
}
