//! Nobody is ever given a page made for somebody else, and nothing that makes a visitor a person
//! is found in the file, in what is printed about it, or in the log.

mod addresses;
mod matrix;
mod newcomers;
mod random;

use crate::support::client::{Answer, Visit, get};
use crate::support::origin::{Origin, Seen, computed, ok};
use crate::support::retter::{Retter, Setup};

/// Somebody with credentials, who adds them to a request for a page.
struct Visitor {
    name: &'static str,
    /// What must not be found anywhere.
    secret: &'static str,
    ask: fn(&str) -> Visit,
}

#[test]
fn in_an_outage_everybody_sees_his_own_pages_or_none() {
    let (origin, mut retter) = visited();
    origin.down();
    everybody_sees_his_own(&retter, |_| true);
    strangers_see_nothing(&retter);
    retter.restart();
    // Credentials that can be guessed seal nothing: such copies stay in memory.
    everybody_sees_his_own(&retter, |visitor| visitor.name != BASIC);
    strangers_see_nothing(&retter);
}

#[test]
fn no_credential_and_no_page_of_a_person_is_found_anywhere() {
    let (origin, mut retter) = visited();
    origin.down();
    everybody_sees_his_own(&retter, |_| true);
    let dump = retter.dump();
    let log = retter.log();
    retter.kill9();
    let after = retter.dump();
    let file = std::fs::read(retter.file()).expect("the file");
    for (place, bytes) in [
        ("the file", &file),
        ("the dump", &dump.stdout),
        ("the dump's errors", &dump.stderr),
        ("the dump after the crash", &after.stdout),
        ("the log", &log.into_bytes()),
    ] {
        for visitor in VISITORS.iter().filter(|visitor| !visitor.secret.is_empty()) {
            let secret = visitor.secret.as_bytes();
            assert!(!contains(bytes, secret), "{} is found in {place}", visitor.name);
        }
        assert!(!contains(bytes, PERSONAL.as_bytes()), "a personal page is found in {place}");
    }
    assert!(contains(&file, b"for everybody"), "an anonymous page is found: the search works");
}

#[test]
fn a_changed_theme_does_not_lose_the_copy() {
    let origin = Origin::new().elsewhere(computed(page));
    let retter = before(&origin);
    let day = retter.visit(&get("/page").cookie("theme=day; PHPSESSID=5e55i0n; lang=de"));
    retter.wait_for_copies(&["/page"]);
    origin.down();
    let night = retter.visit(&get("/page").cookie("lang=de; PHPSESSID=5e55i0n; theme=night"));
    assert_eq!((night.status, night.text()), (200, day.text()));
}

#[test]
fn harmless_cookies_leave_a_visitor_anonymous() {
    let origin = Origin::new().elsewhere(ok("for everybody"));
    let retter = before(&origin);
    retter.visit(&get("/page").cookie("_ga=GA1.2.3; _gid=GA1.2.4"));
    retter.wait_for_copies(&["/page"]);
    origin.down();
    assert_eq!(retter.get("/page").text(), "for everybody");
    assert_eq!(retter.visit(&get("/page").cookie("_ga=another")).text(), "for everybody");
}

#[test]
fn what_the_application_says_about_privacy_is_obeyed() {
    let page = || ok("for one visitor");
    let origin = Origin::new()
        .route("/no-store", page().header("Cache-Control", "no-store"))
        .route("/private", page().header("Cache-Control", "private"))
        .route("/cookie", page().header("Set-Cookie", "cart=77; Path=/"))
        .route("/vary-all", page().header("Vary", "*"))
        .elsewhere(ok("for everybody"));
    let retter = before(&origin);
    let guarded = ["/no-store", "/private", "/cookie", "/vary-all"];
    for path in guarded.iter().chain(&["/open"]) {
        assert_eq!(retter.get(path).status, 200);
    }
    retter.wait_for_copies(&["/open"]);
    origin.down();
    for path in guarded {
        nothing_is_shown(&retter.get(path), path);
    }
    assert_eq!(retter.get("/open").text(), "for everybody");
}

#[test]
fn a_page_that_php_marks_no_store_is_kept_for_its_visitor_alone() {
    let php = ok(PERSONAL).header("Cache-Control", "no-store, no-cache, must-revalidate");
    let origin = Origin::new().elsewhere(php.header("Pragma", "no-cache"));
    let mut retter = before(&origin);
    let own = get("/page").cookie("PHPSESSID=5e55i0n");
    retter.visit(&own);
    retter.wait_for_copies(&["/page"]);
    origin.down();
    retter.restart();
    assert_eq!(retter.visit(&own).text(), PERSONAL);
    nothing_is_shown(&retter.get("/page"), "nobody");
}

#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let origin = Origin::new().elsewhere(ok("for everybody"));
    let retter = before(&origin);
    retter.get("/open");
    retter.wait_for_copies(&["/open"]);
    let mode = std::fs::metadata(retter.file()).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Everybody has seen every page while the application was well.
fn visited() -> (Origin, Retter) {
    let origin = Origin::new().elsewhere(computed(page));
    let retter = before(&origin);
    for visitor in &VISITORS {
        for path in PAGES {
            let answer = retter.visit(&(visitor.ask)(path));
            assert_eq!((answer.status, answer.retter()), (200, "backend"), "{}", visitor.name);
        }
    }
    // The last one written: the queue keeps its order.
    retter.get("/the-end");
    retter.wait_for_copies(&["/the-end"]);
    (origin, retter)
}

/// The page says what the application knew about the visitor. Short, so that it is stored as it
/// is and could be found.
fn page(seen: &Seen) -> crate::support::origin::Answer {
    let known: Vec<String> = ["cookie", "authorization", "x-api-key"]
        .iter()
        .filter_map(|name| seen.header(name))
        .collect();
    let in_target = seen.target().contains(['?', ';']);
    if known.is_empty() && !in_target {
        return ok(format!("for everybody: {}", seen.path()));
    }
    ok(format!("{PERSONAL}: {} {}", seen.target(), known.join(" ")))
}

fn everybody_sees_his_own(retter: &Retter, kept: impl Fn(&Visitor) -> bool) {
    for visitor in &VISITORS {
        for path in PAGES {
            let answer = retter.visit(&(visitor.ask)(path));
            let shown = format!("{} at {path}: {answer:?}", visitor.name);
            if kept(visitor) {
                assert_eq!((answer.status, answer.retter()), (200, "cache"), "{shown}");
                assert!(answer.text().contains(visitor.secret), "{shown}");
            } else {
                nothing_is_shown(&answer, visitor.name);
            }
            no_other_is_shown(visitor, &answer);
        }
    }
}

fn no_other_is_shown(visitor: &Visitor, answer: &Answer) {
    let text = answer.text();
    for other in VISITORS.iter().filter(|other| !other.secret.is_empty()) {
        if other.name != visitor.name && !visitor.secret.contains(other.secret) {
            assert!(!text.contains(other.secret), "{} sees {}", visitor.name, other.name);
        }
    }
    if visitor.secret.is_empty() {
        assert!(!text.contains(PERSONAL), "{} sees a person's page", visitor.name);
    }
}

/// Credentials that look much like a visitor's, and are not.
fn strangers_see_nothing(retter: &Retter) {
    for cookie in [
        "PHPSESSID=aaaa1111bbbb222",
        "PHPSESSID=aaaa1111bbbb22222",
        "PHPSESSID=AAAA1111BBBB2222",
        "XPHPSESSID=aaaa1111bbbb2222",
        "phpsessid=aaaa1111bbbb2222",
        "JSESSIONID=aaaa1111bbbb2222",
        "PHPSESSID=aaaa1111bbbb2222; JSESSIONID=cccc3333dddd4444",
        "PHPSESSID=aaaa1111bbbb2222; PHPSESSID=eeee5555ffff6666",
        "mystery=other",
    ] {
        for path in PAGES {
            nothing_is_shown(&retter.visit(&get(path).cookie(cookie)), cookie);
        }
    }
    for (name, value) in [
        ("Authorization", "Bearer t0k3n.0f.som3b0dy"),
        ("Authorization", "t0k3n.0f.som3b0dy.3ls3"),
        ("X-Api-Key", "k3y-0f-a-m4chin"),
    ] {
        nothing_is_shown(&retter.visit(&get("/account").header(name, value)), value);
    }
}

fn nothing_is_shown(answer: &Answer, who: &str) {
    assert!(matches!(answer.status, 502..=504), "{who}: {answer:?}");
    assert_eq!(answer.retter(), "no-cache", "{who}");
    for page in ["for everybody", "for one visitor", "for who knows"] {
        assert!(!answer.text().contains(page), "{who}: {answer:?}");
    }
}

fn before(origin: &Origin) -> Retter {
    Setup::before(origin).without_breaker().set("CACHE_TTL", 600).start()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

const BASIC: &str = "a guessable password";
const PERSONAL: &str = "personal and for one visitor";
const PAGES: [&str; 2] = ["/account", "/basket"];
const VISITORS: [Visitor; 11] = [
    Visitor { name: "nobody in particular", secret: "", ask: get },
    Visitor {
        name: "a PHP session",
        secret: "aaaa1111bbbb2222",
        ask: |path| get(path).cookie("PHPSESSID=aaaa1111bbbb2222"),
    },
    Visitor {
        name: "another PHP session",
        secret: "eeee5555ffff6666",
        ask: |path| get(path).cookie("PHPSESSID=eeee5555ffff6666; theme=dark"),
    },
    Visitor {
        name: "a PHP session in the query",
        secret: "a9a9b8b8c7c7d6d6",
        ask: |path| get(&format!("{path}?PHPSESSID=a9a9b8b8c7c7d6d6")),
    },
    Visitor {
        name: "a Java session",
        secret: "cccc3333dddd4444",
        ask: |path| get(path).cookie("JSESSIONID=cccc3333dddd4444"),
    },
    Visitor {
        name: "a Java session in the path",
        secret: "c4c4d5d5e6e6f7f7",
        ask: |path| get(&format!("{path};jsessionid=c4c4d5d5e6e6f7f7")),
    },
    Visitor {
        name: "a CodeIgniter session",
        secret: "abcd7777efab8888",
        ask: |path| get(path).cookie("ci_session=abcd7777efab8888"),
    },
    Visitor {
        name: "a token",
        secret: "t0k3n.0f.som3b0dy.3ls3",
        ask: |path| get(path).header("Authorization", "Bearer t0k3n.0f.som3b0dy.3ls3"),
    },
    Visitor {
        name: BASIC,
        secret: "YWxpY2U6d29uZGVybGFuZA",
        ask: |path| get(path).header("Authorization", "Basic YWxpY2U6d29uZGVybGFuZA=="),
    },
    Visitor {
        name: "a key",
        secret: "k3y-0f-a-m4chine",
        ask: |path| get(path).header("X-Api-Key", "k3y-0f-a-m4chine"),
    },
    Visitor {
        name: "a cookie nobody knows",
        secret: "wh0kn0wswh4tth1s1s",
        ask: |path| get(path).cookie("mystery=wh0kn0wswh4tth1s1s"),
    },
];
