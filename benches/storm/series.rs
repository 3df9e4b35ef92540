//! A run over time: a value for every quarter of a second from the begin of the load.

use crate::director::{MOMENT, Moment, Run};
use crate::load::{Kind, Sample};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Series {
    pub step_seconds: f64,
    /// Answers that ended in that time.
    pub fresh: Vec<u32>,
    pub rescued: Vec<u32>,
    pub bad: Vec<u32>,
    /// Inside the application, at that moment.
    pub inside: Vec<Option<f64>>,
    /// What the gate said of itself.
    pub gate_limit: Vec<Option<f64>>,
    pub gate_inside: Vec<Option<f64>>,
}

impl Series {
    pub fn of(run: &Run) -> Self {
        let steps = (run.scenario.seconds() / MOMENT).ceil() as usize;
        let answers = |is: &dyn Fn(Kind) -> bool| count(&run.samples, steps, is);
        let moments = |tell: &dyn Fn(&Moment) -> Option<f64>| look(&run.moments, steps, tell);
        Self {
            step_seconds: MOMENT,
            fresh: answers(&|kind| kind == Kind::Backend),
            rescued: answers(&|kind| kind == Kind::Rescued),
            bad: answers(&|kind| !kind.is_good()),
            inside: moments(&|moment| Some(moment.inside as f64)),
            gate_limit: moments(&|moment| moment.gate.limit),
            gate_inside: moments(&|moment| moment.gate.inside),
        }
    }
}

fn count(samples: &[Sample], steps: usize, is: &dyn Fn(Kind) -> bool) -> Vec<u32> {
    let mut counts = vec![0; steps];
    for sample in samples.iter().filter(|sample| is(sample.seen.kind)) {
        // What ended after the end is left out.
        if let Some(count) = counts.get_mut((sample.end().as_secs_f64() / MOMENT) as usize) {
            *count += 1;
        }
    }
    counts
}

fn look(
    moments: &[Moment],
    steps: usize,
    tell: &dyn Fn(&Moment) -> Option<f64>,
) -> Vec<Option<f64>> {
    let mut seen = vec![None; steps];
    for moment in moments {
        if let Some(place) = seen.get_mut((moment.at.as_secs_f64() / MOMENT) as usize) {
            *place = tell(moment);
        }
    }
    seen
}
