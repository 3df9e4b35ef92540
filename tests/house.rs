//! The rooms and their arrows: imports only ever point down the list in `lib.rs`, a foreign crate
//! has one home, and no file has grown into two. A new room is a line in [`ARROWS`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each room may use. `Room::Item` allows that item alone.
const ARROWS: [(&str, &[&str]); 25] = [
    ("main", &["app", "config", "inspect::ctl", "server::Address", "dummy::Weakness"]),
    ("bin", &["inspect", "config", "clock"]),
    // What must hold of the rooms below, for fuzzing and tests alone.
    (
        "fuzzing",
        &[
            "config",
            "server::fuzzed",
            "store",
            "breaker",
            "key",
            "policy",
            "clock",
            "encoding",
            "headers",
        ],
    ),
    (
        "app",
        &[
            "config", "server", "admin", "inspect", "proxy", "upstream", "store", "breaker",
            "gate", "key", "policy", "dummy", "capture", "clock", "encoding", "headers", "meter",
            "streams", "units",
        ],
    ),
    (
        "config",
        &[
            "server::Settings",
            "server::Listen",
            "server::Address",
            "server::TlsFiles",
            "admin::Settings",
            "proxy::Settings",
            "proxy::ErrorPage",
            "upstream::Settings",
            "upstream::BaseUrl",
            "upstream::Place",
            "upstream::Ca",
            "upstream::is_name",
            "upstream::Retry",
            "upstream::Backoff",
            "upstream::Hedge",
            "store",
            "breaker::Settings",
            "breaker::Mode",
            "gate::Settings",
            "gate::Mode",
            "key::Settings",
            "headers::Names",
            "policy::Settings",
            "policy::NoStore",
            "encoding::Settings",
            "units",
        ],
    ),
    (
        "server",
        &[
            "admin",
            "at_path",
            "proxy",
            "upstream::RequestBody",
            "headers",
            "clock",
            "meter",
            "streams",
            "units",
        ],
    ),
    (
        "admin",
        &[
            "at_path", "proxy", "store", "breaker", "gate", "clock", "control", "headers", "meter",
            "units",
        ],
    ),
    (
        "inspect",
        &["store", "breaker", "gate", "key", "policy", "clock", "control", "headers", "units"],
    ),
    (
        "proxy",
        &[
            "upstream", "store", "breaker", "gate", "key", "policy", "capture", "clock",
            "encoding", "headers", "meter", "units",
        ],
    ),
    ("upstream", &["policy::Framing", "headers", "clock", "streams", "units"]),
    ("store", &["key", "policy", "breaker", "migrations", "encoding", "headers", "clock", "units"]),
    ("migrations", &[]),
    ("policy", &["key", "encoding", "headers"]),
    ("breaker", &["headers"]),
    ("gate", &["headers"]),
    ("key", &["headers"]),
    ("dummy", &[]),
    ("at_path", &[]),
    ("capture", &[]),
    ("encoding", &["headers"]),
    ("headers", &[]),
    ("meter", &[]),
    ("streams", &[]),
    ("clock", &["units"]),
    ("control", &[]),
];

/// Where a foreign crate lives: beginnings of paths below the top folder.
const HOMES: [(&str, &[&str]); 12] = [
    ("base64::", &["src/inspect"]),
    ("figment::", &["src/config"]),
    ("redb::", &["src/store", "migrations"]),
    // All rows have one frame, and bincode is in it.
    ("bincode::", &["src/store/row.rs", "migrations"]),
    ("zstd::", &["src/encoding"]),
    ("flate2::", &["src/encoding"]),
    ("hyper::server", &["src/server", "src/admin", "src/dummy.rs"]),
    ("hyper::client", &["src/upstream"]),
    // Towards the application and towards its visitors: they share nothing but the crate.
    ("rustls::", &["src/upstream", "src/server"]),
    ("tokio_rustls::", &["src/upstream", "src/server"]),
    ("rustls_native_certs::", &["src/upstream"]),
    // The mains start it; the configuration asks it whether it understands `log.filter`.
    ("tracing_subscriber::", &["src/main.rs", "src/bin", "src/config/kinds.rs"]),
];

#[test]
fn imports_only_ever_point_down() {
    let mut wrong = Vec::new();
    for file in sources() {
        let room = room_of(&file);
        let allowed = allowed(&room);
        for used in uses(&code(&file)) {
            let name = used.split("::").next().unwrap_or_default();
            if name != room && !allowed.iter().any(|arrow| permits(arrow, &used)) {
                wrong.push(format!("{} uses {used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_foreign_crate_has_one_home() {
    let mut wrong = Vec::new();
    for file in sources() {
        let code = code(&file);
        for (crate_path, homes) in HOMES {
            let at_home = homes.iter().any(|home| file.to_string_lossy().starts_with(home));
            if !at_home && mentions(&code, crate_path) {
                wrong.push(format!("{} uses {crate_path}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_file_has_grown_into_two() {
    let files = ["src", "migrations", "tests", "benches", "fuzz"].into_iter().flat_map(files_under);
    let lines = |file: &PathBuf| read(file).lines().count();
    let long: BTreeMap<_, _> =
        files.map(|file| (file.clone(), lines(&file))).filter(|(_, count)| *count > 400).collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn pure_rooms_know_neither_clock_nor_runtime() {
    let mut wrong = Vec::new();
    for file in sources() {
        if ["breaker", "gate", "key", "policy"].contains(&&*room_of(&file)) {
            let code = code(&file);
            for word in
                ["tokio", "Instant::now", "SystemTime::now", "std::fs", "std::net", "std::io"]
            {
                if mentions(&code, word) {
                    wrong.push(format!("{} uses {word}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    let code = "use crate::key::Settings;\nuse crate::{policy::{self, Why}, store};\n\
                let a = crate::proxy::handle();\nretter::app::run();\nuse std::crate_like::x;";
    let seen = uses(code);
    let expected =
        ["app::run", "key::Settings", "policy::Why", "policy::self", "proxy::handle", "store"];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
    assert!(permits("policy::Framing", "policy::Framing") && permits("key", "key::Settings"));
    assert!(!permits("policy::Framing", "policy::Why") && !permits("key", "keyring"));
}

/// The rooms and items that a piece of code names, as `room::Item`.
fn uses(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for root in ["crate::", "retter::"] {
        for (at, _) in code.match_indices(root) {
            let is_word = code[..at].chars().next_back().is_some_and(is_identifier);
            if !is_word {
                expand("", &code[at + root.len()..], &mut found);
            }
        }
    }
    found
}

/// Reads one import tree: `a::b`, or `{a::b, c::{self, d}}` into its leaves, two steps deep.
fn expand(before: &str, tree: &str, found: &mut BTreeSet<String>) {
    if let Some(group) = tree.strip_prefix('{') {
        for member in members(group) {
            expand(before, member.trim(), found);
        }
        return;
    }
    let name: String = tree.chars().take_while(|next| is_identifier(*next)).collect();
    let path = if before.is_empty() { name.clone() } else { format!("{before}::{name}") };
    match tree[name.len()..].strip_prefix("::") {
        Some(rest) if before.is_empty() => expand(&path, rest, found),
        _ if name.is_empty() => {}
        _ => {
            found.insert(path);
        }
    }
}

/// The members of a group whose opening brace is behind us.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.retain(|member| !member.trim().is_empty());
    found
}

fn permits(arrow: &str, used: &str) -> bool {
    used.strip_prefix(arrow).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn allowed(room: &str) -> &'static [&'static str] {
    if matches!(room, "lib" | "units") {
        return &[];
    }
    let known = ARROWS.iter().find(|(name, _)| *name == room);
    known.unwrap_or_else(|| panic!("{room} is a new room: give it a line in ARROWS")).1
}

/// `src/store/file.rs` and `src/store.rs` are of the room `store`.
fn room_of(file: &Path) -> String {
    let below = file.strip_prefix("src").unwrap_or(file);
    let first = below.components().next().expect("a file has a name");
    let first = first.as_os_str().to_string_lossy();
    first.strip_suffix(".rs").unwrap_or(&first).to_owned()
}

/// The code of a file: without comments, and without its tests, which may use what they like.
fn code(file: &Path) -> String {
    let text = read(file);
    let product = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = product.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}

fn mentions(code: &str, path: &str) -> bool {
    code.match_indices(path).any(|(at, _)| {
        !code[..at].chars().next_back().is_some_and(|before| is_identifier(before) || before == ':')
    })
}

fn is_identifier(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn sources() -> Vec<PathBuf> {
    let mut files = files_under("src");
    files.extend(files_under("migrations"));
    files.retain(|file| {
        !file.ends_with("tests.rs") && !file.components().any(|part| part.as_os_str() == "tests")
    });
    files
}

/// Every Rust file below a top folder, by its path from the top.
fn files_under(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(top().join(folder.as_ref())) else {
        return vec![];
    };
    let mut found = Vec::new();
    for entry in entries.map(|entry| entry.expect("a readable folder")) {
        let path = folder.as_ref().join(entry.file_name());
        if entry.path().is_dir() && entry.file_name() != "target" {
            found.extend(files_under(path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn read(file: &Path) -> String {
    fs::read_to_string(top().join(file)).expect("a readable file")
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
