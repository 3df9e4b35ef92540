//! The two bodies of a try: what goes up, and what comes down.

use super::Shared;
use super::connection::{Connection, End, quiet};
use super::failure::Failure;
use super::tape::Played;
use super::wire::Traffic;
use crate::headers::frame_a_body;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What goes up with a request: nothing, or the client's body as it comes.
pub enum RequestBody {
    /// No body; never framed as chunks.
    Empty,
    /// The client's body, passed on frame by frame. Boxed, because it comes wrapped in whatever
    /// watches it in front; requests with a body are few.
    Client(ClientBody),
    /// The same, kept while it is sent, so that another try may send it again.
    Played(Box<Played>),
}

/// A client's body, and the connection that is to know when it keeps the application waiting.
pub struct ClientBody {
    body: UnsyncBoxBody<Bytes, ClientError>,
    traffic: Option<Arc<Traffic>>,
}

/// Why a client's body broke off.
pub type ClientError = Box<dyn Error + Send + Sync>;

impl RequestBody {
    /// The client's body, or [`RequestBody::Empty`] if it has none.
    pub fn client<B>(body: B) -> Self
    where
        B: Body<Data = Bytes, Error: Into<ClientError>> + Send + 'static,
    {
        if body.is_end_stream() {
            return RequestBody::Empty;
        }
        let body = body.map_err(Into::into).boxed_unsync();
        RequestBody::Client(ClientBody { body, traffic: None })
    }

    /// True for no body.
    pub fn is_empty(&self) -> bool {
        matches!(self, RequestBody::Empty)
    }

    /// While the body has nothing to send, `traffic` says so, and whom to wake when it has.
    pub(super) fn tell(&mut self, traffic: &Arc<Traffic>) {
        match self {
            RequestBody::Empty => {}
            RequestBody::Client(client) => client.traffic = Some(traffic.clone()),
            RequestBody::Played(played) => played.tell(traffic),
        }
    }

    /// Says in the head how long the body is on this hop, whatever the client's hop said (RFC
    /// 9112 section 6). Left to itself hyper drops the body of a GET that has no length, and
    /// lets a length stand that promises bytes nobody will send.
    pub(super) fn frame_in(&self, headers: &mut HeaderMap) {
        match (self, self.size_hint().exact()) {
            (RequestBody::Empty, _) => {
                if frame_a_body(headers) {
                    headers.remove(header::TRANSFER_ENCODING);
                    headers.remove(header::CONTENT_LENGTH);
                }
            }
            (_, Some(bytes)) => {
                headers.remove(header::TRANSFER_ENCODING);
                headers.insert(header::CONTENT_LENGTH, bytes.into());
            }
            (_, None) => {
                headers.remove(header::CONTENT_LENGTH);
                headers.insert(header::TRANSFER_ENCODING, CHUNKED);
            }
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = ClientError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        match self.get_mut() {
            RequestBody::Empty => Poll::Ready(None),
            RequestBody::Client(client) => client.poll_frame(cx),
            RequestBody::Played(played) => played.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            RequestBody::Empty => true,
            RequestBody::Client(client) => client.body.is_end_stream(),
            RequestBody::Played(played) => played.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            RequestBody::Empty => SizeHint::with_exact(0),
            RequestBody::Client(client) => client.size_hint(),
            RequestBody::Played(played) => played.size_hint(),
        }
    }
}

impl ClientBody {
    pub(super) fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    pub(super) fn into_inner(self) -> UnsyncBoxBody<Bytes, ClientError> {
        self.body
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        let Self { body, traffic } = self;
        on_the_way(traffic.as_deref(), cx, |cx| Pin::new(body).poll_frame(cx))
    }
}

/// Polls a client's body for the connection it goes up on.
pub(super) fn on_the_way<T>(
    traffic: Option<&Traffic>,
    cx: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let Some(traffic) = traffic else { return poll(cx) };
    let frame = traffic.wait(poll);
    traffic.await_client(frame.is_pending());
    frame
}

/// An answer's body. Whoever asks for a frame drives the connection; dropping the body before its
/// end closes it.
pub struct ReplyBody {
    state: State,
}

enum State {
    Open(Open),
    /// The whole answer was sound.
    Whole,
    /// It was not, and asking again does not make it so.
    Broken(Failure),
}

struct Open {
    connection: Box<Connection>,
    incoming: Incoming,
    shared: Arc<Shared>,
    /// False if the connection must not carry another request.
    reusable: bool,
}

impl ReplyBody {
    pub(super) fn new(
        connection: Box<Connection>,
        incoming: Incoming,
        shared: Arc<Shared>,
        reusable: bool,
    ) -> Self {
        let open = Open { connection, incoming, shared, reusable };
        Self { state: State::Open(open) }
    }

    /// One that has been read.
    #[cfg(test)]
    pub(super) fn whole() -> Self {
        Self { state: State::Whole }
    }

    /// The next frame; `None` only after the whole answer was sound to its end. After an error
    /// every further call gives the same error.
    ///
    /// # Errors
    /// [`Failure::Truncated`], [`Failure::Malformed`], [`Failure::Silent`] (nothing came for
    /// `backend.timeout` while somebody asked) and [`Failure::ClientGone`].
    pub async fn frame(&mut self) -> Option<Result<Frame<Bytes>, Failure>> {
        poll_fn(|cx| self.poll_frame(cx)).await
    }

    /// [`ReplyBody::frame`] for those who poll. Ready at once if the bytes are here, the end of
    /// the answer included, unless the task has spent its budget: then in its next turn.
    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let open = match &mut self.state {
            State::Open(open) => open,
            State::Whole => return Poll::Ready(None),
            State::Broken(failure) => return Poll::Ready(Some(Err(*failure))),
        };
        let next = match ready!(open.poll_next(cx)) {
            Some(next) => next,
            None => match ready!(open.poll_end(cx)) {
                Ok(keep) => return Poll::Ready(self.finish(keep)),
                Err(failure) => Err(failure),
            },
        };
        if let Err(failure) = next {
            self.state = State::Broken(failure);
        }
        Poll::Ready(Some(next))
    }

    fn finish<T>(&mut self, keep: bool) -> Option<T> {
        if let State::Open(open) = std::mem::replace(&mut self.state, State::Whole)
            && keep
        {
            open.shared.pool.put(open.connection);
        }
        None
    }
}

impl Open {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match self.poll_incoming(cx) {
            Poll::Ready(next) => {
                self.connection.moved();
                Poll::Ready(next.map(|it| it.map_err(|error| self.failure(&error))))
            }
            Poll::Pending => {
                let limit = self.shared.settings.timeout;
                ready!(self.connection.poll_stalled(limit, cx));
                Poll::Ready(Some(Err(Failure::Silent)))
            }
        }
    }

    /// hyper's channel holds one frame, so the driver runs only when that one is taken.
    fn poll_incoming(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let here = Pin::new(&mut self.incoming).poll_frame(&mut quiet());
        if here.is_ready() {
            return here;
        }
        self.connection.drive(cx);
        Pin::new(&mut self.incoming).poll_frame(&mut quiet())
    }

    /// The body has ended by its framing; `Ok` if nothing speaks against it, true if the
    /// connection is good for another request.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Failure>> {
        self.connection.poll_end(cx).map(|end| match end {
            End::Idle => Ok(self.reusable),
            End::Closed => Ok(false),
            End::Leftover => Err(Failure::Malformed),
        })
    }

    fn failure(&self, error: &hyper::Error) -> Failure {
        if self.connection.client_gone() {
            Failure::ClientGone
        } else {
            Failure::within_body(error)
        }
    }
}

const CHUNKED: HeaderValue = HeaderValue::from_static("chunked");
