use super::waiting::{BATCH_BYTES, BATCH_CHANGES, BYTES_MAX, CHANGES_MAX};
use super::*;
use crate::clock::UnixMillis;
use crate::key::{Identity, Place, StoreKey};
use crate::policy::Why;
use crate::store::change::New;
use crate::store::entry::BodyRef;
use crate::store::{Copy, Dropped};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

fn id(number: usize) -> EntryId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    EntryId(id)
}

fn put(bytes: usize) -> Change {
    let place =
        Place { scheme: "http".into(), host: "a".into(), path: "/".into(), query: String::new() };
    let copy = Copy {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: Bytes::from(vec![0; bytes]),
        at_rest: None,
        stored_at: UnixMillis(0),
        why: Why::Anonymous,
        purged: false,
    };
    let key = StoreKey { place: place.into(), identity: Identity::Anonymous, variant: Vec::new() };
    Change::Put { key: Arc::new(key), copy: Arc::new(copy), anew: false }
}

fn queue(refresh: Duration) -> (Queue, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    (Queue::new(refresh, counters.clone()), counters)
}

fn batch(queue: &Queue) -> Batch {
    match queue.next(&Pace::new(Duration::ZERO), never()) {
        Next::Write(batch) => *batch,
        _ => panic!("nothing to write"),
    }
}

/// No sweep is due.
fn never() -> Instant {
    Instant::now() + Duration::from_secs(3_600)
}

fn dropped(counters: &Counters) -> u64 {
    counters.snapshot(0).dropped[Dropped::QueueFull as usize]
}

#[test]
fn full_queue_drops_what_is_new_and_counts_it() {
    let (queue, counters) = queue(Duration::ZERO);
    for number in 0..CHANGES_MAX + 3 {
        queue.push(id(number), Some(put(0)), || {});
    }
    assert_eq!(dropped(&counters), 3);
    queue.push(id(0), Some(put(1)), || {});
    assert_eq!(dropped(&counters), 3, "a key that waits already takes no more room");
    queue.push(id(CHANGES_MAX), Some(Change::Forget), || {});
    assert_eq!(dropped(&counters), 3, "forgetting has room of its own");
}

#[test]
fn bytes_that_wait_are_bounded_but_one_large_copy_may_wait_alone() {
    let (queue, counters) = queue(Duration::ZERO);
    queue.push(id(0), Some(put(BYTES_MAX + 1)), || {});
    assert_eq!(dropped(&counters), 0);
    queue.push(id(1), Some(put(1)), || {});
    assert_eq!(dropped(&counters), 1);
}

#[test]
fn page_that_comes_over_a_discard_does_its_work_too() {
    let (queue, _) = queue(Duration::ZERO);
    let is_anew = |batch: &Batch| matches!(*batch.changes[0].1, Change::Put { anew: true, .. });
    queue.push(id(0), Some(Change::Discard { row_hash: [0; 16] }), || {});
    queue.push(id(0), Some(put(10)), || {});
    queue.push(id(0), Some(put(20)), || {});
    let written = batch(&queue);
    assert!(is_anew(&written));
    queue.done(&written);
    queue.push(id(0), Some(put(10)), || {});
    assert!(!is_anew(&batch(&queue)));
}

#[test]
fn refreshes_that_wait_make_room_for_new_pages() {
    let (queue, counters) = queue(Duration::from_secs(3_600));
    queue.push(id(0), Some(put(10)), || {});
    queue.done(&batch(&queue));
    queue.push(id(0), Some(put(BYTES_MAX - 10_000)), || {});
    queue.push(id(1), Some(put(20_000)), || {});
    assert_eq!(dropped(&counters), 1);
    assert!(queue.look(id(0)).1.is_none() && queue.look(id(1)).1.is_some());
}

#[test]
fn batch_is_bounded_by_changes_and_by_bytes() {
    let (queue, _) = queue(Duration::ZERO);
    for number in 0..BATCH_CHANGES + 1 {
        queue.push(id(number), Some(put(0)), || {});
    }
    assert_eq!(batch(&queue).changes.len(), BATCH_CHANGES);
    assert_eq!(batch(&queue).changes.len(), 1);
    for number in 0..3 {
        queue.push(id(10_000 + number), Some(put(BATCH_BYTES / 2)), || {});
    }
    assert_eq!(batch(&queue).changes.len(), 2);
}

#[test]
fn what_is_being_written_can_be_read_and_something_newer_survives_it() {
    let (queue, _) = queue(Duration::ZERO);
    queue.push(id(0), Some(put(1)), || {});
    let first = batch(&queue);
    assert!(queue.look(id(0)).1.is_some());
    queue.push(id(0), Some(put(2)), || {});
    queue.done(&first);
    assert_eq!(batch(&queue).changes[0].1.weight(), first.changes[0].1.weight() + 1);
}

#[test]
fn failed_batch_comes_again_in_its_order() {
    let (queue, _) = queue(Duration::from_secs(3_600));
    for number in 0..3 {
        queue.push(id(number), Some(put(0)), || {});
    }
    let first = batch(&queue);
    let ids = |batch: &Batch| batch.changes.iter().map(|(id, _)| *id).collect::<Vec<_>>();
    let order = ids(&first);
    queue.failed(first);
    assert_eq!(ids(&batch(&queue)), order);
}

#[test]
fn copy_read_before_a_page_was_forgotten_does_not_fill_the_memory() {
    let (queue, _) = queue(Duration::ZERO);
    let (epoch, _) = queue.look(id(0));
    queue.push(id(0), Some(Change::Forget), || {});
    queue.done(&batch(&queue));
    queue.unless_changed_since(epoch, id(0), || panic!("it rose from the dead"));
}

#[test]
fn closed_queue_gives_out_everything_and_then_ends() {
    let (queue, _) = queue(Duration::from_secs(3_600));
    queue.push(id(0), Some(put(1)), || {});
    queue.done(&batch(&queue));
    queue.push(id(0), Some(put(2)), || {});
    queue.close();
    queue.done(&batch(&queue));
    assert!(matches!(queue.next(&Pace::new(Duration::ZERO), never()), Next::Close));
}

#[test]
fn purge_is_taken_alone_and_before_what_waits() {
    let (queue, _) = queue(Duration::ZERO);
    queue.push(id(0), Some(put(0)), || {});
    queue.push(id(1), Some(put(0)), || {});
    let chunk = Chunk::new(vec![id(0), id(7)], true);
    std::thread::scope(|scope| {
        let purge = scope.spawn(|| queue.purge(&chunk, SOON, || {}));
        // What waited has its turn if the purge is not there yet.
        let mut first = batch(&queue);
        while first.purge.is_none() {
            queue.done(&first);
            first = batch(&queue);
        }
        let gone = |id| matches!(queue.look(id).1.as_deref(), Some(Change::Forget));
        assert!(gone(id(0)) && gone(id(7)) && !gone(id(1)));
        assert_eq!(first.changes.len(), 2);
        queue.push(id(0), Some(put(0)), || {});
        assert!(!gone(id(0)), "what is put after it is newer");
        queue.done(&first);
        assert_eq!(purge.join().unwrap(), Waited::Done);
    });
    assert!(batch(&queue).changes.iter().any(|(key, _)| *key == id(0)));
}

#[test]
fn between_two_chunks_of_a_purge_the_changes_have_their_turn() {
    let (queue, _) = queue(Duration::ZERO);
    let chunks = [1, 2].map(|number| Chunk::new(vec![id(number)], false));
    std::thread::scope(|scope| {
        let purge = scope.spawn(|| chunks.each_ref().map(|c| queue.purge(c, SOON, || {})));
        let first = batch(&queue);
        assert!(first.purge.is_some());
        queue.push(id(9), Some(put(0)), || {});
        queue.done(&first);
        // The purge waits for them, so they are not gathered for an hour.
        let Next::Write(second) = queue.next(&Pace::new(HOUR), never()) else { panic!("no batch") };
        assert!(second.purge.is_none() && second.changes[0].0 == id(9));
        queue.done(&second);
        let third = batch(&queue);
        assert!(third.purge.is_some());
        queue.done(&third);
        assert_eq!(purge.join().unwrap(), [Waited::Done; 2]);
    });
}

#[test]
fn failed_purge_comes_again_and_one_without_a_writer_says_so() {
    let (queue, _) = queue(Duration::ZERO);
    let chunk = Chunk::new(vec![id(0)], true);
    std::thread::scope(|scope| {
        let purge = scope.spawn(|| queue.purge(&chunk, SOON, || {}));
        let first = batch(&queue);
        queue.failed(first);
        assert!(matches!(queue.look(id(0)).1.as_deref(), Some(Change::Forget)));
        let again = batch(&queue);
        assert!(again.purge.is_some());
        queue.failed(again);
        queue.end();
        assert_eq!(purge.join().unwrap(), Waited::NoWriter);
    });
    let chunk = Chunk::new(vec![id(0)], true);
    assert_eq!(queue.purge(&chunk, SOON, || {}), Waited::NoWriter);
}

const HOUR: Duration = Duration::from_secs(3_600);
/// What a broken purge may hold up these tests.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn one_recovery_at_a_time_and_what_is_forgotten_meanwhile_stays_away() {
    let (queue, _) = queue(Duration::ZERO);
    let restore = || Change::Restore(Box::new(old_rows()));
    assert!(queue.begin_recovering());
    queue.push(id(1), Some(Change::Forget), || {});
    queue.done(&batch(&queue));
    // The file was opened again: that begins nothing anew, and forgets nothing.
    assert!(!queue.begin_recovering());
    assert!(queue.push_in_turn(id(1), restore()) && queue.push_in_turn(id(2), restore()));
    let ids: Vec<_> = batch(&queue).changes.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [id(2)]);
    queue.end_recovering();
    assert!(queue.begin_recovering());
}

fn old_rows() -> New {
    let body = BodyRef {
        id: 1,
        raw_length: 0,
        stored_length: 0,
        packed: false,
        nonce: None,
        stored_hash: [0; 16],
        content_hash: [0; 16],
    };
    New { row: Vec::new(), expires_at: u64::MAX, body, bytes: Some(Vec::new()) }
}
