//! The application: answers every page at once, until it is stopped.

use crate::{pages, wire};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::SystemTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A thread of its own. Dropping it stops it: from then on connections are refused.
pub struct Origin {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Origin {
    pub fn start() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            // Dropping the runtime closes the listener and every connection.
            runtime.block_on(async {
                tokio::select! {
                    _ = accept(listener) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to say, not even that it panicked: its visitors would have noticed.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: std::net::TcpListener) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    // One date for all: the head is the same in every answer but for the length.
    let date = httpdate::fmt_http_date(SystemTime::now());
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(answer(stream, date.clone()));
    }
}

/// Answers on one connection until it ends or asks for what is not there.
async fn answer(mut stream: TcpStream, date: String) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut request, mut answer) = (Vec::with_capacity(BUFFER), Vec::with_capacity(BUFFER));
    while stream.read_buf(&mut request).await? > 0 {
        let Some(end) = wire::head_end(&request) else {
            continue;
        };
        let (size, number) = pages::asked(&request).ok_or_else(|| wire::wrong("no such page"))?;
        answer.clear();
        write!(answer, "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: {TYPE}\r\n")?;
        write!(answer, "Content-Length: {size}\r\n\r\n")?;
        pages::write(size, number, &mut answer);
        stream.write_all(&answer).await?;
        request.drain(..end);
    }
    Ok(())
}

const TYPE: &str = "text/html; charset=utf-8";
const BUFFER: usize = 32 << 10;
