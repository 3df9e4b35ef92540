//! The arithmetic of the storm (`benches/storm`), so that its figures can be believed.

#[path = "../benches/storm/arithmetic/mod.rs"]
mod arithmetic;

use arithmetic::arrivals::{Arrivals, Span};
use arithmetic::crowd::{Crowd, Entered, service_time};
use arithmetic::quantile::{percent, quantile};
use arithmetic::recovery::recovery;
use arithmetic::scale::{Scale, ticks};
use arithmetic::zipf::Zipf;
use std::time::Duration;

#[test]
fn zipf_asks_for_each_page_by_its_weight() {
    let zipf = Zipf::new(3, 1.0);
    let mut asked = [0; 3];
    for drawn in 0..1100 {
        asked[zipf.pick(f64::from(drawn) / 1100.0)] += 1;
    }
    // 1, 1/2 and 1/3 of a sum of 11/6; the borders of the sums are not exact.
    for (times, expected) in asked.into_iter().zip([600_i32, 300, 200]) {
        assert!((times - expected).abs() <= 1, "{asked:?}");
    }
    assert_eq!(zipf.pick(1.0), 2);
}

#[test]
fn requests_are_due_at_the_rate_of_their_span() {
    let spans = [(10.0, (100.0, 100.0)), (1.0, (0.0, 0.0)), (10.0, (0.0, 1000.0))];
    let spans = spans.map(|(seconds, rate)| Span { seconds, rate });
    let due: Vec<f64> = Arrivals::new(&spans, 1).collect();
    assert!(due.is_sorted() && due.iter().all(|due| *due < 21.0));
    let within = |from: f64, to: f64| due.iter().filter(|due| (from..to).contains(*due)).count();
    assert!((900..1100).contains(&within(0.0, 10.0)));
    assert_eq!(within(10.0, 11.0), 0);
    assert!(
        (1100..1400).contains(&within(11.0, 16.0)) && (3500..4000).contains(&within(16.0, 21.0))
    );
}

#[test]
fn the_crowd_works_waits_and_overflows() {
    let mut crowd = Crowd::new(1, 2);
    assert_eq!(crowd.enter(|| 'a'), Entered::Working);
    assert_eq!(crowd.enter(|| 'b'), Entered::Waiting);
    assert_eq!(crowd.enter(|| 'c'), Entered::Full);
    assert_eq!(crowd.leave(), Some('b'));
    assert_eq!(crowd.leave(), None);
    assert_eq!((crowd.inside(), crowd.enter(|| 'd')), (0, Entered::Working));
}

#[test]
fn the_crowd_follows_its_workers() {
    let mut crowd = Crowd::new(1, 9);
    for ticket in ['a', 'b', 'c', 'd'] {
        crowd.enter(|| ticket);
    }
    assert_eq!(crowd.resize(3), ['b', 'c']);
    assert_eq!(crowd.resize(1), []);
    // Two workers leave as they get done, and the one that stays turns to the line.
    assert_eq!([crowd.leave(), crowd.leave(), crowd.leave()], [None, None, Some('d')]);
    assert_eq!((crowd.workers(), crowd.inside()), (1, 1));
}

#[test]
fn a_crowded_application_is_slower() {
    let page = Duration::from_millis(20);
    assert_eq!(service_time(page, 8, 8), page);
    assert_eq!(service_time(page, 60, 8), Duration::from_micros(30_400));
}

#[test]
fn quantiles_are_values_that_were_measured() {
    let mut values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
    assert_eq!(quantile(&mut values, 0.99), Some(99.0));
    assert_eq!(quantile(&mut values, 0.5), Some(50.0));
    assert_eq!(quantile(&mut values, 1.0), Some(100.0));
    assert_eq!((quantile(&mut [7.0], 0.0), quantile(&mut [], 0.5)), (Some(7.0), None));
    assert_eq!((percent(1, 8), percent(0, 0)), (Some(12.5), None));
}

#[test]
fn recovery_is_the_first_second_of_nearly_nothing_but_fresh_answers() {
    let fresh_from = |from: f64| -> Vec<(f64, bool)> {
        (0..500).map(|at| f64::from(at) / 100.0).map(|at| (at, at >= from)).collect()
    };
    assert_eq!(recovery(&fresh_from(0.0), 5.0), Some(0.0));
    // One twentieth may still be old.
    let seen = recovery(&fresh_from(2.04), 5.0).expect("it recovers");
    assert!((seen - 2.0).abs() < 1e-9, "{seen}");
    assert_eq!(recovery(&fresh_from(4.5), 5.0), None);
    assert_eq!(recovery(&[], 5.0), None);
    assert_eq!(recovery(&fresh_from(0.0), 0.5), None);
}

#[test]
fn axes_have_round_numbers_and_the_right_places() {
    assert_eq!(ticks(3100.0, 5), [0.0, 1000.0, 2000.0, 3000.0, 4000.0]);
    assert_eq!(ticks(37.0, 4), [0.0, 10.0, 20.0, 30.0, 40.0]);
    assert_eq!(ticks(0.0, 2), [0.0, 0.5, 1.0]);
    let scale = Scale { values: (0.0, 10.0), places: (200.0, 100.0) };
    assert_eq!((scale.place(0.0), scale.place(10.0), scale.place(2.5)), (200.0, 100.0, 175.0));
}
