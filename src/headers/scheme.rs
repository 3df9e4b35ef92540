//! How a client's connection is spoken: `http`, or `https` where RETTER itself ends TLS.

/// The scheme of an address (RFC 9110 section 4.2), as the connection has it. What a client or a
/// proxy in front says about it is in `X-Forwarded-Proto`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    #[default]
    Http,
    /// TLS ends here.
    Https,
}

impl Scheme {
    /// In lower case, as addresses have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that need not be said.
    pub const fn default_port(self) -> &'static str {
        match self {
            Self::Http => "80",
            Self::Https => "443",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|scheme| scheme.as_str() == name)
    }
}
