//! Which page is asked for: the k-th most popular with a weight of `k^-exponent`.

pub struct Zipf {
    /// What the first k pages together are asked for, of 1.
    upto: Vec<f64>,
}

impl Zipf {
    pub fn new(count: usize, exponent: f64) -> Self {
        let weights = (1..=count).map(|rank| (rank as f64).powf(-exponent));
        let sum: f64 = weights.clone().sum();
        let upto = weights.scan(0.0, |before, weight| {
            *before += weight / sum;
            Some(*before)
        });
        Self { upto: upto.collect() }
    }

    /// The page, from 0, that a number drawn evenly from 0 to 1 stands for.
    pub fn pick(&self, drawn: f64) -> usize {
        self.upto.partition_point(|upto| *upto <= drawn).min(self.upto.len().saturating_sub(1))
    }
}
