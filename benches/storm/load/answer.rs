//! What a visitor sees in an answer.

use super::Kind;
use super::connection::Answer;
use crate::page::{self, Wanted};
use crate::wire::header;
use std::io;

#[derive(Clone, Copy)]
pub struct Seen {
    pub kind: Kind,
    /// When the page was made, in milliseconds since 1970.
    pub made_ms: Option<u64>,
    /// How old it was then.
    pub age_ms: u64,
    /// A copy given after the application had been asked in vain.
    pub in_vain: bool,
    /// `X-Circuit: OPEN`.
    pub open: bool,
}

impl Seen {
    pub fn nothing(kind: Kind) -> Self {
        Self { kind, made_ms: None, age_ms: 0, in_vain: false, open: false }
    }
}

pub fn judge(wanted: Wanted, answer: io::Result<Answer>) -> Seen {
    let Ok(Answer { status, bytes, head }) = answer else {
        return Seen::nothing(Kind::Broken);
    };
    let (head, body) = bytes.split_at(head);
    let made_ms = page::made_ms(wanted, body);
    let kind = match (status, made_ms, header(head, "x-retter")) {
        (200, None, _) => Kind::Wrong,
        (200, Some(_), Some("backend")) => Kind::Backend,
        (200, Some(_), Some("cache" | "last-known-success")) => Kind::Rescued,
        (502..=504, ..) => Kind::Refused,
        (500.., ..) => Kind::Error,
        _ => Kind::Broken,
    };
    let made = made_ms.filter(|_| kind.is_good());
    Seen {
        kind,
        made_ms: made,
        age_ms: made.map_or(0, |made| page::now_ms().saturating_sub(made)),
        in_vain: header(head, "cache-status").is_some_and(|status| status.contains("fwd=")),
        open: header(head, "x-circuit") == Some("OPEN"),
    }
}
