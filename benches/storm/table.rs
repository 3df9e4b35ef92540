//! The one table, in Markdown: a column for each scenario, a row for each figure that one of them
//! has, and whether what is wanted was reached.

use crate::figure::{Figure, Unit};
use crate::record::{Record, Setting, Told};
use crate::wanted::{Bound, wanted};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

pub struct Table<'a>(pub &'a [Record]);

impl Display for Table<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let widths: Vec<usize> = (0..rows[0].len())
            .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        for (at, row) in rows.iter().enumerate() {
            line(row, &widths, out)?;
            if at == 0 {
                rule(&widths, out)?;
            }
        }
        writeln!(out)?;
        self.bounds(out)?;
        self.disturbed(out)?;
        self.notes(out)
    }
}

impl Table<'_> {
    pub fn wrong_pages(&self) -> f64 {
        self.told().filter_map(|told| told.figures.get(&Figure::WrongPages)).sum()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let titles = self.told().map(|told| told.title.clone());
        let mut rows = vec![std::iter::once(String::new()).chain(titles).collect()];
        for figure in Figure::ALL {
            let cells: Vec<String> = self.told().map(|told| cell(told, figure)).collect();
            if cells.iter().any(|cell| cell != NONE) {
                rows.push([vec![figure.title().to_owned()], cells].concat());
            }
        }
        rows
    }

    fn bounds(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "{REACHED} reached, {MISSED} missed. Wanted:")?;
        let mut titles: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for told in self.told() {
            titles.entry(wanted_words(&told.scenario)).or_default().push(&told.title);
        }
        for (words, titles) in titles {
            writeln!(out, "- {}: {words}.", titles.join("; "))?;
        }
        writeln!(out)
    }

    /// A machine that is busy with something else shows in the visitors first.
    fn disturbed(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let late = |told: &&Told| told.figures.get(&Figure::GeneratorLate) > Some(&LATE_MS);
        let titles: Vec<&str> = self.told().filter(late).map(|told| &*told.title).collect();
        if titles.is_empty() {
            return Ok(());
        }
        let titles = titles.join("; ");
        writeln!(out, "Disturbed, so that waits say little ({LATE_MS} ms behind): {titles}.\n")
    }

    fn notes(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|record| match record {
            Record::Setting(setting) => setting_words(setting, out),
            Record::Lacking { what } => writeln!(out, "Lacking: {what}."),
            _ => Ok(()),
        })
    }

    fn told(&self) -> impl Iterator<Item = &Told> {
        self.0.iter().filter_map(Record::told)
    }
}

fn wanted_words(scenario: &str) -> String {
    let words =
        |(figure, bound): &(Figure, Bound)| format!("{} {}", figure.title(), bound.words(*figure));
    wanted(scenario).iter().map(words).collect::<Vec<_>>().join(", ")
}

/// The figure, and what became of what was wanted of it. What never came is missed.
fn cell(told: &Told, figure: Figure) -> String {
    let bound = wanted(&told.scenario).iter().find(|(of, _)| *of == figure);
    let value = told.figures.get(&figure).copied();
    let mark = |holds: bool| if holds { REACHED } else { MISSED };
    match (value, bound) {
        (Some(value), Some((_, bound))) => {
            format!("{} {}", figure.unit().show(value), mark(bound.holds(value)))
        }
        (Some(value), None) => figure.unit().show(value),
        (None, Some(_)) if figure.unit() == Unit::Seconds => format!("never {MISSED}"),
        (None, _) => NONE.to_owned(),
    }
}

fn line(row: &[String], widths: &[usize], out: &mut Formatter<'_>) -> fmt::Result {
    for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
        let fill = " ".repeat(width - cell.chars().count());
        match column {
            0 => write!(out, "| {cell}{fill} |")?,
            _ => write!(out, " {fill}{cell} |")?,
        }
    }
    writeln!(out)
}

fn rule(widths: &[usize], out: &mut Formatter<'_>) -> fmt::Result {
    for (column, width) in widths.iter().enumerate() {
        match column {
            0 => write!(out, "|{}|", "-".repeat(width + 2))?,
            _ => write!(out, "{}:|", "-".repeat(width + 1))?,
        }
    }
    writeln!(out)
}

fn setting_words(setting: &Setting, out: &mut Formatter<'_>) -> fmt::Result {
    let load = setting.load_before.map_or_else(|| NONE.to_owned(), |load| format!("{load:.1}"));
    let Setting { date, machine, retter, command, rustc, .. } = setting;
    let rustc = rustc.as_deref().unwrap_or("rustc unknown");
    writeln!(out, "{date}; {machine}; load from elsewhere before the start: {load}.")?;
    writeln!(out, "{retter}, {rustc}. `{command}`")
}

const REACHED: &str = "✓";
const MISSED: &str = "✗";
/// Of visitors behind their time, p99: half of what a rescue may take.
const LATE_MS: f64 = 10.0;
const NONE: &str = "–";
