//! What a visitor asked for, worked out once.

use super::leave::Tries;
use crate::encoding;
use crate::headers::{self, Client, Names, Via, stays_behind};
use crate::key::{self, CacheKey, NoKey, Places};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Version, request};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request's head and what follows from it.
pub(super) struct Asked {
    /// As it came through the door. What the application gets to see, and answers to, is
    /// [`Asked::sent`]: there, what `Connection` names is gone.
    pub(super) head: request::Parts,
    /// What the visitor himself can read, where the application is asked for less.
    pub(super) accept_encoding: Option<HeaderValue>,
    /// RETTER's own member of `Via`.
    via: HeaderValue,
    names: Names,
    pub(super) client: Client,
    pub(super) kind: Kind,
    /// Nobody waits for the answer any more, or nobody ever did.
    alone: AtomicBool,
    /// Without a key a request is forwarded, never stored and never rescued.
    pub(super) key: Result<CacheKey, NoKey>,
    pub(super) tries: Tries,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Get,
    Head,
    /// A GET that asks for a tunnel: never a probe, never rescued, never sent twice.
    Upgrade,
    /// Never judged, never rescued, never refused by the breaker.
    Other,
}

impl Asked {
    pub(super) fn of(
        head: request::Parts,
        has_body: bool,
        client: Client,
        via: &Via,
        places: &Places,
        settings: &key::Settings,
    ) -> Self {
        let kind = match head.method {
            Method::GET if !has_body && may_upgrade(&head) => Kind::Upgrade,
            Method::GET => Kind::Get,
            Method::HEAD => Kind::Head,
            _ => Kind::Other,
        };
        let key = match kind {
            Kind::Get | Kind::Head => places.key(client.scheme, &head, settings),
            Kind::Upgrade => Err(NoKey::Upgrade),
            Kind::Other => Err(NoKey::Method),
        };
        let via = via.member(&client, head.version).clone();
        let accept_encoding = headers::joined(&head.headers, &header::ACCEPT_ENCODING);
        let accept_encoding =
            accept_encoding.filter(|_| !stays_behind(&head.headers)(&header::ACCEPT_ENCODING));
        let (names, alone, tries) = (settings.names, AtomicBool::new(false), Tries::default());
        Self { head, accept_encoding, via, names, client, kind, alone, key, tries }
    }

    /// The fields as the application is to see them. Made anew every time: what is sent is mostly sent
    /// once, and a copy is given without.
    pub(super) fn sent(&self) -> HeaderMap {
        let received = &self.head.headers;
        let mut fields = headers::forward(received, &self.client, &self.via, self.names);
        if self.kind == Kind::Upgrade {
            headers::say_websocket(&mut fields);
        }
        if self.key.is_ok() {
            narrow_codings(&mut fields, self.accept_encoding.as_ref());
        }
        fields
    }

    /// Whom the request is from, as far as is known.
    pub(super) fn address(&self) -> IpAddr {
        headers::claimed_address(&self.head.headers, &self.client)
    }

    /// The same request once more, for its copy alone.
    pub(super) fn again(&self) -> Self {
        Self {
            head: self.head.clone(),
            accept_encoding: self.accept_encoding.clone(),
            via: self.via.clone(),
            names: self.names,
            client: self.client.clone().leaving(),
            kind: self.kind,
            alone: AtomicBool::new(true),
            key: self.key.clone(),
            tries: Tries::default(),
        }
    }

    /// Somebody waits for the answer.
    pub(super) fn is_awaited(&self) -> bool {
        !self.alone.load(Ordering::Relaxed)
    }

    /// From now on nobody does.
    pub(super) fn leave_alone(&self) {
        self.alone.store(true, Ordering::Relaxed);
    }

    /// A GET by its method, whatever it asks for.
    pub(super) fn is_get(&self) -> bool {
        matches!(self.kind, Kind::Get | Kind::Upgrade)
    }

    /// The path the breaker judges by: without query and identity.
    pub(super) fn path(&self) -> &str {
        match &self.key {
            Ok(key) => &key.place.path,
            Err(_) => without_parameters(self.head.uri.path()),
        }
    }
}

/// RFC 9110 section 7.8: what HTTP/1.0 says of upgrades is not to be heard.
fn may_upgrade(head: &request::Parts) -> bool {
    head.version == Version::HTTP_11 && headers::asks_for_websocket(&head.headers)
}

/// What could become a copy must come in a coding that we can take off for the next reader.
fn narrow_codings(fields: &mut HeaderMap, accepted: Option<&HeaderValue>) {
    let accepted = accepted.and_then(|line| line.to_str().ok());
    if let Some(narrowed) = encoding::narrowed(accepted) {
        fields.insert(header::ACCEPT_ENCODING, narrowed);
    }
}

/// A path without `;jsessionid=...` and the like, plain or escaped, which must reach neither map
/// nor log.
fn without_parameters(path: &str) -> &str {
    let escaped = |at: usize| path[at..].get(..3).is_some_and(|it| it.eq_ignore_ascii_case("%3b"));
    let end = path.char_indices().find(|(at, c)| *c == ';' || (*c == '%' && escaped(*at)));
    end.map_or(path, |(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_path_are_cut_in_every_spelling() {
        for path in ["/a;jsessionid=1", "/a%3Bjsessionid=1", "/a%3btoken=1", "/a"] {
            assert_eq!(without_parameters(path), "/a");
        }
        assert_eq!(without_parameters("/%3c/%"), "/%3c/%");
    }
}
