//! For whom a page may be kept: the application's word about privacy and the operator's, weighed
//! against what the visitor brought.

use super::cache_control::Said;
use super::variants::chosen_by;
use super::{NoStore, Settings, SkipReason, Storable, Why};
use crate::key::{self, CacheKey, Visitor};
use http::{HeaderMap, HeaderName, header};

/// Whose page it is. Nothing here is kept for anybody the application did not make it for, unless
/// the application or the operator said that it is for everybody.
pub(super) fn whose(
    key: &CacheKey,
    answer: &HeaderMap,
    key_settings: &key::Settings,
    settings: &Settings,
) -> Result<Storable, SkipReason> {
    let declared = is_declared_public(key, settings);
    let varies = chosen_by(answer, declared)?;
    let storable = if declared {
        Storable::for_all(Why::DeclaredPublic)
    } else {
        by_what_was_said(key, answer, key_settings, settings)?
    };
    Ok(Storable { varies, ..storable })
}

fn by_what_was_said(
    key: &CacheKey,
    answer: &HeaderMap,
    key_settings: &key::Settings,
    settings: &Settings,
) -> Result<Storable, SkipReason> {
    let said = Said::by(answer);
    if !key.visitor.is_anonymous() {
        return somebodys(&key.visitor, said, answer, key_settings, settings);
    }
    if said.is_for_everybody() {
        return Ok(Storable::for_all(Why::Public));
    }
    let after = key.visitor.after(answer, key_settings);
    if after.is_anonymous() || !settings.detect_session {
        return nobodys(said, answer);
    }
    if !after.is_named() && (said.private || said.no_store) {
        // Made for him before he had the cookie, and a cookie we do not know may be one that others
        // have as well (`lang=de`): it does not make the page his alone.
        return nobodys(said, answer);
    }
    kept_for(after, said, settings)
}

/// The operator's word counts for visitors nothing is known of, and for them alone: what an
/// application shows to a person is not the same for everybody, whatever anyone declares.
fn is_declared_public(key: &CacheKey, settings: &Settings) -> bool {
    key.visitor.is_anonymous() && names_as_public(settings, &key.place.path)
}

/// `cache.public` has a glob that matches this path.
pub(super) fn names_as_public(settings: &Settings, path: &str) -> bool {
    settings.public.iter().any(|glob| glob.is_match(path))
}

/// The request brought an identity.
///
/// RFC 9111 section 3.5 would let answers to `Authorization` be shared on `must-revalidate` and
/// `s-maxage` too, trusting that they are asked for again when stale. We show copies when asking
/// is impossible, so only `public` counts.
fn somebodys(
    visitor: &Visitor,
    said: Said,
    answer: &HeaderMap,
    key_settings: &key::Settings,
    settings: &Settings,
) -> Result<Storable, SkipReason> {
    if !settings.detect_session {
        return match (said.is_for_everybody(), sets_cookie(answer)) {
            (true, false) => Ok(Storable::for_all(Why::Public)),
            (true, true) => Err(SkipReason::SetCookie),
            (false, _) => Err(SkipReason::Identified),
        };
    }
    if visitor.rotated_by(answer) {
        return Err(SkipReason::RotatingSession);
    }
    if visitor.ended_by(answer) {
        return Err(SkipReason::EndedSession);
    }
    kept_for(visitor.after(answer, key_settings), said, settings)
}

/// Nothing is known of the visitor, not even after the answer.
fn nobodys(said: Said, answer: &HeaderMap) -> Result<Storable, SkipReason> {
    if sets_cookie(answer) {
        Err(SkipReason::SetCookie)
    } else if said.no_store {
        Err(SkipReason::NoStore)
    } else if said.private {
        Err(SkipReason::Private)
    } else {
        Ok(Storable::for_all(Why::Anonymous))
    }
}

fn kept_for(visitor: Visitor, said: Said, settings: &Settings) -> Result<Storable, SkipReason> {
    if said.no_store && settings.nostore == NoStore::Refuse {
        return Err(SkipReason::NoStore);
    }
    let memory_only = said.no_store && settings.nostore == NoStore::Memory;
    let why = match said {
        Said { no_store: true, .. } => Why::IdentityNoStore,
        Said { private: true, .. } => Why::IdentityPrivate,
        _ => Why::Identity,
    };
    Ok(Storable {
        why,
        on_disk: !memory_only && !visitor.is_guessable(),
        visitor,
        varies: Vec::new(),
    })
}

fn sets_cookie(answer: &HeaderMap) -> bool {
    answer.contains_key(header::SET_COOKIE) || answer.contains_key(SET_COOKIE2)
}

const SET_COOKIE2: HeaderName = HeaderName::from_static("set-cookie2");
