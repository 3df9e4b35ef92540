//! Would the present settings keep a copy that is there already?
//!
//! A copy outlives the settings it was made under. What its row says in clear is weighed once more:
//! the address by the rules of keys, the head by [`may_store`] itself, so that no rule is written
//! down twice, and the reason it was kept for ([`Why`]) by what the operator says today.
//!
//! Refused is nothing that cannot be seen: how the body was framed, what the visitor brought, and
//! the head of a sealed copy are not in the row. So no objection does not mean that it would be kept.

use super::whose::names_as_public;
use super::{Framing, MayStore, NoStore, Settings, SkipReason, Why, may_store, stored_headers};
use crate::headers::Scheme;
use crate::key::{self, CacheKey, NoKey, Place};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header, request, response};

/// What the row of a copy says in clear.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub place: &'a Place,
    /// It belongs to one visitor.
    pub personal: bool,
    /// Head and body are encrypted.
    pub sealed: bool,
    pub why: Why,
    pub status: u16,
    /// The body as the application sent it.
    pub bytes: u64,
    /// `Content-Encoding`; empty for none.
    pub content_encoding: &'a str,
    /// The head as it was kept; `None`: sealed.
    pub head: Option<&'a HeaderMap>,
}

/// Why the present settings would not keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// A visitor's own copy kept for a reason that is for all, or the other way round.
    Owner,
    /// A visitor's own copy in clear.
    Unsealed,
    /// Its address has no key.
    Key(NoKey),
    /// It has a query, and `cache.detect.query` is false.
    Query,
    /// Its address has another key now (`cache.query.ignore`), so nobody will find it.
    OtherAddress,
    /// Kept because `cache.public` said so, which it does not say of this path any more.
    NotDeclaredPublic,
    /// `no-store`, in the file, and `cache.nostore` is `memory`.
    NoStoreOnDisk,
    /// A header in it is none that copies keep (`Set-Cookie`, say).
    Field,
    /// The answer itself.
    Answer(SkipReason),
}

/// What the settings have against a copy; `None`: nothing that can be seen.
pub fn objection(
    facts: &Facts<'_>,
    key_settings: &key::Settings,
    settings: &Settings,
) -> Option<Objection> {
    let weighed = owner(facts).and_then(|()| address(facts, key_settings)).and_then(|asked| {
        reason(facts, settings)?;
        answer(facts, &asked, key_settings, settings)
    });
    weighed.err()
}

impl Objection {
    /// For `retter-db`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Unsealed => "unsealed",
            Self::Key(reason) => reason.as_str(),
            Self::Query => "query",
            Self::OtherAddress => "other-address",
            Self::NotDeclaredPublic => "not-declared-public",
            Self::NoStoreOnDisk => "no-store-on-disk",
            Self::Field => "field",
            Self::Answer(reason) => reason.as_str(),
        }
    }
}

fn owner(facts: &Facts<'_>) -> Result<(), Objection> {
    // A list of variants is a person's or everybody's, as its page is.
    if facts.why != Why::Variants && facts.personal != facts.why.is_personal() {
        return Err(Objection::Owner);
    }
    if facts.personal && !facts.sealed { Err(Objection::Unsealed) } else { Ok(()) }
}

/// The request that this address belongs to, if it still leads to this copy.
fn address(facts: &Facts<'_>, settings: &key::Settings) -> Result<Asked, Objection> {
    let place = facts.place;
    if !settings.detect_query && !place.query.is_empty() {
        return Err(Objection::Query);
    }
    let head = request_for(place).ok_or(Objection::Key(NoKey::Target))?;
    let scheme = Scheme::named(&place.scheme).ok_or(Objection::OtherAddress)?;
    let key = CacheKey::over(scheme, &head, settings).map_err(Objection::Key)?;
    let found = *key.place == *place && key.may_store;
    if found { Ok(Asked { head, key }) } else { Err(Objection::OtherAddress) }
}

/// Why it was kept, by what the operator says today.
fn reason(facts: &Facts<'_>, settings: &Settings) -> Result<(), Objection> {
    if facts.personal && !settings.detect_session {
        return Err(Objection::Answer(SkipReason::Identified));
    }
    match (facts.why, settings.nostore) {
        (Why::IdentityNoStore, _) if settings.strict => Err(Objection::Answer(SkipReason::NoStore)),
        (Why::IdentityPrivate, _) if settings.strict => Err(Objection::Answer(SkipReason::Private)),
        (Why::IdentityNoStore, NoStore::Refuse) => Err(Objection::Answer(SkipReason::NoStore)),
        (Why::IdentityNoStore, NoStore::Memory) => Err(Objection::NoStoreOnDisk),
        (Why::DeclaredPublic, _) if !names_as_public(settings, &facts.place.path) => {
            Err(Objection::NotDeclaredPublic)
        }
        _ => Ok(()),
    }
}

/// The answer once more, as if it came to a visitor nothing is known of. Of a sealed one there is
/// only status, length and coding.
fn answer(
    facts: &Facts<'_>,
    asked: &Asked,
    key_settings: &key::Settings,
    settings: &Settings,
) -> Result<(), Objection> {
    let head = response_of(facts).ok_or(Objection::Answer(SkipReason::Status))?;
    if stored_headers(&head.headers).len() != head.headers.len() {
        return Err(Objection::Field);
    }
    let framing = Framing::Length(facts.bytes);
    match may_store(&asked.head, &asked.key, &head, framing, key_settings, settings) {
        MayStore::Store(_) => Ok(()),
        MayStore::Skip(reason) => Err(Objection::Answer(reason)),
        MayStore::Forget => Err(Objection::Answer(SkipReason::Status)),
    }
}

struct Asked {
    head: request::Parts,
    key: CacheKey,
}

/// `None`: no request can have this address.
fn request_for(place: &Place) -> Option<request::Parts> {
    let target = [place.path.as_str(), &place.query].concat();
    let request = Request::get(target).header(header::HOST, &place.host).body(()).ok()?;
    Some(request.into_parts().0)
}

/// `None`: no status.
fn response_of(facts: &Facts<'_>) -> Option<response::Parts> {
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = StatusCode::from_u16(facts.status).ok()?;
    head.headers = facts.head.cloned().unwrap_or_default();
    if facts.head.is_none() && !facts.content_encoding.is_empty() {
        let coding = HeaderValue::from_str(facts.content_encoding).ok()?;
        head.headers.insert(header::CONTENT_ENCODING, coding);
    }
    Some(head)
}

#[cfg(test)]
mod tests;
