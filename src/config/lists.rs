//! The kinds of value that are lists. In words their members stand apart by commas or spaces; in
//! TOML they are arrays, each element one member. `none`, an empty text and `[]` are the empty
//! list, and `none,` is one member of that name. The commas inside a glob's `{a,b}` separate nothing,
//! nor does one behind a backslash, which a glob takes for the comma itself.

use crate::config::kinds::{Kind, number_or_text, wrong_type};
use crate::units::path_glob;
use figment::value::Value;
use globset::GlobMatcher;
use http::Method;
use ipnet::IpNet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

pub const NETWORKS: Kind<Vec<IpNet>> = Kind {
    allowed: "a list of addresses and networks such as `10.0.0.0/8 ::1`, `loopback`, or `none`",
    read: |value| Ok(members(value, networks)?.concat()),
    say: |networks| say(networks, IpNet::to_string),
};

pub const STATUSES: Kind<Vec<u16>> = Kind {
    allowed: "a list of statuses from 200 to 599 without 206, 304, 404 and 410, or `none`",
    read: |value| members(value, kept_status),
    say: |statuses| say(statuses, u16::to_string),
};

pub const STATUS_RANGES: Kind<Vec<RangeInclusive<u16>>> = Kind {
    allowed: "a list of statuses and ranges from 400 to 599 such as `500 502-504`, or `none`",
    read: |value| members(value, status_range),
    say: |ranges| say(ranges, say_range),
};

/// Those that may come twice without doing more than once (RFC 9110 section 9.2.2), besides the safe
/// ones. `POST` would be a second order.
pub const METHODS: Kind<Vec<Method>> = Kind {
    allowed: "a list of `PUT` and `DELETE`, or `none`",
    read: |value| members(value, method),
    say: |methods| say(methods, Method::to_string),
};

pub const GLOBS: Kind<Vec<GlobMatcher>> = Kind {
    allowed: "a list of path globs such as `/feed /blog/** /*.{css,js}`, or `none`",
    read: |value| members(value, path_glob),
    say: |globs| say(globs, |glob| with_commas_escaped(glob.glob().glob())),
};

pub const COOKIES: Kind<Vec<String>> = Kind {
    allowed: "a list of cookie names, each with `*` at its end for the rest, or `none`",
    read: |value| members(value, cookie),
    say: |names| say(names, String::clone),
};

pub const PARAMETERS: Kind<Vec<String>> = Kind {
    allowed: "a list of names of query parameters, each with `*` at its end for the rest, or `none`",
    read: |value| members(value, |word| parameter(word, word.strip_suffix('*').unwrap_or(word))),
    say: COOKIES.say,
};

/// Without `*`: what is secret is named in full.
pub const WHOLE_PARAMETERS: Kind<Vec<String>> = Kind {
    allowed: "a list of whole names of query parameters, or `none`",
    read: |value| members(value, |word| parameter(word, word)),
    say: COOKIES.say,
};

/// Texts may have blanks, so commas alone stand between them; a backslash makes a comma, or another
/// backslash, part of the text. In an array each element is one text as it is.
pub const TEXTS: Kind<Vec<String>> = Kind {
    allowed: "a list of texts separated by commas, or `none`",
    read: |value| match value {
        Value::String(_, words) => texts(words).iter().map(|member| some_text(member)).collect(),
        _ => members(value, some_text),
    },
    say: |texts| match texts.as_slice() {
        [one] if one.eq_ignore_ascii_case("none") => format!("{one},"),
        [] => "none".to_owned(),
        texts => texts.iter().map(|text| escaped_text(text)).collect::<Vec<_>>().join(", "),
    },
};

/// No list an operator writes needs more, and each member is looked at for every request.
const MOST: usize = 1_000;

fn members<T>(value: &Value, read: fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let members = match value {
        Value::Array(_, elements) => {
            elements.iter().map(number_or_text).collect::<Result<_, _>>()?
        }
        Value::String(_, words) => split(words),
        Value::Num(..) => vec![number_or_text(value)?],
        _ => return Err(wrong_type(value)),
    };
    if members.len() > MOST {
        return Err(format!("it has more than {MOST} members"));
    }
    members.iter().map(|member| read(member.trim())).collect()
}

/// The texts between the commas, without blanks around them and without empty ones.
fn texts(words: &str) -> Vec<String> {
    if words.trim().eq_ignore_ascii_case("none") {
        return Vec::new();
    }
    let (mut texts, mut text) = (Vec::new(), String::new());
    let mut characters = words.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, characters.peek()) {
            ('\\', Some(',' | '\\')) => text.extend(characters.next()),
            (',', _) => texts.push(std::mem::take(&mut text)),
            _ => text.push(c),
        }
    }
    texts.push(text);
    let trimmed = texts.iter().map(|text| text.trim().to_owned());
    trimmed.filter(|text| !text.is_empty()).collect()
}

fn some_text(text: &str) -> Result<String, String> {
    match text {
        "" => Err("an empty text is in every page".to_owned()),
        text if text.contains(char::is_control) => Err("a text has a control character".to_owned()),
        text => Ok(text.to_owned()),
    }
}

fn escaped_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace(',', "\\,")
}

fn split(words: &str) -> Vec<String> {
    if words.trim().eq_ignore_ascii_case("none") {
        return Vec::new();
    }
    let mut place = Place::default();
    let members = words.split(|c: char| place.separates(c));
    members.filter(|member| !member.is_empty()).map(str::to_owned).collect()
}

/// Where in a list the reading is.
#[derive(Default)]
struct Place {
    /// Braces that are open.
    depth: usize,
    is_escaped: bool,
}

impl Place {
    fn separates(&mut self, c: char) -> bool {
        let escaped = std::mem::take(&mut self.is_escaped);
        match c {
            _ if c.is_whitespace() => *self = Self::default(),
            _ if escaped => return false,
            '\\' => self.is_escaped = true,
            '{' => self.depth += 1,
            '}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        c.is_whitespace() || (c == ',' && self.depth == 0)
    }
}

/// A glob from an array may have a comma that would separate members in words.
fn with_commas_escaped(glob: &str) -> String {
    let mut place = Place::default();
    glob.chars().fold(String::with_capacity(glob.len()), |mut escaped, c| {
        if place.separates(c) {
            escaped.push('\\');
        }
        escaped.push(c);
        escaped
    })
}

fn say<T>(members: &[T], word: impl Fn(&T) -> String) -> String {
    let words = members.iter().map(word).collect::<Vec<_>>().join(" ");
    match words.as_str() {
        "" => "none".to_owned(),
        one if one.eq_ignore_ascii_case("none") => format!("{one},"),
        _ => words,
    }
}

fn networks(word: &str) -> Result<Vec<IpNet>, String> {
    if word.eq_ignore_ascii_case("loopback") {
        return Ok(LOOPBACK.iter().filter_map(|network| network.parse().ok()).collect());
    }
    let network = word.parse::<IpNet>().or_else(|_| word.parse::<IpAddr>().map(IpNet::from));
    match network {
        Ok(network) => Ok(vec![network.trunc()]),
        Err(_) => Err(format!("`{word}` is no address or network")),
    }
}

const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

fn status(word: &str) -> Result<u16, String> {
    match word.parse() {
        Ok(status) if (100..=599).contains(&status) => Ok(status),
        _ => Err(format!("`{word}` is no status")),
    }
}

fn kept_status(word: &str) -> Result<u16, String> {
    match status(word)? {
        100..=199 => Err(format!("{word} is no final status")),
        206 | 304 => Err(format!("an answer with {word} is no whole page")),
        404 | 410 => Err(format!("{word} says that the page is gone: its copy is forgotten")),
        status => Ok(status),
    }
}

fn method(word: &str) -> Result<Method, String> {
    match word.to_ascii_uppercase().as_str() {
        "PUT" => Ok(Method::PUT),
        "DELETE" => Ok(Method::DELETE),
        _ => Err(format!("`{word}` is neither PUT nor DELETE")),
    }
}

fn status_range(word: &str) -> Result<RangeInclusive<u16>, String> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (status(first)?, status(last)?);
    if first > last {
        return Err(format!("`{word}` ends before it begins"));
    }
    if first < 400 {
        return Err(format!("`{word}` holds statuses below 400, which are no failures"));
    }
    Ok(first..=last)
}

fn say_range(range: &RangeInclusive<u16>) -> String {
    let (first, last) = (range.start(), range.end());
    if first == last {
        return first.to_string();
    }
    format!("{first}-{last}")
}

/// RFC 6265 section 4.1.1: a cookie's name is a token. `*` is one of its characters, here it
/// stands for the rest of the name and so only at the end.
fn cookie(word: &str) -> Result<String, String> {
    let name = word.strip_suffix('*').unwrap_or(word);
    if name.contains('*') {
        return Err(format!("`{word}` has a `*` that is not at its end"));
    }
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'+-.^_`|~".contains(c);
    if word.is_empty() || !name.chars().all(is_token) {
        return Err(format!("`{word}` is no name of a cookie"));
    }
    Ok(word.to_owned())
}

/// `name` is the word without what is not meant literally.
fn parameter(word: &str, name: &str) -> Result<String, String> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "&=?#*,".contains(c);
    if word.is_empty() || name.contains(odd) {
        return Err(format!("`{word}` is no name of a parameter"));
    }
    Ok(word.to_owned())
}
