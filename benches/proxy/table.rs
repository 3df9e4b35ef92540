//! The one table, in Markdown, out of the raw figures.
//!
//! The rounds of the two proxies alternate, and a ratio is taken within a round: a noisy machine
//! disturbs both alike. The median of the ratios is quoted, not the ratio of the medians.

use crate::contender::Name::{self, Nginx, Retter};
use crate::record::{Filled, Record, Row, Run, Setting};
use std::fmt::{self, Display, Formatter};

pub struct Table<'a>(pub &'a [Record]);

impl Display for Table<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "{HEAD}")?;
        for row in Row::ALL {
            self.load(row, out)?;
        }
        self.inside_the_store(out)?;
        self.starts(out)?;
        writeln!(out)?;
        self.notes(out)
    }
}

impl Table<'_> {
    /// CPU time and waits of both under one load.
    fn load(&self, row: Row, out: &mut Formatter<'_>) -> fmt::Result {
        let requests: u64 = self.runs(row, Retter).map(|run| run.requests).sum();
        if requests == 0 {
            return Ok(());
        }
        let cpu = |name| shown(median(self.runs(row, name).filter_map(cpu_us)), "µs");
        let ratio = median(self.runs(row, Retter).filter_map(|run| self.ratio(row, run)));
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.as_str(),
            cpu(Retter),
            cpu(Nginx),
            ratio.map_or_else(none, |ratio| format!("{ratio:.2}")),
            self.waits(row, Retter),
            self.waits(row, Nginx),
            thousands(requests),
        )
    }

    /// CPU per request of RETTER over that of nginx in the same round.
    fn ratio(&self, row: Row, run: &Run) -> Option<f64> {
        let beside = self.runs(row, Nginx).find(|other| other.round == run.round)?;
        Some(cpu_us(run)? / cpu_us(beside)?)
    }

    fn waits(&self, row: Row, name: Name) -> String {
        let p50 = median(self.runs(row, name).map(|run| run.p50_us));
        let p99 = median(self.runs(row, name).map(|run| run.p99_us));
        match (p50, p99) {
            (Some(p50), Some(p99)) => format!("{p50:.0} / {p99:.0} µs"),
            _ => none(),
        }
    }

    /// What one visitor waits longer for a page from the file than for one from memory.
    fn inside_the_store(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let p50 = |row| median(self.runs(row, Retter).map(|run| run.p50_us));
        let (Some(disk), Some(memory)) = (p50(Row::AloneDisk10), p50(Row::AloneMemory10)) else {
            return Ok(());
        };
        let inside = disk - memory;
        writeln!(
            out,
            "| of which reading the file (the difference) | – | – | – | {inside:.0} µs | – | – |"
        )
    }

    fn starts(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (ours, theirs) = (self.starts_of(Retter), self.starts_of(Nginx));
        if ours.is_empty() {
            return Ok(());
        }
        let (first, second) = (median(ours.iter().copied()), median(theirs.iter().copied()));
        let ratio = first.zip(second).map(|(first, second)| format!("{:.2}", first / second));
        writeln!(
            out,
            "| `kill -9`, start to first rescue{} | {} | {} | {} | – | – | {} starts |",
            self.filled().map_or_else(String::new, |filled| format!(
                ", {} MB of copies",
                filled.copy_bytes / MB
            )),
            start_words(&ours),
            start_words(&theirs),
            ratio.unwrap_or_else(none),
            ours.len(),
        )
    }

    fn notes(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if let Some(setting) = self.setting() {
            let nginx = setting.nginx.as_deref().unwrap_or("no nginx");
            let rustc = setting.rustc.as_deref().unwrap_or("rustc unknown");
            let load = setting.load_before.map_or_else(none, |load| format!("{load:.1}"));
            let (date, machine) = (&setting.date, &setting.machine);
            writeln!(out, "{date}; {machine}; load from elsewhere before the start: {load}.")?;
            writeln!(out, "{}, {nginx}, {rustc}. `{}`", setting.retter, setting.command)?;
        }
        if let Some(Filled { pages, page_bytes, copy_bytes, file_bytes }) = self.filled() {
            let [pages, given, kept, file] =
                [*pages, page_bytes / MB, copy_bytes / MB, file_bytes / MB].map(thousands);
            let words = "pages of 10 KB, compressed";
            writeln!(out, "On disk: {pages} {words} from {given} to {kept} MB, file {file} MB.")?;
        }
        let beside =
            self.runs(Row::Pass1, Retter).filter_map(|run| run.per_request(run.bench_cpu_seconds));
        let beside = shown(median(beside), "µs");
        writeln!(out, "Visitors and application together, passing 1 KB: {beside} a request.")?;
        writeln!(out, "Wrong or missing answers: {}.", self.errors())?;
        self.0.iter().try_for_each(|record| match record {
            Record::Lacking { what } => writeln!(out, "Lacking: {what}."),
            _ => Ok(()),
        })
    }

    pub fn errors(&self) -> u64 {
        self.all_runs().map(|run| run.errors).sum()
    }

    fn runs(&self, row: Row, name: Name) -> impl Iterator<Item = &Run> {
        self.all_runs().filter(move |run| run.row == row && run.contender == name)
    }

    fn all_runs(&self) -> impl Iterator<Item = &Run> {
        self.0.iter().filter_map(|record| match record {
            Record::Run(run) => Some(run),
            _ => None,
        })
    }

    /// Milliseconds, in the order of the starts.
    fn starts_of(&self, name: Name) -> Vec<f64> {
        let starts = self.0.iter().filter_map(|record| match record {
            Record::Start(start) if start.contender == name => Some(start.milliseconds),
            _ => None,
        });
        starts.collect()
    }

    fn setting(&self) -> Option<&Setting> {
        self.0.iter().find_map(|record| match record {
            Record::Setting(setting) => Some(setting),
            _ => None,
        })
    }

    fn filled(&self) -> Option<&Filled> {
        self.0.iter().find_map(|record| match record {
            Record::Filled(filled) => Some(filled),
            _ => None,
        })
    }
}

fn cpu_us(run: &Run) -> Option<f64> {
    run.per_request(run.cpu_seconds)
}

fn start_words(milliseconds: &[f64]) -> String {
    let worst = milliseconds.iter().copied().fold(0.0, f64::max);
    median(milliseconds.iter().copied())
        .map_or_else(none, |median| format!("{median:.1} ms, worst {worst:.1}"))
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some(f64::midpoint(values[last / 2], values[last.div_ceil(2)]))
}

fn shown(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(none, |value| format!("{value:.1} {unit}"))
}

fn none() -> String {
    "–".to_owned()
}

/// `1234567` as `1,234,567`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(",")
}

const MB: u64 = 1_000_000;
const HEAD: &str = "\
| CPU time of the proxy for one request | RETTER | nginx | RETTER / nginx | visitors of RETTER wait, p50 / p99 | of nginx | requests to each |
|---|---:|---:|---:|---:|---:|---:|";
