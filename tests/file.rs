//! The file on a bad day: another RETTER has it, it is damaged, the disk is full. Visitors are
//! served through all of it, and the file is used again as soon as it can be.

use crate::support::client::get;
use crate::support::origin::{Origin, fail, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

#[test]
fn a_second_retter_rescues_from_the_first_ones_file_and_takes_it_over() {
    let origin = Origin::new().elsewhere(ok("the page"));
    let mut first = Setup::before(&origin).without_breaker().start();
    let visitor = get("/mine").cookie("PHPSESSID=secret4711");
    first.get("/");
    first.visit(&visitor);
    first.wait_for_copies(&["/", "/mine"]);
    let second =
        Setup::before(&origin).without_breaker().set("STORE_PATH", first.file().display()).start();
    assert!(second.log().contains("locked by another process"), "{}", second.log());
    origin.set_all(fail(503));
    assert_eq!(second.get("/").text(), "the page");
    assert_eq!(second.visit(&visitor).text(), "the page");
    assert_eq!(second.visit(&get("/mine").cookie("PHPSESSID=other")).status, 503);

    origin.set_all(ok("another page"));
    second.get("/collected");
    first.term();
    assert!(first.ended(SOON).is_some_and(|status| status.success()), "{}", first.log());
    first.wait_for_copies(&["/collected"]);
    assert!(until(SOON, || second.log().contains("the file is back")), "{}", second.log());
}

#[test]
fn the_file_is_given_up_when_the_drain_begins_and_not_when_it_ends() {
    let slow = ok("slow page").after(SOON / 4);
    let origin = Origin::new().route("/slow", slow).elsewhere(ok("the page"));
    let setup = Setup::before(&origin).without_breaker().set("BACKEND_TIMEOUT", "30");
    let first = setup.clone().start();
    first.get("/");
    first.wait_for_copies(&["/"]);
    let second = setup.set("STORE_PATH", first.file().display()).start();
    std::thread::scope(|scope| {
        let visitor = scope.spawn(|| first.get("/slow"));
        assert!(until(SOON, || origin.hits("/slow") == 1));
        first.term();
        assert!(until(SOON, || second.log().contains("the file is back")), "{}", second.log());
        assert!(!visitor.is_finished(), "the first has still an answer to give");
        assert_eq!(visitor.join().expect("an answer").text(), "slow page");
    });
}

#[test]
fn a_damaged_file_is_set_aside_and_said_and_a_new_one_begun() {
    let origin = Origin::new().elsewhere(ok("the page"));
    let setup = Setup::before(&origin).without_breaker();
    let (folder, file) = folder_with_file(&setup);
    let mut bytes = fs::read(&file).expect("the file");
    bytes[4096..].fill(0xff);
    fs::write(&file, bytes).expect("the file is written");
    let mut retter = setup.start_in(folder);
    let log = retter.log();
    assert!(log.contains("set aside") && log.contains("retter.redb.damaged"), "{log}");
    assert_eq!(retter.get("/").retter(), "backend");
    assert_eq!(retter.figure(&["store", "set-aside"]), 1.0);
    retter.wait_for_copies(&["/"]);
    origin.set_all(fail(503));
    retter.restart();
    assert_eq!(retter.get("/").text(), "the page");
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let origin = Origin::new().elsewhere(ok("the page"));
    let (folder, words) =
        (tempfile::tempdir().expect("a folder"), "somebody's diary\n".repeat(900));
    let file = folder.path().join("retter.redb");
    fs::write(&file, &words).expect("the file is written");
    let retter = Setup::before(&origin).without_breaker().start_in(folder);
    assert!(retter.log().contains("not a RETTER file"), "{}", retter.log());
    retter.get("/");
    origin.set_all(fail(503));
    assert_eq!(retter.get("/").text(), "the page", "memory has it");
    assert_eq!(fs::read_to_string(&file).expect("the file"), words);
}

/// With a real full disk, where the test may mount one.
#[test]
fn a_full_disk_costs_no_page_and_the_file_is_written_again_when_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(disk) = SmallDisk::mounted_on(folder.path()) else {
        eprintln!("not run: this user may not mount a tmpfs");
        return;
    };
    let origin = Origin::new().elsewhere(ok("the page"));
    let setup = Setup::before(&origin).without_breaker().set("STORE_PATH", disk.file().display());
    let retter = setup.start();
    retter.get("/before");
    assert!(until(SOON, || retter.figure(&["store", "copies"]) == 1.0));
    disk.fill();
    retter.get("/while");
    assert!(until(SOON, || retter.log().contains("on a full disk")), "{}", retter.log());
    assert!(retter.figure(&["store", "no-room"]) >= 1.0);
    origin.set_all(fail(503));
    for page in ["/before", "/while"] {
        assert_eq!(retter.get(page).text(), "the page", "{page}");
    }
    disk.make_room();
    assert!(until(SOON, || retter.figure(&["store", "copies"]) == 2.0), "{}", retter.log());
    assert!(retter.log().contains("the file is back") && !retter.has_panicked());
}

/// With a limit to the size of files, which works everywhere and comes as an error of one write.
#[test]
fn a_write_that_fails_for_want_of_room_costs_no_page() {
    let origin = Origin::new().elsewhere(ok(vec![b'x'; 3_000]));
    let setup = Setup::before(&origin).without_breaker().set("CACHE_MEMORY", "1 MiB");
    let noise = |number: u64| ok(crate::support::filled::body(number, 40_000));
    // Room for an empty file and a few hundred pages.
    let retter = setup.largest_file(2 * 1024 * 10).start();
    for number in 0..600 {
        origin.set(&format!("/{number}"), noise(number));
        assert_eq!(retter.get(&format!("/{number}")).status, 200);
    }
    assert!(until(SOON * 3, || retter.log().contains("on a full disk")), "{}", retter.log());
    assert!(!retter.has_panicked());
    origin.set_all(fail(503));
    // What was written long ago is still read.
    assert!(until(SOON, || retter.get("/3").status == 200), "{}", retter.log());
    assert!(retter.get("/3").body == crate::support::filled::body(3, 40_000));
}

/// A folder in which a RETTER has run and left a file with a page.
fn folder_with_file(setup: &Setup) -> (TempDir, std::path::PathBuf) {
    let mut retter: Retter = setup.clone().start();
    retter.get("/");
    retter.wait_for_copies(&["/"]);
    retter.kill9();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("retter.redb");
    fs::copy(retter.file(), &file).expect("the file is copied");
    (folder, file)
}

/// A file system of 64 MB in memory, unmounted when dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mounted_on(folder: &'a Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(folder);
        mount.output().ok()?.status.success().then_some(Self(folder))
    }

    fn file(&self) -> std::path::PathBuf {
        self.0.join("retter.redb")
    }

    fn fill(&self) {
        // To the last byte: the write that finds no room ends it.
        let _ = fs::write(self.0.join("ballast"), vec![0; 64 << 20]);
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("ballast")).expect("the ballast is there");
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_file_that_ends_the_process_whenever_it_is_opened_is_set_aside() {
    let origin = Origin::new().elsewhere(ok("the page"));
    let setup = Setup::before(&origin).without_breaker();
    for (marks, is_set_aside) in [("", false), ("..", false), ("...", true)] {
        let (folder, file) = folder_with_file(&setup);
        let left = file.with_extension("redb.opening");
        assert!(!left.exists(), "an attempt that has ended leaves no mark");
        fs::write(&left, marks).expect("the marks of attempts that ended the process");
        let retter = setup.clone().start_in(folder);
        let log = retter.log();
        assert_eq!(log.contains("ended the process again and again"), is_set_aside, "{log}");
        assert_eq!(file.with_extension("redb.damaged").exists(), is_set_aside);
        assert!(!left.exists(), "it is done with");
        assert_eq!(retter.get("/").retter(), "backend");
        retter.wait_for_copies(&["/"]);
    }
}

#[test]
fn a_file_that_is_not_shared_is_kept_and_is_nobody_elses_to_look_into() {
    let origin = Origin::new().elsewhere(ok("the page"));
    let setup = Setup::before(&origin).without_breaker().set("STORE_SHARING", "exclusive");
    let mut retter = setup.start();
    assert_eq!(retter.get("/").retter(), "backend");
    assert!(until(SOON, || retter.figure(&["store", "copies"]) == 1.0));
    let beside = retter.dump();
    let said = String::from_utf8_lossy(&beside.stderr).into_owned();
    assert!(said.contains("locked by another process"), "{said}");
    assert_eq!(beside.status.code(), Some(2));
    origin.down();
    retter.restart();
    assert_eq!(retter.get("/").text(), "the page");
    retter.kill9();
    assert!(retter.dump().status.success(), "nobody has it now");
}
