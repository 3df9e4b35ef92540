//! One connection of the application: requests one after the other, and nobody looks whether the
//! client is still there before the answer is written.

use super::house::{House, Outcome};
use crate::page::{self, Wanted};
use crate::wire;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::SystemTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub async fn serve(mut stream: TcpStream, house: Rc<House>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut request, mut answer) = (Vec::with_capacity(BUFFER), Vec::with_capacity(BUFFER));
    while stream.read_buf(&mut request).await? > 0 {
        let Some(end) = wire::head_end(&request) else {
            continue;
        };
        let wanted = page::asked(&request[..end]).ok_or_else(|| wire::wrong("no such page"))?;
        request.drain(..end);
        write(house.work().await, wanted, &mut answer)?;
        stream.write_all(&answer).await?;
    }
    Ok(())
}

fn write(outcome: Outcome, wanted: Wanted, answer: &mut Vec<u8>) -> io::Result<()> {
    let mut body = Vec::with_capacity(BUFFER);
    let status = match outcome {
        Outcome::Page => "200 OK",
        Outcome::Error | Outcome::Overflow => "500 Internal Server Error",
    };
    match outcome {
        Outcome::Page => page::write(wanted, page::now_ms(), &mut body),
        Outcome::Error => body.extend_from_slice(b"<h1>Fatal error</h1>\n"),
        Outcome::Overflow => body.extend_from_slice(b"<h1>Too many connections</h1>\n"),
    }
    answer.clear();
    let date = httpdate::fmt_http_date(SystemTime::now());
    write!(answer, "HTTP/1.1 {status}\r\nDate: {date}\r\nContent-Type: {TYPE}\r\n")?;
    write!(answer, "Content-Length: {}\r\n\r\n", body.len())?;
    answer.extend_from_slice(&body);
    Ok(())
}

const TYPE: &str = "text/html; charset=utf-8";
const BUFFER: usize = 8 << 10;
