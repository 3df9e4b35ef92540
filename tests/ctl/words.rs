//! The command itself: what it says, how it finds RETTER, and what it makes of wrong words.

use super::{kept, status, text, told, wait_for_status};
use crate::support::origin::{Origin, fail, ok};
use crate::support::retter::Setup;
use crate::support::{SOON, until};
use serde_json::Value;
use std::process::{Command, Stdio};

#[test]
fn a_status_says_what_is_the_case() {
    let (origin, retter) = kept(|origin| Setup::before(origin).set("BREAKER_OPEN_MIN", "30"));
    let said = told(&retter, &[]);
    assert!(
        said.contains("mode         auto: the breaker decides\nX-Circuit    CLOSED\n"),
        "{said}"
    );
    assert!(said.contains("paths        none is open\n"), "{said}");
    assert!(said.contains("file         1 copy\n"), "{said}");
    assert!(!said.contains("trouble"), "{said}");
    origin.set("/broken", fail(500));
    assert!(until(SOON, || retter.get("/broken").status == 503));
    told(&retter, &["dry", "--for", "1 hour"]);
    let said = told(&retter, &["status"]);
    assert!(said.contains("mode         dry for 59 minutes "), "{said}");
    assert!(said.contains("paths        1 open, 0 half-open: \"/broken\"\n"), "{said}");
    assert!(said.contains("no-cache"), "{said}");
}

#[test]
fn every_name_of_an_object_is_written_down() {
    let (_origin, retter) = kept(Setup::before);
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("## In the operator's hand").expect("a section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let change = told(&retter, &["open", "--for", "10m", "--json"]);
    let change: Value = serde_json::from_str(&change).expect("an object");
    assert_eq!((&change["kind"], &change["was"]["mode"]), (&"mode".into(), &"auto".into()));
    let left = change["is"]["for_seconds"].as_f64();
    assert!(left.is_some_and(|left| left > 590.0 && left <= 600.0), "{change}");
    let mut status = status(&retter);
    assert_eq!((&status["kind"], &status["circuit"]), (&"status".into(), &"OPEN".into()));
    assert_eq!(status["application"]["state"], "CLOSED", "by its own judgement");
    // By the values of `X-Retter`.
    status["served"].take();
    let mut names = Vec::new();
    [change, status].iter().for_each(|object| collect(object, &mut names));
    assert!(names.contains(&"half_open".to_owned()) && names.len() > 20, "{names:?}");
    for name in names {
        let row = section.lines().find(|l| l.starts_with("| ") && l.contains(&format!("`{name}`")));
        assert!(row.is_some(), "{name} is not in the README");
    }
}

#[test]
fn it_finds_retter_by_the_settings_of_retter() {
    let origin = Origin::new().elsewhere(ok("well"));
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (file, toml) = (path("shop.redb"), path("retter.toml"));
    std::fs::write(&toml, format!("[store]\npath = {file:?}\n")).expect("room");
    let set = format!("store.path={file}");
    let retter = Setup::before(&origin).set("STORE_PATH", &file).start();
    wait_for_status(&retter);
    let elsewhere = tempfile::tempdir().expect("a folder");
    for (folder, words) in [
        (&folder, &[][..]),
        (&elsewhere, &["--config", &toml]),
        (&elsewhere, &["--set", &set]),
        (&elsewhere, &["--file", &file]),
    ] {
        let output = asking(words).run_in(folder);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", text(&output.stderr));
    }
    assert_eq!(asking(&[]).run_in(&elsewhere).status.code(), Some(1));
}

#[test]
fn without_a_retter_there_it_says_so() {
    let (_origin, mut retter) = kept(Setup::before);
    retter.term();
    assert!(retter.ended(SOON).is_some());
    for words in [&[][..], &["open"], &["status", "--json"], &["--file", "nowhere/at.all"]] {
        let output = retter.ctl(words);
        let complaint = text(&output.stderr);
        assert_eq!((output.status.code(), &*text(&output.stdout)), (Some(1), ""), "{words:?}");
        assert!(complaint.starts_with("retter: no RETTER answers at "), "{complaint}");
        assert!(complaint.contains(".sock"), "{complaint}");
    }
}

#[test]
fn wrong_words_are_mistakes_and_change_nothing() {
    let (_origin, retter) = kept(Setup::before);
    for words in [
        &["explode"][..],
        &["half-open"],
        &["OPEN"],
        &["open", "closed"],
        &["open", "--for"],
        &["open", "--for", "banana"],
        &["open", "--for", "0"],
        &["open", "--for", "-3"],
        &["open", "--for", "11 years"],
        &["--for", "10m"],
        &["status", "--for", "10m"],
        &["open", "--file", "a", "--set", "store.path=a"],
        &["open", "--set", "store.pth=a"],
        &["open", "--config", "no-such-file.toml"],
    ] {
        let output = retter.ctl(words);
        assert_eq!(output.status.code(), Some(64), "{words:?}: {}", text(&output.stderr));
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{words:?}");
    }
    assert_eq!(status(&retter)["mode"]["mode"], "auto");
    assert!(!retter.log().contains("the operator"));
}

#[test]
fn nobody_complains_about_a_closed_pipe() {
    let (_origin, retter) = kept(Setup::before);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_retter"));
    command.args(["ctl", "--file"]).arg(retter.file()).env_clear();
    let output = command.stdout(Stdio::from(writer)).stderr(Stdio::piped()).output();
    let output = output.expect("the binary");
    assert_eq!((output.status.code(), &*text(&output.stderr)), (Some(0), ""));
}

fn asking(words: &[&str]) -> Setup {
    words.iter().fold(Setup::bare().argument("ctl"), |setup, word| setup.argument(word))
}

/// The names of an object and of those inside it.
fn collect(object: &Value, names: &mut Vec<String>) {
    for (name, value) in object.as_object().into_iter().flatten() {
        names.push(name.clone());
        collect(value, names);
    }
}
