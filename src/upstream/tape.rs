//! A client's body that can be sent again.
//!
//! What has been read of it is kept, up to a limit, while it goes up; another try gets that first
//! and then whatever the client has still to say. The client's body itself stays here, because
//! hyper drops what it was given with a connection that fails. Past the limit the body goes on
//! as before, and cannot be sent again. All tapes together have a limit too: a crowd of clients
//! must not fill the memory with what one of them may keep.

use super::body::{ClientBody, ClientError, RequestBody, on_the_way};
use super::wire::Traffic;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

/// What all tapes of one application keep together, in bytes.
#[derive(Clone, Default)]
pub(super) struct Tapes(Arc<AtomicUsize>);

/// One body's.
pub(super) struct Tape(Arc<Mutex<Recording>>);

/// The body as one try sends it.
pub struct Played {
    recording: Arc<Mutex<Recording>>,
    /// How many bytes this try has been given.
    at: u64,
    traffic: Option<Arc<Traffic>>,
}

struct Recording {
    body: UnsyncBoxBody<Bytes, ClientError>,
    /// In bytes, if the client has said so.
    length: Option<u64>,
    kept: Vec<u8>,
    limit: usize,
    /// Something of the body is no longer there.
    lost: bool,
    all: Tapes,
}

impl Tapes {
    /// Records a body; `None` for one that is longer than `limit` bytes by its own word.
    pub(super) fn record(&self, client: ClientBody, limit: usize) -> Result<Tape, ClientBody> {
        let hint = client.size_hint();
        if hint.lower() > limit as u64 {
            return Err(client);
        }
        Ok(Tape(Arc::new(Mutex::new(Recording {
            body: client.into_inner(),
            length: hint.exact(),
            kept: Vec::new(),
            limit,
            lost: false,
            all: self.clone(),
        }))))
    }

    /// False: there is no room for so many bytes more.
    fn grow(&self, bytes: usize) -> bool {
        let before = self.0.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= MOST_BYTES;
        if !fits {
            self.shrink(bytes);
        }
        fits
    }

    fn shrink(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Tape {
    /// The whole body, from its beginning; `None` if that is no longer there. One try at a time.
    pub(super) fn play(&self) -> Option<RequestBody> {
        if self.0.lock().lost {
            return None;
        }
        let recording = self.0.clone();
        Some(RequestBody::Played(Box::new(Played { recording, at: 0, traffic: None })))
    }
}

impl Played {
    pub(super) fn tell(&mut self, traffic: &Arc<Traffic>) {
        self.traffic = Some(traffic.clone());
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let recording = self.recording.lock();
        recording.after(self.at).is_empty() && recording.body.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        let length = self.recording.lock().length;
        length.map_or_else(SizeHint::default, |all| SizeHint::with_exact(all - self.at.min(all)))
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        let Self { recording, at, traffic } = self;
        let frame = on_the_way(traffic.as_deref(), cx, |cx| recording.lock().poll_after(*at, cx));
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            self.at += frame.data_ref().map_or(0, Bytes::len) as u64;
        }
        frame
    }
}

impl Recording {
    /// What is kept of the body behind its first `at` bytes.
    fn after(&self, at: u64) -> &[u8] {
        usize::try_from(at).ok().and_then(|at| self.kept.get(at..)).unwrap_or_default()
    }

    fn poll_after(
        &mut self,
        at: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        let kept = self.after(at);
        if !kept.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(kept)))));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) => self.keep(data),
                // Trailers belong to what is sent once.
                None => self.lose(),
            },
            Some(Err(_)) => self.lose(),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn keep(&mut self, data: &[u8]) {
        if self.lost {
            return;
        }
        if self.kept.len() + data.len() > self.limit || !self.all.grow(data.len()) {
            return self.lose();
        }
        self.kept.extend_from_slice(data);
    }

    fn lose(&mut self) {
        self.lost = true;
        self.all.shrink(self.kept.len());
        self.kept = Vec::new();
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.all.shrink(self.kept.len());
    }
}

/// All bodies that are kept to be sent again, together.
const MOST_BYTES: usize = 16 << 20;
