//! The pages of the made-up site: `GET /SIZE/NUMBER` is a page of SIZE bytes that says its number.
//!
//! A page is a title and a window into one long text. So there are as many different pages as one
//! likes, they compress as prose does, and making or checking one is a copy or a comparison, which
//! keeps the load and the application cheaper than what is measured between them.

use std::sync::OnceLock;

/// A part of the site: pages of one size, numbered from 0.
#[derive(Clone, Copy)]
pub struct Pages {
    /// Bytes of a page, more than its title has.
    pub size: usize,
    pub count: u64,
}

impl Pages {
    /// Every page once, in an order that jumps, and then again; from another page each time, so
    /// that no cache holds the first ones since the last time.
    pub fn endlessly(self) -> impl Iterator<Item = u64> {
        (fastrand::u64(..self.count)..).map(move |step| step.wrapping_mul(STRIDE) % self.count)
    }
}

/// Appends a page.
pub fn write(size: usize, number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(title(number).as_bytes());
    out.extend_from_slice(window(size, number));
}

/// Whether these bytes are the page, whole and nothing else.
pub fn is_page(size: usize, number: u64, body: &[u8]) -> bool {
    let title = title(number);
    body.strip_prefix(title.as_bytes()).is_some_and(|rest| rest == window(size, number))
}

/// The size and number in `GET /SIZE/NUMBER HTTP/1.1`, if the page can be made.
pub fn asked(request: &[u8]) -> Option<(usize, u64)> {
    let line = request.split(|byte| *byte == b'\r').next()?;
    let path = std::str::from_utf8(line).ok()?.strip_prefix("GET /")?.split(' ').next()?;
    let (size, number) = path.split_once('/')?;
    let (size, number) = (size.parse().ok()?, number.parse().ok()?);
    (TITLE..=LARGEST).contains(&size).then_some((size, number))
}

fn title(number: u64) -> String {
    format!("<h1>Page {number:020}</h1>\n")
}

fn window(size: usize, number: u64) -> &'static [u8] {
    let text = TEXT.get_or_init(prose);
    let start = (number.wrapping_mul(STRIDE) % (TEXT_SIZE - LARGEST) as u64) as usize;
    &text[start..start + size.saturating_sub(TITLE)]
}

/// Words out of a small vocabulary, the same in every run.
fn prose() -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(2021);
    let vocabulary: Vec<String> = (0..VOCABULARY)
        .map(|_| (0..random.usize(2..11)).map(|_| random.lowercase()).collect())
        .collect();
    let mut text = Vec::with_capacity(TEXT_SIZE + 16);
    while text.len() < TEXT_SIZE {
        text.extend_from_slice(vocabulary[random.usize(..VOCABULARY)].as_bytes());
        text.push(b' ');
    }
    text
}

static TEXT: OnceLock<Vec<u8>> = OnceLock::new();

const TEXT_SIZE: usize = 4 << 20;
const LARGEST: usize = 64 << 10;
const VOCABULARY: usize = 2_000;
/// Bytes of a title.
const TITLE: usize = 35;
/// A prime that divides no number of pages used here.
const STRIDE: u64 = 7_919;
