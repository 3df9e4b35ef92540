//! Requests that share one call.

use super::*;

#[test]
fn all_who_wait_for_one_page_are_answered_by_one_call() {
    let origin = Origin::new().route("/page", ok("for all"));
    let retter = one_place(&origin).set("GATE_WAIT", 20).start();
    let hanging = take_a_place(&origin, &retter);
    let visits: Vec<_> = (0..20).map(|_| go(&retter, get("/page"))).collect();
    assert!(until(SOON, || waiting(&retter) == 20.0));
    origin.set("/hang", ok("at last"));
    came(hanging);
    let answers: Vec<_> = visits.into_iter().map(came).collect();
    assert!(answers.iter().all(|answer| answer.text() == "for all"));
    let joined = answers.iter().filter(|answer| details(answer).contains("fwd=miss; collapsed"));
    assert_eq!((joined.count(), origin.hits("/page")), (19, 1));
    assert_eq!(retter.figure(&["gate", "joined"]), 19.0);
}

#[test]
fn visitors_with_sessions_never_share_a_call() {
    let echo =
        crate::support::origin::computed(|seen| ok(seen.header("cookie").unwrap_or_default()));
    let origin = Origin::new().route("/mine", echo);
    let retter = one_place(&origin).set("GATE_WAIT", 20).start();
    let hanging = take_a_place(&origin, &retter);
    let sessions: Vec<_> = (0..10).map(|number| format!("PHPSESSID={}", number / 2)).collect();
    let visits: Vec<_> =
        sessions.iter().map(|session| go(&retter, get("/mine").cookie(session))).collect();
    assert!(until(SOON, || waiting(&retter) == 10.0));
    origin.set("/hang", ok("at last"));
    came(hanging);
    for (visit, session) in visits.into_iter().zip(&sessions) {
        assert_eq!(came(visit).text(), *session);
    }
    assert_eq!(origin.hits("/mine"), 5, "two tabs of one visitor share one");
}

#[test]
fn an_answer_that_is_for_one_alone_is_shared_with_nobody_and_that_is_remembered() {
    let private = ok("for one").header("Set-Cookie", "basket=1").header("Cache-Control", "private");
    // Kept, but for whoever comes with this session.
    let newcomers = ok("for one").header("Set-Cookie", "PHPSESSID=1");
    for secret in [private, newcomers] {
        let origin = Origin::new().route("/basket", secret);
        let retter = one_place(&origin).set("GATE_WAIT", 20).start();
        for round in 1..=2 {
            let hanging = take_a_place(&origin, &retter);
            let visits: Vec<_> = (0..4).map(|_| go(&retter, get("/basket"))).collect();
            assert!(until(SOON, || waiting(&retter) == 4.0));
            origin.set("/hang", ok("at last"));
            came(hanging);
            assert!(visits.into_iter().all(|visit| came(visit).text() == "for one"));
            assert_eq!(origin.hits("/basket"), round * 4);
        }
        assert_eq!(retter.figure(&["gate", "joined"]), 0.0);
    }
}

#[test]
fn when_the_first_call_fails_another_one_is_made() {
    let origin = Origin::new().route("/page", crate::support::origin::fail(500)).then(ok("a page"));
    let retter = one_place(&origin).set("GATE_WAIT", 20).start();
    let hanging = take_a_place(&origin, &retter);
    let visits: Vec<_> = (0..4).map(|_| go(&retter, get("/page"))).collect();
    assert!(until(SOON, || waiting(&retter) == 4.0));
    origin.set("/hang", ok("at last"));
    came(hanging);
    let good = visits.into_iter().map(came).filter(|answer| answer.status == 200);
    assert_eq!((good.count(), origin.hits("/page")), (3, 2));
}
