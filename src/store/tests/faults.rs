//! The disk refuses one operation, or all from one on, wherever that is: the store says so, is
//! opened again, has all it acknowledged, and goes on.

use super::disk::Fault;
use super::life::Life;
use super::*;
use std::io::ErrorKind;

#[test]
fn disk_that_refuses_one_operation_costs_nothing_acknowledged() {
    at_operations(SOME, Fault::Once);
}

#[test]
fn disk_that_refuses_everything_for_a_while_costs_nothing_acknowledged() {
    at_operations(SOME, Fault::Lasting);
}

/// `cargo test --release --lib -- --ignored every_operation`
#[test]
#[ignore = "takes minutes; the short ones above are some of the same"]
fn every_operation_may_fail() {
    at_operations(1, Fault::Once);
    at_operations(1, Fault::Lasting);
}

/// At each `step`th operation, with both kinds of refusal in turn unless all are tried.
fn at_operations(step: u64, fault: impl Fn(ErrorKind) -> Fault) {
    let kinds = [ErrorKind::StorageFull, ErrorKind::Other];
    for (first, kind) in (0..).map(|nth: u64| nth * step / 2).zip(kinds) {
        let (mut at, mut tried, mut met) = (first, 0, 0);
        while let Some(failed) = at_operation(at, fault(kind), kind) {
            met += u64::from(failed);
            tried += 1;
            at += step;
        }
        assert!(met > 100 / step && met * 2 > tried, "{met} of {tried}");
    }
}

/// Whether any step failed; `None`: the scenario ended before this operation.
fn at_operation(at: u64, fault: Fault, kind: ErrorKind) -> Option<bool> {
    let mut life = Life::new(SEED);
    let mut failed = false;
    life.disk.fails_after(at, fault);
    for _ in 0..STEPS {
        if let Err(trouble) = life.step() {
            failed = true;
            assert_says(&trouble, kind, at);
            if matches!(fault, Fault::Lasting(_)) {
                assert_says(&life.step().unwrap_err(), kind, at);
                life.disk.mend();
            }
        }
    }
    let operations = life.disk.operations();
    life.disk.mend();
    life.open().unwrap();
    life.step().unwrap();
    (at < operations).then_some(failed)
}

/// Of the disk, never of the file: that would be set aside.
fn assert_says(trouble: &Trouble, kind: ErrorKind, at: u64) {
    let fits = match trouble {
        Trouble::Full => kind == ErrorKind::StorageFull,
        Trouble::Io(_) => true,
        _ => false,
    };
    assert!(fits, "operation {at}: {trouble}");
}

/// In the everyday run.
const SOME: u64 = 23;
const SEED: u64 = 3;
const STEPS: u32 = 14;
