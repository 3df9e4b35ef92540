//! Scheme, host, path and query of a request, in their normal spelling, with the session ids that
//! hide in them cut out.

use super::credentials::{Credentials, Kind};
use super::{NoKey, Settings, SharedPlace, normalize, query};
use crate::headers::Scheme;
use http::Uri;
use memchr::{memchr, memchr2};
use std::fmt;

/// Scheme, host, path and query, normalised as RFC 3986 6.2.2 allows. `Display` is the address,
/// which holds no session id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// `https` where RETTER ends TLS, else `http`. Behind a proxy that ends it the scheme comes as
    /// `X-Forwarded-Proto`, which is part of the key's variant.
    pub scheme: String,
    /// Lower case, with its port unless that is the scheme's own.
    pub host: String,
    /// Begins with `/`.
    pub path: String,
    /// With the leading `?`, or empty. `/a?` and `/a` are two places.
    pub query: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}{}", self.scheme, self.host, self.path, self.query)
    }
}

/// A place, and whether the request spelled it oddly.
#[derive(Clone)]
pub(super) struct Read {
    pub place: SharedPlace,
    pub odd: bool,
}

pub(super) fn read(
    uri: &Uri,
    scheme: Scheme,
    host: String,
    settings: &Settings,
    credentials: &mut Credentials<'_>,
) -> Result<Read, NoKey> {
    let (path, odd_path) = read_path(uri.path(), settings, credentials)?;
    let query = query::read(uri.query(), settings, credentials)?;
    let place = Place { scheme: scheme.as_str().to_owned(), host, path, query: query.text };
    Ok(Read { place: place.into(), odd: odd_path || query.odd })
}

fn read_path(
    path: &str,
    settings: &Settings,
    credentials: &mut Credentials<'_>,
) -> Result<(String, bool), NoKey> {
    if !path.starts_with('/') {
        return Err(NoKey::Target);
    }
    if normalize::has_dot_segments(path) {
        return Err(NoKey::DotSegments);
    }
    let spelling = normalize::normal_path(path);
    let has_parameters = memchr(b';', spelling.text.as_bytes()).is_some();
    let path = match spelling.text {
        text if has_parameters => cut_ids(&text, credentials),
        text => text.into_owned(),
    };
    if query::tells_a_session(&path) || parameters(&path).any(|p| query::is_secret(p, settings)) {
        return Err(NoKey::SecretParameter);
    }
    Ok((path, spelling.odd))
}

/// Takes every `;jsessionid=...` out (Servlet 6.0, section 7.1.3): the id says who it is, not what
/// was asked for.
fn cut_ids(path: &str, credentials: &mut Credentials<'_>) -> String {
    let mut kept = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find(PATH_ID) {
        let (before, id) = (&rest[..at], &rest[at + PATH_ID.len()..]);
        let end = id.find(['/', ';']).unwrap_or(id.len());
        kept.push_str(before);
        credentials.add(Kind::PathId, b"jsessionid", &id.as_bytes()[..end]);
        rest = &id[end..];
    }
    kept.push_str(rest);
    kept
}

/// The texts after a `;`, plain or encoded, up to the end of their segment.
fn parameters(path: &str) -> impl Iterator<Item = &str> {
    let has_any = memchr2(b';', b'%', path.as_bytes()).is_some();
    let segments = if has_any { path } else { "" }.split('/');
    segments.flat_map(|segment| segment.split(';').flat_map(|part| part.split("%3B")).skip(1))
}

const PATH_ID: &str = ";jsessionid=";
