//! The figures about the traffic, in real files.

use super::*;
use crate::policy::Summary;
use crate::store::coverage::Covered;
use crate::store::file::begin_write;
use crate::store::reader::Reader;
use std::collections::BTreeMap;

fn summary(copies: u64) -> Summary {
    let kept = BTreeMap::from([("anonymous".to_owned(), copies)]);
    Summary { span: HOUR, complete: true, kept, ..Summary::default() }
}

fn written(house: &House) -> Option<Covered> {
    Reader::open(house.path()).unwrap().coverage().unwrap()
}

#[tokio::test]
async fn figures_ride_along_and_are_worth_no_commit_of_their_own() {
    let house = House::new();
    let store = house.open();
    store.put_coverage(summary(1), NOW);
    store.put_coverage(summary(2), NOW);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!((store.counters().commits, written(&house)), (0, None));
    store.put(key("/a"), page("a"), true);
    until("a commit", || store.counters().commits == 1);
    assert_eq!(written(&house), Some(Covered { taken_at: NOW, summary: summary(2) }));
    store.put_coverage(summary(3), NOW);
    store.close().await;
    let last = written(&house).expect("the last word");
    assert_eq!(last.summary, summary(3), "closing is reason enough");
}

#[tokio::test]
async fn the_figures_of_another_application_are_none_of_ours() {
    let house = House::new();
    let store = house.open();
    store.put_coverage(summary(1), NOW);
    store.close().await;
    assert!(written(&house).is_some());
    let other = Store::open(house.settings.clone(), "http://other:1", NOW);
    other.close().await;
    assert_eq!(written(&house), None);
}

#[tokio::test]
async fn damaged_figures_are_none_and_verify_says_so() {
    let house = House::new();
    let store = house.open();
    store.put_coverage(summary(1), NOW);
    store.close().await;
    {
        let (handle, _) = house.opened();
        let transaction = begin_write(handle.own().unwrap()).unwrap();
        meta::put(&transaction, coverage::NAME, b"\x01nonsense").unwrap();
        transaction.commit().unwrap();
    }
    assert_eq!(written(&house), None);
    let mut check = reader::Check::of(Reader::open(house.path()).unwrap()).unwrap();
    let mut names = Vec::new();
    while let Some(flaws) = check.step().unwrap() {
        names.extend(flaws.into_iter().map(|flaw| flaw.name));
    }
    assert_eq!(names, ["coverage"]);
}
