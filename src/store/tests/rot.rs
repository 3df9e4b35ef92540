//! Bytes that change while they rest: in any page of the file, whatever is in it. Never a wrong
//! page, never a panic, and the next good answers are kept and found again.

use super::audit::{contents, name};
use super::disk::Disk;
use super::life::remembered;
use super::*;
use crate::breaker::Unsaved;
use crate::store::breakers::{Update, list};
use crate::store::commit::{Fit, Ledger};
use crate::store::file::{BREAKERS, META, begin_write, guarded, open_on};
use crate::store::lookup::Answer;
use crate::store::queue::Batch;
use fastrand::Rng;
use redb::ReadableTable;
use std::collections::BTreeSet;
use std::process::Command;

/// What became of a damaged file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// Nothing was missing.
    Unharmed,
    /// What was missing is back in it.
    Mended,
    /// A new one took its place.
    SetAside,
    /// It says that it is not ours, or newer: by the rules it stays where it is.
    LeftAlone,
}

#[test]
fn no_zeroed_page_is_ever_served_and_all_is_kept_again() {
    let book = Book::new();
    let whole = book.file();
    let fates = (0..whole.len() / PAGE).map(|page| {
        let mut bytes = whole.clone();
        bytes[page * PAGE..][..PAGE].fill(0);
        book.fate(bytes, &format!("page {page}"))
    });
    say("pages zeroed", fates.collect());
}

#[test]
fn no_flipped_bit_is_ever_served_and_all_is_kept_again() {
    let book = Book::new();
    let pages = book.file().len() / PAGE;
    say("bits flipped", (0..pages).flat_map(|page| book.flip(page, 3)).collect());
}

/// A process for each page, because there are places in redb where a panic meets a panic in a
/// destructor, and then the process ends: nothing can be done about that from here but to know how
/// often. `cargo test --release --lib -- --ignored --nocapture thousands_of_flipped_bits`
#[test]
#[ignore = "takes minutes; the short one above is the same with a few bits"]
fn thousands_of_flipped_bits() {
    let (mut ended, pages) = (Vec::new(), Book::new().file().len() / PAGE);
    for page in 0..pages {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--ignored", "--exact", "--nocapture", "store::tests::rot::bits_of_a_page"]);
        let output = child.env(OF_PAGE, page.to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("panic in a destructor during cleanup") {
            ended.push(page);
        } else {
            assert!(output.status.success(), "page {page}: {said}");
        }
    }
    println!("{pages} pages, {BITS} bits of each: the process ended at {ended:?}");
    assert!(ended.len() <= 2);
}

#[test]
#[ignore = "a part of the one above"]
fn bits_of_a_page() {
    if let Ok(page) = std::env::var(OF_PAGE) {
        Book::new().flip(page.parse().unwrap(), BITS);
    }
}

#[test]
fn page_that_points_past_the_end_of_the_file_is_damage_and_no_fault_of_the_disk() {
    let past_the_end = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    assert!(Trouble::is_damage(&redb::Error::Io(past_the_end())));
    assert!(matches!(Trouble::from(past_the_end()), Trouble::Damaged(_)));
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    assert!(!Trouble::is_damage(&redb::Error::Io(full)));
}

/// A file that believed it would be full for good, or write new bodies over old ones.
#[test]
fn figures_that_rotted_are_worked_out_anew() {
    let book = Book::new();
    let disk = Disk::holding(&book.file());
    for (figure, bit) in [("live", 3), ("live", 60), ("next-body", 2), ("next-body", 63)] {
        let (handle, ledger) = book.open(&disk).unwrap();
        let transaction = begin_write(handle.own().unwrap()).unwrap();
        {
            let mut meta = transaction.open_table(META).unwrap();
            let number = meta.get(figure).unwrap().unwrap().value().to_vec();
            let number = u64::from_be_bytes(number.try_into().unwrap()) ^ (1 << bit);
            meta.insert(figure, number.to_be_bytes().as_slice()).unwrap();
        }
        transaction.commit().unwrap();
        drop((handle, ledger));
        let (handle, mut ledger) = book.open(&disk).unwrap();
        let keys: Vec<_> = book.pages.iter().map(|(key, _)| key.clone()).collect();
        assert_eq!(contents(&handle, &ledger.meta, &keys).copies.len(), book.pages.len());
        book.keep(&handle, &mut ledger, |_| true).unwrap();
        contents(&handle, &ledger.meta, &keys);
    }
}

fn say(what: &str, fates: Vec<Fate>) {
    let count = |fate| fates.iter().filter(|&&other| other == fate).count();
    let [unharmed, mended, aside, alone] =
        [Fate::Unharmed, Fate::Mended, Fate::SetAside, Fate::LeftAlone].map(count);
    println!(
        "{} {what}: {unharmed} harmless, {mended} mended, {aside} set aside, {alone} left alone",
        fates.len()
    );
    assert!(mended + aside > 0);
    assert!(alone * 50 <= fates.len());
}

/// Pages, and what the breakers remember.
struct Book {
    settings: Settings,
    pages: Vec<(StoreKey, Copy)>,
    breakers: Vec<Saved>,
}

impl Book {
    fn new() -> Self {
        let bodies = [100, 3_000, 9_000, 70_000].into_iter().cycle().map(noise);
        let keys =
            (0..12).map(|n| key(&format!("/{n}"))).chain([persons("/a", 1), persons("/b", 2)]);
        let breaker = |level| open_breaker(level, HOUR);
        let levels = [Level::Application, Level::Path("/a".into()), Level::Path("/b".into())];
        Self {
            settings: Settings { cache: 1 << 20, ..House::new().settings },
            pages: keys.zip(bodies.map(page)).collect(),
            breakers: levels.map(breaker).into(),
        }
    }

    /// As a power cut leaves it after the last commit.
    fn file(&self) -> Vec<u8> {
        let disk = Disk::default();
        let (handle, mut ledger) = self.open(&disk).unwrap();
        self.keep(&handle, &mut ledger, |_| true).unwrap();
        disk.after_kill().bytes()
    }

    /// So many bits of this page, one after the other; none of an empty one.
    fn flip(&self, page: usize, bits: usize) -> Vec<Fate> {
        let (whole, mut random) = (self.file(), Rng::with_seed(page as u64));
        let used = whole[page * PAGE..][..PAGE].iter().rposition(|&byte| byte != 0);
        let bits = (0..used.map_or(0, |_| bits)).map(|_| {
            let (byte, bit) = (random.usize(..=used.unwrap_or(0)), random.u32(..8));
            let mut bytes = whole.clone();
            bytes[page * PAGE + byte] ^= 1 << bit;
            self.fate(bytes, &format!("page {page}, byte {byte}, bit {bit}"))
        });
        bits.collect()
    }

    /// What RETTER does with a file that rots: see [`Shared::lost`] and [`Shared::gain`].
    fn fate(&self, bytes: Vec<u8>, harm: &str) -> Fate {
        let mut disk = Disk::holding(&bytes);
        let (mut fate, mut strikes) = (Fate::Unharmed, 0);
        let mut last = String::new();
        for _ in 0..ROUNDS {
            match self.open(&disk) {
                Ok((handle, mut ledger)) => match self.mend(&handle, &mut ledger, harm) {
                    Ok(None) => return fate,
                    Ok(Some(missing)) => (fate, last) = (fate.max(Fate::Mended), missing),
                    Err(fault) if Trouble::is_damage(&fault) => strikes += 1,
                    Err(fault) => panic!("{harm}: {fault}"),
                },
                Err(Trouble::NotOurs(_) | Trouble::Newer { .. }) => return Fate::LeftAlone,
                Err(Trouble::Damaged(_) | Trouble::NeedsRepair) => strikes = STRIKES,
                Err(trouble) => panic!("{harm}: {trouble}"),
            }
            if strikes >= STRIKES {
                (disk, fate, strikes) = (Disk::default(), Fate::SetAside, 0);
            }
        }
        panic!("{harm}: never mended, {fate:?}, without {last}");
    }

    fn open(&self, disk: &Disk) -> Result<(Handle, Ledger), Trouble> {
        let opened =
            guarded(|| open_on(disk.clone(), &self.settings, APPLICATION, Meta::default(), 0))?;
        Ok((Handle::Own(opened.db.into()), Ledger { meta: opened.meta }))
    }

    /// What was missing, which is put again, since the application answers again.
    fn mend(
        &self,
        handle: &Handle,
        ledger: &mut Ledger,
        harm: &str,
    ) -> Result<Option<String>, redb::Error> {
        let (mut missing, mut discarded) = (Vec::new(), Vec::new());
        for (key, copy) in &self.pages {
            match lookup::read(handle, key.id(), key, UnixMillis(0))? {
                Answer::Copy(found) => {
                    let same = found.body == copy.body && found.headers == copy.headers;
                    assert!(same, "{harm}: a wrong page");
                }
                answer => {
                    missing.push(key.id());
                    if let Answer::Damaged { row_hash, .. } = answer {
                        let change = Change::Discard { row_hash };
                        discarded.push((key.id(), Arc::new(change)));
                    }
                }
            }
        }
        self.write(handle, ledger, discarded, None)?;
        let remembered = self.remembered(handle, harm)?;
        if missing.is_empty() && remembered == self.breakers.len() {
            return Ok(None);
        }
        self.keep(handle, ledger, |id| missing.contains(&id))?;
        Ok(Some(format!("{missing:?}, {remembered} breakers")))
    }

    /// How many breakers are still known; none is known wrongly.
    fn remembered(&self, handle: &Handle, harm: &str) -> Result<usize, redb::Error> {
        let rows = guarded(|| list(&handle.begin_read()?.open_table(BREAKERS)?))?;
        let sound: Vec<_> = rows.into_iter().flatten().collect();
        for row in &sound {
            let known = self.breakers.iter().find(|saved| name(&saved.level) == name(&row.level));
            assert_eq!(known.map(remembered).as_ref(), Some(row), "{harm}");
        }
        let names: BTreeSet<_> = sound.iter().map(|row| name(&row.level)).collect();
        Ok(names.len())
    }

    fn keep(
        &self,
        handle: &Handle,
        ledger: &mut Ledger,
        wanted: impl Fn(EntryId) -> bool,
    ) -> Result<(), redb::Error> {
        let pages = self.pages.iter().filter(|(key, _)| wanted(key.id()));
        let changes = pages.map(|(key, copy)| {
            let (key, copy) = (Arc::new(key.clone()), Arc::new(copy.clone()));
            (key.id(), Arc::new(Change::Put { key, copy, anew: false }))
        });
        let breakers = Update::of(Unsaved::All(self.breakers.clone()), NOW);
        self.write(handle, ledger, changes.collect(), breakers)
    }

    fn write(
        &self,
        handle: &Handle,
        ledger: &mut Ledger,
        changes: Vec<(EntryId, Arc<Change>)>,
        breakers: Option<Update>,
    ) -> Result<(), redb::Error> {
        let mut batch = Batch::default();
        (batch.changes, batch.breakers) = (changes, breakers);
        let db = handle.own().unwrap();
        guarded(|| ledger.write(db, &batch, &self.settings, Fit::WhatFits)).map(drop)
    }
}

const PAGE: usize = 4096;
const BITS: usize = 400;
/// Tells the process of one page which it is.
const OF_PAGE: &str = "ROTTEN_PAGE";
const ROUNDS: u32 = 12;
/// Faults after which a file is set aside.
const STRIKES: u32 = 3;
