use super::*;
use proptest::prelude::*;

const NOW: UnixMillis = UnixMillis(1_900_000_000_000);

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn remembered(level: Level) -> Remembered {
    Remembered {
        level,
        state: State::Open,
        tally: Tally { total: 7, run_paths: 3, ..Tally::default() },
        open_for: seconds(20),
        open_until: UnixMillis(NOW.0 + 15_000),
        open_time: seconds(20),
        saved_at: UnixMillis(NOW.0 - 5_000),
    }
}

fn later(milliseconds: i64) -> UnixMillis {
    UnixMillis(NOW.0.saturating_add_signed(milliseconds))
}

#[test]
fn moments_of_the_wall_clock_become_lengths_of_time() {
    let saved = remembered(Level::Application).at(NOW);
    assert_eq!((saved.remaining, saved.age), (seconds(15), seconds(5)));
    assert_eq!(Remembered::of(saved, NOW).open_until, later(15_000));
}

#[test]
fn jumped_wall_clocks_make_no_time_negative() {
    let saved = remembered(Level::Application).at(later(1_000_000));
    assert_eq!((saved.remaining, saved.age), (Duration::ZERO, seconds(1_005)));
    // Set back: too long, which the breaker does not believe.
    let saved = remembered(Level::Application).at(later(-1_000_000));
    assert_eq!((saved.remaining, saved.age), (seconds(1_015), Duration::ZERO));
    let endless = Saved { remaining: Duration::MAX, open_for: Duration::MAX, ..saved };
    assert_eq!(Remembered::of(endless, NOW).open_until, UnixMillis(u64::MAX));
}

#[test]
fn a_row_under_another_name_is_damaged() {
    let path = remembered(Level::Path("/a".into()));
    let row = path.encode("path /a").unwrap();
    assert_eq!(Remembered::decode("path /a", &row), Ok(path));
    assert!(Remembered::decode("path /b", &row).is_err());
    assert!(Remembered::decode("application", &row).is_err());
    let stray = remembered(Level::Application).encode("database").unwrap();
    assert!(Remembered::decode("database", &stray).is_err());
}

#[test]
fn no_path_can_pass_for_the_application() {
    let name = name(&Level::Path(name(&Level::Application)));
    let path = remembered(Level::Path("application".into()));
    assert_eq!(Remembered::decode(&name, &path.encode(&name).unwrap()), Ok(path));
}

#[test]
fn the_newer_update_keeps_what_only_the_older_one_knows() {
    let saved = |path: &str| remembered(Level::Path(path.into())).at(NOW);
    let application = |total| {
        let mut saved = remembered(Level::Application).at(NOW);
        saved.tally.total = total;
        saved
    };
    let all = |total, path| Update::of(Unsaved::All(vec![application(total), saved(path)]), NOW);
    let counts = |total| Update::of(Unsaved::Counts(Box::new(application(total))), NOW).unwrap();
    let merged = counts(2).over(all(1, "/a").as_ref());
    assert_eq!(Some(&merged), all(2, "/a").as_ref());
    assert_eq!(all(3, "/b").unwrap().over(Some(&merged)), all(3, "/b").unwrap());
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        path in proptest::option::of("\\PC{0,40}"),
        number in 0u8..3,
        times in proptest::array::uniform4(any::<u64>()),
        counts in proptest::array::uniform3(any::<u32>()),
    ) {
        let [open_for, open_time, open_until, saved_at] = times;
        let breaker = Remembered {
            level: path.map_or(Level::Application, Level::Path),
            state: [State::Closed, State::HalfOpen, State::Open][usize::from(number)],
            tally: Tally { total: counts[0], slow: counts[1], answers_run: counts[2], slow_paths: 3, ..Tally::default() },
            open_for: Duration::from_millis(open_for),
            open_until: UnixMillis(open_until),
            open_time: Duration::from_millis(open_time),
            saved_at: UnixMillis(saved_at),
        };
        let name = name(&breaker.level);
        prop_assert_eq!(Remembered::decode(&name, &breaker.encode(&name).unwrap()), Ok(breaker));
    }

    #[test]
    fn no_flipped_bit_is_believed(at in 0usize..1_000, bit in 0u8..8) {
        let mut row = remembered(Level::Application).encode("application").unwrap();
        let at = at % row.len();
        row[at] ^= 1 << bit;
        prop_assert!(Remembered::decode("application", &row).is_err());
    }

    #[test]
    fn hostile_rows_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Remembered::decode("application", &bytes);
    }
}
