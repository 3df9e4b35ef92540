//! Version 2: header rows may say that a copy was purged softly.
//!
//! What: nothing but the stamp. Rows of byte 1 stay as they are, and are read as copies that were
//! not purged; rows written from now on have byte 2 and the flag at their end. Why a step then: a
//! RETTER that knows version 1 only would take rows of byte 2 for damaged and drop them; the stamp
//! makes it leave the file alone. Cost: one small commit, however large the file is.

use redb::WriteTransaction;

pub fn run(_transaction: &WriteTransaction) -> Result<(), redb::Error> {
    Ok(())
}
