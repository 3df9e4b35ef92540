//! The kinds of value that say where the application is and how it is known.

use crate::config::kinds::{EMPTY, Kind, one_of, text, word_for};
use crate::headers::Names;
use crate::upstream::{BaseUrl, Ca, is_name};
use std::path::Path;

pub const BASE_URL: Kind<BaseUrl> = Kind {
    allowed: "an address such as `http://localhost:8088`, `https://app:8443/prefix` or \
              `unix:/run/app.sock`",
    read: |value| match text(value)?.trim() {
        "" => Err(EMPTY.to_owned()),
        url => BaseUrl::parse(url),
    },
    say: BaseUrl::to_string,
};

/// Read at once: a file that is missing is found out now and not at the first connection.
pub const CA: Kind<Ca> = Kind {
    allowed: "the path of a file with certificates in PEM, or `system`",
    read: |value| match text(value)?.trim() {
        "" => Err(EMPTY.to_owned()),
        "system" => Ok(Ca::System),
        path => Ca::read(Path::new(path)),
    },
    say: |ca| match ca {
        Ca::System => "system".to_owned(),
        Ca::File { path, .. } => path.display().to_string(),
    },
};

pub const SNI: Kind<Option<String>> = Kind {
    allowed: "the name of a host such as `app.example`, or `none`",
    read: |value| match text(value)?.trim() {
        "" | "none" => Ok(None),
        name if is_name(name) => Ok(Some(name.to_ascii_lowercase())),
        name => Err(format!("`{name}` is no name a certificate can be for")),
    },
    say: |name| name.clone().unwrap_or_else(|| "none".to_owned()),
};

pub const NAMES: Kind<Names> = Kind {
    allowed: "`plain` or `all`",
    read: |value| one_of(&CHOICES, value),
    say: |choice| word_for(&CHOICES, choice),
};

const CHOICES: [(&str, Names); 2] = [("plain", Names::Plain), ("all", Names::All)];
