//! The rows of the promise: what the application does, and what that means for a visitor.

use super::SHORT;
use super::want::Want;
use crate::support::origin::{
    Answer, Behaviour, Ending, Origin, answer, fail, garbage, huge_head, ok, pattern,
};

/// One line of the promise.
pub struct Row {
    /// The application ...
    pub trouble: &'static str,
    pub begin: fn(&Origin),
    pub copy: Want,
    pub no_copy: Want,
    /// Whether the application can have seen the request.
    pub asked: bool,
}

pub fn table() -> Vec<Row> {
    let mut rows = wire_troubles();
    rows.extend(body_troubles());
    rows.extend(status_troubles());
    rows.extend(no_trouble());
    rows
}

fn wire_troubles() -> Vec<Row> {
    use Want::{Copy, Ours};
    vec![
        Row { asked: false, ..row("refuses connections", Origin::down, Copy(None), Ours(502)) },
        Row { asked: false, ..row("never connects", Origin::deaf, Copy(None), Ours(504)) },
        row("resets", |it| it.set_all(Behaviour::Reset), Copy(None), Ours(502)),
        row("closes before the head", |it| it.set_all(Behaviour::Close), Copy(None), Ours(502)),
        row("answers garbage", |it| it.set_all(garbage()), Copy(None), Ours(502)),
        row("sends a head over the limit", |it| it.set_all(huge_head()), Copy(None), Ours(502)),
        row("sends half a head", |it| it.set_all(half_a_head()), Copy(None), Ours(502)),
        row("does not answer in time", |it| it.set_all(Behaviour::Hang), Copy(None), Ours(504)),
    ]
}

fn body_troubles() -> Vec<Row> {
    use Want::{Copy, CopyOrCut, Cut};
    let long = |it: &Origin| it.set_all(ok(pattern(0, 200_000)).truncated(150_000));
    let stuck = |it: &Origin| it.set_all(ok(SHORT).ending(Ending::HangAt(5)));
    let reset = |it: &Origin| it.set_all(ok(SHORT).ending(Ending::ResetAt(5)));
    let chunks = |it: &Origin| it.set_all(ok(SHORT).chunked().truncated(5));
    let bad_chunk = |it: &Origin| it.set_all(ok(SHORT).chunked().ending(Ending::BadChunkAt(5)));
    let held = |it: &Origin| it.set_all(ok(pattern(0, 65_536)).truncated(65_535));
    vec![
        row("breaks off a short body", |it| it.set_all(ok(SHORT).truncated(5)), Copy(None), Cut),
        row("breaks off before the body", |it| it.set_all(ok(SHORT).truncated(0)), Copy(None), Cut),
        row("breaks off at the end of 64 KiB", held, Copy(None), Cut),
        row("resets in a short body", reset, Copy(None), Cut),
        row("falls silent in a short body", stuck, Copy(None), Cut),
        row("breaks off a long body", long, Cut, Cut),
        row("breaks off a chunked body", chunks, CopyOrCut, Cut),
        row("sends a malformed chunk", bad_chunk, CopyOrCut, Cut),
    ]
}

fn status_troubles() -> Vec<Row> {
    use Want::{Copy, ItsOwn};
    vec![
        row("answers 500", |it| it.set_all(own_failure(500)), Copy(Some(500)), ItsOwn(500)),
        row("answers 502", |it| it.set_all(own_failure(502)), Copy(Some(502)), ItsOwn(502)),
        row("answers 503", |it| it.set_all(own_failure(503)), Copy(Some(503)), ItsOwn(503)),
        row("answers 504", |it| it.set_all(own_failure(504)), Copy(Some(504)), ItsOwn(504)),
        row("answers 599", |it| it.set_all(own_failure(599)), Copy(Some(599)), ItsOwn(599)),
    ]
}

fn no_trouble() -> Vec<Row> {
    use Want::Fresh;
    vec![
        row("answers well", |it| it.set_all(ok(SHORT)), Fresh(200), Fresh(200)),
        row("answers well in chunks", |it| it.set_all(ok(SHORT).chunked()), Fresh(200), Fresh(200)),
        row("redirects", |it| it.set_all(answer(302, SHORT)), Fresh(302), Fresh(302)),
        row("denies", |it| it.set_all(answer(403, SHORT)), Fresh(403), Fresh(403)),
        row("has no such page", |it| it.set_all(answer(404, SHORT)), Fresh(404), Fresh(404)),
        row("answers 501", |it| it.set_all(answer(501, SHORT)), Fresh(501), Fresh(501)),
        row("answers 505", |it| it.set_all(answer(505, SHORT)), Fresh(505), Fresh(505)),
    ]
}

fn row(trouble: &'static str, begin: fn(&Origin), copy: Want, no_copy: Want) -> Row {
    Row { trouble, begin, copy, no_copy, asked: true }
}

/// A failure of the application that can be told from one of RETTER's.
pub fn own_failure(status: u16) -> Answer {
    fail(status).header("X-Own", "kept")
}

fn half_a_head() -> Behaviour {
    Behaviour::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Ha".to_vec())
}
