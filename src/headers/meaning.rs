//! What a request's field means beyond its hop: who asks, under which address, and for what. The key
//! is made from it, and none of it may come in by a back door: after the body, or under a name that
//! an application takes for this one.

use http::header::HeaderName;

/// What a request's field of a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing to RETTER.
    None,
    /// The host, by its own word.
    Host,
    /// Cookies.
    Cookie,
    /// Says who it is.
    Credential,
    /// Says under which address the visitor reached a proxy in front. Applications build links and
    /// redirects from it, so a copy is good only for who was told the same.
    Told,
    /// Asks for something else than the request line does.
    Override,
}

impl Meaning {
    /// By its own name.
    pub fn of(name: &HeaderName) -> Self {
        Self::named(name.as_str())
    }

    fn named(name: &str) -> Self {
        match name {
            "host" => Self::Host,
            "cookie" => Self::Cookie,
            "authorization" | "x-api-key" | "x-auth-token" | "x-access-token" => Self::Credential,
            // Names that a proxy in front puts in after it has asked for a password or certificate.
            "remote-user"
            | "x-remote-user"
            | "x-forwarded-user"
            | "x-forwarded-email"
            | "x-auth-request-user"
            | "x-auth-request-email"
            | "x-ssl-client-s-dn"
            | "x-ssl-client-dn" => Self::Credential,
            "forwarded"
            | "front-end-https"
            | "x-forwarded-host"
            | "x-forwarded-port"
            | "x-forwarded-prefix"
            | "x-forwarded-proto"
            | "x-forwarded-protocol"
            | "x-forwarded-scheme"
            | "x-forwarded-server"
            | "x-forwarded-ssl"
            | "x-host"
            | "x-http-host-override"
            | "x-original-host"
            | "x-scheme"
            | "x-url-scheme" => Self::Told,
            "x-original-url"
            | "x-rewrite-url"
            | "x-http-method"
            | "x-http-method-override"
            | "x-method-override" => Self::Override,
            _ => Self::None,
        }
    }
}
