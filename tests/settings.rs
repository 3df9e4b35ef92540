//! What the operator says: every mistake is named with its source before a port is bound, and the
//! exit code tells a wrong word (64) from a start that failed (1).

use crate::support::client::get;
use crate::support::for_each_row;
use crate::support::origin::{Origin, ok};
use crate::support::retter::Setup;
use std::net::TcpListener;
use std::process::Output;

#[test]
fn every_wrong_setting_has_its_own_message() {
    for_each_row(
        &WRONG,
        |(name, value)| format!("RETTER_{name}={value}"),
        |(name, value)| {
            let output = Setup::bare().set(name, value).run();
            is_refused(&output, &[&format!("RETTER_{name}")]);
        },
    );
}

#[test]
fn every_mistake_is_named_at_once_with_its_source() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = "[cache]\nttl = \"banana\"\n[backend]\nnonsense = 1\n";
    std::fs::write(folder.path().join("retter.toml"), file).expect("written");
    let setup = Setup::bare()
        .set("BREAKER_FAIL_RATE", "2")
        .set("UNHEARD_OF", "1")
        .argument("--set")
        .argument("store.ttl=yesterday");
    let named = ["retter.toml", "cache.ttl", "backend.nonsense", "RETTER_BREAKER_FAIL_RATE"];
    let output = setup.run_in(&folder);
    is_refused(&output, &named);
    is_refused(&output, &["RETTER_UNHEARD_OF", "store.ttl", "yesterday"]);
}

#[test]
fn mistakes_are_found_before_a_port_is_bound() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address");
    let output = Setup::bare().set("SERVER_LISTEN", address).set("CACHE_TTL", "banana").run();
    is_refused(&output, &["RETTER_CACHE_TTL"]);
}

#[test]
fn a_port_in_use_is_no_mistake_in_the_settings() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address");
    let output = Setup::bare().set("SERVER_LISTEN", address).run();
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).contains(&address.to_string()), "{}", told(&output));
}

#[test]
fn wrong_arguments_are_refused() {
    for arguments in [
        vec!["--bogus"],
        vec!["--config"],
        vec!["--config", "no-such-file.toml"],
        vec!["--set", "cache.ttl"],
        vec!["--set", "cache.unheard=1"],
        vec!["dummy", "nowhere"],
    ] {
        let setup = arguments.iter().fold(Setup::bare(), |setup, word| setup.argument(word));
        let output = setup.run();
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {}", told(&output));
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn later_layers_win() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = "[cache]\nttl = 11\n[breaker]\nminimum = 12\n[store]\nttl = \"13 days\"\n";
    std::fs::write(folder.path().join("retter.toml"), file).expect("written");
    let setup = Setup::bare()
        .set("CACHE_TTL", "14 seconds")
        .set("BREAKER_MINIMUM", "15")
        .argument("--set")
        .argument("breaker.minimum=16")
        .argument("--check");
    let shown = checked(&setup.run_in(&folder));
    is_shown(&shown, "cache.ttl", &["14", "RETTER_CACHE_TTL"]);
    is_shown(&shown, "breaker.minimum", &["16", "--set"]);
    is_shown(&shown, "store.ttl", &["13 days", "retter.toml"]);
    is_shown(&shown, "backend.baseurl", &["http://localhost:8088", "default"]);
}

#[test]
fn zero_and_false_mean_what_they_say() {
    let setup = Setup::bare()
        .set("CACHE_TTL", "0")
        .set("CACHE_DETECT_QUERY", "false")
        .set("CACHE_DETECT_SESSION", "off");
    let shown = checked(&setup.argument("--check").run());
    is_shown(&shown, "cache.ttl", &["0"]);
    is_shown(&shown, "cache.detect.query", &["false"]);
    is_shown(&shown, "cache.detect.session", &["false"]);
}

#[test]
fn the_eleven_variables_of_the_go_program_are_understood() {
    let setup = ELEVEN.iter().fold(Setup::bare(), |setup, (name, value)| setup.set(name, value));
    let shown = checked(&setup.argument("--check").run());
    for (name, _) in ELEVEN {
        assert!(shown.contains(&format!("RETTER_{name}")), "{name}: {shown}");
    }
}

#[test]
fn what_kubernetes_injects_is_passed_over() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = Setup::before(&origin)
        .set("SERVICE_HOST", "10.0.0.1")
        .set("SERVICE_PORT", "8089")
        .set("PORT", "tcp://10.0.0.1:8089")
        .set("PORT_8089_TCP", "tcp://10.0.0.1:8089")
        .set("PORT_8089_TCP_ADDR", "10.0.0.1")
        .start();
    assert_eq!(get("/").to(retter.address()).status, 200);
    // Said once, so that nobody wonders whether they were understood.
    assert!(retter.log().contains("Kubernetes"), "{}", retter.log());
}

#[test]
fn help_and_version_are_no_failures() {
    let help = Setup::bare().argument("--help").run();
    let text = String::from_utf8_lossy(&help.stdout).into_owned();
    assert_eq!(help.status.code(), Some(0));
    for word in ["--check", "--config", "--set", "demo", "dummy"] {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
    let version = Setup::bare().argument("--version").run();
    assert_eq!(version.status.code(), Some(0));
    let expected = format!("retter {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8_lossy(&version.stdout).trim(), expected);
}

fn is_refused(output: &Output, named: &[&str]) {
    assert_eq!(output.status.code(), Some(64), "{}", told(output));
    for name in named {
        assert!(told(output).contains(name), "{name} is not named in\n{}", told(output));
    }
}

fn checked(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", told(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The line about `key` holds all of these.
fn is_shown(shown: &str, key: &str, parts: &[&str]) {
    let line = shown.lines().find(|line| line.split_whitespace().any(|word| word == key));
    let line = line.unwrap_or_else(|| panic!("{key} is not shown in\n{shown}"));
    for part in parts {
        assert!(line.contains(part), "{part} is missing in: {line}");
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const WRONG: [(&str, &str); 33] = [
    ("CACHE_TTL", "banana"),
    ("CACHE_TTL", "-3"),
    ("CACHE_TTL", "1e999"),
    ("CACHE_TTL", "5 parsecs"),
    ("CACHE__TTL", "5"),
    ("CACHE_TTL_", "5"),
    ("CACHE_TTTL", "5"),
    ("CACHE_DETECT_QUERY", "maybe"),
    ("CACHE_DETECT_SESSION", "2"),
    ("CACHE_STATUSES", "200 two-hundred"),
    ("CACHE_MAXBODY", "8 MiBs of it"),
    ("CACHE_NOSTORE", "perhaps"),
    ("BACKEND_BASEURL", "banana"),
    ("BACKEND_BASEURL", "ftp://localhost"),
    ("BACKEND_BASEURL", "http://"),
    ("BACKEND_BASEURL", "http://localhost:99999"),
    ("BACKEND_BASEURL", "http://localhost:8088/?query"),
    ("BACKEND_TIMEOUT", "-1"),
    ("BACKEND_CONNECT", "soon"),
    ("SERVER_LISTEN", "banana"),
    ("SERVER_LISTEN", "127.0.0.1:70000"),
    ("SERVER_TIMEOUT_READ", "long"),
    ("BREAKER_MODE", "half-open"),
    ("BREAKER_FAIL_RATE", "1.01"),
    ("BREAKER_FAIL_RATE", "-0.1"),
    ("BREAKER_FAIL_RATE", "NaN"),
    ("BREAKER_CONSECUTIVE_FAIL", "1.5"),
    ("BREAKER_MINIMUM", "-5"),
    ("BREAKER_OPEN_MIN", "2 minutes"),
    ("BREAKER_STATUSES", "500-"),
    ("STORE_MAXSIZE", "1 GiBi"),
    ("STORE_TTL", "7 days ago"),
    ("LOG_FORMAT", "banana"),
];
const ELEVEN: [(&str, &str); 11] = [
    ("CACHE_TTL", "5"),
    ("CACHE_DETECT_QUERY", "true"),
    ("CACHE_DETECT_SESSION", "1"),
    ("BACKEND_BASEURL", "http://localhost:8088"),
    ("SERVER_LISTEN", ":8089"),
    ("BREAKER_FAIL_RATE", "0.66"),
    ("BREAKER_CONSECUTIVE_FAIL", "5"),
    ("SERVER_TIMEOUT_WRITE", "15"),
    ("SERVER_TIMEOUT_READ", "15"),
    ("SERVER_TIMEOUT_IDLE", "60"),
    ("SERVER_TIMEOUT_GRACESHUT", "15"),
];

#[test]
fn the_table_in_the_readme_is_the_table_in_the_code() {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once("<!-- settings -->").expect("its begin");
    let (table, _) = rest.split_once("<!-- /settings -->").expect("its end");
    let made = retter::config::keys::markdown();
    assert!(table.trim() == made.trim(), "the README's table should be\n{made}");
}
