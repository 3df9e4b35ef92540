//! The verbs that look at the whole file, and those that change it.

use super::{before, code, command, kept, objects, run, text};
use crate::support::client::get;
use crate::support::origin::{Answer, Origin, computed, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn on(verb: &str, file: &Path, rest: &[&str]) -> Output {
    run(&[&[verb, file.to_str().expect("a path")], rest].concat())
}

fn one(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one object")
}

#[test]
fn beside_a_running_retter_and_after_its_kill_everything_is_sound_and_may_stay() {
    let (_origin, mut retter) = kept();
    for killed in [false, true] {
        if killed {
            retter.kill9();
        }
        let file = retter.file();
        let before = std::fs::read(&file).expect("the file");
        let (verified, audited) = (on("verify", &file, &[]), on("audit", &file, &[]));
        assert_eq!(code(&verified), 0, "{}", text(&verified.stdout));
        assert!(
            text(&verified.stdout).starts_with("sound\t7 copies"),
            "{}",
            text(&verified.stdout)
        );
        assert_eq!(code(&audited), 0, "{}", text(&audited.stdout));
        let audited = text(&audited.stdout);
        assert_eq!(audited.lines().filter(|line| line.starts_with("kept\t")).count(), 7);
        let stats = one(&on("stats", &file, &["--json"]));
        assert_eq!((&stats["copies"], &stats["sealed"]), (&7.into(), &5.into()));
        assert_eq!(stats["hosts"][0]["name"], "shop.example");
        // Nobody has looked at a terminal: not a word about how far it is.
        assert_eq!(text(&verified.stderr), "");
        if killed {
            assert!(before == std::fs::read(&file).expect("the file"), "it changed the file");
        }
    }
}

#[test]
fn verify_goes_on_while_retter_writes() {
    let number = std::sync::atomic::AtomicUsize::new(0);
    let fresh = move || number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let origin = Origin::new().elsewhere(computed(move |_| ok(format!("page {}", fresh()))));
    let setup = Setup::before(&origin).without_breaker().set("STORE_REFRESH", "0");
    let retter = setup.set("STORE_COMMIT", "0").start();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for visit in 0..600 {
                retter.get(&format!("/{}", visit % 50));
            }
        });
        let mut looks = 0;
        while !writing.is_finished() || looks < 3 {
            let verified = on("verify", &retter.file(), &[]);
            // Before its first commit there is no file that could be read.
            assert!(code(&verified) != 1, "{}", text(&verified.stdout));
            looks += usize::from(code(&verified) == 0);
        }
    });
}

#[test]
fn damage_ends_with_1_and_names_its_copy() {
    let noise = noise(9_000);
    let origin = Origin::new().elsewhere(packed(noise.clone()));
    let mut retter = before(&origin);
    retter.visit(&get("/noise").header("Accept-Encoding", "gzip"));
    retter.wait_for_copies(&["/noise"]);
    retter.kill9();
    let file = retter.file();
    let mut bytes = std::fs::read(&file).expect("the file");
    let at = bytes.windows(64).position(|some| some == &noise[1_000..1_064]).expect("the body");
    bytes[at] ^= 1;
    std::fs::write(&file, bytes).expect("written");
    let verified = on("verify", &file, &["--json"]);
    assert_eq!(code(&verified), 1, "{}", text(&verified.stderr));
    let said = text(&verified.stdout);
    let lines: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!((&lines[0]["name"], &lines[1]["sound"]), (&objects(&file)[0]["id"], &false.into()));
}

#[test]
fn an_audit_goes_by_the_settings_that_retter_would_read() {
    let (_origin, retter) = kept();
    let file = retter.file();
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("retter.toml");
    std::fs::write(&config, "[cache]\nnostore = \"refuse\"\nstatuses = [203]\n").expect("written");
    let audit = |change: &dyn for<'a> Fn(&'a mut Command) -> &'a mut Command| {
        let mut command = command(&["audit"]);
        command.arg(&file).current_dir(retter.file().parent().expect("a folder"));
        change(&mut command);
        let output = command.output().expect("the binary starts");
        let said = text(&output.stdout);
        let refused = said.lines().filter(|line| line.starts_with("refused: ")).count();
        (code(&output), refused)
    };
    assert_eq!(audit(&|it| it), (0, 0));
    assert_eq!(audit(&|it| it.arg("--set").arg("cache.detect.session=false")), (1, 5));
    assert_eq!(audit(&|it| it.env("RETTER_CACHE_MAXBODY", "1")), (1, 7));
    assert_eq!(audit(&|it| it.arg("--config").arg(&config)), (1, 7));
    assert_eq!(audit(&|it| it.current_dir(folder.path())), (1, 7));
    // The file is a setting too.
    let mut command = command(&["audit", "--set", &format!("store.path={}", file.display())]);
    assert_eq!(code(&command.output().expect("the binary starts")), 0);
}

#[test]
fn a_killed_packing_costs_nothing_and_the_next_one_packs() {
    let (retter, copies) = large();
    let file = retter.file();
    let beside = file.with_file_name("retter.redb.compact");
    let mut packing = command(&["compact"]);
    packing.arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
    let mut packing = packing.spawn().expect("the binary starts");
    assert!(until(SOON, || beside.exists()), "it makes a copy");
    packing.kill().expect("it can be killed");
    packing.wait().expect("it was started here");
    let verified = on("verify", &file, &[]);
    assert_eq!(code(&verified), 0, "{}", text(&verified.stdout));
    assert_eq!(count(&file), copies);
    let packed = on("compact", &file, &[]);
    assert_eq!(code(&packed), 0, "{}", text(&packed.stderr));
    assert!(text(&packed.stdout).contains(" bytes before, "), "{}", text(&packed.stdout));
    assert!(!beside.exists());
    assert_eq!(count(&file), copies);
    assert_eq!(code(&on("verify", &file, &[])), 0);
    let migrated = on("migrate", &file, &[]);
    assert!(code(&migrated) == 0 && text(&migrated.stdout).contains("nothing to do"));
}

/// A RETTER that was killed, with some megabytes in its file, and how many copies there are.
fn large() -> (Retter, usize) {
    let origin = Origin::new().elsewhere(packed(noise(300_000)));
    let mut retter = before(&origin);
    let paths: Vec<String> = (0..40).map(|number| format!("/large/{number}")).collect();
    for path in &paths {
        retter.visit(&get(path).header("Accept-Encoding", "gzip"));
    }
    retter.wait_for_copies(&paths.iter().map(String::as_str).collect::<Vec<_>>());
    retter.kill9();
    (retter, paths.len())
}

fn count(file: &Path) -> usize {
    objects(file).iter().filter(|object| object["kind"] == "copy").count()
}

fn noise(bytes: u32) -> Vec<u8> {
    (0..bytes).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// Nobody packs once more what is packed already, so it stands in the file as it is.
fn packed(body: Vec<u8>) -> Answer {
    ok(body).header("Content-Encoding", "gzip")
}
