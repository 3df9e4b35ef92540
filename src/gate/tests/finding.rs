//! The limit: found, followed, never starving, never sticking.

use super::simulated::{Application, Simulation};
use super::*;

type Change = fn(&mut Application);

/// Eight workers of 20 ms.
fn eight() -> Application {
    Application::of(8, 20.0)
}

const WHILE: Duration = Duration::from_secs(5);

#[test]
fn eight_of_eight_workers_are_found_within_five_seconds() {
    for start in [4, 8, 16, 64, 256] {
        let mut simulation = Simulation::new(eight(), start);
        simulation.storm(WHILE);
        let seen = simulation.storm(WHILE);
        assert!(seen.used > 0.96 && (7.5..=12.0).contains(&seen.limit), "from {start}: {seen:?}");
    }
}

#[test]
fn a_change_of_capacity_is_followed() {
    let changed: [(&str, Change); 6] = [
        ("half the workers", |it| it.workers = 4),
        ("all of them", |it| it.workers = 8),
        ("twice the workers", |it| it.workers = 16),
        ("half the speed", |it| it.pages = vec![40.0]),
        ("twice that speed", |it| it.pages = vec![20.0]),
        ("eight workers", |it| it.workers = 8),
    ];
    let mut simulation = Simulation::new(eight(), 16);
    simulation.storm(WHILE);
    for (name, change) in changed {
        change(&mut simulation.application);
        simulation.storm(WHILE);
        let seen = simulation.storm(WHILE);
        let workers = simulation.application.workers as f64;
        let range = workers * 0.9..=workers * 1.6;
        assert!(seen.used > 0.93 && range.contains(&seen.limit), "{name}: {seen:?}");
    }
}

#[test]
fn it_is_never_starved_for_a_measurement() {
    let mut simulation = Simulation::new(eight(), 16);
    simulation.storm(WHILE);
    let seen = simulation.storm(Duration::from_secs(120));
    assert!(seen.used > 0.97 && seen.least_used > 0.8, "{seen:?}");
    assert!(seen.lowest >= 5 && seen.highest <= 24, "{seen:?}");
}

#[test]
fn pages_of_all_costs_and_calls_of_any_length_do_not_mislead_it() {
    let random = Application { random: true, ..eight() };
    let mixed = Application { pages: vec![2.0, 10.0, 10.0, 40.0, 300.0], ..random.clone() };
    for (name, application) in [("random", random), ("mixed", mixed)] {
        for start in [4, 16, 256] {
            let mut simulation = Simulation::new(application.clone(), start);
            simulation.storm(WHILE * 3);
            let seen = simulation.storm(Duration::from_secs(60));
            let found = seen.used > 0.85 && (6.5..=16.0).contains(&seen.limit);
            assert!(found, "{name} from {start}: {seen:?}");
        }
    }
}

#[test]
fn slow_pages_need_as_many_workers() {
    let mut simulation = Simulation::new(Application::of(8, 1000.0), 16);
    simulation.storm(Duration::from_secs(60));
    let seen = simulation.storm(Duration::from_secs(120));
    assert!(seen.used > 0.9 && (6.5..=16.0).contains(&seen.limit), "{seen:?}");
}

#[test]
fn an_application_that_fails_above_its_means_stops_failing() {
    let application = Application { fails_above: 60, ..eight() };
    let mut simulation = Simulation::new(application, 256);
    simulation.storm(WHILE);
    let seen = simulation.storm(WHILE);
    assert!(seen.failed == 0 && seen.used > 0.96, "{seen:?}");
}

#[test]
fn failures_that_have_nothing_to_do_with_the_crowd_do_not_close_the_gate() {
    let application = Application { failing: 0.5, ..eight() };
    let mut simulation = Simulation::new(application, 16);
    simulation.storm(WHILE);
    let seen = simulation.storm(Duration::from_secs(60));
    // Half of what it can do is good.
    assert!(seen.used > 0.42 && seen.limit <= 14.0, "{seen:?}");
}

#[test]
fn one_page_that_hangs_does_not_close_the_door_for_the_others() {
    let (mut gate, start) = gate(&settings());
    let mut hanging = Vec::new();
    while let Some(slot) = gate.enter(start) {
        hanging.push(slot);
    }
    assert_eq!(hanging.len(), 16);
    let later = start + ms(600);
    assert!(gate.enter(later).is_some() && gate.enter(later).is_none());
    assert!(gate.enter(later + ms(100)).is_some(), "one more in each step");
    let more = (2..600).filter(|step| gate.enter(later + ms(step * 100)).is_some());
    assert_eq!(more.count(), 14, "and no more than twice as many");
}

#[test]
fn slots_that_are_held_for_long_do_not_close_the_door_in_the_middle_of_a_trial() {
    let (mut gate, start) = gate(&settings());
    let mut now = start;
    let mut held: Vec<_> = (0..8).filter_map(|_| gate.enter(now)).collect();
    // Calls that become slower and slower, until fewer are tried.
    let mut tried = false;
    for round in 0..400 {
        let (took, limit) = (ms(20 + round), gate.limit(now));
        let slots: Vec<_> = std::iter::from_fn(|| gate.enter(now)).collect();
        now += ms(5);
        for slot in slots {
            gate.leave(slot, Ended { latency: took, ..good() }, now);
        }
        tried = gate.limit(now) < limit;
        if tried {
            break;
        }
    }
    assert!(tried);
    held.extend(std::iter::from_fn(|| gate.enter(now)));
    assert!(gate.enter(now + ms(100)).is_none());
    let waits = (0..100).position(|step| gate.enter(now + ms(step * 100)).is_some());
    assert!(waits.is_some_and(|steps| steps < 50), "{waits:?}");
}

#[test]
fn a_burst_that_the_application_copes_with_finds_no_full_gate() {
    let mut simulation = Simulation::new(Application::of(200, 20.0), 16);
    let seen = simulation.storm(Duration::from_secs(1));
    assert!(seen.highest > 150 && seen.used > 0.6, "{seen:?}");
}

#[test]
fn an_application_that_copes_costs_hardly_anybody_a_fresh_page() {
    let mut simulation = Simulation::new(eight(), 16);
    assert!(simulation.day(250.0, WHILE) < 0.01);
    simulation.storm(WHILE * 2);
    simulation.day(250.0, Duration::from_secs(1));
    let full = simulation.day(250.0, WHILE);
    assert!(full < 0.02, "{full}");
}

#[test]
fn a_fixed_limit_stays_and_no_gate_is_none() {
    let fixed = Settings { mode: Mode::Fixed, max: 9, ..settings() };
    let (mut gate, now) = gate(&fixed);
    for round in 0..1_000 {
        let now = now + ms(round);
        let slots: Vec<_> = std::iter::from_fn(|| gate.enter(now)).collect();
        assert_eq!(slots.len(), 9);
        slots.into_iter().for_each(|slot| gate.leave(slot, good(), now));
    }
    let off = Settings { mode: Mode::Off, ..settings() };
    assert!(Gate::<u32, u32>::new(&off, now).is_none());
}

#[test]
fn after_an_outage_slots_come_back_step_by_step() {
    let (mut gate, now) = gate(&settings());
    gate.reopen(now);
    let limits = [0, 249, 250, 500, 60_000].map(|after| gate.limit(now + ms(after)));
    assert_eq!(limits, [4, 4, 8, 16, 16]);
}
