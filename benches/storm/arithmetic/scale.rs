//! Values to places in a picture, and round numbers for its axes.

/// An even scale: `values.0` lies at `places.0`, `values.1` at `places.1`, which may run down.
#[derive(Clone, Copy)]
pub struct Scale {
    pub values: (f64, f64),
    pub places: (f64, f64),
}

impl Scale {
    pub fn place(self, value: f64) -> f64 {
        let part = (value - self.values.0) / (self.values.1 - self.values.0);
        self.places.0 + part * (self.places.1 - self.places.0)
    }
}

/// The values to write at an axis from 0: at most `most` steps of 1, 2 or 5 times a power of ten,
/// the last one not below `highest`.
pub fn ticks(highest: f64, most: usize) -> Vec<f64> {
    let highest = highest.max(1.0);
    let rough = highest / most as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
    let step = step.into_iter().find(|step| *step >= rough).unwrap_or(10.0 * power);
    let count = (highest / step).ceil() as usize;
    (0..=count).map(|tick| tick as f64 * step).collect()
}
