use super::*;

/// How many reads of `bytes` a task makes until it is others' turn.
async fn reads_a_turn(bytes: usize) -> usize {
    tokio::task::yield_now().await;
    let mut reads = 0;
    while coop::has_budget_remaining() && reads < 1000 {
        has_read(bytes);
        reads += 1;
    }
    reads
}

#[tokio::test]
async fn a_task_reads_a_quarter_of_a_megabyte_in_one_turn() {
    let reads = tokio::spawn(reads_a_turn(64 * 1024)).await.unwrap();
    assert_eq!(reads, 4);
    let reads = tokio::spawn(reads_a_turn(BYTES_A_STEP)).await.unwrap();
    assert_eq!(reads, 128);
}

#[tokio::test]
async fn what_is_small_costs_no_more_than_the_read_itself() {
    let reads = tokio::spawn(reads_a_turn(BYTES_A_STEP - 1)).await.unwrap();
    assert_eq!(reads, 1000);
}
