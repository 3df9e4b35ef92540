//! An application behind a unix socket.

use crate::support::client::{HOST, raw};
use crate::support::origin::{Origin, ok};
use crate::support::retter::{Retter, Setup};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::{io, thread};
use tempfile::TempDir;

/// A socket before the scripted application.
struct Door {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    live: Arc<Mutex<Vec<UnixStream>>>,
}

impl Door {
    fn open(path: &Path, origin: &Origin) -> Self {
        let listener = UnixListener::bind(path).expect("the path is free");
        let (stop, live) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Vec<_>>>::default());
        let (stopped, kept, address) = (stop.clone(), live.clone(), origin.address());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let mine = stream.try_clone().expect("a second handle");
                kept.lock().expect("no holder panics").push(mine);
                thread::spawn(move || pipe(stream, address));
            }
        });
        Self { path: path.to_owned(), stop, live }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = UnixStream::connect(&self.path);
        for stream in self.live.lock().expect("no holder panics").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        std::fs::remove_file(&self.path).expect("it was made here");
    }
}

/// The end of either side is the end of both.
fn pipe(stream: UnixStream, address: SocketAddr) {
    let Ok(origin) = TcpStream::connect(address) else { return };
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = io::copy(&mut &stream, &mut &origin);
            let _ = origin.shutdown(Shutdown::Both);
        });
        let _ = io::copy(&mut &origin, &mut &stream);
        let _ = stream.shutdown(Shutdown::Both);
    });
}

fn before(path: &Path) -> Setup {
    Setup::before_url(&format!("unix:{}", path.display()))
        .set("BACKEND_CONNECT", "500ms")
        .set("RETRY_ATTEMPTS", 1)
        .without_breaker()
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.sock");
    (folder, path)
}

fn backend(retter: &Retter) -> bool {
    let page = retter.get("/");
    page.status == 200 && page.retter() == "backend"
}

#[test]
fn a_page_comes_over_a_socket_and_over_a_new_one_at_the_same_path() {
    let (_folder, path) = folder();
    let origin = Origin::new().elsewhere(ok("page"));
    let retter = before(&path).start();
    // Nobody is there yet.
    assert_eq!(retter.get("/").status, 502);
    let door = Door::open(&path, &origin);
    assert!(backend(&retter) && backend(&retter));
    assert_eq!(origin.connections(), 1);
    drop(door);
    assert_eq!(retter.get("/").retter(), "cache");
    assert_eq!(retter.get("/unknown").status, 502);
    let _door = Door::open(&path, &origin);
    assert!(backend(&retter));
}

#[test]
fn a_restart_between_two_requests_is_not_noticed() {
    let (_folder, path) = folder();
    let origin = Origin::new().elsewhere(ok("page"));
    let retter = before(&path).start();
    for _ in 0..3 {
        let _door = Door::open(&path, &origin);
        assert!(backend(&retter));
    }
}

#[test]
fn the_host_is_the_visitors_or_localhost_and_the_prefix_is_prepended() {
    let (_folder, path) = folder();
    let origin = Origin::new().elsewhere(ok("page"));
    let _door = Door::open(&path, &origin);
    let retter = Setup::before_url(&format!("unix:{}:/shop", path.display())).start();
    assert_eq!(retter.get("/cart?x=1").status, 200);
    let seen = origin.last("/shop/cart");
    assert_eq!(seen.target(), "/shop/cart?x=1");
    assert_eq!(seen.header("host").as_deref(), Some(HOST));
    let heard = raw(retter.address(), b"GET /old HTTP/1.0\r\n\r\n");
    assert!(String::from_utf8_lossy(&heard).contains(" 200 "));
    assert_eq!(origin.last("/shop/old").header("host").as_deref(), Some("localhost"));
}

#[test]
fn a_socket_nobody_takes_from_is_a_connect_timeout() {
    let (_folder, path) = folder();
    let listener = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None);
    let listener = listener.expect("a socket");
    listener.bind(&socket2::SockAddr::unix(&path).expect("a path")).expect("it is free");
    listener.listen(0).expect("it is bound");
    let _queue = UnixStream::connect(&path).expect("there is room for one");
    let retter = before(&path).start();
    assert_eq!(retter.get("/").status, 504);
}

#[test]
fn mistakes_are_named_and_the_address_is_shown() {
    let run = |url: &str| -> Output {
        Setup::bare().set("BACKEND_BASEURL", url).argument("--check").run()
    };
    for wrong in ["unix:", "unix:app.sock", "unix:/run/app.sock:shop"] {
        let ended = run(wrong);
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(64), "{said}");
        assert!(said.contains("RETTER_BACKEND_BASEURL"), "{said}");
    }
    for right in ["unix:/run/app.sock:/shop", "https://app.example:8443/shop"] {
        let shown = run(right);
        assert_eq!(shown.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&shown.stdout).contains(right));
    }
    let demo = Setup::bare().set("BACKEND_BASEURL", "unix:/run/app.sock").argument("demo").run();
    assert_eq!(demo.status.code(), Some(64));
}
