//! The claims of the breaker, told by a site with a made-up clock.

mod half_open;
mod hand;
mod levels;
mod open;
mod opening;
mod properties;
mod remembering;
mod slowness;

use super::*;

/// The defaults of the settings table.
pub(super) fn settings() -> Settings {
    Settings {
        mode: Mode::Auto,
        fail_rate: 0.66,
        consecutive_fail: 5,
        window: seconds(10),
        minimum: 5,
        slow_time: seconds(10),
        slow_rate: 0.66,
        open_min: seconds(5),
        open_max: seconds(60),
        probes: 1,
        close: 1,
        lease: seconds(15),
        statuses: vec![500..=500, 502..=504, 506..=599],
        ignore: vec![],
    }
}

const GOOD: Outcome = Outcome::Good;
const REFUSED: Outcome = Outcome::Failed(Fault::Transport);
const TIMEOUT: Outcome = Outcome::Failed(Fault::Timeout);
const BROKEN: Outcome = Outcome::Failed(Fault::Broken);
const E500: Outcome = status(500, None);

const fn status(code: u16, retry_after: Option<Duration>) -> Outcome {
    Outcome::Failed(Fault::Status { code, retry_after })
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Breakers and the time of day.
struct Site {
    breakers: Breakers,
    now: Instant,
    /// How many calls are let in.
    room: Option<u32>,
}

/// An admitted call and where it goes.
struct Call {
    permit: Permit,
    path: &'static str,
}

impl Site {
    fn new() -> Self {
        Self::with(settings())
    }

    fn with(settings: Settings) -> Self {
        Self { breakers: Breakers::new(settings, 7), now: Instant::now(), room: None }
    }

    fn wait(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self
    }

    fn ask(&mut self, path: &'static str, ask: Ask) -> Result<Call, (State, Duration)> {
        match self.breakers.admit(path, ask, self.now) {
            Admission::Admitted(permit) => Ok(Call { permit, path }),
            Admission::Rejected { state, retry_after, .. } => Err((state, retry_after)),
        }
    }

    fn get(&mut self, path: &'static str) -> Result<Call, (State, Duration)> {
        self.ask(path, Ask::MayProbe)
    }

    fn enter(&mut self, path: &'static str) -> Call {
        self.get(path).unwrap_or_else(|refusal| panic!("{path} refused: {refusal:?}"))
    }

    fn enter_all(&mut self, paths: &[&'static str]) -> Vec<Call> {
        paths.iter().map(|path| self.enter(path)).collect()
    }

    fn end(&mut self, call: Call, outcome: Outcome) {
        self.breakers.record(call.permit, call.path, outcome, self.now);
    }

    fn overdue(&mut self, call: &mut Call) {
        self.breakers.overdue(&mut call.permit, call.path, self.room, self.now);
    }

    fn overdue_all(&mut self, calls: &mut [Call]) {
        calls.iter_mut().for_each(|call| self.overdue(call));
    }

    fn leave(&mut self, call: Call) {
        self.breakers.release(call.permit);
    }

    fn visit(&mut self, path: &'static str, outcome: Outcome) {
        let call = self.enter(path);
        self.end(call, outcome);
    }

    fn visits(&mut self, n: usize, path: &'static str, outcome: Outcome) {
        (0..n).for_each(|_| self.visit(path, outcome));
    }

    fn state(&self, path: &str) -> State {
        self.breakers.state(path, self.now)
    }

    /// The application's breaker alone: a path nobody asks for has none.
    fn application(&self) -> State {
        self.state("/never-visited")
    }

    fn circuits(&self) -> impl Iterator<Item = &Circuit> {
        std::iter::once(&self.breakers.application).chain(self.breakers.paths.circuits())
    }

    /// Lines in all books: overdue calls and probes.
    fn held(&self) -> usize {
        self.circuits().map(|circuit| circuit.overdue_inside() + circuit.probes_inside()).sum()
    }

    fn changes(&mut self) -> Vec<Change> {
        self.breakers.take_changes().collect()
    }

    fn last_reason(&mut self) -> Option<Reason> {
        self.changes().last().map(|change| change.reason)
    }

    /// Opened by refused connections, with the open time drawn.
    fn opened(settings: Settings) -> (Self, Duration) {
        let mut site = Self::with(settings);
        site.visits(5, "/", REFUSED);
        assert_eq!(site.application(), State::Open);
        let open_for = site.changes()[0].numbers.open_for.unwrap();
        (site, open_for)
    }
}

const FIVE: [&str; 5] = ["/a", "/b", "/c", "/d", "/e"];
