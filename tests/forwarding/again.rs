//! Requests on a kept connection that dies before a byte of the answer.

use super::before;
use crate::support::client::{Visit, post, visit};
use crate::support::origin::{Behaviour, Origin, ok};

/// RFC 9110 section 9.2.2: to be asked twice for them is to be asked once.
#[test]
fn what_may_come_twice_is_sent_once_more() {
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"] {
        assert_eq!(dies(&visit(method, "/it")), (200, 2), "{method}");
    }
    assert_eq!(dies(&visit("PUT", "/it").header("Content-Length", "0")), (200, 2));
}

#[test]
fn what_may_be_an_order_is_not() {
    let length = visit("POST", "/it").header("Content-Length", "0");
    let put = visit("PUT", "/it").body("a body is not kept for it");
    for order in [length, post("/it", "order"), put, visit("PATCH", "/it"), visit("MKCOL", "/it")] {
        assert_eq!(dies(&order), (502, 1));
    }
}

/// The status of the answer, and how often the application was asked.
fn dies(visit: &Visit) -> (u16, usize) {
    let origin = Origin::new().route("/first", ok("1"));
    let origin = origin.route("/it", Behaviour::Close).then(ok("2"));
    let retter = before(&origin);
    assert_eq!(retter.get("/first").status, 200);
    (retter.visit(visit).status, origin.hits("/it"))
}
