//! Errors that say 200: they go to the visitor as they are, and never into a copy.

use crate::support::client::get;
use crate::support::origin::{Answer, Origin, ok};
use crate::support::retter::{Retter, Setup};
use std::io::Write;

const TROUBLE: &str = "<p>Error establishing a database connection, sorry</p>";

/// A page was kept, then `soft` came instead of it; what a visitor gets when the application is
/// down.
fn after(soft: Answer, setup: impl Fn(Setup) -> Setup) -> (Retter, String) {
    let origin = Origin::new().route("/page", ok("the good page")).then(soft.clone());
    // A body of unknown length is compressed if the rest of it is not here yet.
    let retter = setup(Setup::before(&origin)).set("COMPRESS_MODE", "off").start();
    retter.get("/page");
    retter.wait_for_copies(&["/page"]);
    let shown = retter.visit(&get("/page").header("Accept-Encoding", "gzip"));
    assert_eq!((shown.status, shown.retter(), shown.circuit()), (200, "backend", "CLOSED"));
    assert_eq!(shown.body, soft.body.piece(0, soft.body.length(), usize::MAX), "untouched");
    assert!(!retter.breaker_has_changed());
    origin.down();
    let text = retter.get("/page").text();
    (retter, text)
}

fn with_text(setup: Setup) -> Setup {
    setup.set("CACHE_REJECT_TEXT", "Fatal error:, Error establishing a database connection")
}

#[test]
fn an_error_that_says_200_takes_no_copys_place() {
    for soft in
        [ok(TROUBLE), ok(TROUBLE).chunked(), ok(gzip(TROUBLE)).header("Content-Encoding", "gzip")]
    {
        let (retter, kept) = after(soft, with_text);
        assert_eq!(kept, "the good page");
        assert_eq!(retter.figure(&["skipped", "reject-text"]), 1.0);
    }
    let (_, kept) = after(ok(TROUBLE).typed("text/plain"), |setup| setup);
    assert_eq!(kept, TROUBLE, "without the setting it is a page like any other");
}

#[test]
fn a_page_that_is_too_short_takes_no_copys_place() {
    for soft in [ok("oops"), ok("oops").chunked(), ok("")] {
        let (retter, kept) = after(soft, |setup| setup.set("CACHE_REJECT_BELOW", 10));
        assert_eq!(kept, "the good page");
        assert_eq!(retter.figure(&["skipped", "reject-below"]), 1.0);
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text.as_bytes()).expect("memory");
    packer.finish().expect("memory")
}
