//! Who a visitor is: what he brings that tells him from others.

use super::cookies::{self, SetCookie};
use super::credentials::{Credential, Kind, cookie};
use super::identity::{Identity, Person, Secret};
use super::{Settings, fields};
use http::HeaderMap;
use std::fmt;

/// What makes the visitor a person: session cookies, ids in path and query, credentials.
///
/// Credentials that are known to be some (named session cookies, ids, `Authorization` and its kind)
/// make the identity alone, so that a changed theme cookie does not lose the copy. If there are
/// none, all cookies that are not harmless do, since one of them may be a session we do not know.
#[derive(Clone, PartialEq, Eq)]
pub struct Visitor {
    /// All of them, also those that do not count at present: an answer may delete the others.
    credentials: Vec<Credential>,
}

impl Visitor {
    /// The visitor nothing is known of.
    pub fn anonymous() -> Self {
        Self { credentials: Vec::new() }
    }

    pub(super) fn bringing(credentials: Vec<Credential>) -> Self {
        Self { credentials }
    }

    /// The visitor after the answer's `Set-Cookie` fields have been applied: who he will be when he
    /// comes again. `Path` and `Domain` are not looked at; where a browser would not send the
    /// cookie, the copy is not found, that is all.
    pub fn after(&self, answer: &HeaderMap, settings: &Settings) -> Visitor {
        let mut after = self.clone();
        if cookies::cleared_by(answer) {
            after.credentials.retain(|credential| credential.kind != Kind::Cookie);
        }
        cookies::set_by(answer).for_each(|set| after.apply(&set, settings));
        after
    }

    /// A cookie that makes the identity got another value by this answer. Such a page belongs to
    /// neither: it was made for the old value, and the new one may be a constant (`guest`) that
    /// others bring as well. A framework that does it each time never has a copy to find.
    pub fn rotated_by(&self, answer: &HeaderMap) -> bool {
        self.is_touched(answer, |old, new| new.is_some_and(|new| new != old))
    }

    /// A cookie that makes the identity is deleted by this answer: the page of a logout, made for
    /// somebody who is nobody by the next request.
    pub fn ended_by(&self, answer: &HeaderMap) -> bool {
        let has_cookies = || self.counting().any(|credential| credential.kind == Kind::Cookie);
        self.is_touched(answer, |_, new| new.is_none())
            || (cookies::cleared_by(answer) && has_cookies())
    }

    /// Brings nothing that could tell him from others.
    pub fn is_anonymous(&self) -> bool {
        self.credentials.is_empty()
    }

    /// A credential that is known to be one tells him from others, not just any cookie.
    pub fn is_named(&self) -> bool {
        self.credentials.iter().any(|credential| credential.named)
    }

    /// All that tells him from others can be guessed (`Authorization: Basic`, a user's name): a
    /// seal made of it could be tried open, so his copies are never written to disk.
    pub fn is_guessable(&self) -> bool {
        !self.is_anonymous() && self.counting().all(fields::is_guessable)
    }

    /// Whose copies are his.
    pub fn identity(&self, secret: &Secret) -> Identity {
        if self.is_anonymous() {
            return Identity::Anonymous;
        }
        Identity::Person(Person::of(self.counting(), secret))
    }

    /// What he will bring as `Cookie` when he comes again, harmless ones aside.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn cookies(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let cookies = self.credentials.iter().filter(|found| found.kind == Kind::Cookie);
        cookies.map(|cookie| (cookie.name.as_slice(), cookie.value.as_slice()))
    }

    fn counting(&self) -> impl Iterator<Item = &Credential> {
        let any_named = self.credentials.iter().any(|credential| credential.named);
        self.credentials.iter().filter(move |credential| credential.named || !any_named)
    }

    fn is_touched(
        &self,
        answer: &HeaderMap,
        touches: impl Fn(&[u8], Option<&[u8]>) -> bool,
    ) -> bool {
        cookies::set_by(answer).any(|set| {
            let mut same = self.counting().filter(|credential| is_cookie(credential, set.name));
            same.any(|credential| touches(&credential.value, set.value))
        })
    }

    fn apply(&mut self, set: &SetCookie<'_>, settings: &Settings) {
        self.credentials.retain(|credential| !is_cookie(credential, set.name));
        if let Some(new) = set.value.and_then(|value| cookie(set.name, value, settings)) {
            self.credentials.push(new);
        }
    }
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Visitor(with {} credentials)", self.counting().count())
    }
}

fn is_cookie(credential: &Credential, name: &[u8]) -> bool {
    credential.kind == Kind::Cookie && credential.name == name
}
