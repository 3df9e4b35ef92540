//! Other forms of copies than their own: compressed, so that a page is not compressed anew for each
//! visitor it rescues, or decoded.

use crate::encoding::{self, Coding};
use crate::store::Copy;
use bytes::Bytes;
use lru::LruCache;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use tokio::sync::Semaphore;

pub(super) struct Forms {
    kept: Mutex<Kept>,
    decodings: Semaphore,
}

/// The compressed forms given last. A form is of one copy in memory, not of a page: when another copy
/// takes its place, it is found no more.
struct Kept {
    forms: LruCache<Place, Form>,
    bytes: usize,
}

/// Where the copy is in memory. Nothing else can be there while the form holds on to the place.
type Place = (usize, Coding);

struct Form {
    of: Weak<Copy>,
    body: Bytes,
}

impl Default for Forms {
    fn default() -> Self {
        let kept = Mutex::new(Kept { forms: LruCache::unbounded(), bytes: 0 });
        Self { kept, decodings: Semaphore::new(DECODINGS) }
    }
}

impl Forms {
    /// The copy's body in this coding; made by `encode` if it is not here. `None`: it cannot be made.
    pub(super) fn of(
        &self,
        copy: &Arc<Copy>,
        coding: Coding,
        encode: impl FnOnce() -> Option<Bytes>,
    ) -> Option<Bytes> {
        let place = (Arc::as_ptr(copy) as usize, coding);
        let here = self.kept.lock().forms.get(&place).map(|form| form.body.clone());
        if here.is_some() {
            return here;
        }
        let body = encode()?;
        self.kept.lock().keep(place, Form { of: Arc::downgrade(copy), body: body.clone() });
        Some(body)
    }

    /// The plain bytes of a body that the application encoded; `None` for what cannot be decoded. A few
    /// at a time, off the async threads: a short body may become a long one.
    pub(super) async fn decoded(&self, coding: String, body: Bytes) -> Option<Bytes> {
        let _place = self.decodings.acquire().await.ok()?;
        let decode = move || encoding::decode(&coding, &body, DECODED_BYTES).ok();
        tokio::task::spawn_blocking(decode).await.ok().flatten()
    }
}

impl Kept {
    fn keep(&mut self, place: Place, form: Form) {
        self.bytes += form.weight();
        let old = self.forms.put(place, form);
        self.bytes -= old.map_or(0, |old| old.weight());
        while self.bytes > FORMS_BYTES
            && let Some((_, last)) = self.forms.pop_lru()
        {
            self.bytes -= last.weight();
        }
    }
}

impl Form {
    fn weight(&self) -> usize {
        // The copy's own place is held as well, without what was in it.
        self.body.len() + size_of::<Copy>() + size_of_val(&self.of)
    }
}

/// Bodies that are decoded at a time.
const DECODINGS: usize = 4;
/// A copy is at most `cache.maxbody` long as it was sent; decoded it may be this long, in bytes.
const DECODED_BYTES: usize = 64 * 1024 * 1024;
/// All forms together.
const FORMS_BYTES: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;
    use crate::policy::Why;
    use http::{HeaderMap, StatusCode};

    fn copy() -> Arc<Copy> {
        Arc::new(Copy {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            at_rest: None,
            stored_at: UnixMillis(0),
            why: Why::Anonymous,
            purged: false,
        })
    }

    #[test]
    fn a_form_is_made_once_for_each_copy_and_coding() {
        let (forms, one, other) = (Forms::default(), copy(), copy());
        let of = |copy, coding, made: &'static str| {
            forms.of(copy, coding, || Some(Bytes::from_static(made.as_bytes()))).unwrap()
        };
        assert_eq!(of(&one, Coding::Gzip, "a"), "a");
        assert_eq!(of(&one, Coding::Gzip, "b"), "a");
        assert_eq!(of(&one, Coding::Zstd, "c"), "c");
        assert_eq!(of(&other, Coding::Gzip, "d"), "d");
        assert!(forms.of(&other, Coding::Zstd, || None).is_none());
    }

    #[test]
    fn no_later_copy_is_ever_taken_for_an_earlier_one() {
        let forms = Forms::default();
        for number in 0..10_000_u32 {
            let made = Bytes::copy_from_slice(&number.to_be_bytes());
            let copy = copy();
            assert_eq!(forms.of(&copy, Coding::Gzip, || Some(made.clone())), Some(made));
        }
    }

    #[test]
    fn all_of_them_have_a_bound() {
        let forms = Forms::default();
        for _ in 0..100 {
            forms.of(&copy(), Coding::Gzip, || Some(vec![0; 100_000].into()));
        }
        let kept = forms.kept.lock();
        assert!(kept.bytes <= FORMS_BYTES && kept.forms.len() == 41, "{}", kept.forms.len());
    }
}
