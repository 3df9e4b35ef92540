//! May this answer be stored, may this copy be served, does it meet the visitor's conditions, has
//! this page gone for good, is it a query that comes once, would a copy be kept by what the operator says today.
//!
//! Pure decisions, each with its reason: the reason to keep a copy ([`Why`]) is written with it, so
//! that every copy in a file can be accounted for, and the reason not to ([`SkipReason`]) is what a
//! log line or a counter says.
//!
//! Two questions are kept apart that caches usually mix. *For whom* is the page: here the
//! application's word (`private`, `no-store`, `Set-Cookie`, `Vary`) and the visitor's credentials
//! are obeyed, and in doubt nothing is kept. *How long* is it fresh: `no-cache`, `max-age=0` and
//! `must-revalidate` do not keep a page from being a last known good, since a copy is shown only
//! when there is no fresh page to be had. Who wants them obeyed says `cache.strict` (`strict`).

mod audit;
mod cache_control;
mod coverage;
mod farewell;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod kept_headers;
mod newcomers;
mod preconditions;
mod ranges;
mod serve;
mod soft_error;
mod store;
mod strict;
mod validated;
mod variants;
mod whose;

pub use audit::{Facts, Objection, objection};
pub use coverage::{Coverage, Summary, Verdict};
pub use farewell::Farewells;
pub use kept_headers::{are_the_same_but_for_the_date, stored_headers};
pub use newcomers::Newcomers;
pub use preconditions::{Precondition, precondition, range_holds};
pub use ranges::{Ranges, ranges};
pub use serve::{Freshness, MayServe, RefuseReason, may_serve};
pub use soft_error::soft_error;
pub use store::{MayStore, SkipReason, Storable, may_store};
pub use strict::{Distress, Offer, strict_refusal};
pub use validated::{brought_up_to_date, is_about};
pub use variants::{Full, Variants};

/// What the operator says about storing.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `cache.statuses`
    pub statuses: Vec<u16>,
    /// `cache.maxbody`, bytes
    pub maxbody: u64,
    /// `cache.unframed`: what to do with a body framed only by the end of the connection
    pub store_unframed: bool,
    /// `cache.nostore`
    pub nostore: NoStore,
    /// `cache.public`: path globs declared the same for everybody
    pub public: Vec<globset::GlobMatcher>,
    /// `cache.detect.session` (the same value as in `key::Settings`)
    pub detect_session: bool,
    /// `cache.reject.text`: a page that has one of these is none
    pub reject_text: Vec<String>,
    /// `cache.reject.below`, bytes: a page shorter than this is none
    pub reject_below: u64,
    /// `cache.strict`: RFC 9111 and RFC 5861 to the letter
    pub strict: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            statuses: vec![200, 203, 300, 301, 308],
            maxbody: 8 * 1024 * 1024,
            store_unframed: false,
            nostore: NoStore::Sealed,
            public: Vec::new(),
            detect_session: true,
            reject_text: Vec::new(),
            reject_below: 0,
            strict: false,
        }
    }
}

/// What to do with `no-store` answers to a visitor who has an identity. Without an identity they
/// are never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoStore {
    /// Kept for that identity only, sealed on disk. PHP's `session_start()` sends `no-store` with
    /// every page, so refusing would leave nothing to rescue with.
    Sealed,
    /// Kept for that identity only, never on disk.
    Memory,
    /// Not kept, as RFC 9111 section 5.2.2.5 has it.
    Refuse,
}

/// How the end of a body is known (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// After this many bytes.
    Length(u64),
    /// By the last chunk.
    Chunked,
    /// Only the end of the connection says so.
    Close,
}

impl Framing {
    /// The announced length, if there is one.
    pub fn length(self) -> Option<u64> {
        match self {
            Self::Length(bytes) => Some(bytes),
            Self::Chunked | Self::Close => None,
        }
    }
}

/// Why a copy may be kept. Written with the copy as its number: never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Why {
    /// Made for a visitor nothing is known of; shown to such visitors only.
    Anonymous = 1,
    /// The application said `public`.
    Public = 2,
    /// The operator said so (`cache.public`).
    DeclaredPublic = 3,
    /// Made for one identity.
    Identity = 4,
    /// Made for one identity, and the application said `private`.
    IdentityPrivate = 5,
    /// Made for one identity, and the application said `no-store`.
    IdentityNoStore = 6,
    /// No page, but the list of a page's [`Variants`].
    Variants = 7,
}

/// A number that stands for no [`Why`]: the file is from a newer RETTER, or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no known reason for keeping a copy")]
pub struct UnknownWhy(pub u8);

impl Why {
    /// For log, `retter-db` and metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Public => "public",
            Self::DeclaredPublic => "declared-public",
            Self::Identity => "identity",
            Self::IdentityPrivate => "identity-private",
            Self::IdentityNoStore => "identity-no-store",
            Self::Variants => "variants",
        }
    }

    /// True if the copy belongs to one visitor.
    pub fn is_personal(self) -> bool {
        matches!(self, Self::Identity | Self::IdentityPrivate | Self::IdentityNoStore)
    }

    /// True if the copy may also be shown to visitors it was not made for.
    pub fn is_for_everybody(self) -> bool {
        matches!(self, Self::Public | Self::DeclaredPublic)
    }
}

impl From<Why> for u8 {
    fn from(why: Why) -> u8 {
        why as u8
    }
}

impl TryFrom<u8> for Why {
    type Error = UnknownWhy;

    fn try_from(number: u8) -> Result<Self, UnknownWhy> {
        let all = [
            Self::Anonymous,
            Self::Public,
            Self::DeclaredPublic,
            Self::Identity,
            Self::IdentityPrivate,
            Self::IdentityNoStore,
            Self::Variants,
        ];
        all.into_iter().find(|why| *why as u8 == number).ok_or(UnknownWhy(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_keep_their_numbers_and_their_words() {
        let written = [
            (1, "anonymous"),
            (2, "public"),
            (3, "declared-public"),
            (4, "identity"),
            (5, "identity-private"),
            (6, "identity-no-store"),
            (7, "variants"),
        ];
        for (number, word) in written {
            let why = Why::try_from(number).unwrap();
            assert_eq!((u8::from(why), why.as_str()), (number, word));
            assert_eq!(why.is_for_everybody(), matches!(number, 2 | 3));
        }
        for number in [0, 8, 255] {
            assert_eq!(Why::try_from(number), Err(UnknownWhy(number)));
        }
    }
}
