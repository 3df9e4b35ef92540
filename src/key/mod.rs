//! Which copy a request may create, and which copies it may be rescued by.
//!
//! A copy given to the wrong visitor is worse than no copy, so every rule here leans to one side:
//! whatever the application might see differently makes a different key, and what cannot be judged
//! has no key at all ([`NoKey`]). Such a request is forwarded like any other; it only goes without
//! the rescue.
//!
//! The parts of a key: the [`Place`] (normalised as RFC 3986 section 6.2.2 allows, never further),
//! the [`Visitor`] (who he is, by what he brings), and what a proxy in front said about the address
//! (`variant`). [`EntryId`] is the hash of all of them, each part with its length in front, so that
//! nothing a client writes can move a border.
//!
//! What this room refuses: to guess (a session cookie it does not know counts as one), to show a
//! credential (no `Debug` here prints one), and to be clever about spellings (an odd one may be
//! rescued by the copy of the normal one, never the other way round).

mod cookies;
mod credentials;
mod fields;
mod host;
mod identity;
mod normalize;
mod place;
mod query;
mod session;
mod settings;
mod shared;
mod variant;
mod visitor;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use identity::{Identity, Person, Secret};
pub use place::Place;
pub use query::forwarded;
pub use session::{Session, SessionError};
pub use settings::{QUERY_SECRET, SESSION_COOKIES, SESSION_HARMLESS, Settings};
pub use shared::{Places, SharedPlace};
pub use variant::Variant;
pub use visitor::Visitor;

use crate::headers::{Scheme, frame_a_body};
use credentials::Credentials;
use fields::Fields;
pub use host::{is_host, is_same_host};
use http::{Method, request};
use place::Read;
use std::fmt;

/// The parts of a request that choose its copy.
#[derive(Clone, Debug)]
pub struct CacheKey {
    /// What was asked for.
    pub place: SharedPlace,
    /// By whom.
    pub visitor: Visitor,
    /// What a proxy in front said about the address (`X-Forwarded-Host` and its kind), which
    /// applications write into links and redirects; empty if it said nothing new.
    pub variant: Vec<u8>,
    /// False for an odd spelling (escaped unreserved characters, a field's name that passes for
    /// another): it may be rescued, never store.
    pub may_store: bool,
}

/// Everything that names one copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreKey {
    /// What the copy shows.
    pub place: SharedPlace,
    /// Whose copy it is.
    pub identity: Identity,
    /// See [`CacheKey::variant`]; of a page that varies also which [`Variant`] it is.
    pub variant: Vec<u8>,
}

/// One copy to look for, see [`CacheKey::lookups`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The name it was stored under.
    pub key: StoreKey,
    /// False: it was made for nobody in particular, and this visitor is somebody. Such a copy may
    /// be served only if its reason says that it is for everybody (`policy::may_serve`).
    pub own: bool,
}

/// First 16 bytes of blake3 over the length-prefixed parts of the whole key (identity by its tag).
/// `Display` writes 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub [u8; 16]);

/// Why a request has no key: it is forwarded, never stored, never rescued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// Neither GET nor HEAD.
    Method,
    /// The target is neither a path nor an absolute address (`*`, `host:port`).
    Target,
    /// No `Host`, more than one, one that is no host, or one that contradicts the target.
    NoHost,
    /// `.` or `..` as a segment of the path, plain or encoded: which page it means depends on who
    /// resolves it.
    DotSegments,
    /// A parameter that looks like a secret, or a session id in a place we do not take it from.
    SecretParameter,
    /// A header that asks the application for another page or method than the request line does.
    OverrideHeader,
    /// More than 256 cookies and credentials: no browser sends that many.
    TooManyCredentials,
    /// It has a body, which may ask for something of its own.
    Body,
    /// It asks for another protocol, which is no page.
    Upgrade,
}

impl CacheKey {
    /// The key of a request that came without TLS, see [`Self::over`].
    pub fn of(request: &request::Parts, settings: &Settings) -> Result<Self, NoKey> {
        Self::over(Scheme::Http, request, settings)
    }

    /// The key of a request that came by `scheme`, or why it has none. `HEAD` has the key of the
    /// `GET`.
    ///
    /// Give it the request as the application will see it in one respect: forwarding headers of
    /// clients that are not trusted must be taken off before.
    pub fn over(
        scheme: Scheme,
        request: &request::Parts,
        settings: &Settings,
    ) -> Result<Self, NoKey> {
        Self::read(scheme, request, settings, None)
    }

    fn read(
        scheme: Scheme,
        request: &request::Parts,
        settings: &Settings,
        places: Option<&Places>,
    ) -> Result<Self, NoKey> {
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return Err(NoKey::Method);
        }
        if frame_a_body(&request.headers) {
            return Err(NoKey::Body);
        }
        let fields = Fields::read(&request.headers, settings.names)?;
        let mut credentials = Credentials::new(settings);
        let known = places.zip(shared::words(scheme, fields.host, &request.uri));
        let Read { place, odd } = match known.and_then(|(places, words)| places.get(words)) {
            Some(read) => read,
            None => {
                let host = host::of(&request.uri, fields.host, scheme)?;
                let read = place::read(&request.uri, scheme, host, settings, &mut credentials)?;
                if let Some((places, words)) = known.filter(|_| credentials.are_none()) {
                    places.put(words, &read);
                }
                read
            }
        };
        fields.add_credentials(&mut credentials);
        Ok(Self {
            variant: fields.told(&place.host, scheme),
            visitor: Visitor::bringing(credentials.finish()?),
            may_store: !odd && !settings.names.are_ambiguous(&request.headers),
            place,
        })
    }

    /// The copies that may rescue this request, best first: the visitor's own, then the one made
    /// for nobody in particular. Somebody else's is not among them, ever.
    ///
    /// With `cache.detect.session = false` a visitor with credentials has no copy of his own.
    pub fn lookups(&self, secret: &Secret, settings: &Settings) -> Vec<Lookup> {
        let anonymous = self.visitor.is_anonymous();
        let shared = Lookup { key: self.store_key(Identity::Anonymous), own: anonymous };
        if anonymous || !settings.detect_session {
            return vec![shared];
        }
        let own = Lookup { key: self.store_key(self.visitor.identity(secret)), own: true };
        vec![own, shared]
    }

    /// The name of the copy of this request that belongs to `identity`.
    pub fn store_key(&self, identity: Identity) -> StoreKey {
        StoreKey { place: self.place.clone(), identity, variant: self.variant.clone() }
    }
}

impl Places {
    /// [`CacheKey::over`], quicker for what was asked for before. `settings` must be the same every
    /// time.
    pub fn key(
        &self,
        scheme: Scheme,
        request: &request::Parts,
        settings: &Settings,
    ) -> Result<CacheKey, NoKey> {
        CacheKey::read(scheme, request, settings, Some(self))
    }
}

impl StoreKey {
    /// The 16 bytes it is filed under.
    pub fn id(&self) -> EntryId {
        match (&self.identity, &*self.variant) {
            (Identity::Anonymous, b"") => self.place.id(),
            _ => hashed(&self.place, &self.identity, &self.variant),
        }
    }
}

impl NoKey {
    /// For log, header detail and metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Target => "target",
            Self::NoHost => "no-host",
            Self::DotSegments => "dot-segments",
            Self::SecretParameter => "secret-parameter",
            Self::OverrideHeader => "override-header",
            Self::TooManyCredentials => "too-many-credentials",
            Self::Body => "body",
            Self::Upgrade => "upgrade",
        }
    }
}

impl EntryId {
    /// Half of it, for tables that need no more.
    pub fn number(self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|at| self.0[at]))
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// The id of the copy of this place that is kept for `identity`; see [`StoreKey`].
fn hashed(place: &Place, identity: &Identity, variant: &[u8]) -> EntryId {
    let Place { scheme, host, path, query } = place;
    let person: &[u8] = match identity {
        Identity::Anonymous => b"",
        Identity::Person(person) => &person.tag,
    };
    let texts = [ENTRY_DOMAIN, scheme, host, path, query].map(str::as_bytes);
    let parts = texts.into_iter().chain([person, variant]);
    // Hashed in one piece: many small ones cost three times as much.
    let mut whole = Vec::with_capacity(USUAL_BYTES + path.len() + query.len());
    for part in parts {
        whole.extend_from_slice(&(part.len() as u64).to_be_bytes());
        whole.extend_from_slice(part);
    }
    EntryId(first_16(&blake3::hash(&whole)))
}

fn first_16(hash: &blake3::Hash) -> [u8; 16] {
    std::array::from_fn(|i| hash.as_bytes()[i])
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// The lengths and the short parts of most keys.
const USUAL_BYTES: usize = 192;
/// Keeps these hashes apart from any other use of blake3 over the same bytes. A new meaning of the
/// parts needs a new number here, or old copies would be found under it.
const ENTRY_DOMAIN: &str = "retter entry id v1";
