//! The request's fields as the application is to see them.
//!
//! What a client says about itself (`X-Forwarded-*`, `Forwarded`, `X-Real-IP`) counts only when it
//! comes from a network the operator trusts; otherwise it is replaced by what RETTER sees.
//! Names that an application may take for others are left out (see `plain`).

use super::forwarded::{Forwarded, address};
use super::names::{X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO, X_REAL_IP};
use super::{Names, Scheme, cut_trailer, list, members, stays_behind, take_off};
use http::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};
use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;

/// Who is on the other end of the connection.
#[derive(Clone, Debug)]
pub struct Client {
    pub address: IpAddr,
    /// The address is in one of the `server.trusted` networks.
    pub trusted: bool,
    /// What he speaks with RETTER; of what he speaks with a proxy in front that proxy tells.
    pub scheme: Scheme,
    /// He speaks HTTP/2, which is rewritten before it gets anywhere.
    pub http2: bool,
    /// The address as a field's value: written once a connection, not once a request.
    text: HeaderValue,
    _place: Option<Place>,
}

/// What a client holds as long as anything is done for him.
type Place = Arc<dyn Any + Send + Sync>;

impl Client {
    /// The client at `address`, without TLS.
    pub fn new(address: IpAddr, trusted: bool) -> Self {
        let text = text(&address.to_string());
        Self { address, trusted, scheme: Scheme::Http, http2: false, text, _place: None }
    }

    /// The same client, speaking `scheme`.
    pub fn over(self, scheme: Scheme) -> Self {
        Self { scheme, ..self }
    }

    /// The same client, speaking HTTP/2.
    pub fn over_http2(self) -> Self {
        Self { http2: true, ..self }
    }

    /// The same client, who holds nothing.
    pub fn leaving(self) -> Self {
        Self { _place: None, ..self }
    }

    /// Ties `place` to this client: it is given back when the last that was done for him has ended,
    /// which may be after he has left.
    pub fn holding(self, place: impl Any + Send + Sync) -> Self {
        Self { _place: Some(Arc::new(place)), ..self }
    }
}

/// The fields to send on, made of those received from `client`, from which a stranger's claims have
/// been taken off. `via` is this RETTER's own member of the `Via` list (RFC 9110 section 7.6.3).
pub fn forward(
    received: &HeaderMap,
    client: &Client,
    via: &HeaderValue,
    names: Names,
) -> HeaderMap {
    // With room for all from the beginning: growing costs more than all that is done here.
    let mut sent = HeaderMap::with_capacity(received.len() + ADDED_MAX);
    let stays = stays_behind(received);
    for (name, value) in received.iter().filter(|(name, _)| !stays(name) && names.pass(name)) {
        sent.append(name.clone(), value.clone());
    }
    if received.contains_key(header::TRAILER) {
        cut_trailer(&mut sent, names);
    }
    say_who_asks(&mut sent, client);
    append_member(&mut sent, header::VIA, via);
    if takes_trailers(received) {
        sent.insert(header::TE, HeaderValue::from_static("trailers"));
        sent.insert(header::CONNECTION, HeaderValue::from_static("te"));
    }
    sent
}

/// Whom the request is from, as far as is known: the address that a trusted client says it has it from,
/// or else the client's own. The application is told the same by [`forward`], if nobody said otherwise
/// in `X-Real-IP`.
pub fn claimed_address(received: &HeaderMap, client: &Client) -> IpAddr {
    if !client.trusted {
        return client.address;
    }
    let stays = stays_behind(received);
    let is_said = |name: HeaderName| received.contains_key(&name) && !stays(&name);
    let claimed = if is_said(X_FORWARDED_FOR) {
        members(received, &X_FORWARDED_FOR).last().and_then(address)
    } else if is_said(header::FORWARDED) {
        Forwarded::read(received).address
    } else {
        None
    };
    claimed.unwrap_or(client.address)
}

/// Takes off what a stranger claims about the way his request came. Nothing may be decided by it:
/// not what the application is told, and not which copy he gets.
pub fn take_off_claims(received: &mut HeaderMap) {
    take_off(received, &CLAIMS);
}

/// What a trusted proxy in front has said stands, and what it left unsaid does not contradict it; its
/// address joins the list.
fn say_who_asks(sent: &mut HeaderMap, client: &Client) {
    let uses_forwarded = sent.contains_key(header::FORWARDED);
    // A proxy that speaks by the other names may pass on a visitor's `Forwarded` as it came.
    let speaks_it = uses_forwarded && !sent.contains_key(X_FORWARDED_FOR);
    let told = if speaks_it { Forwarded::read(sent) } else { Forwarded::default() };
    let host = told.host.or_else(|| sent.get(header::HOST).cloned());
    let real = join_the_list(sent, client, told.address);
    keep_or(sent, X_REAL_IP, Some(real));
    let scheme = told.scheme.unwrap_or(client.scheme);
    keep_or(sent, X_FORWARDED_PROTO, Some(HeaderValue::from_static(scheme.as_str())));
    keep_or(sent, X_FORWARDED_HOST, host);
    if uses_forwarded {
        append_member(sent, header::FORWARDED, &text(&node(client)));
    }
}

/// `X-Forwarded-For`; the answer is whom the request is from by what stands there now, see
/// [`claimed_address`].
fn join_the_list(sent: &mut HeaderMap, client: &Client, told: Option<IpAddr>) -> HeaderValue {
    let said = |address: IpAddr| text(&address.to_string());
    let claimed = match (sent.entry(X_FORWARDED_FOR), told.map(said)) {
        (Entry::Vacant(place), None) => {
            place.insert(client.text.clone());
            return client.text.clone();
        }
        (Entry::Vacant(place), Some(told)) => {
            place.insert(told.clone());
            Some(told)
        }
        (Entry::Occupied(_), _) => {
            members(sent, &X_FORWARDED_FOR).last().and_then(address).map(said)
        }
    };
    append_member(sent, X_FORWARDED_FOR, &client.text);
    claimed.unwrap_or_else(|| client.text.clone())
}

/// A member of `Forwarded` (RFC 7239), which is kept up only where somebody already uses it.
fn node(client: &Client) -> String {
    let proto = client.scheme.as_str();
    match client.address {
        IpAddr::V4(address) => format!("for={address};proto={proto}"),
        IpAddr::V6(address) => format!("for=\"[{address}]\";proto={proto}"),
    }
}

/// `TE` is hop-by-hop, but RETTER can carry trailers, so it says so where the client did.
pub fn takes_trailers(received: &HeaderMap) -> bool {
    list(received, &header::TE).any(|coding| coding.eq_ignore_ascii_case("trailers"))
}

/// Adds one member at the end of a comma-separated list, on one line: not every application reads
/// the lines after the first.
fn append_member(headers: &mut HeaderMap, name: HeaderName, member: &HeaderValue) {
    match headers.entry(name) {
        Entry::Vacant(place) => drop(place.insert(member.clone())),
        Entry::Occupied(mut lines) => {
            let all: Vec<&[u8]> = lines.iter().chain([member]).map(HeaderValue::as_bytes).collect();
            let one = HeaderValue::from_bytes(&all.join(&b", "[..]));
            lines.insert(one.unwrap_or_else(|_| member.clone()));
        }
    }
}

fn keep_or(headers: &mut HeaderMap, name: HeaderName, ours: Option<HeaderValue>) {
    if let (Entry::Vacant(place), Some(ours)) = (headers.entry(name), ours) {
        place.insert(ours);
    }
}

/// Addresses and the like are visible ASCII; should one ever not be, an empty field says nothing
/// untrue.
fn text(ascii: &str) -> HeaderValue {
    HeaderValue::from_str(ascii).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// What only a trusted proxy in front may say (RFC 7239, and the names in use before it).
pub(super) const CLAIMS: [&str; 12] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-protocol",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-real-ip",
];

/// How many fields RETTER may add.
const ADDED_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const VIA: HeaderValue = HeaderValue::from_static("1.1 retter-test");

    fn client() -> Client {
        Client::new(IpAddr::from([203, 0, 113, 7]), true)
    }

    fn received() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("shop.example"));
        headers.insert(X_FORWARDED_FOR, HeaderValue::from_static("10.0.0.1"));
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("https"));
        headers.insert(header::FORWARDED, HeaderValue::from_static("for=10.0.0.1"));
        headers.insert("x_forwarded_for", HeaderValue::from_static("10.0.0.9"));
        headers
    }

    fn forwarded(received: &HeaderMap) -> HeaderMap {
        forward(received, &client(), &VIA, Names::Plain)
    }

    fn all(headers: &HeaderMap, name: impl header::AsHeaderName) -> Vec<&str> {
        headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    #[test]
    fn a_request_is_from_whom_a_trusted_proxy_says_it_is() {
        for (trusted, said, expected) in [
            (true, Some("203.0.113.9, 10.0.0.1"), "10.0.0.1"),
            (true, Some("2001:db8::1"), "2001:db8::1"),
            (true, Some("10.0.0.1:4711"), "10.0.0.1"),
            (true, Some("unknown"), "203.0.113.7"),
            (true, None, "203.0.113.7"),
            (false, Some("10.0.0.1"), "203.0.113.7"),
        ] {
            let client = Client::new(IpAddr::from([203, 0, 113, 7]), trusted);
            let mut fields = HeaderMap::new();
            said.into_iter().for_each(|said| {
                fields.insert(X_FORWARDED_FOR, HeaderValue::from_static(said));
            });
            if !trusted {
                take_off_claims(&mut fields);
            }
            let sent = forward(&fields, &client, &VIA, Names::Plain);
            assert_eq!(sent[X_REAL_IP], expected, "{said:?}");
            let claimed = claimed_address(&fields, &client);
            assert_eq!(claimed.to_string(), expected, "{said:?}");
        }
    }

    #[test]
    fn a_stranger_cannot_say_who_he_is() {
        let mut received = received();
        take_off_claims(&mut received);
        let sent = forwarded(&received);
        assert_eq!(all(&sent, X_FORWARDED_FOR), ["203.0.113.7"]);
        assert_eq!(all(&sent, X_REAL_IP), ["203.0.113.7"]);
        assert_eq!(all(&sent, X_FORWARDED_PROTO), ["http"]);
        assert_eq!(all(&sent, X_FORWARDED_HOST), ["shop.example"]);
        assert_eq!(all(&sent, header::FORWARDED), [""; 0]);
        assert_eq!(sent.get("x_forwarded_for"), None);
    }

    #[test]
    fn where_tls_ends_here_the_application_is_told_so() {
        let mut received = received();
        received.remove(X_FORWARDED_PROTO);
        let sent = forward(&received, &client().over(Scheme::Https), &VIA, Names::Plain);
        assert_eq!(all(&sent, X_FORWARDED_PROTO), ["https"]);
        assert_eq!(all(&sent, header::FORWARDED), ["for=10.0.0.1, for=203.0.113.7;proto=https"]);
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_added_to_the_list() {
        let sent = forwarded(&received());
        assert_eq!(all(&sent, X_FORWARDED_FOR), ["10.0.0.1, 203.0.113.7"]);
        assert_eq!(all(&sent, X_FORWARDED_PROTO), ["https"]);
        assert_eq!(all(&sent, header::FORWARDED), ["for=10.0.0.1, for=203.0.113.7;proto=http"]);
        assert_eq!(all(&sent, header::VIA), ["1.1 retter-test"]);
    }

    #[test]
    fn only_trailers_survive_of_te() {
        let mut headers = received();
        headers.insert(header::TE, HeaderValue::from_static("gzip, Trailers"));
        assert_eq!(all(&forwarded(&headers), header::TE), ["trailers"]);
        headers.insert(header::TE, HeaderValue::from_static("gzip"));
        assert_eq!(all(&forwarded(&headers), header::TE), [""; 0]);
    }
}
