//! What fuzzing looks at behind this room's door.

use super::cache_control::Said;
use http::HeaderMap;

/// What `Cache-Control` says about privacy: public, private, no-store.
pub(crate) fn said(answer: &HeaderMap) -> [bool; 3] {
    let said = Said::by(answer);
    [said.public, said.private, said.no_store]
}
