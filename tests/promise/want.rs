//! What a visitor is to get, and how that is told from its headers.

use super::{Case, SHORT, THEM, page_text};
use crate::support::client::Answer;
use crate::support::origin::Origin;

/// What a visitor is to get.
#[derive(Clone, Copy, Debug)]
pub enum Want {
    /// The application's present answer with this status.
    Fresh(u16),
    /// The page the visitor had before; the number is the failure status that led to it, if any.
    Copy(Option<u16>),
    /// The application's own failure, untouched.
    ItsOwn(u16),
    /// A page of RETTER's.
    Ours(u16),
    /// An answer that can be seen to be broken off.
    Cut,
    /// The copy or an answer that can be seen to be broken off: it depends on whether the head
    /// had left, and a body without a known length may leave at once.
    CopyOrCut,
}

impl Want {
    /// Holds the answer to what was promised.
    pub fn check(self, answer: &Answer, case: Case, origin: &Origin) {
        assert!(!answer.text().contains(THEM), "{case:?} sees somebody else: {answer:?}");
        let shown = format!("{case:?} wants {self:?} and gets {answer:?}");
        match self {
            Want::Fresh(status) => is_fresh(answer, status, &shown),
            Want::Copy(failure) => is_copy(answer, case, failure, &shown),
            Want::ItsOwn(status) => is_its_own(answer, status, &shown),
            Want::Ours(status) => is_ours(answer, status, origin, &shown),
            Want::Cut => assert!(answer.is_cut(), "{shown}"),
            Want::CopyOrCut if answer.is_cut() => {}
            Want::CopyOrCut => is_copy(answer, case, None, &shown),
        }
    }
}

fn is_fresh(answer: &Answer, status: u16, shown: &str) {
    assert!(answer.is_whole() && answer.status == status, "{shown}");
    assert_eq!((answer.text().as_str(), answer.retter()), (SHORT, "backend"), "{shown}");
    assert_eq!((answer.circuit(), answer.header("age")), ("CLOSED", None), "{shown}");
}

fn is_copy(answer: &Answer, case: Case, failure: Option<u16>, shown: &str) {
    assert!(answer.is_whole() && answer.status == 200, "{shown}");
    assert_eq!(answer.text(), page_text(case.path(), case.visitor()), "{shown}");
    assert_eq!((answer.retter(), answer.circuit()), ("cache", "CLOSED"), "{shown}");
    is_marked_as_copy(answer, shown);
    let why = answer.header("cache-status").unwrap_or_default();
    assert!(why.contains("; fwd=stale") && !why.contains("; hit"), "{shown}");
    if let Some(failure) = failure {
        assert!(why.contains(&format!("; fwd-status={failure}")), "{shown}");
    }
}

/// The headers that every copy has, whatever led to it.
pub fn is_marked_as_copy(answer: &Answer, shown: &str) {
    let age = answer.header("age").and_then(|age| age.parse::<u64>().ok());
    assert!(age.is_some_and(|age| age < 60), "{shown}");
    let why = answer.header("cache-status").unwrap_or_default();
    assert!(why.starts_with("retter; ") && why.contains("detail="), "{shown}");
    let pinning = answer.all("cache-control").join(",");
    assert!(pinning.contains("no-cache") || pinning.contains("no-store"), "{shown}");
    assert!(!pinning.contains("max-age=3600"), "{shown}");
    assert!(answer.header("set-cookie").is_none(), "{shown}");
    assert!(answer.header("etag").is_some(), "validators are kept: {shown}");
}

fn is_its_own(answer: &Answer, status: u16, shown: &str) {
    assert!(answer.is_whole() && answer.status == status, "{shown}");
    assert_eq!(answer.text(), format!("the application's own {status}"), "{shown}");
    assert_eq!((answer.retter(), answer.header("x-own")), ("no-cache", Some("kept")), "{shown}");
}

pub fn is_ours(answer: &Answer, status: u16, origin: &Origin, shown: &str) {
    assert!(answer.is_whole() && answer.status == status, "{shown}");
    assert_eq!(answer.retter(), "no-cache", "{shown}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{shown}");
    assert_eq!(answer.header("retry-after").is_some(), status == 503, "{shown}");
    let port = origin.address().port().to_string();
    assert!(!answer.text().contains(&port), "the application's address is nobody's: {shown}");
}
