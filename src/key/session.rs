//! The key of a visitor's copies, for somebody who says by hand what the visitor brought.
//!
//! Only the application's own requests tell which of a visitor's cookies counted (the operator's
//! settings name the session cookies) and where an id stood (cookie, path or query). The name of
//! the identity is in the file, so nothing has to be guessed here: every choice among what was
//! said is tried, and the one that makes that name is the right one.

use super::credentials::{Credential, Kind};
use super::identity::{Person, Secret};
use super::{cookies, fields, normalize};
use http::HeaderName;
use std::collections::HashMap;

/// What a visitor brings, as it is written on a command line. No `Debug`: it is a secret.
#[derive(Clone, Default)]
pub struct Session {
    /// Every place where each value may have stood, in the order they were said.
    forms: Vec<Credential>,
}

/// Why a text is no part of a session. Never holds a value: it is printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Neither `NAME=VALUE` nor `NAME: VALUE`.
    #[error("a session is NAME=VALUE (a cookie or an id) or NAME: VALUE (a header)")]
    Form,
    /// A header that never tells who a visitor is.
    #[error("the header {0} does not tell one visitor from another")]
    Header(HeaderName),
    /// More than [`FORMS_MAX`] values; an id that may stand in the address as well counts twice.
    #[error("more than {FORMS_MAX} values: give only those that tell who the visitor is")]
    TooMany,
}

impl Session {
    /// Reads `NAME=VALUE` (a cookie, or several with `; ` between them as in a `Cookie` line; for
    /// `jsessionid` in any case and for `PHPSESSID` also an id in the address, with its `;` or
    /// `?` or without) and `NAME: VALUE` (a header, `Cookie` included), taken as it is but for the
    /// blanks around it.
    pub fn read(texts: &[impl AsRef<str>]) -> Result<Self, SessionError> {
        let mut session = Self::default();
        texts.iter().try_for_each(|text| session.add(text.as_ref()))?;
        if session.forms.len() > FORMS_MAX {
            return Err(SessionError::TooMany);
        }
        Ok(session)
    }

    /// Nothing was said.
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// Everybody who may have brought this to the file with this secret, by the tag: at most
    /// 2^[`FORMS_MAX`] people, at a microsecond each.
    pub fn people(&self, secret: &Secret) -> HashMap<[u8; 16], Person> {
        let choices = 1u32..1 << self.forms.len();
        let person = |choice: u32| {
            let chosen = self.forms.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1);
            Person::of(chosen.map(|(_, form)| form), secret)
        };
        choices.map(person).map(|person| (person.tag, person)).collect()
    }

    fn add(&mut self, text: &str) -> Result<(), SessionError> {
        let at = text.find(['=', ':']).ok_or(SessionError::Form)?;
        let (name, value) = (&text[..at], text[at + 1..].trim_matches([' ', '\t']));
        if text[at..].starts_with('=') {
            return self.add_values(text.strip_prefix('?').unwrap_or(text));
        }
        match HeaderName::from_bytes(name.trim().as_bytes()) {
            Ok(http::header::COOKIE) => self.add_values(value),
            Ok(name) => self.add_header(name, value),
            Err(_) => Err(SessionError::Form),
        }
    }

    fn add_header(&mut self, name: HeaderName, value: &str) -> Result<(), SessionError> {
        if !fields::is_credential(&name) {
            return Err(SessionError::Header(name));
        }
        self.push(Kind::Header, name.as_str().as_bytes(), value.as_bytes());
        Ok(())
    }

    fn add_values(&mut self, line: &str) -> Result<(), SessionError> {
        for (name, value) in cookies::of_line(line.as_bytes()) {
            self.push(Kind::Cookie, name, value);
            let in_address = String::from_utf8_lossy(value);
            let in_address = normalize::normal(&in_address).text;
            if name.eq_ignore_ascii_case(b"jsessionid") {
                self.push(Kind::PathId, b"jsessionid", in_address.as_bytes());
            } else if name == b"PHPSESSID" {
                self.push(Kind::QueryId, b"PHPSESSID", in_address.as_bytes());
            }
        }
        Ok(())
    }

    fn push(&mut self, kind: Kind, name: &[u8], value: &[u8]) {
        let (name, value) = (name.to_vec(), value.to_vec());
        self.forms.push(Credential { kind, name, value, named: true });
    }
}

/// How many values are tried in all their combinations: 65,536 of them.
pub const FORMS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::{CacheKey, Identity, Settings};
    use super::*;
    use http::Request;

    const SECRET: Secret = Secret([7; 32]);

    /// Does a session said like this open the copies of a visitor who asked like that?
    fn opens(said: &[&str], target: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::get(target).header("host", "shop.test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let key = CacheKey::of(&parts, &Settings::default()).unwrap();
        let Identity::Person(asked) = key.visitor.identity(&SECRET) else { panic!("nobody") };
        let people = Session::read(said).ok().unwrap().people(&SECRET);
        people.get(&asked.tag).is_some_and(|person| *person == asked)
    }

    #[test]
    fn every_place_a_session_may_stand_in_is_tried() {
        assert!(opens(&["PHPSESSID=a1"], "/", &[("cookie", "PHPSESSID=a1")]));
        assert!(opens(&["PHPSESSID=a1"], "/?PHPSESSID=a1", &[]));
        assert!(opens(&["?PHPSESSID=a1"], "/?x=1&PHPSESSID=a1", &[]));
        assert!(opens(&["jsessionid=a1"], "/a;jsessionid=a1", &[]));
        assert!(opens(&[";jsessionid=a%41"], "/a;jsessionid=aA", &[]));
        let both = [("cookie", "JSESSIONID=a1")];
        assert!(opens(&["JSESSIONID=a1"], "/", &both));
        assert!(opens(&["JSESSIONID=a1"], "/a;jsessionid=a1", &both));
        assert!(opens(&["Authorization: Bearer x=y"], "/", &[("authorization", "Bearer x=y")]));
        assert!(opens(&["X-Api-Key:k"], "/", &[("x-api-key", "k")]));
    }

    #[test]
    fn what_did_not_count_may_be_said_too() {
        let line = "theme=dark; sid=a1; _ga=7";
        assert!(opens(&["Cookie: theme=dark; sid=a1; _ga=7"], "/", &[("cookie", line)]));
        assert!(opens(&["theme=dark", "_ga=7", "sid=a1"], "/", &[("cookie", line)]));
        let also = [("cookie", line), ("x-api-key", "k")];
        assert!(opens(&["sid=a1", "theme=dark", "X-Api-Key: k"], "/", &also));
        assert!(!opens(&["sid=a1"], "/", &also), "a part of what counted is another visitor");
    }

    #[test]
    fn a_cookie_line_is_taken_as_it_came() {
        for line in ["?sid=1", "?sid=1; x=2", "sid=x\u{a0}", "sid=\u{3000}x"] {
            assert!(opens(&[&format!("Cookie: {line}")], "/", &[("cookie", line)]), "{line:?}");
        }
    }

    #[test]
    fn another_value_name_or_place_opens_nothing() {
        for said in ["sid=a2", "sid=a", "sid=a1x", "SID=a1", "PHPSESSID=a1", "X-Api-Key: a1"] {
            assert!(!opens(&[said], "/", &[("cookie", "sid=a1")]), "{said}");
        }
    }

    #[test]
    fn what_is_no_session_is_refused_without_its_value() {
        let refused = |said: &str| Session::read(&[said]).err().unwrap();
        assert_eq!(refused("s3cr3t"), SessionError::Form);
        assert_eq!(refused("two words: s3cr3t"), SessionError::Form);
        let error = refused("User-Agent: s3cr3t").to_string();
        assert!(error.contains("user-agent") && !error.contains("s3cr3t"), "{error}");
        let many: Vec<String> = (0..=FORMS_MAX).map(|n| format!("c{n}=1")).collect();
        assert_eq!(Session::read(&many).err(), Some(SessionError::TooMany));
        assert_eq!(Session::read(&many[1..]).ok().unwrap().people(&SECRET).len(), 65_535);
    }

    #[test]
    fn nothing_said_makes_nobody() {
        let session = Session::read(&[""; 0]).ok().unwrap();
        assert!(session.is_empty() && session.people(&SECRET).is_empty());
    }
}
