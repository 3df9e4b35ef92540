//! What a setting's value can be: how each kind is read from the words of a layer, how it is said
//! back, and what is allowed. Lists are in `lists.rs`, the application's address in `backend.rs`.
//!
//! A value arrives as figment has it. Text (a variable, `--set`, a TOML string) is read as words
//! everywhere; TOML numbers and booleans only where their kind makes sense. The reason for a
//! refusal is a clause about the value ("it is above 1"): `mistakes.rs` puts the source before it.

use crate::breaker::Mode;
use crate::config::LogFormat;
use crate::gate::Mode as GateMode;
use crate::policy::NoStore;
use crate::proxy::ErrorPage;
use crate::server::Listen;
use crate::store::Sharing;
use crate::units;
use crate::upstream::{Backoff, Hedge};
use figment::value::{Num, Value};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// One kind of value.
pub struct Kind<T> {
    /// What is allowed, as a noun: "a number from 0 to 1".
    pub allowed: &'static str,
    /// Reads it, or says why not.
    pub read: fn(&Value) -> Result<T, String>,
    /// Says it in words that `read` understands.
    pub say: fn(&T) -> String,
}

/// A time that may be zero; what zero means is the setting's to say.
pub const TIME: Kind<Duration> = Kind {
    allowed: "a time such as `15 seconds`, `250ms` or `5` (seconds), at most 10 years",
    read: time,
    say: |time| units::duration_words(*time),
};

/// A time that cannot be zero, because nothing sensible would be left of what it bounds.
pub const SOME_TIME: Kind<Duration> = Kind {
    allowed: "a time of at least 1 ms such as `15 seconds`, `250ms` or `5` (seconds), at most 10 years",
    read: |value| units::some_time(&number_or_text(value)?).map_err(|wrong| wrong.to_string()),
    say: TIME.say,
};

pub const SIZE: Kind<u64> = Kind {
    allowed: "a size such as `8 MiB`, `64 MB` or a number of bytes",
    read: size,
    say: |bytes| units::size_words(*bytes),
};

/// The page cache of the file: redb needs some to work at all.
pub const CACHE_SIZE: Kind<usize> = Kind {
    allowed: "a size of at least 1 MiB such as `32 MiB`",
    read: |value| match usize::try_from(size(value)?) {
        Ok(small) if small < 1 << 20 => Err("it is below 1 MiB".to_owned()),
        Ok(enough) => Ok(enough),
        Err(_) => Err("it is more than this machine can address".to_owned()),
    },
    say: |bytes| units::size_words(*bytes as u64),
};

pub const YES_NO: Kind<bool> =
    Kind { allowed: "true, false, yes, no, on, off, 1 or 0", read: yes_no, say: bool::to_string };

pub const RATE: Kind<f64> =
    Kind { allowed: "a number from 0 to 1", read: rate, say: f64::to_string };

pub const COUNT: Kind<u32> =
    Kind { allowed: "a whole number from 0 to 1000000", read: count, say: u32::to_string };

pub const SOME_COUNT: Kind<u32> = Kind {
    allowed: "a whole number from 1 to 1000000",
    read: |value| match count(value)? {
        0 => Err("it is zero".to_owned()),
        some => Ok(some),
    },
    say: u32::to_string,
};

pub const ATTEMPTS: Kind<u32> = Kind {
    allowed: "a whole number from 1 to 100",
    read: |value| match count(value)? {
        0 => Err("it is zero".to_owned()),
        many if many > 100 => Err("it is above 100".to_owned()),
        some => Ok(some),
    },
    say: u32::to_string,
};

pub const BACKOFF: Kind<Backoff> = Kind {
    allowed: "full-jitter, constant, linear, linear-jitter, exponential or exponential-jitter",
    read: |value| one_of(&BACKOFFS, value),
    say: |choice| word_for(&BACKOFFS, choice),
};

/// Kept in memory for every such request under way.
pub const KEPT_BODY: Kind<usize> = Kind {
    allowed: "a size from 0 to 1 MiB",
    read: |value| within(size(value)?, 0, 1 << 20),
    say: |bytes| units::size_words(*bytes as u64),
};

/// Zero is no way to say `off`: at once would be every request twice.
pub const HEDGE: Kind<Hedge> = Kind {
    allowed: "off, p95, or a time of at least 1 ms such as `250ms`",
    read: |value| match number_or_text(value)?.trim().to_lowercase().as_str() {
        "off" => Ok(Hedge::Off),
        "p95" => Ok(Hedge::P95),
        _ => (SOME_TIME.read)(value).map(Hedge::After),
    },
    say: |hedge| match hedge {
        Hedge::Off => "off".to_owned(),
        Hedge::P95 => "p95".to_owned(),
        Hedge::After(delay) => units::duration_words(*delay),
    },
};

pub const LISTEN: Kind<Listen> = Kind {
    allowed: "`:8089`, `127.0.0.1:8089`, `[::1]:8089`, `host:8089` or `unix:/path`",
    read: |value| match text(value)?.trim() {
        "" => Err(EMPTY.to_owned()),
        listen => Listen::parse(listen),
    },
    say: Listen::to_string,
};

pub const FILE: Kind<PathBuf> = Kind {
    allowed: "the path of a file",
    read: |value| match text(value)? {
        "" => Err(EMPTY.to_owned()),
        path if path.contains('\0') => Err("it contains a NUL".to_owned()),
        path => Ok(PathBuf::from(path)),
    },
    say: |path| path.display().to_string(),
};

/// Of our own pages; empty is none.
pub const URL_PATH: Kind<String> = Kind {
    allowed: "a path such as `/health`, or nothing",
    read: |value| match text(value)?.trim() {
        path if path.is_empty() || is_url_path(path) => Ok(path.to_owned()),
        _ => Err("it is no path that begins with `/`".to_owned()),
    },
    say: String::clone,
};

/// Read at once: a page that is missing is found out now and not on the day it is needed.
pub const PAGE: Kind<ErrorPage> = Kind {
    allowed: "the path of an HTML file of at most 256 KiB, or `none`",
    read: |value| match text(value)?.trim() {
        "" | "none" => Ok(ErrorPage::BuiltIn),
        path => {
            ErrorPage::read(Path::new(path)).map_err(|error| format!("cannot read it: {error}"))
        }
    },
    say: |page| match page {
        ErrorPage::BuiltIn => "none".to_owned(),
        ErrorPage::File { path, .. } => path.display().to_string(),
    },
};

/// hyper reads a head in one buffer that cannot be smaller.
pub const HEADER_SIZE: Kind<usize> = Kind {
    allowed: "a size from 8 KiB to 1 MiB",
    read: |value| within(size(value)?, 8 << 10, 1 << 20),
    say: |bytes| units::size_words(*bytes as u64),
};

/// hyper itself takes no longer target than 65,534 bytes.
pub const URI_SIZE: Kind<usize> = Kind {
    allowed: "a size from 1 to 65534 bytes",
    read: |value| within(size(value)?, 1, 65_534),
    say: |bytes| units::size_words(*bytes as u64),
};

pub const HEADER_COUNT: Kind<usize> = Kind {
    allowed: "a whole number from 1 to 1000",
    read: |value| within(u64::from(count(value)?), 1, 1000),
    say: usize::to_string,
};

pub const FILTER: Kind<String> = Kind {
    allowed: "error, warn, info, debug, trace or off, or a list such as `info,retter::store=debug`",
    read: filter,
    say: String::clone,
};

pub const NOSTORE: Kind<NoStore> = Kind {
    allowed: "sealed, memory or refuse",
    read: |value| one_of(&NOSTORES, value),
    say: |choice| word_for(&NOSTORES, choice),
};

pub const SHARING: Kind<Sharing> = Kind {
    allowed: "live or exclusive",
    read: |value| one_of(&SHARINGS, value),
    say: |choice| word_for(&SHARINGS, choice),
};

/// Said as it is meant by what can be on or off; read as any other yes and no.
pub const ON_OFF: Kind<bool> = Kind {
    allowed: "on or off",
    read: yes_no,
    say: |on| if *on { "on" } else { "off" }.to_owned(),
};

/// True stands for `store`.
pub const UNFRAMED: Kind<bool> = Kind {
    allowed: "skip or store",
    read: |value| one_of(&UNFRAMEDS, value),
    say: |choice| word_for(&UNFRAMEDS, choice),
};

/// True stands for `auto`.
pub const COMPRESS: Kind<bool> = Kind {
    allowed: "auto or off",
    read: |value| one_of(&COMPRESSES, value),
    say: |choice| word_for(&COMPRESSES, choice),
};

pub const GATE_MODE: Kind<GateMode> = Kind {
    allowed: "auto, fixed or off",
    read: |value| one_of(&GATE_MODES, value),
    say: |choice| word_for(&GATE_MODES, choice),
};

pub const BREAKER_MODE: Kind<Mode> = Kind {
    allowed: "auto, open, closed or dry",
    read: |value| one_of(&Mode::ALL.map(|mode| (mode.as_str(), mode)), value),
    say: |mode| mode.as_str().to_owned(),
};

pub const FORMAT: Kind<LogFormat> = Kind {
    allowed: "text or json",
    read: |value| one_of(&FORMATS, value),
    say: |choice| word_for(&FORMATS, choice),
};

/// The value as text; a TOML number, boolean, list or table is none.
pub fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| wrong_type(value))
}

/// A number or text as text: a bare `5` and `"5"` are the same.
pub fn number_or_text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(_, text) => Ok(text.clone()),
        Value::Num(_, number) => Ok(number_words(number)),
        _ => Err(wrong_type(value)),
    }
}

/// Names the type where the type is what is wrong.
pub fn wrong_type(value: &Value) -> String {
    let name = match value {
        Value::String(..) => "text",
        Value::Char(..) => "a character",
        Value::Bool(..) => "a boolean",
        Value::Num(..) => "a number",
        Value::Empty(..) => "nothing",
        Value::Dict(..) => "a table or a date",
        Value::Array(..) => "a list",
    };
    format!("it is {name}")
}

pub const EMPTY: &str = "it is empty";

fn number_words(number: &Num) -> String {
    match (number.to_i128(), number.to_u128()) {
        (Some(number), _) => number.to_string(),
        (_, Some(number)) => number.to_string(),
        // Rust says floats without exponents: `0.0000001`.
        _ => number.to_f64().map_or_else(String::new, |number| number.to_string()),
    }
}

fn time(value: &Value) -> Result<Duration, String> {
    units::duration(&number_or_text(value)?).map_err(|wrong| wrong.to_string())
}

fn size(value: &Value) -> Result<u64, String> {
    units::size(&number_or_text(value)?).map_err(|wrong| wrong.to_string())
}

fn yes_no(value: &Value) -> Result<bool, String> {
    if let Some(native) = value.to_bool() {
        return Ok(native);
    }
    match number_or_text(value)?.trim().to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        "" => Err(EMPTY.to_owned()),
        _ => Err("it is neither yes nor no".to_owned()),
    }
}

fn rate(value: &Value) -> Result<f64, String> {
    let words = number_or_text(value)?;
    match words.trim().parse::<f64>() {
        _ if words.trim().is_empty() => Err(EMPTY.to_owned()),
        Ok(rate) if (0.0..=1.0).contains(&rate) => Ok(rate),
        Ok(rate) if rate < 0.0 => Err("it is negative".to_owned()),
        Ok(rate) if rate > 1.0 => Err("it is above 1".to_owned()),
        _ => Err("it is no number".to_owned()),
    }
}

fn count(value: &Value) -> Result<u32, String> {
    let words = number_or_text(value)?;
    match words.trim().parse::<i128>() {
        _ if words.trim().is_empty() => Err(EMPTY.to_owned()),
        Ok(number) if number < 0 => Err("it is negative".to_owned()),
        Ok(number) if number > 1_000_000 => Err("it is above 1000000".to_owned()),
        Ok(number) => Ok(number as u32),
        Err(_) => Err("it is no whole number".to_owned()),
    }
}

/// Checked as tracing reads it, and stricter in one thing: a lone word must be a level. To
/// tracing `inof` is the name of a module, and RETTER would fall silent.
fn filter(value: &Value) -> Result<String, String> {
    let words = text(value)?;
    for directive in words.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let lone = !directive.contains(['=', '[']);
        if lone && directive.parse::<LevelFilter>().is_err() {
            return Err(format!(
                "`{directive}` is no level; for a module write `{directive}=info`"
            ));
        }
    }
    EnvFilter::try_new(words).map_err(|wrong| wrong.to_string())?;
    Ok(words.to_owned())
}

pub fn one_of<T: Copy>(words: &[(&str, T)], value: &Value) -> Result<T, String> {
    let chosen = text(value)?.trim().to_lowercase();
    match words.iter().find(|(word, _)| *word == chosen) {
        Some((_, choice)) => Ok(*choice),
        None if chosen.is_empty() => Err(EMPTY.to_owned()),
        None => Err("it is none of the choices".to_owned()),
    }
}

pub fn word_for<T: PartialEq>(words: &[(&str, T)], choice: &T) -> String {
    let word = words.iter().find(|(_, candidate)| candidate == choice);
    word.map_or_else(String::new, |(word, _)| (*word).to_owned())
}

const NOSTORES: [(&str, NoStore); 3] =
    [("sealed", NoStore::Sealed), ("memory", NoStore::Memory), ("refuse", NoStore::Refuse)];
const SHARINGS: [(&str, Sharing); 2] = [("live", Sharing::Live), ("exclusive", Sharing::Exclusive)];
const UNFRAMEDS: [(&str, bool); 2] = [("skip", false), ("store", true)];
const GATE_MODES: [(&str, GateMode); 3] =
    [("auto", GateMode::Auto), ("fixed", GateMode::Fixed), ("off", GateMode::Off)];
const COMPRESSES: [(&str, bool); 2] = [("auto", true), ("off", false)];
const BACKOFFS: [(&str, Backoff); 6] = [
    ("full-jitter", Backoff::FullJitter),
    ("constant", Backoff::Constant),
    ("linear", Backoff::Linear),
    ("linear-jitter", Backoff::LinearJitter),
    ("exponential", Backoff::Exponential),
    ("exponential-jitter", Backoff::ExponentialJitter),
];
const FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];

fn within(number: u64, least: u64, most: u64) -> Result<usize, String> {
    match usize::try_from(number) {
        Ok(fits) if (least..=most).contains(&number) => Ok(fits),
        _ if number < least => Err(format!("it is below {least}")),
        _ => Err(format!("it is above {most}")),
    }
}

fn is_url_path(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'?')
}
