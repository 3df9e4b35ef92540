//! What holds for whatever is asked and answered.

use super::*;
use crate::policy::stored_headers;
use proptest::prelude::*;

fn fields(
    choices: &'static [(&'static str, &'static str)],
) -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    prop::sample::subsequence(choices, 0..=choices.len())
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[ -~]{0,20}", 0..4)
}

const BROUGHT: &[(&str, &str)] = &[
    SESSION,
    ("cookie", "theme=dark"),
    ("cookie", "_ga=1"),
    ("authorization", "Basic x"),
    ("authorization", "Bearer x"),
    ("x-api-key", "k"),
];
const SAID: &[(&str, &str)] = &[
    ("cache-control", "public"),
    ("cache-control", "private"),
    ("cache-control", "no-store"),
    ("cache-control", "max-age=60"),
    ("set-cookie", "PHPSESSID=a"),
    ("set-cookie", "PHPSESSID=b"),
    ("set-cookie", "sid=; Max-Age=0"),
    ("set-cookie", "theme=light"),
    ("vary", "Cookie"),
    ("access-control-allow-origin", "https://x"),
];

proptest! {
    #[test]
    fn nobody_is_given_what_was_made_for_somebody(
        brought in fields(BROUGHT), said in fields(SAID), detect: bool, operator: bool
    ) {
        let mut exchange = get().asks(&brought).says(&said);
        exchange.settings.detect_session = detect;
        if operator {
            declared(&mut exchange.settings);
        }
        let (key, decision) = exchange.decide();
        let MayStore::Store(storable) = decision else { return Ok(()) };
        let has = |field: (&str, &str)| said.contains(&field);
        let public = has(("cache-control", "public"))
            && !has(("cache-control", "private"))
            && !has(("cache-control", "no-store"));
        let owner = storable.visitor.identity(&SECRET);
        if owner == Identity::Anonymous {
            prop_assert!(key.visitor.is_anonymous() || public);
            prop_assert!(storable.why.is_for_everybody() || storable.why == Why::Anonymous);
        } else {
            prop_assert!(detect && !storable.why.is_for_everybody());
            let unchanged = key.visitor.is_anonymous() || owner == key.visitor.identity(&SECRET);
            prop_assert!(unchanged || brought.iter().all(|field| *field != SESSION));
        }
        if storable.why == Why::Anonymous {
            prop_assert!(!said.iter().any(|(name, _)| *name == "set-cookie"));
        }
        if storable.why == Why::DeclaredPublic {
            prop_assert!(operator && key.visitor.is_anonymous());
        }
    }

    #[test]
    fn a_set_cookie_is_never_stored(said in fields(SAID), lines in lines()) {
        let mut answer = HeaderMap::new();
        for (name, value) in said {
            answer.append(name, HeaderValue::from_static(value));
        }
        for line in lines {
            answer.append(header::SET_COOKIE, HeaderValue::from_str(&line).unwrap());
            answer.append(header::CONNECTION, HeaderValue::from_str(&line).unwrap());
        }
        prop_assert!(!stored_headers(&answer).contains_key(header::SET_COOKIE));
    }
}
