//! From what was seen to figures.

use crate::application::CAPACITY;
use crate::arithmetic::quantile::{percent, quantile};
use crate::arithmetic::recovery::recovery;
use crate::director::Run;
use crate::figure::Figure;
use crate::load::{Kind, Sample};
use crate::page::Wanted;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

pub type Figures = BTreeMap<Figure, f64>;

/// What a run is asked for its figures.
struct Reckoning<'a> {
    run: &'a Run,
    /// When each page was first answered fresh.
    known: HashMap<Wanted, Duration>,
    /// Those that count.
    samples: Vec<&'a Sample>,
    not_counted: usize,
    figures: Figures,
}

pub fn figures(run: &Run) -> Figures {
    let mut reckoning = Reckoning::new(run);
    reckoning.answers();
    reckoning.waits();
    reckoning.hang();
    reckoning.ages();
    reckoning.application();
    reckoning.healing();
    reckoning.costs();
    reckoning.figures
}

impl<'a> Reckoning<'a> {
    fn new(run: &'a Run) -> Self {
        let mut known = HashMap::new();
        for sample in run.samples.iter().filter(|sample| sample.is_fresh()) {
            let first = known.entry(sample.wanted).or_insert(sample.end());
            *first = sample.end().min(*first);
        }
        let counts = |sample: &&Sample| run.scenario.counts(sample.due.as_secs_f64());
        let (down, samples): (Vec<_>, Vec<_>) =
            run.samples.iter().filter(counts).partition(|sample| was_down(run, sample));
        Self { run, known, samples, not_counted: down.len(), figures: Figures::new() }
    }

    fn answers(&mut self) {
        let all = self.samples.len();
        self.put(Figure::Requests, all as f64);
        self.set(Figure::Good, percent(self.count(Sample::is_good), all));
        let with_copy = self.count(|sample| self.had_copy(sample));
        let good = self.count(|sample| self.had_copy(sample) && sample.is_good());
        self.put(Figure::WithCopy, with_copy as f64);
        self.set(Figure::GoodWithCopy, percent(good, with_copy));
        for (figure, kind) in KINDS {
            self.put(figure, self.count(|sample| sample.seen.kind == kind) as f64);
        }
        // A wrong page is one too many wherever it is seen.
        let wrong = self.run.samples.iter().filter(|sample| sample.seen.kind == Kind::Wrong);
        self.put(Figure::WrongPages, wrong.count() as f64);
        self.put(Figure::NotCounted, self.not_counted as f64);
    }

    fn waits(&mut self) {
        let rescued = |sample: &Sample| sample.seen.kind == Kind::Rescued;
        let in_vain = |sample: &Sample| rescued(sample) && sample.seen.in_vain;
        let at_once = |sample: &Sample| rescued(sample) && !sample.seen.in_vain;
        self.set(Figure::P50, self.wait(0.5, |_| true));
        self.set(Figure::P99, self.wait(0.99, |_| true));
        self.set(Figure::RescueP50, self.wait(0.5, at_once));
        self.set(Figure::RescueP99, self.wait(0.99, at_once));
        self.put(Figure::InVain, self.count(in_vain) as f64);
        self.set(Figure::InVainP99, self.wait(0.99, in_vain));
        self.set(Figure::SlowestWithCopy, self.wait(1.0, |sample| self.had_copy(sample)));
        let late = self.samples.iter().map(|sample| milliseconds(sample.late)).collect();
        self.set(Figure::GeneratorLate, of(late, 0.99));
    }

    /// What is asked of a hang can be asked of every mishap that opens the breaker.
    fn hang(&mut self) {
        let begin = self.samples.iter().map(|sample| sample.due).min();
        let opens = self.samples.iter().filter(|sample| sample.seen.open).map(|open| open.end());
        let (Some(begin), Some(open)) = (begin, opens.min()) else {
            return;
        };
        let end = self.run.healed.map_or(Duration::MAX, |healed| healed.at);
        let once_open = |sample: &Sample| sample.due > open && sample.end() < end;
        self.put(Figure::OpensAfter, (open - begin).as_secs_f64());
        let slowest = self.wait(1.0, |sample| once_open(sample) && self.had_copy(sample));
        self.set(Figure::SlowestOnceOpen, slowest);
    }

    fn ages(&mut self) {
        let good = self.samples.iter().filter(|sample| sample.is_good());
        let ages: Vec<f64> = good.map(|sample| sample.seen.age_ms as f64 / 1e3).collect();
        self.set(Figure::AgeP50, of(ages.clone(), 0.5));
        self.set(Figure::AgeMax, of(ages, 1.0));
    }

    /// Its counts within the phases that count, and its capacity in those of the storm.
    fn application(&mut self) {
        let (mut finished, mut overflows, mut in_storm, mut capacity) = (0, 0, 0, 0.0);
        for (phase, counts) in self.run.scenario.phases.iter().zip(self.run.counts.windows(2)) {
            let made = counts[1].finished - counts[0].finished;
            if phase.counts {
                finished += made;
                overflows += counts[1].overflows - counts[0].overflows;
            }
            if phase.storm {
                in_storm += made;
                capacity += phase.seconds * CAPACITY;
            }
        }
        self.put(Figure::Finished, finished as f64);
        self.put(Figure::Overflows, overflows as f64);
        self.set(Figure::OverflowsOfFinished, percent(overflows as usize, finished as usize));
        self.set(
            Figure::CapacityUsed,
            (capacity > 0.0).then(|| in_storm as f64 * 100.0 / capacity),
        );
        let most = self.run.counts.iter().map(|counts| counts.most_inside).max();
        self.set(Figure::MostInside, most.map(|most| most as f64));
    }

    fn healing(&mut self) {
        let Some(healed) = self.run.healed else {
            return;
        };
        let since =
            |sample: &Sample| sample.end().checked_sub(healed.at).map(|at| at.as_secs_f64());
        let all = &self.run.samples;
        let answers: Vec<(f64, bool)> =
            all.iter().filter_map(|sample| Some((since(sample)?, sample.is_fresh()))).collect();
        let fresh = all.iter().filter(|sample| {
            sample.is_fresh() && sample.seen.made_ms.is_some_and(|made| made >= healed.at_ms)
        });
        let first = fresh.filter_map(since).min_by(f64::total_cmp);
        let end = self.run.scenario.seconds() - healed.at.as_secs_f64();
        self.set(Figure::FirstFresh, first);
        self.set(Figure::Recovery, recovery(&answers, end));
    }

    fn costs(&mut self) {
        let cost = self.run.cost;
        self.set(Figure::PeakMemory, cost.peak_kb.map(|kb| kb as f64 * 1024.0 / 1e6));
        self.set(Figure::Cpu, cost.cpu.map(|cpu| cpu.as_secs_f64()));
        let down = self.run.gaps.iter().map(|(killed, listens)| milliseconds(*listens - *killed));
        self.set(Figure::Down, of(down.collect(), 1.0));
    }

    /// Answered fresh so long before that its copy must be there.
    fn had_copy(&self, sample: &Sample) -> bool {
        self.known.get(&sample.wanted).is_some_and(|known| *known + SETTLED <= sample.due)
    }

    fn count(&self, is: impl Fn(&Sample) -> bool) -> usize {
        self.samples.iter().filter(|sample| is(sample)).count()
    }

    fn wait(&self, part: f64, is: impl Fn(&Sample) -> bool) -> Option<f64> {
        let some = self.samples.iter().filter(|sample| is(sample));
        of(some.map(|sample| milliseconds(sample.took)).collect(), part)
    }

    fn put(&mut self, figure: Figure, value: f64) {
        self.figures.insert(figure, value);
    }

    fn set(&mut self, figure: Figure, value: Option<f64>) {
        value.into_iter().for_each(|value| self.put(figure, value));
    }
}

/// Inside at the kill, or due before it listened again.
fn was_down(run: &Run, sample: &Sample) -> bool {
    run.gaps.iter().any(|(killed, listens)| sample.end() >= *killed && sample.due <= *listens)
}

fn of(mut values: Vec<f64>, part: f64) -> Option<f64> {
    quantile(&mut values, part)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

const KINDS: [(Figure, Kind); 4] = [
    (Figure::Refused, Kind::Refused),
    (Figure::Errors, Kind::Error),
    (Figure::Lost, Kind::Lost),
    (Figure::Broken, Kind::Broken),
];
const SETTLED: Duration = Duration::from_secs(1);
