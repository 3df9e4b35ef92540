//! One run of one scenario: starts everybody, lets happen what the phases say, and looks at it four
//! times a second.

use crate::application::{Application, Counts};
use crate::load::{Load, Sample, SoFar};
use crate::page;
use crate::progress::Progress;
use crate::retter::{Cost, Gate, Retter};
use crate::scenario::{Event, Phase, Scenario};
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// All that was seen; nothing is worked out yet. Times are from the begin of the load.
pub struct Run {
    pub scenario: Scenario,
    pub samples: Vec<Sample>,
    pub moments: Vec<Moment>,
    /// The application's counts as each phase began, and at the end.
    pub counts: Vec<Counts>,
    pub cost: Cost,
    pub healed: Option<Healed>,
    /// From each `kill -9` until it listened again.
    pub gaps: Vec<(Duration, Duration)>,
}

#[derive(Clone, Copy)]
pub struct Healed {
    pub at: Duration,
    pub at_ms: u64,
}

#[derive(Clone, Copy)]
pub struct Moment {
    pub at: Duration,
    /// Requests inside the application.
    pub inside: u64,
    pub gate: Gate,
}

/// The players, while the play goes on.
struct Stage {
    application: Application,
    retter: Retter,
    begin: Instant,
    run: Run,
}

impl Run {
    pub fn of(scenario: &Scenario, progress: &mut Progress) -> io::Result<Self> {
        page::prepare();
        let application = Application::start()?;
        let retter = Retter::start(application.address, scenario.settings)?;
        let begin = Instant::now() + Duration::from_millis(200);
        let so_far = Arc::<SoFar>::default();
        let load = Load {
            target: retter.address,
            spans: scenario.spans(),
            sessions: scenario.sessions,
            begin,
            waits: scenario.waits,
            so_far: so_far.clone(),
        };
        let visitors = thread::spawn(move || load.run());
        let mut stage = Stage { application, retter, begin, run: Self::new(scenario) };
        stage.play(|now| progress.show(scenario, now, &so_far))?;
        let samples = visitors.join().map_err(|_| io::Error::other("a visitor has panicked"))??;
        Ok(Self { samples, ..stage.end()? })
    }

    fn new(scenario: &Scenario) -> Self {
        Self {
            scenario: scenario.clone(),
            samples: Vec::new(),
            moments: Vec::new(),
            counts: Vec::new(),
            cost: Cost::default(),
            healed: None,
            gaps: Vec::new(),
        }
    }
}

impl Stage {
    fn play(&mut self, mut watch: impl FnMut(f64)) -> io::Result<()> {
        let phases: Vec<(Phase, f64)> =
            self.run.scenario.timeline().map(|(phase, from, _)| (*phase, from)).collect();
        let end = self.run.scenario.seconds();
        let ends = phases.iter().skip(1).map(|(_, from)| *from).chain([end]);
        for ((phase, from), to) in phases.iter().zip(ends) {
            self.wait_until(*from);
            self.run.counts.push(self.application.counts()?);
            self.begin_phase(phase)?;
            self.watch_until(to, &mut watch)?;
        }
        self.wait_until(end);
        self.run.counts.push(self.application.counts()?);
        Ok(())
    }

    fn begin_phase(&mut self, phase: &Phase) -> io::Result<()> {
        match phase.event {
            Event::Nothing => {}
            Event::Application(mood) => self.application.be(mood)?,
            Event::Kill => {
                let killed = self.now();
                self.retter.kill_and_restart()?;
                self.run.gaps.push((killed, self.now()));
            }
        }
        if phase.heals {
            self.run.healed = Some(Healed { at: self.now(), at_ms: page::now_ms() });
        }
        Ok(())
    }

    /// The last look leaves time enough to be punctual with what comes next.
    fn watch_until(&mut self, end: f64, watch: &mut impl FnMut(f64)) -> io::Result<()> {
        loop {
            let at = self.look()?.as_secs_f64();
            watch(at);
            let next = (at / MOMENT).floor() * MOMENT + MOMENT;
            if next > end - MOMENT / 2.0 {
                return Ok(());
            }
            self.wait_until(next);
        }
    }

    fn look(&mut self) -> io::Result<Duration> {
        let (at, gate) = (self.now(), self.retter.gate());
        let inside = self.application.counts()?.inside;
        self.run.moments.push(Moment { at, inside, gate });
        Ok(at)
    }

    fn end(self) -> io::Result<Run> {
        Ok(Run { cost: self.retter.cost(), ..self.run })
    }

    fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    fn wait_until(&self, seconds: f64) {
        let due = self.begin + Duration::from_secs_f64(seconds);
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

/// Seconds between two looks.
pub const MOMENT: f64 = 0.25;
