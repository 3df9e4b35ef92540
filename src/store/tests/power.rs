//! The power goes at any operation of the disk, again and again in the life of one file, and what
//! was acknowledged is there each time.

use super::disk::Fault;
use super::life::Life;

#[test]
fn nothing_acknowledged_is_lost_when_the_power_goes() {
    survive(0, 10, 12);
}

/// `cargo test --release --lib -- --ignored --nocapture power_cuts`
#[test]
#[ignore = "takes half a minute; the short one above is the same with other seeds"]
fn five_thousand_power_cuts() {
    survive(1_000, 100, 50);
}

fn survive(first_seed: u64, lives: u64, cuts: u64) {
    let (mut faults, mut steps) = (0, 0);
    for seed in first_seed..first_seed + lives {
        let mut life = Life::new(seed);
        for _ in 0..cuts {
            // Some in the middle of opening, most somewhere in a batch.
            let most = if life.random.u32(..4) == 0 { 15 } else { 250 };
            life.disk.fails_after(life.random.u64(..most), Fault::PowerCut);
            while !life.disk.is_dead() {
                steps += 1;
                if let Err(trouble) = life.step() {
                    assert!(life.disk.is_dead(), "seed {seed}: {trouble}");
                    faults += 1;
                }
            }
            life.lose_power();
        }
        life.disk.mend();
        life.open().unwrap();
    }
    println!("{} power cuts in {lives} lives of {steps} steps: nothing lost", lives * cuts);
    assert!(faults > lives * cuts / 2, "{faults}");
}
