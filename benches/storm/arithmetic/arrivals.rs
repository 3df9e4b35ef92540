//! When requests are due: visitors know nothing of one another, so the gaps are exponential
//! (a Poisson process), around a rate that may climb within a span.

/// Some seconds in which the rate goes evenly from one value to another, in requests a second.
#[derive(Clone, Copy)]
pub struct Span {
    pub seconds: f64,
    pub rate: (f64, f64),
}

/// Due times in seconds from the start, for spans one after the other.
pub struct Arrivals<'a> {
    spans: &'a [Span],
    random: fastrand::Rng,
    now: f64,
}

impl<'a> Arrivals<'a> {
    pub fn new(spans: &'a [Span], seed: u64) -> Self {
        Self { spans, random: fastrand::Rng::with_seed(seed), now: 0.0 }
    }
}

impl Iterator for Arrivals<'_> {
    type Item = f64;

    /// Drawn at the span's highest rate, and taken as often as the rate of that moment is a part of
    /// it (thinning). What falls behind the span's end begins again there: exponential gaps have
    /// no memory.
    fn next(&mut self) -> Option<f64> {
        loop {
            let (span, start) = span_at(self.spans, self.now)?;
            let end = start + span.seconds;
            let highest = span.rate.0.max(span.rate.1);
            // Endless at a rate of nothing, and the span passes.
            let gap = -(1.0 - self.random.f64()).ln() / highest;
            self.now = (self.now + gap).min(end);
            let taken = self.random.f64() * highest < rate_at(span, self.now - start);
            if self.now < end && taken {
                return Some(self.now);
            }
        }
    }
}

/// The span a moment lies in, and when it began.
fn span_at(spans: &[Span], now: f64) -> Option<(Span, f64)> {
    let mut start = 0.0;
    for span in spans {
        if now < start + span.seconds {
            return Some((*span, start));
        }
        start += span.seconds;
    }
    None
}

fn rate_at(span: Span, since: f64) -> f64 {
    let (from, to) = span.rate;
    from + (to - from) * since / span.seconds
}
