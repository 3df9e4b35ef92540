//! The promise for what is not a GET.

use super::table::own_failure;
use super::{ME, page, page_text};
use crate::support::client::{get, head, post, visit};
use crate::support::origin::{Behaviour, Origin, computed, garbage, ok};
use crate::support::retter::Setup;

#[test]
fn other_methods_are_forwarded_untouched_and_never_rescued() {
    let origin = Origin::new().elsewhere(computed(page));
    let retter = Setup::before(&origin).without_breaker().start();
    retter.get("/page");
    retter.wait_for_copies(&["/page"]);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"] {
        origin.set_all(own_failure(503));
        let own = retter.visit(&visit(method, "/page").cookie(ME));
        assert_eq!((own.status, own.header("x-own")), (503, Some("kept")), "{method}");
        assert_eq!((own.header("x-retter"), own.header("x-circuit")), (None, None), "{method}");
        assert_eq!(origin.last("/page").method(), method);
        origin.set_all(garbage());
        let ours = retter.visit(&visit(method, "/page"));
        assert_eq!(
            (ours.status, ours.header("cache-control")),
            (502, Some("no-store")),
            "{method}"
        );
    }
}

#[test]
fn the_answer_to_a_post_is_never_a_copy_for_anybody() {
    let origin = Origin::new().elsewhere(ok("thanks for the order"));
    let retter = Setup::before(&origin).without_breaker().start();
    retter.visit(&post("/order", "x"));
    retter.visit(&get("/known"));
    retter.wait_for_copies(&["/known"]);
    origin.down();
    assert_eq!(retter.get("/order").status, 502);
}

#[test]
fn a_get_with_a_body_is_neither_stored_nor_rescued() {
    let origin = Origin::new().elsewhere(computed(page));
    let retter = Setup::before(&origin).without_breaker().start();
    let question = get("/search").body("for=lifebelts");
    assert_eq!(retter.visit(&question).status, 200);
    assert_eq!(origin.last("/search").body, b"for=lifebelts");
    retter.get("/page");
    retter.wait_for_copies(&["/page"]);
    origin.down();
    for again in [question, get("/search"), get("/page").body("x")] {
        assert_eq!(retter.visit(&again).status, 502);
    }
    assert_eq!(retter.get("/page").status, 200);
}

#[test]
fn a_post_that_may_have_been_done_is_not_done_twice() {
    let origin = Origin::new().route("/order", Behaviour::Reset).elsewhere(ok(""));
    let retter = Setup::before(&origin).without_breaker().start();
    // Leaves a connection to be used again.
    retter.get("/");
    assert_eq!(retter.visit(&post("/order", "two lifebelts")).status, 502);
    assert_eq!(origin.hits("/order"), 1);
}

#[test]
fn heads_are_forwarded_while_the_application_copes() {
    let origin = Origin::new().elsewhere(ok("12345"));
    let retter = Setup::before(&origin).start();
    let answer = retter.visit(&head("/page"));
    assert_eq!(origin.last("/page").method(), "HEAD");
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("5")));
    assert_eq!((answer.header("x-retter"), answer.header("x-circuit")), (None, None));
}

#[test]
fn heads_are_rescued_by_the_copy_of_the_get_when_the_application_fails() {
    let origin = Origin::new().elsewhere(computed(page));
    let retter = Setup::before(&origin).without_breaker().set("CACHE_TTL", 600).start();
    retter.get("/page");
    retter.wait_for_copies(&["/page"]);
    let troubles: [fn(&Origin); 3] =
        [Origin::down, |it| it.set_all(own_failure(503)), |it| it.set_all(Behaviour::Hang)];
    for trouble in troubles {
        origin.up();
        trouble(&origin);
        let answer = retter.visit(&head("/page"));
        assert_eq!((answer.status, answer.retter()), (200, "cache"), "{answer:?}");
        let length = page_text("/page", "").len().to_string();
        assert_eq!(answer.header("content-length"), Some(&*length));
        assert!(answer.header("age").is_some() && answer.body.is_empty());
    }
    origin.down();
    assert_eq!(retter.visit(&head("/none")).status, 502);
}
