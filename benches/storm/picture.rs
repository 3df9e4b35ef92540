//! A run over time, as SVG: above, what visitors got; below, what the application had to bear.
//! Written by hand; it has its colours for light and for dark pages.

use crate::application::{LIMIT, WORKERS};
use crate::arithmetic::scale::{Scale, ticks};
use crate::record::Told;
use crate::series::Series;
use std::fmt::Write;

pub fn draw(told: &Told) -> String {
    let series = &told.over_time;
    let end = series.fresh.len() as f64 * series.step_seconds;
    let time = Scale { values: (0.0, end), places: (LEFT, RIGHT) };
    let mut out = format!("{HEAD}<title>RETTER: {}</title>\n", told.title);
    text(&mut out, "title", LEFT, 24.0, "start", &format!("RETTER: {}", told.title));
    answers(&mut out, series, time);
    inside(&mut out, series, time);
    phases(&mut out, told, time);
    out.push_str("</svg>\n");
    out
}

/// Stacked: the highest heap is drawn first, and the lower ones over it.
fn answers(out: &mut String, series: &Series, time: Scale) {
    let second = |count: u32| f64::from(count) / series.step_seconds;
    let heap = |lists: &[&[u32]]| -> Vec<f64> {
        let sum = |at: usize| lists.iter().map(|list| second(list[at])).sum();
        (0..series.fresh.len()).map(sum).collect()
    };
    let (fresh, rescued, bad) = (&*series.fresh, &*series.rescued, &*series.bad);
    let all = heap(&[fresh, rescued, bad]);
    let height = panel(out, ANSWERS, "answers a second", &all, time);
    area(out, "bad", &all, series.step_seconds, time, height);
    area(out, "rescued", &heap(&[fresh, rescued]), series.step_seconds, time, height);
    area(out, "fresh", &heap(&[fresh]), series.step_seconds, time, height);
    let entries = [("fresh", "fresh"), ("rescued", "rescued"), ("bad", "lost or failed")];
    legend(out, ANSWERS.0, &entries);
}

fn inside(out: &mut String, series: &Series, time: Scale) {
    let limit = LIMIT as f64;
    let known = [&series.inside, &series.gate_limit].into_iter().flatten().flatten().copied();
    let highest: Vec<f64> = known.chain([limit]).collect();
    let height = panel(out, INSIDE, "requests inside the application", &highest, time);
    line(out, "inside", &series.inside, series.step_seconds, time, height);
    line(out, "limit", &series.gate_limit, series.step_seconds, time, height);
    level(out, "bad", limit, height, "answers 500 above");
    level(out, "workers", WORKERS as f64, height, "workers");
    let mut entries = vec![("inside", "inside")];
    if series.gate_limit.iter().any(Option::is_some) {
        entries.push(("limit", "the gate's limit"));
    }
    legend(out, INSIDE.0, &entries);
    for second in ticks(time.values.1, 10) {
        if second <= time.values.1 {
            let words = format!("{second:.0} s");
            text(out, "small", time.place(second), INSIDE.1 + 18.0, "middle", &words);
        }
    }
}

/// Where each begins, through both panels.
fn phases(out: &mut String, told: &Told, time: Scale) {
    for (from, words) in &told.phases {
        let x = time.place(*from);
        let (top, bottom) = (ANSWERS.0 - 8.0, INSIDE.1);
        put(out, &format!("<path class='phase' d='M{x:.1} {top}V{bottom}'/>"));
        text(out, "small", x + 4.0, top + 4.0, "start", words);
    }
}

/// Axis, grid and title; answers where values lie.
fn panel(out: &mut String, place: (f64, f64), title: &str, values: &[f64], time: Scale) -> Scale {
    let (top, bottom) = place;
    let ticks = ticks(values.iter().copied().fold(0.0, f64::max), 5);
    let highest = ticks.last().copied().unwrap_or(1.0);
    let height = Scale { values: (0.0, highest), places: (bottom, top) };
    for tick in ticks {
        let (y, (left, right)) = (height.place(tick), time.places);
        put(out, &format!("<path class='grid' d='M{left} {y:.1}H{right}'/>"));
        text(out, "small", left - 8.0, y + 4.0, "end", &format!("{tick:.0}"));
    }
    let middle = f64::midpoint(top, bottom);
    put(out, &format!("<g transform='translate(18 {middle}) rotate(-90)'>"));
    text(out, "small", 0.0, 0.0, "middle", title);
    put(out, "</g>");
    height
}

/// Steps, as each value holds for its time.
fn area(out: &mut String, class: &str, values: &[f64], step: f64, time: Scale, height: Scale) {
    let mut path = format!("M{:.1} {:.1}", time.place(0.0), height.place(0.0));
    for (at, value) in values.iter().enumerate() {
        let (y, x) = (height.place(*value), time.place((at + 1) as f64 * step));
        // Writing to a string cannot fail.
        let _ = write!(path, "V{y:.1}H{x:.1}");
    }
    put(out, &format!("<path class='area {class}' d='{path}V{:.1}Z'/>", height.place(0.0)));
}

/// Broken off where nothing is known.
fn line(
    out: &mut String,
    class: &str,
    values: &[Option<f64>],
    step: f64,
    time: Scale,
    height: Scale,
) {
    let (mut path, mut draws) = (String::new(), false);
    for (at, value) in values.iter().enumerate() {
        if let Some(value) = value {
            let (x, y) = (time.place(at as f64 * step), height.place(*value));
            let _ = write!(path, "{}{x:.1} {y:.1}", if draws { 'L' } else { 'M' });
        }
        draws = value.is_some();
    }
    put(out, &format!("<path class='line {class}' d='{path}'/>"));
}

/// A value that does not change, and its name.
fn level(out: &mut String, class: &str, value: f64, height: Scale, words: &str) {
    let y = height.place(value);
    put(out, &format!("<path class='level {class}' d='M{LEFT} {y:.1}H{RIGHT}'/>"));
    text(out, "small", RIGHT, y - 5.0, "end", words);
}

/// Above the right end of a panel, from right to left.
fn legend(out: &mut String, top: f64, entries: &[(&str, &str)]) {
    let (mut x, y) = (RIGHT, top - 26.0);
    for (class, words) in entries.iter().rev() {
        text(out, "small", x, y + 4.0, "end", words);
        x -= words.len() as f64 * 6.6 + 18.0;
        put(out, &format!("<rect class='area {class}' x='{x:.0}' y='{:.0}' {BOX}/>", y - 5.0));
        x -= 14.0;
    }
}

fn text(out: &mut String, class: &str, x: f64, y: f64, anchor: &str, words: &str) {
    let place = format!("x='{x:.1}' y='{y:.1}' text-anchor='{anchor}'");
    put(out, &format!("<text class='{class}' {place}>{words}</text>"));
}

fn put(out: &mut String, element: &str) {
    out.push_str(element);
    out.push('\n');
}

const LEFT: f64 = 80.0;
const RIGHT: f64 = 940.0;
/// Top and bottom of the panels.
const ANSWERS: (f64, f64) = (76.0, 316.0);
const INSIDE: (f64, f64) = (372.0, 532.0);
const BOX: &str = "width='12' height='12' rx='2'";
const HEAD: &str = "\
<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 960 564' width='960' height='564' role='img'>
<style>
text { font: 14px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.small { font-size: 12px; fill: #59636e; stroke: #ffffff; stroke-width: 3; paint-order: stroke; }
path { fill: none; } .paper { fill: #ffffff; } .grid { stroke: #d8dee4; }
.phase { stroke: #59636e; stroke-dasharray: 2 4; }
.level { stroke: #59636e; stroke-dasharray: 6 4; } .level.bad { stroke: #d1343f; }
.area.fresh { fill: #2da866; } .area.rescued { fill: #4493f8; } .area.bad { fill: #d1343f; }
.area.inside { fill: #1f2328; } .area.limit { fill: #bc6c00; }
.line { stroke-width: 1.8; stroke-linejoin: round; }
.line.inside { stroke: #1f2328; } .line.limit { stroke: #bc6c00; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; } .small { fill: #9198a1; stroke: #0d1117; } .paper { fill: #0d1117; }
  .grid { stroke: #30363d; } .phase, .level { stroke: #9198a1; } .level.bad { stroke: #f85149; }
  .area.fresh { fill: #2ea568; } .area.rescued { fill: #388bfd; } .area.bad { fill: #f85149; }
  .area.inside { fill: #f0f6fc; } .area.limit { fill: #e3a03c; }
  .line.inside { stroke: #f0f6fc; } .line.limit { stroke: #e3a03c; }
}
</style>
<rect class='paper' width='960' height='564' rx='6'/>
";
