//! The disk refuses one operation, or all from one on, wherever that is: the store says so, is
//! opened again, has all it acknowledged, and goes on.

use super::disk::Fault;
use super::life::Life;
use super::*;
use std::io::ErrorKind;

#[test]
fn disk_that_refuses_one_operation_costs_nothing_acknowledged() {
    for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
        at_every_operation(Fault::Once(kind), kind);
    }
}

#[test]
fn disk_that_refuses_everything_for_a_while_costs_nothing_acknowledged() {
    for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
        at_every_operation(Fault::Lasting(kind), kind);
    }
}

fn at_every_operation(fault: Fault, kind: ErrorKind) {
    let mut at = 0;
    let mut met = 0;
    while let Some(failed) = at_operation(at, fault, kind) {
        met += u32::from(failed);
        at += 1;
    }
    assert!(met > 100, "{met} of {at}");
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

const SEED: u64 = 3;
const STEPS: u32 = 14;
