//! Version 1: the five tables.
//!
//! What: creates them empty. Why here and not where they are used: a file with some of its tables
//! missing is then a damaged file, and never a young one. Cost: a few pages, once.

use redb::{TableDefinition, WriteTransaction};

pub fn run(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(META)?;
    transaction.open_table(ENTRIES)?;
    transaction.open_table(BODIES)?;
    transaction.open_table(EXPIRY)?;
    transaction.open_table(BREAKERS)?;
    Ok(())
}

// Frozen as of version 1: names and types are part of the file.
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta.v1");
const ENTRIES: TableDefinition<&[u8; 16], &[u8]> = TableDefinition::new("entries.v1");
const BODIES: TableDefinition<&[u8; 12], &[u8]> = TableDefinition::new("bodies.v1");
const EXPIRY: TableDefinition<&[u8; 20], &[u8]> = TableDefinition::new("expiry.v1");
const BREAKERS: TableDefinition<&str, &[u8]> = TableDefinition::new("breakers.v1");
