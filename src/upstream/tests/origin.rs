//! A scripted application, and the few words the tests speak in.

use super::super::{
    Backoff, BaseUrl, Ca, Ended, Failure, Hedge, Leave, Outgoing, Reply, RequestBody, Retry,
    Settings, Step as Sent, Upstream,
};
use crate::clock;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body::Frame;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// `backend.timeout` of every test. The scripts pause well below or well above it.
pub const TIMEOUT: Duration = Duration::from_millis(600);

/// What the application does next on one connection. After the last step it closes.
#[derive(Clone, Copy)]
pub enum Step {
    /// Reads a request's head.
    Read,
    /// Reads as many bytes of a body.
    ReadBody(usize),
    Send(&'static str),
    /// Sends the text over and over, as often as said.
    Repeat(&'static str, usize),
    Pause(Duration),
    Reset,
    Hang,
}

pub struct Origin {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Origin {
    /// Each connection plays the next script, the last script again and again.
    pub async fn new(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::on(listener, address, scripts)
    }

    pub fn on(listener: TcpListener, address: SocketAddr, scripts: Vec<Vec<Step>>) -> Self {
        let heads = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(accept(listener, scripts, heads.clone()));
        Self { address, heads }
    }

    pub async fn one(script: Vec<Step>) -> Self {
        Self::new(vec![script]).await
    }

    pub fn upstream(&self) -> Upstream {
        upstream(&format!("http://{}", self.address))
    }

    /// The request heads read so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().clone()
    }
}

pub fn upstream(base: &str) -> Upstream {
    Upstream::new(Settings {
        base: BaseUrl::parse(base).unwrap(),
        ca: Ca::System,
        sni: None,
        timeout: TIMEOUT,
        connect: Duration::from_millis(200),
        retry: once(),
        hedge: Hedge::Off,
    })
    .unwrap()
}

/// `retry.*` as it comes, but for one thing: no retries.
pub fn once() -> Retry {
    Retry {
        attempts: 1,
        backoff: Backoff::Constant,
        base: Duration::from_millis(50),
        cap: Duration::from_secs(1),
        budget: 0.1,
        statuses: vec![502..=504],
        methods: vec![],
        maxbody: 64 << 10,
    }
}

/// Lets everything be sent again: a closed breaker, room, and no copy.
pub struct Free;

impl Leave for Free {
    type Slot = ();
    fn is_failure(&self, status: StatusCode) -> bool {
        status.is_server_error()
    }
    fn may_retry(&self) -> bool {
        true
    }
    fn may_wait(&self, _wait: Duration) -> bool {
        true
    }

    fn may_hedge(&self) -> Option<()> {
        Some(())
    }
    async fn copy_until(&self, _: Instant, _: Ended) -> Option<Instant> {
        None
    }
    fn note(&self, _: Sent) {}
}

pub fn request(method: Method) -> Request<RequestBody> {
    let mut request = Request::new(RequestBody::Empty);
    *request.method_mut() = method;
    *request.uri_mut() = "/page?q=1".parse().unwrap();
    request
}

impl Upstream {
    /// All of a request in one piece.
    pub async fn send_whole(&self, request: Request<RequestBody>) -> Result<Reply, Failure> {
        let (head, body) = request.into_parts();
        let (target, fields) = (head.uri.clone(), || head.headers.clone());
        let head = Outgoing { method: &head.method, target, headers: &fields };
        self.call(head, body, &Free, clock::mono()).await
    }
}

pub fn get() -> Request<RequestBody> {
    request(Method::GET)
}

/// The whole body and its trailers.
pub async fn read(mut reply: Reply) -> Result<(Bytes, HeaderMap), Failure> {
    let mut whole = Vec::new();
    let mut trailers = HeaderMap::new();
    while let Some(frame) = reply.body.frame().await {
        match frame.map(Frame::into_data)? {
            Ok(data) => whole.extend_from_slice(&data),
            Err(other) => trailers = other.into_trailers().unwrap(),
        }
    }
    Ok((whole.into(), trailers))
}

/// The body of one try, or why there is none.
pub async fn fetch(upstream: &Upstream, request: Request<RequestBody>) -> Result<Bytes, Failure> {
    let reply = upstream.send_whole(request).await?;
    Ok(read(reply).await?.0)
}

/// What a GET of a one-connection script ends in.
pub async fn outcome(script: Vec<Step>) -> Result<Bytes, Failure> {
    fetch(&Origin::one(script).await.upstream(), get()).await
}

/// A client's body with this framing, and the end on which the client writes it.
pub async fn client_body(framing: &str) -> (RequestBody, DuplexStream) {
    let (near, mut far) = tokio::io::duplex(1 << 20);
    let (mut sender, driver) = http1::handshake(TokioIo::new(near)).await.unwrap();
    tokio::spawn(driver);
    let answer = tokio::spawn(sender.send_request(get()));
    read_head(&mut far).await.unwrap();
    let head = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n");
    far.write_all(head.as_bytes()).await.unwrap();
    let answer = answer.await.unwrap().unwrap();
    (RequestBody::client(answer.into_body()), far)
}

async fn accept(listener: TcpListener, scripts: Vec<Vec<Step>>, heads: Arc<Mutex<Vec<String>>>) {
    for number in 0.. {
        let (stream, _) = listener.accept().await.unwrap();
        let script = scripts[number.min(scripts.len() - 1)].clone();
        tokio::spawn(play(stream, script, heads.clone()));
    }
}

async fn play(mut stream: TcpStream, script: Vec<Step>, heads: Arc<Mutex<Vec<String>>>) {
    for step in script {
        match step {
            Step::Read => match read_head(&mut stream).await {
                Some(head) => heads.lock().push(head),
                None => return,
            },
            Step::ReadBody(bytes) => {
                let mut body = vec![0; bytes];
                if stream.read_exact(&mut body).await.is_err() {
                    return;
                }
            }
            Step::Send(text) => send(&mut stream, text).await,
            Step::Repeat(text, times) => send(&mut stream, &text.repeat(times)).await,
            Step::Pause(time) => tokio::time::sleep(time).await,
            Step::Reset => return stream.set_zero_linger().unwrap(),
            Step::Hang => std::future::pending().await,
        }
    }
}

/// Failing to send is part of some stories: the other side has hung up.
async fn send(stream: &mut TcpStream, text: &str) {
    let _ = stream.write_all(text.as_bytes()).await;
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}
