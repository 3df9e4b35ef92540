//! What the header fields of a request mean to its key. One pass over them, since this runs on
//! every request.

use super::NoKey;
use super::cookies;
use super::credentials::{Credential, Credentials, Kind};
use crate::headers::{Meaning, Names, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The fields of one request that its key depends on.
pub(super) struct Fields<'a> {
    pub host: Option<&'a HeaderValue>,
    cookies: Vec<&'a HeaderValue>,
    credentials: Vec<(&'a HeaderName, &'a HeaderValue)>,
    told: Vec<(&'a HeaderName, &'a HeaderValue)>,
}

impl<'a> Fields<'a> {
    pub fn read(headers: &'a HeaderMap, names: Names) -> Result<Self, NoKey> {
        let mut fields = Self { host: None, cookies: vec![], credentials: vec![], told: vec![] };
        for (name, value) in headers {
            match names.meaning(name) {
                Meaning::None => {}
                Meaning::Host if fields.host.is_some() => return Err(NoKey::NoHost),
                Meaning::Host => fields.host = Some(value),
                Meaning::Cookie => fields.cookies.push(value),
                Meaning::Credential => fields.credentials.push((name, value)),
                Meaning::Told => fields.told.push((name, value)),
                Meaning::Override => return Err(NoKey::OverrideHeader),
            }
        }
        Ok(fields)
    }

    pub fn add_credentials(&self, credentials: &mut Credentials<'_>) {
        for line in &self.cookies {
            cookies::of_line(line.as_bytes())
                .for_each(|(name, value)| credentials.add_cookie(name, value));
        }
        for (name, value) in &self.credentials {
            credentials.add(Kind::Header, name.as_str().as_bytes(), value.as_bytes());
        }
    }

    /// What was told about the address that `Host` and the connection do not say themselves.
    pub fn told(&self, host: &str, scheme: Scheme) -> Vec<u8> {
        let news = |(n, v): &&(&HeaderName, &HeaderValue)| is_news(n, v, host, scheme);
        let mut sorted: Vec<_> = self.told.iter().filter(news).collect();
        sorted.sort_by_key(|(name, _)| name.as_str());
        let mut told = Vec::new();
        for (name, value) in sorted {
            add_told(&mut told, name.as_str(), value.as_bytes());
        }
        told
    }
}

/// True if it can be guessed by who has nothing but a list of names and passwords.
pub(super) fn is_guessable(credential: &Credential) -> bool {
    if credential.kind != Kind::Header {
        return false;
    }
    match credential.name.as_slice() {
        b"authorization" => {
            let scheme = credential.value.get(..5).unwrap_or(&credential.value);
            scheme.eq_ignore_ascii_case(b"basic")
        }
        name => !matches!(name, b"x-api-key" | b"x-auth-token" | b"x-access-token"),
    }
}

/// True for a header that says who a visitor is.
pub(super) fn is_credential(name: &HeaderName) -> bool {
    matches!(Meaning::of(name), Meaning::Credential)
}

/// False for what we would tell the application ourselves.
fn is_news(name: &HeaderName, value: &HeaderValue, host: &str, scheme: Scheme) -> bool {
    match name.as_str() {
        "x-forwarded-proto" => value != scheme.as_str(),
        "x-forwarded-host" => value.as_bytes() != host.as_bytes(),
        "forwarded" => address_pairs(value.as_bytes()).next().is_some(),
        _ => true,
    }
}

/// `Forwarded` (RFC 7239) also names the visitor's address, which must not make a key of its own
/// for each of them: only its `host` and `proto` count.
fn add_told(told: &mut Vec<u8>, name: &str, value: &[u8]) {
    if name != "forwarded" {
        add_part(told, name.as_bytes());
        return add_part(told, value);
    }
    for pair in address_pairs(value) {
        add_part(told, name.as_bytes());
        add_part(told, pair);
    }
}

/// Split without regard to quotes, so that a pair inside a quoted text counts too; but then the
/// separators inside a quoted `host` must not hide its end, so a line with quotes around more than
/// an address counts whole.
fn address_pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_quoted = |pair: &&[u8]| pair.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
    let pairs = || line.split(|byte| matches!(byte, b';' | b',')).map(<[u8]>::trim_ascii);
    let whole = pairs().any(|pair| is_quoted(&pair)).then_some(line);
    let is_address = |pair: &&[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
        name.eq_ignore_ascii_case(b"host") || name.eq_ignore_ascii_case(b"proto")
    };
    pairs().filter(is_address).chain(whole)
}

fn add_part(told: &mut Vec<u8>, part: &[u8]) {
    told.extend_from_slice(&(part.len() as u64).to_be_bytes());
    told.extend_from_slice(part);
}
