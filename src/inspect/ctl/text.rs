//! The answers in words. What a newer RETTER says besides is passed over, what an older one does not
//! say reads as nothing.

use super::Wish;
use crate::units;
use serde_json::Value;
use std::fmt::Write;
use std::time::Duration;

pub(super) fn of(wish: Wish, answer: &Value) -> String {
    match wish {
        Wish::Status => status(answer),
        Wish::Mode(_) => change(answer),
    }
}

fn change(answer: &Value) -> String {
    let (was, is) = (&answer["was"], &answer["is"]);
    format!("was {}; is {} (X-Circuit: {})\n", mode(was), mode(is), word(&answer["circuit"]))
}

fn status(answer: &Value) -> String {
    let (now, store) = (&answer["mode"], &answer["store"]);
    let mut lines = format!("mode         {}: {}\n", mode(now), effect(word(&now["mode"])));
    let mut line = |name: &str, text: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{name:12} {text}");
    };
    line("X-Circuit", word(&answer["circuit"]).to_owned());
    line("application", application(&answer["application"], word(&now["mode"])));
    line("paths", paths(&answer["paths"]));
    line("gate", gate(&answer["gate"]));
    line("served", served(&answer["served"]));
    line(
        "file",
        match number(&store["copies"]) {
            1 => "1 copy".to_owned(),
            copies => format!("{copies} copies"),
        },
    );
    if let Some(trouble) = store["trouble"].as_str() {
        line("trouble", format!("the file is {trouble}: {}", word(&store["remedy"])));
    }
    lines
}

/// `open for 9 minutes 58 seconds, then auto`
fn mode(of: &Value) -> String {
    let mode = word(&of["mode"]);
    match time(&of["for_seconds"]) {
        Some(time) => format!("{mode} for {time}, then {}", word(&of["then"])),
        None => mode.to_owned(),
    }
}

fn effect(mode: &str) -> &'static str {
    match mode {
        "open" => "the application is not asked",
        "closed" => "the application is asked, whatever happens",
        "dry" => "the application is asked, and the log says what auto would have done",
        _ => "the breaker decides",
    }
}

fn application(breaker: &Value, mode: &str) -> String {
    // What it says by itself is not what is done.
    let would = if mode == "auto" { "" } else { "by itself " };
    let still =
        time(&breaker["open_for_seconds"]).map_or_else(String::new, |t| format!(" for {t}"));
    format!(
        "{would}{}{still}; {} failed and {} slow of {} in the window, {} failed in a row",
        word(&breaker["state"]),
        number(&breaker["failures"]),
        number(&breaker["slow"]),
        number(&breaker["total"]),
        number(&breaker["consecutive"]),
    )
}

fn gate(gate: &Value) -> String {
    if gate.is_null() {
        return "off".to_owned();
    }
    let [inside, limit, waiting] = ["inside", "limit", "waiting"].map(|name| number(&gate[name]));
    format!("{inside} of at most {limit} inside, {waiting} waiting")
}

fn paths(paths: &Value) -> String {
    let (open, half_open) = (number(&paths["open"]), number(&paths["half_open"]));
    if open + half_open == 0 {
        return "none is open".to_owned();
    }
    let named = paths["names"].as_array().into_iter().flatten().filter_map(Value::as_str);
    // Quoted and escaped: a path is a stranger's text.
    let names: Vec<_> = named.map(|name| format!("{name:?}")).collect();
    let more = if names.len() as u64 == open + half_open { "" } else { ", ..." };
    format!("{open} open, {half_open} half-open: {}{more}", names.join(" "))
}

fn served(served: &Value) -> String {
    let all = served.as_object().into_iter().flatten();
    let words: Vec<_> = all.map(|(from, count)| format!("{} {from}", number(count))).collect();
    if words.is_empty() { "nothing yet".to_owned() } else { words.join(", ") }
}

/// In whole seconds, or the last milliseconds.
fn time(seconds: &Value) -> Option<String> {
    let time = Duration::try_from_secs_f64(seconds.as_f64()?).ok()?;
    let shown = match time.as_secs() {
        0 => Duration::from_millis(time.as_millis() as u64),
        seconds => Duration::from_secs(seconds),
    };
    Some(units::duration_words(shown))
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::Mode;
    use serde_json::json;

    fn status_of(mode: Value, application: Value, names: &[&str]) -> String {
        of(
            Wish::Status,
            &json!({
                "mode": mode, "circuit": "OPEN", "application": application,
                "paths": { "open": names.len(), "half_open": 0, "names": names },
                "gate": { "limit": 16, "inside": 5, "waiting": 2 },
                "served": { "backend": 3, "cache": 2 },
                "store": { "copies": 7, "trouble": "on a full disk", "remedy": "make room" },
            }),
        )
    }

    #[test]
    fn a_status_reads_line_by_line() {
        let mode = json!({ "mode": "open", "for_seconds": 598.7, "then": "auto" });
        let closed =
            json!({ "state": "CLOSED", "failures": 1, "slow": 0, "total": 9, "consecutive": 1 });
        let expected = "\
mode         open for 9 minutes 58 seconds, then auto: the application is not asked
X-Circuit    OPEN
application  by itself CLOSED; 1 failed and 0 slow of 9 in the window, 1 failed in a row
paths        none is open
gate         5 of at most 16 inside, 2 waiting
served       3 backend, 2 cache
file         7 copies
trouble      the file is on a full disk: make room
";
        assert_eq!(status_of(mode, closed, &[]), expected);
    }

    #[test]
    fn an_open_breaker_says_how_long_still() {
        let open = json!({ "state": "OPEN", "open_for_seconds": 0.25 });
        let said = status_of(json!({ "mode": "auto" }), open, &["/a"]);
        assert!(said.contains("application  OPEN for 250 ms; "), "{said}");
        assert!(said.contains("paths        1 open, 0 half-open: \"/a\"\n"), "{said}");
        assert!(said.starts_with("mode         auto: the breaker decides\n"), "{said}");
    }

    #[test]
    fn a_hostile_path_does_nothing_to_a_terminal() {
        let said = status_of(json!({}), json!({}), &["/\u{1b}[2J\u{202e}\n"]);
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
        assert_eq!(said.lines().count(), 8, "{said}");
    }

    #[test]
    fn a_change_says_what_was_and_what_is() {
        let answer = json!({
            "was": { "mode": "closed", "for_seconds": 5.0, "then": "dry" },
            "is": { "mode": "auto", "for_seconds": null, "then": null },
            "circuit": "HALF-OPEN",
        });
        let said = of(Wish::Mode(Mode::Auto), &answer);
        assert_eq!(said, "was closed for 5 seconds, then dry; is auto (X-Circuit: HALF-OPEN)\n");
    }

    #[test]
    fn an_odd_answer_is_no_panic() {
        for odd in [json!({}), json!([]), json!({ "mode": { "mode": 7, "for_seconds": -1 } })] {
            assert!(of(Wish::Status, &odd).lines().count() > 5);
            assert!(of(Wish::Mode(Mode::Dry), &odd).starts_with("was "));
        }
    }
}
