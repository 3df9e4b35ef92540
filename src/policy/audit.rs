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
    if facts.personal != facts.why.is_personal() {
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
    let key = CacheKey::of(&head, settings).map_err(Objection::Key)?;
    let found = *key.place == *place && key.may_store;
    if found { Ok(Asked { head, key }) } else { Err(Objection::OtherAddress) }
}

/// Why it was kept, by what the operator says today.
fn reason(facts: &Facts<'_>, settings: &Settings) -> Result<(), Objection> {
    if facts.personal && !settings.detect_session {
        return Err(Objection::Answer(SkipReason::Identified));
    }
    match (facts.why, settings.nostore) {
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
mod tests {
    use super::*;
    use globset::Glob;
    use http::HeaderName;

    /// A plain page of nobody in particular, under the default settings, unless told otherwise.
    struct Case {
        place: Place,
        personal: bool,
        sealed: bool,
        why: Why,
        status: u16,
        bytes: u64,
        coding: &'static str,
        head: HeaderMap,
        key: key::Settings,
        policy: Settings,
    }

    impl Case {
        fn of(path: &str, query: &str) -> Self {
            Self {
                place: Place {
                    scheme: "http".into(),
                    host: "shop.test:81".into(),
                    path: path.into(),
                    query: query.into(),
                },
                personal: false,
                sealed: false,
                why: Why::Anonymous,
                status: 200,
                bytes: 10,
                coding: "",
                head: HeaderMap::new(),
                key: key::Settings::default(),
                policy: Settings::default(),
            }
        }

        fn somebodys(why: Why) -> Self {
            Self { personal: true, sealed: true, why, ..Self::of("/a", "") }
        }

        fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
            change(&mut self);
            self
        }

        fn says(self, name: &'static str, value: &'static str) -> Self {
            let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
            self.with(|case| {
                case.head.append(name, value);
            })
        }

        fn word(&self) -> Option<&'static str> {
            let facts = Facts {
                place: &self.place,
                personal: self.personal,
                sealed: self.sealed,
                why: self.why,
                status: self.status,
                bytes: self.bytes,
                content_encoding: self.coding,
                head: (!self.sealed).then_some(&self.head),
            };
            objection(&facts, &self.key, &self.policy).map(Objection::as_str)
        }
    }

    #[test]
    fn what_the_present_settings_would_keep_has_no_objection() {
        let plain = || Case::of("/a%2Fb/\u{e4}", "?q=1&x=%20");
        assert_eq!(plain().word(), None);
        assert_eq!(
            plain().says("cache-control", "public").with(|c| c.why = Why::Public).word(),
            None
        );
        assert_eq!(plain().says("content-encoding", "gzip").word(), None);
        assert_eq!(plain().says("vary", "accept-encoding").word(), None);
        assert_eq!(plain().with(|case| case.status = 301).word(), None);
        let glob = Glob::new("/a").unwrap().compile_matcher();
        let declared = Case::of("/a", "").with(|c| c.why = Why::DeclaredPublic);
        let declared = declared.with(|c| c.policy.public = vec![glob]).says("vary", "cookie");
        assert_eq!(declared.word(), None);
        for why in [Why::Identity, Why::IdentityPrivate, Why::IdentityNoStore] {
            assert_eq!(Case::somebodys(why).with(|case| case.coding = "gzip").word(), None);
        }
    }

    #[test]
    fn settings_that_have_changed_object_to_the_answer() {
        let plain = || Case::of("/a", "");
        assert_eq!(plain().with(|case| case.policy.statuses = vec![301]).word(), Some("status"));
        assert_eq!(plain().with(|case| case.status = 404).word(), Some("status"));
        assert_eq!(plain().with(|case| case.policy.maxbody = 9).word(), Some("too-large"));
        assert_eq!(plain().with(|case| case.policy.maxbody = 10).word(), None);
        let declared = plain().with(|case| case.why = Why::DeclaredPublic);
        assert_eq!(declared.word(), Some("not-declared-public"));
        let other = Glob::new("/b").unwrap().compile_matcher();
        let declared = declared.with(|case| case.policy.public = vec![other]);
        assert_eq!(declared.word(), Some("not-declared-public"));
    }

    #[test]
    fn settings_that_have_changed_object_to_the_visitor() {
        let no_store = || Case::somebodys(Why::IdentityNoStore);
        let said = |how| no_store().with(|case| case.policy.nostore = how).word();
        assert_eq!(said(NoStore::Memory), Some("no-store-on-disk"));
        assert_eq!(said(NoStore::Refuse), Some("no-store"));
        let other = Case::somebodys(Why::IdentityPrivate);
        assert_eq!(other.with(|case| case.policy.nostore = NoStore::Refuse).word(), None);
        let identified = Case::somebodys(Why::Identity);
        let identified = identified.with(|case| case.policy.detect_session = false);
        assert_eq!(identified.word(), Some("identified"));
        let sealed = Case::somebodys(Why::Identity).with(|case| case.policy.maxbody = 9);
        assert_eq!(sealed.word(), Some("too-large"));
        let coded = Case::somebodys(Why::Identity).with(|case| case.coding = "br");
        assert_eq!(coded.word(), Some("coding"));
    }

    #[test]
    fn settings_that_have_changed_object_to_the_address() {
        let asked = |query: &str| Case::of("/a", query);
        let blind = asked("?q=1").with(|case| case.key.detect_query = false);
        assert_eq!(blind.word(), Some("query"));
        let secret = |path: &str, query: &str| {
            Case::of(path, query).with(|case| case.key.query_secret = vec!["pin".into()])
        };
        assert_eq!(secret("/a", "?x=1&pin=2").word(), Some("secret-parameter"));
        assert_eq!(secret("/a;pin=2", "").word(), Some("secret-parameter"));
        assert_eq!(secret("/a", "?x=1").word(), None);
        let ignored = asked("?utm_x=1").with(|case| case.key.query_ignore = vec!["utm_*".into()]);
        assert_eq!(ignored.word(), Some("other-address"));
        assert_eq!(Case::of("/a/../b", "").word(), Some("dot-segments"));
        assert_eq!(Case::of("/a b", "").word(), Some("target"));
        assert_eq!(Case::of("/%41", "").word(), Some("other-address"), "an odd spelling");
    }

    #[test]
    fn heads_that_no_rule_keeps_are_seen() {
        let plain = || Case::of("/a", "");
        assert_eq!(plain().says("set-cookie", "a=b").word(), Some("field"));
        assert_eq!(plain().says("cache-control", "private").word(), Some("private"));
        assert_eq!(plain().says("cache-control", "no-store").word(), Some("no-store"));
        assert_eq!(plain().says("vary", "cookie").word(), Some("vary"));
        assert_eq!(plain().says("content-range", "bytes 0-1/2").word(), Some("partial"));
    }

    #[test]
    fn a_row_that_contradicts_itself_is_seen() {
        assert_eq!(Case::somebodys(Why::Public).word(), Some("owner"));
        assert_eq!(Case::of("/a", "").with(|case| case.why = Why::Identity).word(), Some("owner"));
        let open = Case::somebodys(Why::Identity).with(|case| case.sealed = false);
        assert_eq!(open.word(), Some("unsealed"));
    }
}
