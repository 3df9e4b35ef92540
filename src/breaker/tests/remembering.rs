//! What a restart does not lose, what it may not believe, and what is worth writing down.

use super::*;
use proptest::prelude::*;

impl Site {
    fn snapshot(&mut self) -> Vec<Saved> {
        self.breakers.snapshot(self.now)
    }

    /// Another process, `after` the snapshot of this one; its clock has nothing to do with ours.
    fn restarted(&mut self, after: Duration) -> Site {
        let saved = self.snapshot().into_iter().map(|saved| later(saved, after)).collect();
        Site::from(saved, settings())
    }

    fn from(saved: Vec<Saved>, settings: Settings) -> Site {
        let mut site = Site::with(settings);
        site.now += seconds(1_000);
        site.breakers.restore(saved, site.now);
        site
    }
}

/// What the wall clock makes of it.
fn later(saved: Saved, after: Duration) -> Saved {
    Saved { age: after, remaining: saved.remaining.saturating_sub(after), ..saved }
}

fn open(level: Level) -> Saved {
    Saved {
        level,
        state: State::Open,
        tally: Tally::default(),
        open_for: seconds(40),
        remaining: seconds(30),
        open_time: seconds(40),
        age: seconds(10),
    }
}

#[test]
fn an_open_breaker_is_open_after_a_restart_for_as_long_as_it_was_meant_to_be() {
    let (mut site, open_for) = Site::opened(settings());
    let mut site = site.restarted(seconds(2));
    let (state, wait) = site.get("/").err().unwrap();
    assert_eq!((state, wait), (State::Open, open_for - seconds(2)));
    let probe = site.wait(wait).enter("/");
    assert!(probe.permit.is_probe());
    site.end(probe, GOOD);
    assert_eq!(site.application(), State::Closed);
}

#[test]
fn a_path_is_open_after_a_restart_and_the_shop_is_not() {
    let mut site = Site::new();
    site.visits(5, "/broken", E500);
    let mut site = site.restarted(seconds(2));
    assert_eq!((site.state("/broken"), site.application()), (State::Open, State::Closed));
    assert!(site.get("/broken").is_err());
    site.visit("/well", GOOD);
    site.wait(seconds(6)).visit("/broken", GOOD);
    assert_eq!(site.state("/broken"), State::Closed);
}

#[test]
fn the_open_time_that_was_reached_goes_on_growing() {
    let (mut site, open_for) = Site::opened(settings());
    site.wait(open_for).visit("/", REFUSED);
    let mut site = site.restarted(seconds(12));
    site.visit("/", REFUSED);
    let open_for = site.changes().pop().unwrap().numbers.open_for.unwrap();
    assert!(open_for >= seconds(16) && open_for <= seconds(24), "{open_for:?}");
}

#[test]
fn a_lost_probe_leaves_a_breaker_that_probes_at_once() {
    let (mut site, open_for) = Site::opened(settings());
    let _lost = site.wait(open_for).enter("/");
    assert_eq!(site.snapshot()[0].state, State::HalfOpen);
    let mut site = site.restarted(seconds(1));
    assert_eq!(site.application(), State::Open);
    assert!(site.enter("/").permit.is_probe());
}

#[test]
fn failures_in_a_row_go_on_where_they_were() {
    let mut site = Site::new();
    site.visits(4, "/", REFUSED);
    let mut site = site.restarted(seconds(1));
    assert_eq!(site.application(), State::Closed);
    site.visit("/", REFUSED);
    assert_eq!(site.application(), State::Open);
}

#[test]
fn what_the_window_held_ages_through_a_restart() {
    let settings = Settings { consecutive_fail: 0, fail_rate: 0.5, ..settings() };
    let after = |age: u64| {
        let mut site = Site::with(settings.clone());
        site.visits(4, "/", REFUSED);
        let saved = site.snapshot().into_iter().map(|saved| later(saved, seconds(age))).collect();
        let mut site = Site::from(saved, settings.clone());
        site.wait(seconds(5)).visit("/", REFUSED);
        site.application()
    };
    assert_eq!((after(1), after(9)), (State::Open, State::Closed));
}

#[test]
fn answers_of_two_pages_do_not_become_three_by_a_restart() {
    let mut site = Site::new();
    site.visit("/a", E500);
    site.visits(2, "/b", E500);
    let mut site = site.restarted(seconds(1));
    site.visits(2, "/b", E500);
    assert_eq!(site.application(), State::Closed);
    let mut many = Site::new();
    FIVE[..4].iter().for_each(|path| many.visit(path, E500));
    let mut many = many.restarted(seconds(1));
    many.visit("/a", E500);
    assert_eq!(many.application(), State::Open);
}

#[test]
fn what_is_older_than_twice_its_open_time_is_dropped() {
    for level in [Level::Application, Level::Path("/a".into())] {
        let aged =
            |age| Saved { age: seconds(age), remaining: Duration::ZERO, ..open(level.clone()) };
        assert_eq!(Site::from(vec![aged(80)], settings()).state("/a"), State::Open);
        assert_eq!(Site::from(vec![aged(81)], settings()).state("/a"), State::Closed);
    }
}

#[test]
fn a_clock_that_jumped_opens_nothing_for_longer_than_the_settings_allow() {
    let century = seconds(3_000_000_000);
    let wild = Saved {
        open_for: century,
        remaining: century,
        open_time: century,
        age: Duration::ZERO,
        ..open(Level::Application)
    };
    let mut site = Site::from(vec![wild], settings());
    assert_eq!(site.get("/").err(), Some((State::Open, seconds(60))));
    // Nothing was open for longer than it was opened for, either.
    let back = Saved { remaining: century, ..open(Level::Application) };
    let mut site = Site::from(vec![back], settings());
    assert_eq!(site.get("/").err(), Some((State::Open, seconds(40))));
    let forward = Saved { age: century, ..open(Level::Application) };
    assert_eq!(Site::from(vec![forward], settings()).application(), State::Closed);
}

#[test]
fn shorter_open_times_in_the_settings_hold_for_the_past_too() {
    let settings = Settings { open_max: seconds(10), ..settings() };
    let mut site = Site::from(vec![open(Level::Application)], settings.clone());
    assert_eq!(site.get("/").err(), Some((State::Open, seconds(10))));
    let older = Saved { age: seconds(21), ..open(Level::Application) };
    assert_eq!(Site::from(vec![older], settings).application(), State::Closed);
}

#[test]
fn a_path_too_long_for_its_name_is_not_remembered() {
    let long: &'static str = Box::leak(format!("/{}", "x".repeat(LONGEST_NAME)).into_boxed_str());
    let fitting = &long[..LONGEST_NAME];
    let mut site = Site::new();
    site.visits(5, long, E500);
    assert_eq!((site.state(long), site.snapshot().len()), (State::Open, 1));
    site.visits(5, fitting, E500);
    assert_eq!(site.snapshot().len(), 2);
    assert_eq!(site.restarted(seconds(1)).state(fitting), State::Open);
}

#[test]
fn closed_paths_are_not_in_the_snapshot() {
    let mut site = Site::new();
    site.visits(5, "/a", E500);
    site.visit("/b", E500);
    assert_eq!((site.breakers.len(), site.snapshot().len()), (2, 2));
    site.wait(seconds(60)).visit("/a", GOOD);
    assert_eq!(site.snapshot().len(), 1);
}

#[test]
fn a_path_that_is_pardoned_stays_pardoned() {
    let mut site = Site::new();
    site.visits(5, "/a", E500);
    let opened = site.snapshot();
    site.visits(5, "/", REFUSED);
    site.wait(seconds(5)).wait(seconds(1)).visit("/", GOOD);
    let pardoned = site.snapshot().pop().unwrap();
    assert!(!opened[1].remaining.is_zero() && pardoned.remaining.is_zero());
}

#[test]
fn nobody_asking_leaves_nothing_to_write() {
    let mut site = Site::new();
    assert_eq!(site.breakers.take_unsaved(site.now), Unsaved::Nothing);
    site.visit("/", GOOD);
    assert!(matches!(site.breakers.take_unsaved(site.now), Unsaved::Counts(_)));
    assert_eq!(site.breakers.take_unsaved(site.now), Unsaved::Nothing);
    site.visits(5, "/a", E500);
    let Unsaved::All(saved) = site.breakers.take_unsaved(site.now) else { panic!("it opened") };
    assert_eq!(saved.len(), 2);
    assert!(site.get("/a").is_err());
    assert!(matches!(site.breakers.take_unsaved(site.now), Unsaved::Counts(_)));
}

#[test]
fn what_came_back_whole_need_not_be_written_again() {
    let sound = open(Level::Application);
    let stale = Saved { age: seconds(1_000), ..open(Level::Path("/a".into())) };
    let mut site = Site::from(vec![sound.clone()], settings());
    assert_eq!(site.breakers.take_unsaved(site.now), Unsaved::Nothing);
    let mut site = Site::from(vec![sound, stale], settings());
    assert!(matches!(site.breakers.take_unsaved(site.now), Unsaved::All(all) if all.len() == 1));
}

proptest! {
    #[test]
    fn whatever_stands_in_the_file_nothing_is_open_for_longer_than_the_maximum(
        state in prop_oneof![Just(State::Closed), Just(State::HalfOpen), Just(State::Open)],
        times in proptest::array::uniform4(any::<u64>()),
        counts in proptest::array::uniform6(any::<u32>()),
        paths in proptest::array::uniform3(any::<u8>()),
    ) {
        let [open_for, remaining, open_time, age] = times.map(Duration::from_millis);
        let [total, slow, transport, answers, transport_run, answers_run] = counts;
        let [answers_paths, slow_paths, run_paths] = paths;
        let tally = Tally {
            total, slow, transport, answers, transport_run, answers_run,
            answers_paths, slow_paths, run_paths,
        };
        for level in [Level::Application, Level::Path("/".into())] {
            let saved = Saved { level, state, tally, open_for, remaining, open_time, age };
            let mut site = Site::from(vec![saved], settings());
            site.wait(seconds(60));
            let call = site.enter("/");
            site.end(call, REFUSED);
            site.snapshot();
            site.wait(seconds(60)).visit("/", GOOD);
        }
    }
}
