//! What is told of a run: names, units and the order in the table.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    Requests,
    Good,
    WithCopy,
    GoodWithCopy,
    WrongPages,
    Refused,
    Errors,
    Lost,
    Broken,
    P50,
    P99,
    RescueP50,
    RescueP99,
    InVain,
    InVainP99,
    SlowestWithCopy,
    OpensAfter,
    SlowestOnceOpen,
    AgeP50,
    AgeMax,
    Finished,
    Overflows,
    OverflowsOfFinished,
    CapacityUsed,
    MostInside,
    FirstFresh,
    Recovery,
    PeakMemory,
    Cpu,
    Down,
    NotCounted,
    GeneratorLate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    Percent,
    Milliseconds,
    Seconds,
    Megabytes,
}

impl Figure {
    /// In the order of the table.
    pub const ALL: [Self; 32] = [
        Self::Requests,
        Self::Good,
        Self::WithCopy,
        Self::GoodWithCopy,
        Self::WrongPages,
        Self::Refused,
        Self::Errors,
        Self::Lost,
        Self::Broken,
        Self::P50,
        Self::P99,
        Self::RescueP50,
        Self::RescueP99,
        Self::InVain,
        Self::InVainP99,
        Self::SlowestWithCopy,
        Self::OpensAfter,
        Self::SlowestOnceOpen,
        Self::AgeP50,
        Self::AgeMax,
        Self::Finished,
        Self::Overflows,
        Self::OverflowsOfFinished,
        Self::CapacityUsed,
        Self::MostInside,
        Self::FirstFresh,
        Self::Recovery,
        Self::PeakMemory,
        Self::Cpu,
        Self::Down,
        Self::NotCounted,
        Self::GeneratorLate,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Good => "good answers",
            Self::WithCopy => "requests whose page had a copy",
            Self::GoodWithCopy => "good answers, of those",
            Self::WrongPages => "wrong pages",
            Self::Refused => "502, 503, 504 of RETTER",
            Self::Errors => "errors of the application let through",
            Self::Lost => "lost: no answer in time",
            Self::Broken => "broken or no connection",
            Self::P50 => "wait, p50",
            Self::P99 => "wait, p99",
            Self::RescueP50 => "wait for a rescue not asked for, p50",
            Self::RescueP99 => "wait for a rescue not asked for, p99",
            Self::InVain => "rescues after asking in vain",
            Self::InVainP99 => "wait for those, p99",
            Self::SlowestWithCopy => "longest wait where there was a copy",
            Self::OpensAfter => "first seen open after",
            Self::SlowestOnceOpen => "longest wait once open, with a copy",
            Self::AgeP50 => "age of pages, p50",
            Self::AgeMax => "age of pages, oldest",
            Self::Finished => "application: pages finished",
            Self::Overflows => "application: 500, too many inside",
            Self::OverflowsOfFinished => "application: such 500 per page",
            Self::CapacityUsed => "application: capacity used in the storm",
            Self::MostInside => "application: most inside",
            Self::FirstFresh => "first fresh page after the healing",
            Self::Recovery => "95 % fresh again after",
            Self::PeakMemory => "RETTER: most memory",
            Self::Cpu => "RETTER: CPU time, warming included",
            Self::Down => "RETTER: from the kill until it listens",
            Self::NotCounted => "not counted: down for the kill",
            Self::GeneratorLate => "visitors behind their time, p99",
        }
    }

    pub fn unit(self) -> Unit {
        match self {
            Self::Good | Self::GoodWithCopy | Self::OverflowsOfFinished | Self::CapacityUsed => {
                Unit::Percent
            }
            Self::P50
            | Self::P99
            | Self::RescueP50
            | Self::RescueP99
            | Self::InVainP99
            | Self::SlowestWithCopy
            | Self::SlowestOnceOpen
            | Self::Down
            | Self::GeneratorLate => Unit::Milliseconds,
            Self::OpensAfter
            | Self::AgeP50
            | Self::AgeMax
            | Self::FirstFresh
            | Self::Recovery
            | Self::Cpu => Unit::Seconds,
            Self::PeakMemory => Unit::Megabytes,
            _ => Unit::Count,
        }
    }
}

impl Unit {
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Count => format!("{value:.0}"),
            // Never rounded up to all of them.
            Self::Percent => format!("{:.2} %", (value * 100.0).floor() / 100.0),
            Self::Milliseconds if value < 100.0 => format!("{value:.1} ms"),
            Self::Milliseconds => format!("{value:.0} ms"),
            Self::Seconds => format!("{value:.1} s"),
            Self::Megabytes => format!("{value:.0} MB"),
        }
    }
}
