//! A file of another format: a newer one is left alone, and whoever meets it says what to do.

use crate::support::origin::{Origin, ok};
use crate::support::retter::Setup;
use redb::{Builder, ConcurrencyMode, TableDefinition};
use std::path::Path;

#[test]
fn a_newer_file_is_left_alone_with_file_versions_and_remedy_in_the_log() {
    let origin = Origin::new().elsewhere(ok("well"));
    let mut retter = Setup::before(&origin).without_breaker().start();
    retter.get("/page");
    retter.wait_for_copies(&["/page"]);
    retter.kill9();
    stamp(&retter.file(), 7_777);
    let before = std::fs::read(retter.file()).expect("the file");
    retter.restart();
    assert_eq!(retter.get("/page").text(), "well");
    origin.down();
    assert_eq!(retter.get("/page").text(), "well", "memory serves all the same");
    let known = retter::migrations::LATEST;
    let dump = retter.dump();
    assert_eq!((dump.status.code(), dump.stdout.len()), (Some(2), 0));
    for said in [retter.log(), String::from_utf8_lossy(&dump.stderr).into_owned()] {
        for part in ["retter.redb", "7777", &known.to_string(), "start the newer RETTER"] {
            assert!(said.contains(part), "{part} is missing in {said}");
        }
    }
    retter.kill9();
    assert!(before == std::fs::read(retter.file()).expect("the file"), "the file was touched");
}

fn stamp(file: &Path, version: u32) {
    let mut builder = Builder::new();
    builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
    let db = builder.create(file).expect("a file of RETTER");
    let mut transaction = db.begin_write().expect("a transaction");
    transaction.set_quick_repair(true);
    let mut meta = transaction.open_table(META).expect("its table");
    meta.insert("schema", version.to_be_bytes().as_slice()).expect("room");
    drop(meta);
    transaction.commit().expect("a commit");
}

const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta.v1");
