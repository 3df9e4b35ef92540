//! WebSocket (RFC 6455): the one protocol that a connection may turn to. What asks for it is
//! hop-by-hop (RFC 9110 section 7.8), so on each hop it is said anew.

use super::list;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Do these fields, as they came, ask for it? `Upgrade` alone asks for nothing: it must be named in
/// `Connection`, or it was meant for another hop.
pub fn asks_for_websocket(received: &HeaderMap) -> bool {
    has(received, &header::UPGRADE, WEBSOCKET) && has(received, &header::CONNECTION, UPGRADE)
}

/// Does a 101 with these fields turn to it, and to nothing else?
pub fn turns_to_websocket(received: &HeaderMap) -> bool {
    let mut protocols = list(received, &header::UPGRADE);
    let first = protocols.next().is_some_and(|protocol| protocol.eq_ignore_ascii_case(WEBSOCKET));
    first && protocols.next().is_none()
}

/// Says it beside end-to-end fields: in a request, or in the 101 to one. A tunnel has no trailers.
pub fn say_websocket(fields: &mut HeaderMap) {
    fields.remove(header::TE);
    fields.insert(header::CONNECTION, HeaderValue::from_static(UPGRADE));
    fields.insert(header::UPGRADE, HeaderValue::from_static(WEBSOCKET));
}

fn has(fields: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    list(fields, name).any(|member| member.eq_ignore_ascii_case(wanted))
}

const UPGRADE: &str = "upgrade";
const WEBSOCKET: &str = "websocket";

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(connection: &'static str, upgrade: &'static str) -> HeaderMap {
        HeaderMap::from_iter([
            (header::CONNECTION, HeaderValue::from_static(connection)),
            (header::UPGRADE, HeaderValue::from_static(upgrade)),
        ])
    }

    #[test]
    fn only_websocket_that_connection_names_is_asked_for() {
        for (connection, upgrade, asks) in [
            ("Upgrade", "websocket", true),
            ("keep-alive, upgrade", "WebSocket", true),
            ("Upgrade", "h2c, websocket", true),
            ("Upgrade, HTTP2-Settings", "h2c", false),
            ("keep-alive", "websocket", false),
            ("Upgrade", "websocket/13", false),
            ("Upgrade", "websockets", false),
        ] {
            assert_eq!(asks_for_websocket(&fields(connection, upgrade)), asks, "{upgrade}");
        }
    }

    #[test]
    fn a_101_turns_to_one_protocol() {
        assert!(turns_to_websocket(&fields("upgrade", "WebSocket")));
        for other in ["h2c", "websocket, h2c", "h2c, websocket", ""] {
            assert!(!turns_to_websocket(&fields("upgrade", other)), "{other}");
        }
    }

    #[test]
    fn it_is_said_once_whatever_stood_there() {
        let mut sent = fields("te", "h2c");
        sent.insert(header::TE, HeaderValue::from_static("trailers"));
        say_websocket(&mut sent);
        assert_eq!(sent, fields("upgrade", "websocket"));
    }
}
