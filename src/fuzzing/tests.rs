//! The corpus, run through its bodies.

use std::fs;
use std::path::Path;

fn runs_over(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 24, "{target} has a corpus of {} files", files.len());
    for file in files {
        let input = fs::read(&file).unwrap();
        assert!(input.len() < 4096, "{} is no small input", file.display());
        // The name of an input that fails is the last of them.
        println!("{target}/{}", file.file_name().unwrap().display());
        body(&input);
    }
}

#[test]
fn beginnings_hold() {
    runs_over("beginnings", super::beginnings);
}

#[test]
fn keys_hold() {
    runs_over("keys", super::keys);
}

#[test]
fn visitors_hold() {
    runs_over("visitors", super::visitors);
}

#[test]
fn headers_hold() {
    runs_over("headers", super::headers);
}

#[test]
fn rows_hold() {
    runs_over("rows", super::rows);
}

#[test]
fn seals_hold() {
    runs_over("seals", super::seals);
}

#[test]
fn settings_hold() {
    runs_over("settings", super::settings);
}
