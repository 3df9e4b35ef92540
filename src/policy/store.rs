//! May this answer be stored.
//!
//! The order of the questions: is this a request that stores at all; is the answer a whole good
//! page that we could give back; and whose is it (`whose.rs`). The last one alone weighs what the
//! application and the operator say about privacy.

use super::soft_error::long_enough;
use super::strict;
use super::whose::whose;
use super::{Framing, Settings, Why};
use crate::encoding::is_decodable;
use crate::headers::{is_event_stream, list};
use crate::key::{self, CacheKey, Secret, StoreKey, Visitor};
use http::{HeaderMap, HeaderName, Method, StatusCode, header, request, response};
use std::sync::LazyLock;

/// The answer to [`may_store`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MayStore {
    /// Yes, if the body ends well and stays below `cache.maxbody`.
    Store(Storable),
    /// No.
    Skip(SkipReason),
    /// 404 or 410 from a healthy application: the page is gone (see `Farewells`). Meant is the copy
    /// under the request's own identity.
    Forget,
}

/// How the copy is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storable {
    /// Written with the copy.
    pub why: Why,
    /// Whose copy it will be (anonymous for public ones).
    pub visitor: Visitor,
    /// False: this copy may live in memory only.
    pub on_disk: bool,
    /// The request fields that it depends on (`Vary`): it is one of several, see
    /// [`Variants`](super::Variants).
    pub varies: Vec<HeaderName>,
}

/// Why an answer is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Not a GET.
    Method,
    /// The request asked for a part.
    RangeRequest,
    /// The request spelled the address oddly: an application may read it differently.
    OddSpelling,
    /// The answer is a part (206, or with `Content-Range`).
    Partial,
    /// A status outside `cache.statuses`.
    Status,
    /// The body ends with the connection, so a crash would look the same.
    Unframed,
    /// Above `cache.maxbody`.
    TooLarge,
    /// In a coding that we could not decode for another reader.
    Coding,
    /// The page is elsewhere: `X-Accel-Redirect` or `X-Sendfile` asks a server in front to send it.
    HandedOver,
    /// It depends on more than request headers can say (`Vary: *`), or on more than 8 of them.
    Vary,
    /// Sixteen other variants of it are kept and asked for.
    Variants,
    /// It sets a cookie for a visitor who has no copies of his own.
    SetCookie,
    /// `private`, and nobody known to keep it for.
    Private,
    /// `no-store`, and nobody known to keep it for, or `cache.nostore = refuse`.
    NoStore,
    /// It gave the visitor another session value.
    RotatingSession,
    /// It took the visitor's session away.
    EndedSession,
    /// The visitor has an identity, and `cache.detect.session` is false.
    Identified,
    /// Server-sent events: not meant to end, and never the same twice.
    EventStream,
    /// It has one of the texts in `cache.reject.text`.
    RejectText,
    /// Shorter than `cache.reject.below`.
    RejectBelow,
    /// One more new query of a client that brought very many of them, asked for once.
    NewQuery,
    /// `no-cache`, and `cache.strict`: it could never be given.
    NoCache,
    /// An answer to `Authorization`, and `cache.strict`.
    Authorization,
}

/// Decides on the head of an answer. `framing` is how its body ends; a body that is longer than
/// `cache.maxbody` without having said so is the capture's affair.
pub fn may_store(
    request: &request::Parts,
    key: &CacheKey,
    response: &response::Parts,
    framing: Framing,
    key_settings: &key::Settings,
    settings: &Settings,
) -> MayStore {
    if let Err(reason) = storing_request(request, key) {
        return MayStore::Skip(reason);
    }
    if is_farewell(key, response.status, settings) {
        return MayStore::Forget;
    }
    if is_event_stream(&response.headers) {
        return MayStore::Skip(SkipReason::EventStream);
    }
    let fields = telling(&response.headers);
    let decided = good_status(response.status, fields, settings)
        .and_then(|()| whole_page(fields, framing, settings))
        .and_then(|()| long_enough(response.status, framing.length(), settings))
        .and_then(|()| match settings.strict {
            true => strict::may_store(request, response),
            false => Ok(()),
        })
        .and_then(|()| whose(key, fields, key_settings, settings));
    decided.map_or_else(MayStore::Skip, MayStore::Store)
}

impl Storable {
    /// The name the copy is written under.
    pub fn store_key(&self, key: &CacheKey, secret: &Secret) -> StoreKey {
        key.store_key(self.visitor.identity(secret))
    }

    pub(super) fn for_all(why: Why) -> Self {
        Self { why, visitor: Visitor::anonymous(), on_disk: true, varies: Vec::new() }
    }
}

impl SkipReason {
    /// For log and metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::RangeRequest => "range-request",
            Self::OddSpelling => "odd-spelling",
            Self::Partial => "partial",
            Self::Status => "status",
            Self::Unframed => "unframed",
            Self::TooLarge => "too-large",
            Self::Coding => "coding",
            Self::HandedOver => "handed-over",
            Self::Vary => "vary",
            Self::Variants => "variants",
            Self::SetCookie => "set-cookie",
            Self::Private => "private",
            Self::NoStore => "no-store",
            Self::RotatingSession => "rotating-session",
            Self::EndedSession => "ended-session",
            Self::Identified => "identified",
            Self::EventStream => "event-stream",
            Self::RejectText => "reject-text",
            Self::RejectBelow => "reject-below",
            Self::NewQuery => "new-query",
            Self::NoCache => "no-cache",
            Self::Authorization => "authorization",
        }
    }
}

fn storing_request(request: &request::Parts, key: &CacheKey) -> Result<(), SkipReason> {
    let has = |name| request.headers.contains_key(name);
    if request.method != Method::GET {
        return Err(SkipReason::Method);
    }
    if has(header::RANGE) {
        return Err(SkipReason::RangeRequest);
    }
    if key.may_store { Ok(()) } else { Err(SkipReason::OddSpelling) }
}

/// Says that the page is gone, to somebody who can have a copy of it.
fn is_farewell(key: &CacheKey, status: StatusCode, settings: &Settings) -> bool {
    let gone = matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE);
    let has_copies = key.visitor.is_anonymous() || settings.detect_session;
    gone && has_copies && !settings.statuses.contains(&status.as_u16())
}

/// The fields, if there is any among them that a rule below or in `whose` may ask for; else none.
/// Most answers have only such as no rule asks for, and asking one by one for what is not there is
/// what would cost.
fn telling(answer: &HeaderMap) -> &HeaderMap {
    if answer.keys().any(tells) { answer } else { &NO_FIELDS }
}

/// Whoever writes a rule that reads one of these takes it out here.
fn tells(name: &HeaderName) -> bool {
    !matches!(
        *name,
        header::ACCEPT_RANGES
            | header::CONNECTION
            | header::CONTENT_LENGTH
            | header::CONTENT_SECURITY_POLICY
            | header::CONTENT_TYPE
            | header::DATE
            | header::ETAG
            | header::EXPIRES
            | header::LAST_MODIFIED
            | header::LOCATION
            | header::SERVER
            | header::TRANSFER_ENCODING
            | header::X_CONTENT_TYPE_OPTIONS
            | header::X_FRAME_OPTIONS
    )
}

fn good_status(
    status: StatusCode,
    answer: &HeaderMap,
    settings: &Settings,
) -> Result<(), SkipReason> {
    let is_part = status == StatusCode::PARTIAL_CONTENT;
    if is_part || answer.contains_key(header::CONTENT_RANGE) {
        return Err(SkipReason::Partial);
    }
    let listed = settings.statuses.contains(&status.as_u16());
    if listed { Ok(()) } else { Err(SkipReason::Status) }
}

fn whole_page(answer: &HeaderMap, framing: Framing, settings: &Settings) -> Result<(), SkipReason> {
    match framing {
        Framing::Close if !settings.store_unframed => return Err(SkipReason::Unframed),
        Framing::Length(length) if length > settings.maxbody => return Err(SkipReason::TooLarge),
        _ => {}
    }
    if HANDOVERS.iter().any(|name| answer.contains_key(name)) {
        return Err(SkipReason::HandedOver);
    }
    if can_be_decoded(answer) { Ok(()) } else { Err(SkipReason::Coding) }
}

/// At most one coding, and one that can be taken off for a reader who does not know it.
fn can_be_decoded(answer: &HeaderMap) -> bool {
    let readable =
        answer.get_all(header::CONTENT_ENCODING).iter().all(|line| line.to_str().is_ok());
    let mut codings = list(answer, &header::CONTENT_ENCODING)
        .filter(|coding| !coding.eq_ignore_ascii_case("identity"));
    readable && codings.next().is_none_or(is_decodable) && codings.next().is_none()
}

static NO_FIELDS: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);

const HANDOVERS: [HeaderName; 3] = [
    HeaderName::from_static("x-accel-redirect"),
    HeaderName::from_static("x-lighttpd-send-file"),
    HeaderName::from_static("x-sendfile"),
];
#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
