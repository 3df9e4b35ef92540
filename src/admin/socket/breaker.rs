//! `status` and `mode`: how things stand, and the operator's hand on the breaker.

use super::Levers;
use crate::breaker::{Held, Mode, Report, Standing};
use crate::units;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// What `mode` needs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    mode: String,
    /// In the words of a setting; without it until the next order.
    #[serde(rename = "for")]
    time: Option<String>,
}

/// What is the case.
pub(super) fn status(levers: &Levers) -> Value {
    let Levers { store, proxy } = levers;
    let Report { held, shown, application, paths, open, half_open, names } = proxy.breaker_report();
    let figures = proxy.figures();
    json!({
        "retter": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "mode": mode_of(held),
        "circuit": shown.as_str(),
        "application": standing(application),
        "paths": { "known": paths, "open": open, "half_open": half_open, "names": names },
        "gate": figures.gate.map(|gate| json!({
            "limit": gate.limit,
            "inside": gate.inside,
            "waiting": gate.waiting,
        })),
        "served": figures.served,
        "store": {
            "copies": store.copies(),
            "trouble": store.trouble().map(|trouble| trouble.to_string()),
            "remedy": store.trouble().map(|trouble| trouble.remedy()),
        },
    })
}

/// Changes the mode; what was, and what is.
pub(super) fn mode(order: Order, levers: &Levers) -> Result<Value, String> {
    let words = Mode::ALL.map(Mode::as_str).join(", ");
    let mode = Mode::named(&order.mode)
        .ok_or_else(|| format!("no mode is called {:?}: there are {words}", order.mode))?;
    let time = order.time.map(|time| units::some_time(&time)).transpose();
    let turn = levers.proxy.set_breaker_mode(mode, time.map_err(|wrong| format!("for: {wrong}"))?);
    let circuit = levers.proxy.breaker_report().shown.as_str();
    Ok(json!({ "was": mode_of(turn.from), "is": mode_of(turn.to), "circuit": circuit }))
}

fn mode_of(held: Held) -> Value {
    json!({
        "mode": held.mode.as_str(),
        "for_seconds": held.rest.map(|rest| seconds(rest.left)),
        "then": held.rest.map(|rest| rest.then.as_str()),
    })
}

fn standing(Standing { state, open_for, numbers }: Standing) -> Value {
    json!({
        "state": state.as_str(),
        "open_for_seconds": open_for.map(seconds),
        "failures": numbers.failures,
        "slow": numbers.slow,
        "total": numbers.total,
        "consecutive": numbers.consecutive,
    })
}

/// To the millisecond, which is more than anybody reads.
fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1_000.0
}
