//! An HTTP/2 client that reports what came, stream by stream.

use super::client::{HOST, PATIENCE};
use super::pair::Pair;
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, StatusCode};
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// One connection.
pub struct Session {
    runtime: Runtime,
    sender: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

/// What came on one stream.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub trailers: Option<HeaderMap>,
}

impl Session {
    /// By prior knowledge.
    pub fn plain(address: SocketAddr) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let stream = runtime.block_on(TcpStream::connect(address)).expect("it listens");
        Self::over(runtime, stream)
    }

    /// At a unix socket.
    pub fn at(path: &Path) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let stream = runtime.block_on(UnixStream::connect(path)).expect("it listens");
        Self::over(runtime, stream)
    }

    /// By prior knowledge, behind these bytes.
    pub fn behind(header: &[u8], address: SocketAddr) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let stream = runtime.block_on(said(header, address));
        Self::over(runtime, stream)
    }

    /// After ALPN.
    pub fn secure(address: SocketAddr, pair: &Pair) -> Self {
        Self::secure_behind(b"", address, pair)
    }

    /// After ALPN, behind these bytes.
    pub fn secure_behind(header: &[u8], address: SocketAddr, pair: &Pair) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let stream = runtime.block_on(async {
            let stream = said(header, address).await;
            let name = ServerName::try_from(HOST).expect("a name");
            let connector = TlsConnector::from(Arc::new(pair.client(&[b"h2"])));
            connector.connect(name, stream).await.expect("a handshake")
        });
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        Self::over(runtime, stream)
    }

    fn over<S>(runtime: Runtime, stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = runtime
            .block_on(
                h2::client::Builder::new()
                    .initial_window_size(WINDOW)
                    .initial_connection_window_size(WINDOW * 16)
                    .handshake(stream),
            )
            .expect("an HTTP/2 server");
        let connection = runtime.spawn(connection);
        Self { runtime, sender, connection }
    }

    pub fn get(&mut self, path: &str) -> Result<Reply, h2::Error> {
        self.send(to(path).body(vec![]).expect("a request"))
    }

    /// Sends a whole request and reads the whole answer.
    pub fn send(&mut self, request: Request<Vec<u8>>) -> Result<Reply, h2::Error> {
        let (request, body) = (request.map(Bytes::from), self.sender.clone());
        self.wait(whole(body, request, None))
    }

    /// The same with trailers after the body.
    pub fn send_with(
        &mut self,
        request: Request<Vec<u8>>,
        trailers: HeaderMap,
    ) -> Result<Reply, h2::Error> {
        let sender = self.sender.clone();
        self.wait(whole(sender, request.map(Bytes::from), Some(trailers)))
    }

    /// All at one time.
    pub fn send_all(&mut self, requests: Vec<Request<Vec<u8>>>) -> Vec<Result<Reply, h2::Error>> {
        let sender = self.sender.clone();
        self.wait(async move {
            let begin = |request: Request<Vec<u8>>| {
                tokio::spawn(whole(sender.clone(), request.map(Bytes::from), None))
            };
            let running: Vec<_> = requests.into_iter().map(begin).collect();
            let mut replies = Vec::new();
            for one in running {
                replies.push(one.await.expect("no panic"));
            }
            replies
        })
    }

    /// Opens a stream and leaves it to the test.
    pub fn open(&mut self, request: Request<()>, end: bool) -> (ResponseFuture, SendStream<Bytes>) {
        let sender = self.sender.clone();
        self.wait(async move {
            let mut sender = sender.ready().await.expect("a connection");
            sender.send_request(request, end).expect("a request")
        })
    }

    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(async { timeout(PATIENCE * 2, future).await.expect("in time") })
    }

    /// Has the connection come to its end?
    pub fn is_over(&self) -> bool {
        self.connection.is_finished()
    }

    /// How it ended.
    pub fn ended(self) -> Result<(), h2::Error> {
        // Its sender stays until then: without one a client takes leave by itself.
        let Self { runtime, connection, sender: _sender } = self;
        let ended = async { timeout(PATIENCE * 2, connection).await.expect("in time") };
        runtime.block_on(ended).expect("no panic")
    }
}

async fn said(header: &[u8], address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(header).await.expect("it reads");
    stream
}

/// A request for [`HOST`]; GET unless said otherwise.
pub fn to(path: &str) -> http::request::Builder {
    Request::builder().uri(format!("http://{HOST}{path}"))
}

async fn whole(
    sender: SendRequest<Bytes>,
    request: Request<Bytes>,
    trailers: Option<HeaderMap>,
) -> Result<Reply, h2::Error> {
    let mut sender = sender.ready().await?;
    let (head, body) = request.into_parts();
    let ends = body.is_empty() && trailers.is_none();
    let (response, upload) = sender.send_request(Request::from_parts(head, ()), ends)?;
    if !ends {
        tokio::spawn(send_body(upload, body, trailers));
    }
    read(response).await
}

/// The server may stop reading it, and says so by its answer.
async fn send_body(
    mut upload: SendStream<Bytes>,
    mut body: Bytes,
    trailers: Option<HeaderMap>,
) -> Result<(), h2::Error> {
    while !body.is_empty() {
        upload.reserve_capacity(body.len().min(16 << 10));
        let Some(room) = std::future::poll_fn(|cx| upload.poll_capacity(cx)).await else {
            return Ok(());
        };
        let piece = body.split_to(room?.min(body.len()));
        upload.send_data(piece, body.is_empty() && trailers.is_none())?;
    }
    match trailers {
        Some(trailers) => upload.send_trailers(trailers),
        None => Ok(()),
    }
}

pub async fn read(response: ResponseFuture) -> Result<Reply, h2::Error> {
    let (head, mut stream): (_, RecvStream) = response.await?.into_parts();
    let mut body = Vec::new();
    while let Some(piece) = stream.data().await {
        let piece = piece?;
        stream.flow_control().release_capacity(piece.len())?;
        body.extend_from_slice(&piece);
    }
    let trailers = stream.trailers().await?;
    Ok(Reply { status: head.status, headers: head.headers, body, trailers })
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn retter(&self) -> &str {
        self.header("x-retter").unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What a client takes of one stream before it has read it.
const WINDOW: u32 = 64 << 10;
