//! What a request brings that may tell who sends it.

use super::settings::matches;
use super::{NoKey, Settings};

/// One cookie, id or header value. Deliberately without `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credential {
    pub kind: Kind,
    pub name: Vec<u8>,
    pub value: Vec<u8>,
    /// Known to be a credential; otherwise a cookie that may be one.
    pub named: bool,
}

/// Where it was found. The numbers go into the identity's hash: never renumber.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Kind {
    Cookie = 1,
    PathId = 2,
    QueryId = 3,
    Header = 4,
}

/// Collects the credentials of one request, as many as [`MOST`].
pub(super) struct Credentials<'s> {
    settings: &'s Settings,
    found: Vec<Credential>,
    overflown: bool,
}

impl<'s> Credentials<'s> {
    pub fn new(settings: &'s Settings) -> Self {
        Self { settings, found: Vec::new(), overflown: false }
    }

    /// Adds something that is a credential by its place in the request.
    pub fn add(&mut self, kind: Kind, name: &[u8], value: &[u8]) {
        self.push(Credential { kind, name: name.to_vec(), value: value.to_vec(), named: true });
    }

    /// Adds a cookie, unless it is a harmless one.
    pub fn add_cookie(&mut self, name: &[u8], value: &[u8]) {
        if let Some(cookie) = cookie(name, value, self.settings) {
            self.push(cookie);
        }
    }

    /// Nothing was found yet.
    pub fn are_none(&self) -> bool {
        self.found.is_empty()
    }

    pub fn finish(self) -> Result<Vec<Credential>, NoKey> {
        if self.overflown { Err(NoKey::TooManyCredentials) } else { Ok(self.found) }
    }

    fn push(&mut self, credential: Credential) {
        if self.found.len() < MOST {
            self.found.push(credential);
        } else {
            self.overflown = true;
        }
    }
}

/// The credential that a cookie is; `None` for a harmless one.
pub(super) fn cookie(name: &[u8], value: &[u8], settings: &Settings) -> Option<Credential> {
    let named = matches(&settings.session_cookies, name);
    if !named && matches(&settings.session_harmless, name) {
        return None;
    }
    Some(Credential { kind: Kind::Cookie, name: name.to_vec(), value: value.to_vec(), named })
}

/// Browsers stop at 180 cookies a site. Without a bound, applying many `Set-Cookie` to many cookies
/// would be the one thing here whose cost grows with the square of what a client sends.
const MOST: usize = 256;
