//! Visitors who leave, in every phase of a request: nobody's failure, and nothing stays behind.

use crate::support::client::{get, post};
use crate::support::origin::{Behaviour, Ending, Origin, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::talk::Talk;
use crate::support::{SOON, until};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

#[test]
fn leaving_before_a_word() {
    leave(&Origin::new(), |_, _| {});
}

#[test]
fn leaving_within_the_head() {
    leave(&Origin::new(), |talk, _| {
        talk.say("GET /half HTTP/1.1\r\nHos");
    });
}

#[test]
fn leaving_right_after_the_request() {
    let origin = Origin::new().elsewhere(ok("a page").after(MOMENT));
    leave(&origin, |talk, number| {
        talk.say(get(&format!("/{number}")).bytes());
    });
}

#[test]
fn leaving_while_the_application_thinks() {
    let origin = Origin::new().elsewhere(ok("a page").after(MOMENT));
    leave(&origin, |talk, number| {
        let path = format!("/{number}");
        talk.say(get(&path).bytes());
        assert!(until(SOON, || origin.hits(&path) == 1));
    });
}

#[test]
fn leaving_after_the_head() {
    let origin = Origin::new().elsewhere(ok(vec![b'x'; 3_000_000]));
    leave(&origin, |talk, number| {
        talk.say(get(&format!("/{number}?token=not-to-be-kept")).bytes());
        assert!(!talk.hear_some(1, SOON).bytes.is_empty());
    });
}

#[test]
fn leaving_within_a_body_that_could_become_a_copy() {
    let origin = Origin::new().elsewhere(ok(vec![b'x'; 3_000_000]));
    leave(&origin, |talk, number| {
        talk.say(get(&format!("/{}", number % 8)).bytes());
        assert!(talk.hear_some(100_000, SOON).bytes.len() >= 100_000);
    });
}

#[test]
fn leaving_within_an_upload() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    leave(&origin, |talk, _| {
        let upload = post("/up", vec![b'x'; 1_000_000]).bytes();
        talk.say(&upload[..100_000]);
    });
    assert!(origin.seen().iter().all(|seen| seen.path() != "/up" || !seen.whole));
}

#[test]
fn leaving_an_event_stream() {
    let events = ok("data: first\n\ndata: second\n\n").typed("text/event-stream").chunked();
    let origin = Origin::new().elsewhere(events.ending(Ending::HangAt(13)));
    leave(&origin, |talk, _| {
        talk.say(get("/events").bytes());
        let heard = talk.hear_some(1, SOON);
        assert_eq!(heard.statuses(), [200], "{heard:?}");
    });
    assert!(until(SOON, || origin.live() == 0), "nobody listens to the events any more");
}

#[test]
fn leaving_while_being_rescued_with_a_large_copy() {
    let large = vec![b'x'; 4_000_000];
    let origin = Origin::new().route("/large", ok(&large));
    let retter = before(&origin);
    assert_eq!(retter.get("/large").body, large);
    retter.wait_for_copies(&["/large"]);
    origin.set_all(Behaviour::Close);
    assert_eq!(retter.get("/large").body, large);
    nothing_stays(&retter, &origin, || {
        everybody_leaves(&retter, &|talk, _| {
            talk.say(get("/large").bytes());
            assert!(!talk.hear_some(1, SOON).bytes.is_empty());
        });
    });
    let rescued = retter.get("/large");
    assert!(rescued.is_whole() && rescued.body == large && rescued.retter() != "backend");
}

/// What a visitor does before he leaves; he has a number of his own.
type Visit<'a> = &'a (dyn Fn(&mut Talk, usize) + Sync);

/// A crowd does so and leaves; then all is as before, and nobody has failed.
fn leave(origin: &Origin, visit: impl Fn(&mut Talk, usize) + Sync) {
    let retter = before(origin);
    origin.set("/next", ok("as ever"));
    assert_eq!(retter.get("/next").status, 200);
    nothing_stays(&retter, origin, || everybody_leaves(&retter, &visit));
    for figure in ["gate-inside", "gate-waiting"] {
        assert!(until(SOON, || retter.figure(&[figure]) == 0.0), "{figure}");
    }
    let next = retter.get("/next");
    assert_eq!(
        (next.text().as_str(), next.retter(), next.circuit()),
        ("as ever", "backend", "CLOSED")
    );
    assert!(!retter.breaker_has_changed() && !retter.has_panicked());
}

/// Connections to the application may be kept for the next visitor; everything else ends.
fn nothing_stays(retter: &Retter, origin: &Origin, visits: impl FnOnce()) {
    let kept = |retter: &Retter| Some(retter.open_files()?.saturating_sub(origin.live()));
    let before = kept(retter);
    visits();
    let settled = until(SOON, || kept(retter) <= before);
    assert!(settled, "{:?} files and not {before:?}", kept(retter));
}

fn everybody_leaves(retter: &Retter, visit: Visit) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(number) =
                    Some(next.fetch_add(1, Ordering::SeqCst)).filter(|number| *number < LEAVERS)
                {
                    let mut talk = Talk::open(retter.address());
                    visit(&mut talk, number);
                    if number % 2 == 0 {
                        talk.slam();
                    }
                }
            });
        }
    });
}

/// The application may be silent for long: what ends a call here is that nobody wants it.
fn before(origin: &Origin) -> Retter {
    Setup::before(origin).set("BACKEND_TIMEOUT", "20").set("LOG_FILTER", "info").start()
}

const LEAVERS: usize = 500;
const AT_ONCE: usize = 10;
/// How long the application thinks: long enough to be left meanwhile.
const MOMENT: Duration = Duration::from_millis(50);
