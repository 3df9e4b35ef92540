//! Pages that vary, and answers that say that nothing has changed.

use crate::support::client::{self, Visit, get};
use crate::support::origin::{Answer, Origin, Seen, answer, computed, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};

#[test]
fn everybody_is_given_the_page_in_his_own_language_also_after_a_restart() {
    let origin = Origin::new().elsewhere(computed(in_its_language));
    let mut retter = Setup::before(&origin).without_breaker().start();
    for language in ["de", "fr", "en, de;q=0.5"] {
        assert_eq!(retter.visit(&page(language)).text(), format!("page in {language}"));
    }
    assert_eq!(retter.get("/page").text(), "page in no language");
    // Four variants and their list.
    wait_for_rows(&retter, 5.0);
    origin.down();
    for _ in 0..2 {
        for language in ["fr", "de", "en, de;q=0.5"] {
            let rescued = retter.visit(&page(language));
            assert_eq!(rescued.text(), format!("page in {language}"), "{rescued:?}");
        }
        assert_eq!(retter.get("/page").text(), "page in no language");
        let nobodys = retter.visit(&page("it"));
        assert_eq!((nobodys.status, nobodys.retter()), (502, "no-cache"), "{nobodys:?}");
        retter.restart();
    }
}

#[test]
fn sixteen_variants_of_a_page_are_kept_and_no_made_up_one_pushes_them_out() {
    let origin = Origin::new().elsewhere(computed(in_its_language));
    let retter = Setup::before(&origin).without_breaker().start();
    let languages: Vec<_> = (0..30).map(|number| format!("x-{number}")).collect();
    for language in &languages {
        retter.visit(&page(language));
    }
    assert!(until(SOON, || retter.figure(&["skipped", "variants"]) == 14.0), "{}", retter.log());
    wait_for_rows(&retter, 17.0);
    origin.down();
    for (number, language) in languages.iter().enumerate() {
        let expected = if number < 16 { 200 } else { 502 };
        assert_eq!(retter.visit(&page(language)).status, expected, "{language}");
    }
}

#[test]
fn a_page_that_one_origin_may_read_is_kept_for_that_origin() {
    let allowed = |seen: &Seen| {
        let origin = seen.header("origin").unwrap_or_default();
        ok(format!("for {origin}")).header("Access-Control-Allow-Origin", &origin)
    };
    let origin = Origin::new().elsewhere(computed(allowed));
    let retter = Setup::before(&origin).without_breaker().start();
    let from = |site: &str| get("/data").header("Origin", site);
    for site in ["https://a.example", "https://b.example"] {
        retter.visit(&from(site));
    }
    wait_for_rows(&retter, 3.0);
    origin.down();
    for site in ["https://a.example", "https://b.example"] {
        let rescued = retter.visit(&from(site));
        assert_eq!(rescued.text(), format!("for {site}"));
        assert_eq!(rescued.header("access-control-allow-origin"), Some(site));
    }
    assert_eq!(retter.get("/data").status, 502);
}

#[test]
fn a_page_that_varies_by_cookie_is_given_to_the_very_same_cookies_only() {
    let said = |seen: &Seen| {
        let cookies = seen.header("cookie").unwrap_or_default();
        ok(format!("for {cookies}")).header("Vary", "Cookie")
    };
    let origin = Origin::new().elsewhere(computed(said));
    let retter = Setup::before(&origin).without_breaker().start();
    let brought = ["_ga=1", "PHPSESSID=a; theme=dark", "PHPSESSID=b; theme=dark"];
    for cookies in brought {
        retter.visit(&get("/page").cookie(cookies));
    }
    // Each has a list of his own.
    wait_for_rows(&retter, 6.0);
    origin.down();
    for cookies in brought {
        assert_eq!(retter.visit(&get("/page").cookie(cookies)).text(), format!("for {cookies}"));
    }
    for cookies in ["_ga=2", "PHPSESSID=a; theme=light", "PHPSESSID=a", "PHPSESSID=c"] {
        assert_eq!(retter.visit(&get("/page").cookie(cookies)).status, 502, "{cookies}");
    }
}

#[test]
fn a_page_that_does_not_vary_any_more_is_the_same_for_everybody() {
    let origin = Origin::new().elsewhere(computed(in_its_language));
    let retter = Setup::before(&origin).without_breaker().start();
    retter.visit(&page("de"));
    wait_for_rows(&retter, 2.0);
    origin.set_all(ok("the one page"));
    retter.visit(&page("fr"));
    let written = || retter.figure(&["store", "rows-written"]) == 3.0;
    assert!(until(SOON, written), "{}", retter.log());
    origin.down();
    for language in ["de", "fr", "it"] {
        assert_eq!(retter.visit(&page(language)).text(), "the one page", "{language}");
    }
}

#[test]
fn an_answer_that_nothing_has_changed_makes_the_copy_as_good_as_new() {
    let tagged = |tag: &'static str, build: &'static str| {
        move |seen: &Seen| -> Answer {
            let known = seen.header("if-none-match").is_some_and(|asked| asked == tag);
            let it = if known { answer(304, "") } else { ok("the page") };
            it.header("ETag", tag).header("X-Build", build)
        }
    };
    let origin = Origin::new().elsewhere(computed(tagged("\"1\"", "old")));
    let retter = Setup::before(&origin).without_breaker().start();
    retter.get("/page");
    wait_for_rows(&retter, 1.0);
    // About another page than the one there is a copy of.
    origin.set_all(computed(tagged("\"2\"", "other")));
    assert_eq!(retter.visit(&get("/page").header("If-None-Match", "\"2\"")).status, 304);
    rescued_of_build(&origin, &retter, "old");
    origin.set_all(computed(tagged("\"1\"", "new")));
    assert_eq!(retter.visit(&get("/page").header("If-None-Match", "\"1\"")).status, 304);
    rescued_of_build(&origin, &retter, "new");
}

fn with_a_tagged_copy() -> (Origin, Retter) {
    let origin = Origin::new().elsewhere(ok("the page").header("ETag", "\"1\""));
    let retter = Setup::before(&origin).without_breaker().start();
    retter.get("/page");
    wait_for_rows(&retter, 1.0);
    (origin, retter)
}

/// The copy after another 304: what would have been done beside an answer is done before the next of its
/// kind.
fn once_it_is_renewed(origin: &Origin, retter: &Retter) -> client::Answer {
    origin.set_all(answer(304, "").header("ETag", "\"1\"").header("X-Build", "new"));
    assert_eq!(retter.visit(&get("/page").header("If-None-Match", "\"1\"")).status, 304);
    rescued_of_build(origin, retter, "new")
}

fn rescued_of_build(origin: &Origin, retter: &Retter, build: &str) -> client::Answer {
    origin.down();
    let mut rescued = retter.get("/page");
    let is_there = until(SOON, || {
        rescued = retter.get("/page");
        rescued.header("x-build") == Some(build)
    });
    assert!(is_there, "{rescued:?}");
    assert_eq!((rescued.status, rescued.text().as_str()), (200, "the page"));
    origin.up();
    rescued
}

fn in_its_language(seen: &Seen) -> Answer {
    let language = seen.header("accept-language").unwrap_or("no language".into());
    ok(format!("page in {language}")).header("Vary", "Accept-Language")
}

fn page(language: &str) -> Visit {
    get("/page").header("Accept-Language", language)
}

fn wait_for_rows(retter: &Retter, rows: f64) {
    assert!(until(SOON, || retter.figure(&["store", "copies"]) == rows), "{}", retter.log());
}

#[test]
fn no_request_takes_away_the_copy_that_others_are_rescued_by() {
    let reflecting = |seen: &Seen| match seen.header("origin") {
        Some(origin) => ok("the page").header("Access-Control-Allow-Origin", &origin),
        None => ok("the page"),
    };
    let origin = Origin::new().elsewhere(computed(reflecting));
    let retter = Setup::before(&origin).without_breaker().start();
    retter.get("/page");
    wait_for_rows(&retter, 1.0);
    retter.visit(&get("/page").header("Origin", "https://a.example"));
    wait_for_rows(&retter, 3.0);
    // The page for all is asked for again, and stays beside it.
    retter.get("/page");
    origin.down();
    let plain = retter.get("/page");
    assert_eq!(
        (plain.text().as_str(), plain.header("access-control-allow-origin")),
        ("the page", None)
    );
    let a = retter.visit(&get("/page").header("Origin", "https://a.example"));
    assert_eq!(a.text(), "the page");
}

#[test]
fn a_page_that_varies_by_more_for_one_request_is_lost_to_nobody() {
    let said = |seen: &Seen| match seen.header("origin") {
        Some(origin) => in_its_language(seen).header("Access-Control-Allow-Origin", &origin),
        None => in_its_language(seen),
    };
    let origin = Origin::new().elsewhere(computed(said));
    let retter = Setup::before(&origin).without_breaker().start();
    retter.visit(&page("de"));
    wait_for_rows(&retter, 2.0);
    retter.visit(&page("de").header("Origin", "https://evil.example"));
    let left_out = || retter.figure(&["skipped", "variants"]) == 1.0;
    assert!(until(SOON, left_out), "{}", retter.log());
    origin.down();
    assert_eq!(retter.visit(&page("de")).text(), "page in de");
}

#[test]
fn a_304_that_depends_on_more_than_the_copy_does_not_touch_it() {
    let (origin, retter) = with_a_tagged_copy();
    let allowing = answer(304, "").header("ETag", "\"1\"");
    origin.set_all(allowing.header("Access-Control-Allow-Origin", "https://b.example"));
    let asked = get("/page").header("If-None-Match", "\"1\"").header("Origin", "https://b.example");
    assert_eq!(retter.visit(&asked).status, 304);
    let rescued = once_it_is_renewed(&origin, &retter);
    assert!(rescued.header("access-control-allow-origin").is_none(), "{rescued:?}");
}

#[test]
fn a_condition_that_the_application_did_not_see_renews_nothing() {
    let (origin, retter) = with_a_tagged_copy();
    // It says that nothing has changed since a date; which page it means it does not say.
    origin.set_all(answer(304, "").header("X-Hidden", "1"));
    let hidden = get("/page").header("If-None-Match", "\"1\"");
    let hidden = hidden.header("Connection", "If-None-Match");
    assert_eq!(retter.visit(&hidden).status, 304);
    let rescued = once_it_is_renewed(&origin, &retter);
    assert!(rescued.header("x-hidden").is_none(), "{rescued:?}");
}

#[test]
fn variants_that_are_in_no_list_are_shown_to_nobody() {
    let origin = Origin::new().elsewhere(computed(in_its_language));
    let retter = Setup::before(&origin).without_breaker().start();
    for language in ["de", "en"] {
        retter.visit(&page(language));
    }
    wait_for_rows(&retter, 3.0);
    // The list alone.
    let dump = String::from_utf8(retter.dump().stdout).expect("text");
    let list = dump.lines().find(|line| line.contains("variants")).expect("a list");
    let id = list.split('\t').next_back().expect("its id");
    let mut purge = std::process::Command::new(env!("CARGO_BIN_EXE_retter-db"));
    let purged = purge.args(["purge", "--hard", "--key", id]).arg(retter.file()).output();
    assert!(purged.expect("the binary starts").status.success());
    origin.down();
    for language in ["de", "en"] {
        assert_eq!(retter.visit(&page(language)).status, 502, "{language}");
    }
}
