//! What a proxy in front says about its visitors, and what is made of it.

use super::{asked, before};
use crate::support::client::{Visit, get};
use crate::support::origin::{Origin, ok};
use crate::support::retter::Setup;

const PROXY: &str = "127.0.0.1";

#[test]
fn lines_of_a_list_become_one_with_the_proxy_at_its_end() {
    let told = told(
        &get("/")
            .header("X-Forwarded-For", "203.0.113.9")
            .header("X-Forwarded-For", "198.51.100.7, 198.51.100.8")
            .header("Via", "1.0 one")
            .header("Via", "1.1 two"),
    );
    let all = "203.0.113.9, 198.51.100.7, 198.51.100.8, 127.0.0.1";
    assert_eq!(told("x-forwarded-for"), [all]);
    let via = told("via");
    assert!(
        matches!(&via[..], [one] if one.starts_with("1.0 one, 1.1 two, 1.1 retter")),
        "{via:?}"
    );
}

/// Applications that know `X-Real-IP` alone must not take all visitors for the proxy.
#[test]
fn the_visitor_is_who_the_proxy_says_he_is() {
    for (list, real) in [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("unknown", PROXY),
    ] {
        let told = told(&get("/").header("X-Forwarded-For", list));
        assert_eq!(told("x-real-ip"), [real], "{list}");
    }
    let kept = told(&get("/").header("X-Forwarded-For", "203.0.113.9").header("X-Real-IP", "::7"));
    assert_eq!(kept("x-real-ip"), ["::7"]);
    assert_eq!(told(&get("/"))("x-real-ip"), [PROXY]);
}

/// RFC 7239, from a proxy that says nothing else.
#[test]
fn what_only_forwarded_says_is_said_in_the_other_words_too() {
    let line = "for=\"[2001:db8::1]:4711\";proto=https;host=shop.example";
    let told_so = told(&get("/").header("Forwarded", line));
    assert_eq!(told_so("x-forwarded-proto"), ["https"]);
    assert_eq!(told_so("x-forwarded-for"), ["2001:db8::1, 127.0.0.1"]);
    assert_eq!(told_so("x-real-ip"), ["2001:db8::1"]);
    assert_eq!(told_so("forwarded"), [format!("{line}, for=127.0.0.1;proto=http")]);
    let last = told(
        &get("/")
            .header("Forwarded", "for=10.0.0.1;proto=http, For=\"203.0.113.9:80\";Proto=HTTPS"),
    );
    assert_eq!(
        (last("x-real-ip"), last("x-forwarded-proto")),
        (vec!["203.0.113.9".into()], vec!["https".into()])
    );
    let hidden = told(&get("/").header("Forwarded", "for=_hidden"));
    assert_eq!(
        (hidden("x-real-ip"), hidden("x-forwarded-proto")),
        (vec![PROXY.into()], vec!["http".into()])
    );
}

#[test]
fn a_stranger_says_nothing_by_forwarded() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = Setup::before(&origin).set("SERVER_TRUSTED", "none").start();
    retter.visit(&get("/").header("Forwarded", "for=203.0.113.9;proto=https"));
    let seen = asked(&origin);
    assert_eq!(seen.all("x-forwarded-proto"), ["http"]);
    assert_eq!(
        (seen.all("x-real-ip"), seen.all("x-forwarded-for")),
        (vec![PROXY.into()], vec![PROXY.into()])
    );
}

fn told(visit: &Visit) -> impl Fn(&str) -> Vec<String> + use<> {
    let origin = Origin::new().elsewhere(ok("1"));
    assert_eq!(before(&origin).visit(visit).status, 200);
    let seen = asked(&origin);
    move |name| seen.all(name)
}
