//! Claims about the product, held against the real binaries. One test binary, so that it links
//! once; a module for each theme.

mod badwire;
mod coverage;
mod crash;
mod crowd;
mod ctl;
mod door;
mod drain;
mod dummy;
mod file;
mod formats;
mod front;
mod gate;
mod house;
mod inspect;
mod instruments;
mod kills;
mod large;
mod leavers;
mod limits;
mod memory;
mod php;
mod private;
mod promise;
mod purge;
mod remember;
mod retries;
mod serving;
mod settings;
mod soft_errors;
mod storm;
mod stream;
mod strict;
mod support;
mod variants;
mod wire;
