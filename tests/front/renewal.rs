//! Certificates and keys that are renewed while RETTER runs, in the ways in which that is done.

use super::tls::{before, shakes_hands};
use crate::support::origin::{Origin, ok};
use crate::support::pair::{Pair, made};
use crate::support::{SOON, until};
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

#[test]
fn while_one_of_the_two_is_missing_or_half_written_the_old_pair_serves_and_that_is_said_once() {
    let (origin, pair) = (Origin::new().elsewhere(ok("1")), Pair::new());
    let retter = before(&origin, &pair).start();
    let old = Arc::new(pair.client(&[]));
    let (certificate, key) = made();
    fs::write(pair.certificate(), certificate).expect("written");
    let new = Arc::new(pair.client(&[]));
    assert!(until(SOON, || refusals(&retter.log()) == 1), "nothing is said");
    thread::sleep(Duration::from_secs(3));
    assert_eq!(refusals(&retter.log()), 1, "it is said again and again");
    fs::write(pair.key(), &key[..key.len() / 2]).expect("written");
    assert!(until(SOON, || refusals(&retter.log()) == 2), "another reason is not told");
    assert!(shakes_hands(&retter, old));
    fs::write(pair.key(), key).expect("written");
    assert!(until(SOON, || shakes_hands(&retter, new.clone())), "the new one is not used");
}

/// Rights and owner are set after the writing, and clocks are set back.
#[test]
fn a_pair_that_could_not_be_used_is_tried_again() {
    let (origin, pair) = (Origin::new().elsewhere(ok("1")), Pair::new());
    let retter = before(&origin, &pair).start();
    let (certificate, key) = made();
    let unusable = "x".repeat(key.len());
    fs::write(pair.key(), unusable).expect("written");
    fs::write(pair.certificate(), certificate).expect("written");
    let new = Arc::new(pair.client(&[]));
    assert!(until(SOON, || refusals(&retter.log()) == 1), "nothing is said");
    let written = fs::metadata(pair.key()).and_then(|it| it.modified()).expect("it is there");
    fs::write(pair.key(), key).expect("written");
    File::options()
        .write(true)
        .open(pair.key())
        .expect("it is there")
        .set_modified(written)
        .unwrap();
    assert!(until(SOON, || shakes_hands(&retter, new.clone())), "the new one is not used");
}

/// As Kubernetes does: the names stay links into a folder that is a link itself.
#[test]
fn a_folder_that_is_swapped_is_a_new_pair() {
    let folder = tempfile::tempdir().expect("a folder");
    let top = folder.path().to_owned();
    fs::create_dir(top.join("first")).expect("made");
    symlink("first", top.join("..data")).expect("a link");
    for name in ["certificate.pem", "key.pem"] {
        symlink(Path::new("..data").join(name), top.join(name)).expect("a link");
    }
    let (origin, pair) = (Origin::new().elsewhere(ok("1")), Pair::inside(folder));
    let retter = before(&origin, &pair).start();
    assert!(shakes_hands(&retter, Arc::new(pair.client(&[]))));
    let (certificate, key) = made();
    fs::create_dir(top.join("second")).expect("made");
    fs::write(top.join("second/certificate.pem"), certificate).expect("written");
    fs::write(top.join("second/key.pem"), key).expect("written");
    symlink("second", top.join("..new")).expect("a link");
    fs::rename(top.join("..new"), top.join("..data")).expect("swapped");
    let new = Arc::new(pair.client(&[]));
    assert!(until(SOON, || shakes_hands(&retter, new.clone())), "the new one is not used");
    assert_eq!(refusals(&retter.log()), 0);
}

fn refusals(log: &str) -> usize {
    log.matches("the old stay").count()
}
