//! `retter-db` on the file of the real RETTER: beside it, after it, and after its `kill -9`.

mod whole;

use crate::support::client::get;
use crate::support::origin::{Origin, Seen, computed, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use serde_json::Value;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

#[test]
fn a_copy_is_shown_beside_a_running_retter_after_it_and_after_its_kill() {
    let (_origin, mut retter) = kept();
    let look = |retter: &Retter| {
        let shown = show(&retter.file(), &["http://shop.example/open"]);
        assert_eq!(code(&shown), 0, "{}", text(&shown.stderr));
        assert_eq!(text(&shown.stdout), OPEN);
    };
    look(&retter);
    retter.kill9();
    let before = std::fs::read(retter.file()).expect("the file");
    look(&retter);
    assert!(before == std::fs::read(retter.file()).expect("the file"), "it changed the file");
    retter.restart();
    look(&retter);
    retter.term();
    assert!(retter.ended(SOON).is_some_and(|status| status.success()));
    look(&retter);
}

#[test]
fn an_object_of_the_dump_finds_its_copy() {
    let (_origin, retter) = kept();
    // The application's breaker may be in the file already.
    let mut objects = objects(&retter.file());
    objects.retain(|object| object["kind"] == "copy");
    assert_eq!(objects.len(), 2 + VISITORS.len());
    for object in &objects {
        let [id, address] = ["id", "address"].map(|name| object[name].as_str().expect("a text"));
        assert_eq!(object["status"].as_u64(), Some(200));
        assert!(address.starts_with("http://shop.example/"), "{object}");
        let shown = show(&retter.file(), &["--json", id]);
        let shown: Value = serde_json::from_slice(&shown.stdout).expect("an object");
        assert_eq!((&shown["id"], &shown["sealed"]), (&object["id"], &object["sealed"]));
        assert_eq!(shown["body"].is_null(), object["sealed"] == true, "{shown}");
    }
}

#[test]
fn every_name_of_an_object_is_written_down() {
    let (_origin, retter) = kept();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).expect("a README");
    let file = retter.file();
    let file = file.to_str().expect("a path");
    let mut names = std::collections::BTreeSet::new();
    for verb in [
        &["show", file, "http://shop.example/open"][..],
        &["stats", file],
        &["verify", file],
        &["audit", file],
    ] {
        let shown = text(&run(&[verb, &["--json"]].concat()).stdout);
        for line in shown.lines() {
            let object: Value = serde_json::from_str(line).expect("an object");
            names.extend(object.as_object().expect("an object").keys().cloned());
        }
    }
    assert!(names.contains("age_seconds") && names.contains("sound"), "{names:?}");
    for name in names {
        let row = readme.lines().find(|l| l.starts_with("| `") && l.contains(&format!("`{name}`")));
        assert!(row.is_some(), "{name} is not in the README");
    }
}

#[test]
fn a_body_comes_out_as_the_application_sent_it() {
    let noise: Vec<u8> =
        (0..200_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let words = "many words ".repeat(20_000);
    let origin = Origin::new()
        .route("/noise", ok(noise.clone()).header("Content-Encoding", "gzip"))
        .route("/words", ok(words.clone()));
    let retter = before(&origin);
    retter.visit(&get("/noise").header("Accept-Encoding", "gzip"));
    retter.get("/words");
    retter.wait_for_copies(&["/noise", "/words"]);
    for (path, body) in [("noise", &noise[..]), ("words", words.as_bytes())] {
        let address = format!("http://shop.example/{path}");
        let shown = show(&retter.file(), &[&address]);
        let head = show(&retter.file(), &["--head", &address]);
        assert!(shown.stdout.ends_with(body), "{path}: {}", text(&shown.stderr));
        assert!(shown.stdout.starts_with(&head.stdout));
        assert_eq!(shown.stdout.len(), head.stdout.len() + 1 + body.len());
        assert_eq!(text(&head.stdout).contains("\ncontent-encoding: gzip\n"), path == "noise");
    }
}

#[test]
fn a_sealed_copy_says_so_and_opens_for_its_own_session_only() {
    let (_origin, mut retter) = kept();
    retter.kill9();
    for (path, right, page) in VISITORS {
        let address = format!("http://shop.example{path}");
        let file = retter.file();
        let closed = show(&file, &[&address]);
        let said = text(&closed.stdout);
        assert_eq!(code(&closed), 0, "{said}");
        assert!(said.starts_with("sealed") && said.contains(&address), "{said}");
        assert!(said.contains("status: 200") && !said.contains("content-type"), "{said}");
        assert!(!said.contains("personal"), "{said}");
        let session: Vec<&str> = right.iter().flat_map(|one| ["--session", one]).collect();
        let opened = show(&file, &[&session[..], &[&address]].concat());
        assert_eq!(code(&opened), 0, "{right:?}: {}", text(&opened.stderr));
        assert!(text(&opened.stdout).ends_with(page), "{right:?}: {}", text(&opened.stdout));
        let wrong = show(&file, &["--session", "PHPSESSID=not-his", &address]);
        let error = text(&wrong.stderr);
        assert_eq!((code(&wrong), wrong.stdout.len()), (1, 0), "{error}");
        assert!(error.contains("session") && !error.contains("not-his"), "{error}");
    }
}

#[test]
fn an_address_with_variants_means_its_page() {
    let origin = Origin::new().elsewhere(computed(page));
    for vary in ["Accept-Language", "Cookie", "Accept-Encoding, Cookie"] {
        origin.set("/varied", ok("its page").header("Vary", vary));
        let retter = before(&origin);
        retter.visit(&get("/varied").cookie("PHPSESSID=his").header("Accept-Language", "de"));
        retter.wait_for_copies(&["/varied"]);
        let address = ["--session", "PHPSESSID=his", "http://shop.example/varied"];
        let shown = show(&retter.file(), &address);
        assert_eq!(code(&shown), 0, "{vary}: {}", text(&shown.stderr));
        assert!(text(&shown.stdout).ends_with("\nits page"), "{vary}: {}", text(&shown.stdout));
        let list = objects(&retter.file()).into_iter().find(|row| row["why"] == "variants");
        let Some(list) = list else { panic!("{vary}: no list") };
        let shown = show(&retter.file(), &[list["id"].as_str().expect("a text")]);
        assert_eq!(code(&shown), 0);
        assert!(text(&shown.stdout).starts_with("no page: "), "{}", text(&shown.stdout));
    }
}

#[test]
fn of_several_copies_of_an_address_none_is_chosen_without_a_session() {
    let origin = Origin::new().elsewhere(computed(page));
    let retter = before(&origin);
    for session in ["one", "two"] {
        retter.visit(&get("/a").cookie(&format!("PHPSESSID={session}")));
    }
    retter.get("/a");
    assert!(until(SOON, || objects(&retter.file()).len() == 3));
    let several = show(&retter.file(), &["http://shop.example/a"]);
    let error = text(&several.stderr);
    assert_eq!((code(&several), several.stdout.len()), (2, 0), "{error}");
    for object in objects(&retter.file()) {
        let id = object["id"].as_str().expect("a text");
        assert!(error.contains(id), "{id} is missing in {error}");
    }
    let own = show(&retter.file(), &["http://shop.example/a", "--session", "PHPSESSID=two"]);
    assert!(text(&own.stdout).ends_with("personal: PHPSESSID=two"), "{}", text(&own.stderr));
    let nobodys = show(&retter.file(), &["http://shop.example/a", "--session", "PHPSESSID=three"]);
    assert_eq!((code(&nobodys), nobodys.stdout.len()), (1, 0), "{}", text(&nobodys.stderr));
}

#[test]
fn the_beginning_of_an_id_is_enough_as_long_as_no_other_has_it() {
    let origin = Origin::new().elsewhere(ok("for everybody"));
    let retter = before(&origin);
    // One more than there are hexadecimal digits.
    (0..17).for_each(|number| assert_eq!(retter.get(&format!("/{number}")).status, 200));
    assert!(until(SOON, || objects(&retter.file()).len() == 17));
    let mut ids: Vec<String> = objects(&retter.file())
        .iter()
        .filter_map(|object| Some(object["id"].as_str()?.into()))
        .collect();
    ids.sort();
    let pair = ids.windows(2).find(|pair| pair[0][..1] == pair[1][..1]).expect("two begin alike");
    let ambiguous = show(&retter.file(), &[&pair[0][..1]]);
    let error = text(&ambiguous.stderr);
    assert_eq!((code(&ambiguous), ambiguous.stdout.len()), (2, 0));
    assert!(pair.iter().all(|id| error.contains(id)), "{error}");
    let same = pair[0].bytes().zip(pair[1].bytes()).take_while(|(a, b)| a == b).count();
    let shown = show(&retter.file(), &[&pair[0][..same + 1]]);
    assert_eq!(code(&shown), 0, "{}", text(&shown.stderr));
}

#[test]
fn exit_codes_tell_nothing_found_from_an_error() {
    let (_origin, retter) = kept();
    let file = retter.file();
    let folder = tempfile::tempdir().expect("a folder");
    let (missing, garbage) = (folder.path().join("missing"), folder.path().join("garbage"));
    std::fs::write(&garbage, "no such thing ".repeat(1_000)).expect("a file");
    for (verb, file, rest, expected, said) in [
        ("show", &file, &["http://shop.example/nowhere"][..], 1, "no copy"),
        ("show", &file, &["ffffffffffffffffffffffffffffffff"], 1, "no copy"),
        ("show", &file, &["what?"], 2, "what? is no key"),
        ("show", &file, &["a", "--session", "s3cr3t"], 2, "NAME=VALUE"),
        ("show", &file, &["a", "--session", "Accept: s3cr3t"], 2, "accept"),
        ("show", &file, &[], 2, "<KEY>"),
        ("show", &missing, &["a"], 2, "store.path"),
        ("show", &garbage, &["a"], 2, "not a RETTER file"),
        ("dump", &missing, &["--json"], 2, "missing"),
        ("dump", &garbage, &["--json"], 2, "garbage"),
        ("stats", &missing, &[], 2, "missing"),
        ("stats", &garbage, &[], 2, "garbage"),
        ("verify", &missing, &[], 2, "missing"),
        ("verify", &garbage, &[], 2, "garbage"),
        ("audit", &missing, &[], 2, "missing"),
        ("audit", &file, &["--set", "cache.ttl=banana"], 2, "cache.ttl"),
        ("audit", &file, &["--config", "no-such.toml"], 2, "no-such.toml"),
        ("compact", &missing, &[], 2, "missing"),
        ("compact", &garbage, &[], 2, "garbage"),
        ("compact", &file, &[], 2, "stop RETTER first"),
        ("migrate", &missing, &[], 2, "missing"),
        ("migrate", &garbage, &[], 2, "garbage"),
    ] {
        let output = run(&[&[verb, file.to_str().expect("a path")], rest].concat());
        let error = text(&output.stderr);
        assert_eq!((code(&output), output.stdout.len()), (expected, 0), "{rest:?}: {error}");
        assert!(error.contains(said) && !error.contains("s3cr3t"), "{rest:?}: {error}");
    }
}

#[test]
fn nobody_complains_about_a_closed_pipe() {
    let body = "many words ".repeat(500_000);
    let origin = Origin::new().elsewhere(ok(body));
    let retter = before(&origin);
    retter.get("/long");
    retter.wait_for_copies(&["/long"]);
    for arguments in [
        &["show"][..],
        &["show", "--json"],
        &["dump"],
        &["dump", "--json"],
        &["stats"],
        &["stats", "--json"],
        &["audit"],
        &["verify"],
    ] {
        let mut command = command(arguments);
        command.arg(retter.file()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if arguments[0] == "show" {
            command.arg("http://shop.example/long");
        }
        let mut child = command.spawn().expect("the binary starts");
        let mut stdout = child.stdout.take().expect("it is piped");
        if arguments[0] == "show" {
            stdout.read_exact(&mut [0; 10]).expect("the first bytes");
        }
        drop(stdout);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!((code(&output), text(&output.stderr)), (0, String::new()), "{arguments:?}");
    }
}

/// Copies of everybody and of persons in a file, and the RETTER that keeps them.
fn kept() -> (Origin, Retter) {
    let origin = Origin::new().elsewhere(computed(page));
    let retter = before(&origin);
    retter.get("/open");
    retter.visit(&get("/cookie").cookie("theme=dark; PHPSESSID=a1a1"));
    retter.visit(&get("/query?PHPSESSID=b2b2"));
    retter.visit(&get("/path;jsessionid=c3c3"));
    retter.visit(&get("/header").header("Authorization", "Bearer d4=d4"));
    let two = get("/two").header("X-Api-Key", "e5e5");
    retter.visit(&two.cookie("sid=f6f6"));
    // The last one written: the queue keeps its order.
    retter.get("/the-end");
    retter.wait_for_copies(&["/the-end"]);
    (origin, retter)
}

fn page(seen: &Seen) -> crate::support::origin::Answer {
    let known: Vec<String> = ["cookie", "authorization", "x-api-key"]
        .iter()
        .filter_map(|name| seen.header(name))
        .collect();
    if known.is_empty() && !seen.target().contains(['?', ';']) {
        return ok("for everybody");
    }
    let known = if known.is_empty() { seen.target() } else { known.join(" ") };
    ok(format!("personal: {known}"))
}

fn before(origin: &Origin) -> Retter {
    Setup::before(origin).without_breaker().start()
}

fn objects(file: &Path) -> Vec<Value> {
    let output = run(&["dump", "--json", file.to_str().expect("a path")]);
    let lines = text(&output.stdout);
    lines.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
}

fn show(file: &Path, arguments: &[&str]) -> Output {
    let file = file.to_str().expect("a path");
    run(&[&["show", file], arguments].concat())
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the binary starts")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_retter-db"));
    command.args(arguments).env_clear().env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const OPEN: &str = "HTTP/1.1 200 OK\ncontent-type: text/html; charset=utf-8\n\nfor everybody";

/// Path, the session that opens its copy, and how the page ends.
const VISITORS: [(&str, &[&str], &str); 5] = [
    ("/cookie", &["PHPSESSID=a1a1"], "personal: theme=dark; PHPSESSID=a1a1"),
    ("/query", &["PHPSESSID=b2b2"], "personal: /query?PHPSESSID=b2b2"),
    ("/path", &[";jsessionid=c3c3"], "personal: /path;jsessionid=c3c3"),
    ("/header", &["Authorization: Bearer d4=d4"], "personal: Bearer d4=d4"),
    ("/two", &["sid=f6f6", "X-Api-Key: e5e5"], "personal: sid=f6f6 e5e5"),
];
