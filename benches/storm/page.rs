//! The pages of the simulated application, and the requests for them. A page says which it is, for
//! whom it was made and when; the rest is prose that belongs to it, so that a mixture of two shows.

use crate::{pages, wire};
use std::time::{SystemTime, UNIX_EPOCH};

/// Who wants which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wanted {
    pub page: usize,
    /// None: nobody in particular.
    pub session: Option<usize>,
}

/// Every session comes from its own address.
pub fn write_request(wanted: Wanted, out: &mut Vec<u8>) {
    let Wanted { page, session } = wanted;
    out.clear();
    out.extend_from_slice(format!("GET /page/{page} HTTP/1.1\r\n{HEADERS}").as_bytes());
    if let Some(session) = session {
        let (far, near) = (session / 250, session % 250 + 1);
        let session =
            format!("X-Forwarded-For: 10.6.{far}.{near}\r\nCookie: {COOKIE}{session:026}\r\n");
        out.extend_from_slice(session.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// What is wanted by the request with this head.
pub fn asked(head: &[u8]) -> Option<Wanted> {
    let path = std::str::from_utf8(head.strip_prefix(b"GET /page/")?).ok()?;
    let page = path.split(' ').next()?.parse().ok()?;
    let session = wire::header(head, "cookie").and_then(|cookies| cookies.strip_prefix(COOKIE));
    Some(Wanted { page, session: session.and_then(|session| session.parse().ok()) })
}

/// Appends the page made for this wish at this time.
pub fn write(wanted: Wanted, made_ms: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(first_line(wanted).as_bytes());
    out.extend_from_slice(format!("{made_ms}</p>\n").as_bytes());
    pages::write(SIZE, wanted.page as u64, out);
}

/// When the page was made, if it is the one wanted, whole and nothing else.
pub fn made_ms(wanted: Wanted, body: &[u8]) -> Option<u64> {
    let rest = body.strip_prefix(first_line(wanted).as_bytes())?;
    let end = rest.windows(END.len()).position(|window| window == END)?;
    let made = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
    pages::is_page(SIZE, wanted.page as u64, &rest[end + END.len()..]).then_some(made)
}

/// Makes the prose that all pages are cut from, which takes a while, before it is needed.
pub fn prepare() {
    write(Wanted { page: 0, session: None }, 0, &mut Vec::new());
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}

fn first_line(Wanted { page, session }: Wanted) -> String {
    let whom = session.map_or_else(|| "anybody".to_owned(), |session| session.to_string());
    format!("<p>page {page} for {whom} at ")
}

const END: &[u8] = b"</p>\n";
const COOKIE: &str = "PHPSESSID=";
/// No `Accept-Encoding`: bodies are compared byte by byte.
const HEADERS: &str = "Host: shop.example\r\nUser-Agent: storm\r\nAccept: text/html\r\n";
/// Bytes of the prose.
const SIZE: usize = 4 << 10;
