//! Cookies and identities. An input is the header lines of a request, an empty line, and those of
//! the answer to it.
//!
//! Held: what an answer sets makes its visitor who he is when he comes again, and setting it twice
//! changes nothing; a copy made for him is found by him, and by nobody else; what the application
//! said about privacy is obeyed; other values are other people, and what does not count does not
//! matter; no value is shown; and who says a session by hand opens what it made.

use super::text::{and, fields, get_from_shop, halves};
use crate::key::{CacheKey, Identity, NoKey, Secret, Session, Settings};
use crate::policy::{self, Framing, MayStore, Storable, may_store, stored_headers};
use http::{HeaderMap, HeaderName, HeaderValue, Response, header, request};

/// See the module.
pub fn visitors(input: &[u8]) {
    let (asked, answered) = halves(input);
    let (asked, answer) = (fields(asked), fields(answered));
    let Some(request) = get_from_shop("/", &asked) else { return };
    let usual = Settings::default();
    let odd = Settings {
        session_cookies: vec!["a*".to_owned(), "sid".to_owned()],
        session_harmless: vec!["a".to_owned(), "_ga*".to_owned(), "s*".to_owned()],
        ..Settings::default()
    };
    for settings in [&usual, &odd] {
        let Ok(key) = CacheKey::of(&request, settings) else { continue };
        let visit = Visit { request: &request, key: &key, answer: &answer, settings };
        visit.what_was_not_set_stays();
        visit.comes_again_as_who_he_became();
        visit.what_counts_tells_people_apart();
        visit.is_kept_for_whom_it_was_made();
        visit.opens_what_is_said_by_hand();
    }
}

struct Visit<'a> {
    request: &'a request::Parts,
    key: &'a CacheKey,
    answer: &'a HeaderMap,
    settings: &'a Settings,
}

impl Visit<'_> {
    fn what_was_not_set_stays(&self) {
        let visitor = &self.key.visitor;
        let names = [header::SET_COOKIE, CLEAR_SITE_DATA];
        if !names.iter().any(|name| self.answer.contains_key(name)) {
            assert_eq!(&visitor.after(self.answer, self.settings), visitor);
            assert!(!visitor.rotated_by(self.answer) && !visitor.ended_by(self.answer));
        }
        let touched = visitor.rotated_by(self.answer) || visitor.ended_by(self.answer);
        assert!(!touched || !visitor.is_anonymous(), "nobody has no session to change");
    }

    fn comes_again_as_who_he_became(&self) {
        let after = self.key.visitor.after(self.answer, self.settings);
        let twice = after.after(self.answer, self.settings);
        assert_eq!(twice.identity(&SECRET), after.identity(&SECRET), "set twice");
        if let Some(again) = self.again() {
            assert_eq!(again.visitor.identity(&SECRET), after.identity(&SECRET));
            assert_eq!(again.visitor.is_guessable(), after.is_guessable());
        }
    }

    fn what_counts_tells_people_apart(&self) {
        let is = |key: &CacheKey| key.visitor.identity(&SECRET);
        if let Some(harmless) = self.with_cookie("_gaQ7=1") {
            assert_eq!(is(&harmless), is(self.key), "a counter of visits matters");
        }
        if self.key.visitor.is_named()
            && let Some(themed) = self.with_cookie("Q7theme=dark")
        {
            assert_eq!(is(&themed), is(self.key), "a theme matters beside a session");
        }
        let two = ["sid=Q7one", "sid=Q7other"].map(|cookie| self.with_cookie(cookie));
        if let [Some(one), Some(other)] = &two {
            assert!(is(one) != is(other) && is(one) != is(self.key));
            let shown = format!("{one:?} {:?}", one.lookups(&SECRET, self.settings));
            assert!(!shown.contains("Q7one"), "a session is shown: {shown}");
        }
    }

    fn is_kept_for_whom_it_was_made(&self) {
        let mut response = Response::new(()).into_parts().0;
        response.headers = self.answer.clone();
        let policy = policy::Settings::default();
        let framing = Framing::Length(9);
        let decided = may_store(self.request, self.key, &response, framing, self.settings, &policy);
        let MayStore::Store(storable) = decided else { return };
        let Storable { why, visitor, on_disk, .. } = &storable;
        assert_eq!(why.is_personal(), !visitor.is_anonymous(), "{why:?}");
        assert!(!on_disk || !visitor.is_guessable(), "a guessable seal goes to disk");
        assert!(why.is_personal() || !self.answer_says(&["private", "no-store"]), "{why:?}");
        let sets_cookie = self.answer.contains_key(header::SET_COOKIE);
        assert!(why.is_personal() || why.is_for_everybody() || !sets_cookie, "{why:?}");
        let kept = stored_headers(self.answer);
        assert!(!kept.contains_key(header::SET_COOKIE) && !kept.contains_key(header::CONNECTION));
        assert_eq!(stored_headers(&kept), kept, "keeping twice changes something");
        self.is_found_by_nobody_else(&storable);
    }

    fn is_found_by_nobody_else(&self, storable: &Storable) {
        let copy = storable.store_key(self.key, &SECRET);
        let looks = |key: &CacheKey| key.lookups(&SECRET, self.settings);
        if let Some(again) = self.again() {
            let found = looks(&again).into_iter().any(|lookup| lookup.key == copy);
            assert!(found, "who comes again does not find his copy");
        }
        if storable.why.is_personal() {
            for other in [self.with_cookie("sid=Q7other"), self.as_nobody()].iter().flatten() {
                let finds = looks(other).into_iter().any(|lookup| lookup.key.id() == copy.id());
                assert!(!finds, "{other:?} finds somebody else's copy");
            }
        }
    }

    fn opens_what_is_said_by_hand(&self) {
        let Identity::Person(person) = self.key.visitor.identity(&SECRET) else { return };
        let mut said = Vec::new();
        for (name, value) in &self.request.headers {
            let Ok(value) = std::str::from_utf8(value.as_bytes()) else { return };
            if tells(name) {
                said.push(format!("{name}: {value}"));
            }
        }
        // Each value doubles the work.
        if said.len() + said.iter().map(|line| line.matches(';').count()).sum::<usize>() > 4 {
            return;
        }
        let Ok(session) = Session::read(&said) else { panic!("a session was refused") };
        let people = session.people(&SECRET);
        assert!(people.get(&person.tag) == Some(&person), "his own session does not open it");
    }

    /// The key of his next visit.
    fn again(&self) -> Option<CacheKey> {
        let after = self.key.visitor.after(self.answer, self.settings);
        let cookies: Vec<_> =
            after.cookies().map(|(name, value)| [name, b"=", value].concat()).collect();
        let mut fields = self.request.headers.clone();
        fields.remove(header::COOKIE);
        if !cookies.is_empty() {
            fields.insert(header::COOKIE, HeaderValue::from_bytes(&cookies.join(&b"; "[..])).ok()?);
        }
        self.key_of(&fields)
    }

    /// Somebody who brings one cookie more, after the others.
    fn with_cookie(&self, cookie: &str) -> Option<CacheKey> {
        self.key_of(&and(&self.request.headers, "cookie", cookie))
    }

    fn as_nobody(&self) -> Option<CacheKey> {
        let mut fields = self.request.headers.clone();
        for name in self.request.headers.keys().filter(|name| tells(name)) {
            fields.remove(name);
        }
        self.key_of(&fields)
    }

    /// `None`: too many cookies for a key.
    fn key_of(&self, fields: &HeaderMap) -> Option<CacheKey> {
        match CacheKey::of(&get_from_shop("/", fields)?, self.settings) {
            Err(NoKey::TooManyCredentials) => None,
            key => Some(key.expect("cookies take no key away")),
        }
    }

    /// Is one of the words anywhere in `Cache-Control`, between signs that no word has?
    fn answer_says(&self, words: &[&str]) -> bool {
        let is_in_word =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        let is_one = |word: &[u8]| words.iter().any(|it| word.eq_ignore_ascii_case(it.as_bytes()));
        let mut lines = self.answer.get_all(header::CACHE_CONTROL).iter();
        lines.any(|line| line.as_bytes().split(|byte| !is_in_word(byte)).any(is_one))
    }
}

/// Is it a field that says who a visitor is?
fn tells(name: &HeaderName) -> bool {
    Session::read(&[format!("{name}: x")]).is_ok()
}

const SECRET: Secret = Secret([7; 32]);
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
