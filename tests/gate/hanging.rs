//! Patience, and an application that hangs.

use super::*;

#[test]
fn a_visitor_with_a_copy_waits_no_longer_than_his_patience_and_the_call_refreshes_it() {
    let origin = Origin::new().route("/page", ok("old")).route("/none", Behaviour::Hang);
    let retter = Setup::before(&origin).set("BACKEND_PATIENCE", "300ms").start();
    retter.get("/page");
    retter.wait_for_copies(&["/page"]);
    origin.set("/page", Behaviour::Hang);
    let without = go(&retter, get("/none"));
    let began = Instant::now();
    let answer = retter.get("/page");
    let waited = began.elapsed();
    assert!((Duration::from_millis(250)..Duration::from_secs(3)).contains(&waited), "{waited:?}");
    assert_eq!((answer.text(), answer.retter()), ("old".into(), "cache"));
    assert_eq!(details(&answer), "retter; fwd=stale; detail=patience");
    origin.set("/page", ok("new"));
    origin.set("/none", ok("at last"));
    assert_eq!(came(without).text(), "at last", "who has none waits on");
    assert!(until(SOON, || retter.figure(&["gate-inside"]) == 0.0));
    let asked = origin.hits("/page");
    origin.down();
    assert_eq!((retter.get("/page").text(), asked), ("new".into(), 1 + 1));
}

#[test]
fn without_patience_the_copy_comes_first_and_the_fresh_page_next_time() {
    let origin = Origin::new().route("/page", ok("old"));
    let retter = Setup::before(&origin).set("BACKEND_PATIENCE", 0).start();
    assert_eq!(retter.get("/page").text(), "old");
    retter.wait_for_copies(&["/page"]);
    origin.set("/page", ok("new").after(Duration::from_millis(50)));
    assert_eq!(retter.get("/page").text(), "old");
    assert!(until(SOON, || retter.get("/page").text() == "new"));
}

#[test]
fn a_total_hang_is_seen_a_second_after_the_slow_time() {
    let origin = Origin::new().elsewhere(ok("a page"));
    let retter = Setup::before(&origin)
        .set("BREAKER_SLOW_TIME", 1)
        .set("BACKEND_PATIENCE", "200ms")
        .set("BREAKER_OPEN_MIN", 30)
        .start();
    let pages: Vec<_> = (0..6).map(|number| format!("/{number}")).collect();
    // Many good calls in the window do not hide it.
    for page in pages.iter().cycle().take(60) {
        assert_eq!(retter.get(page).text(), "a page");
    }
    retter.wait_for_copies(&pages.iter().map(String::as_str).collect::<Vec<_>>());
    origin.set_all(Behaviour::Hang);
    let began = Instant::now();
    let mut pages = pages.iter().cycle();
    let mut opened = None;
    while opened.is_none() && began.elapsed() < SOON {
        let asked = Instant::now();
        let answer = retter.get(pages.next().expect("a page"));
        assert_eq!(answer.text(), "a page");
        assert!(asked.elapsed() < Duration::from_secs(2));
        opened = (answer.circuit() == "OPEN").then(|| began.elapsed());
    }
    // The slow time, a second, and some more on a busy machine.
    assert!(opened.is_some_and(|after| after < Duration::from_secs(4)), "{opened:?}");
    let asked = Instant::now();
    assert_eq!(retter.get("/0").circuit(), "OPEN");
    assert!(asked.elapsed() < Duration::from_millis(500));
    origin.set_all(ok("at last"));
}

#[test]
fn calls_that_hang_and_fill_the_gate_open_the_breaker_however_few_they_are() {
    let origin = Origin::new().elsewhere(ok("a page"));
    let retter = Setup::before(&origin)
        .set("GATE_MODE", "fixed")
        .set("GATE_MAX", 3)
        .set("GATE_MIN", 3)
        .set("BREAKER_CONSECUTIVE_FAIL", 50)
        .set("BREAKER_SLOW_TIME", "500ms")
        .start();
    for page in ["/a", "/b", "/c"] {
        retter.get(page);
    }
    origin.set_all(Behaviour::Hang);
    let hanging = ["/a", "/b", "/c"].map(|page| go(&retter, get(page)));
    assert!(until(SOON, || retter.get("/a").circuit() == "OPEN"));
    origin.set_all(ok("at last"));
    hanging.into_iter().for_each(|visit| drop(came(visit)));
}

#[test]
fn nobody_who_has_a_copy_waits_for_a_probe_of_what_hung() {
    let origin = Origin::new().elsewhere(ok("a page"));
    let retter = Setup::before(&origin)
        .set("BREAKER_SLOW_TIME", "500ms")
        .set("BREAKER_OPEN_MIN", "300ms")
        .set("BREAKER_OPEN_MAX", "300ms")
        .start();
    let pages = ["/a", "/b", "/c", "/d", "/e"];
    for page in pages {
        retter.get(page);
    }
    retter.wait_for_copies(&pages);
    origin.set_all(Behaviour::Hang);
    let hanging: Vec<_> = pages.iter().map(|page| go(&retter, get(page))).collect();
    assert!(until(SOON, || retter.get("/a").circuit() == "OPEN"));
    hanging.into_iter().for_each(|visit| assert_eq!(came(visit).text(), "a page"));
    let before = origin.seen().len();
    // One of these is the probe, which hangs.
    assert!(until(SOON, || {
        let began = Instant::now();
        let answer = retter.get("/a");
        assert_eq!(answer.text(), "a page");
        assert!(began.elapsed() < Duration::from_millis(1_500), "its patience is two seconds");
        origin.seen().len() > before
    }));
    origin.set_all(ok("at last"));
    assert!(until(SOON, || retter.get("/a").circuit() == "CLOSED"), "and its end counts");
}
