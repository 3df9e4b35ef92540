//! A real PHP application behind RETTER: `session_start()`, two visitors, an outage, a restart, and
//! what each switch gives them. Where PHP is not installed these tests say that they were not run.

use crate::support::client::{Answer, Visit, get};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const OPEN: &str = "the same for everybody";
const NAMES: [&str; 2] = ["ada", "bob"];

#[test]
fn as_it_comes_everybody_has_his_own_pages_through_outage_and_restart() {
    let Some(mut shop) = Shop::open(&[]) else { return };
    shop.close();
    for _ in 0..2 {
        assert_eq!(shop.pages(), NAMES.map(|name| format!("the page of {name}")));
        shop.strangers_see_only_what_is_open();
        shop.retter.restart();
    }
}

#[test]
fn with_nostore_in_memory_the_pages_of_visitors_end_with_retter() {
    let Some(mut shop) = Shop::open(&[("CACHE_NOSTORE", "memory")]) else { return };
    shop.close();
    assert_eq!(shop.pages(), NAMES.map(|name| format!("the page of {name}")));
    shop.retter.restart();
    shop.nobody_has_a_page_of_his_own();
    shop.strangers_see_only_what_is_open();
}

#[test]
fn with_nostore_refused_a_visitor_has_none() {
    let Some(mut shop) = Shop::open(&[("CACHE_NOSTORE", "refuse")]) else { return };
    shop.close();
    shop.nobody_has_a_page_of_his_own();
    shop.strangers_see_only_what_is_open();
}

#[test]
fn without_session_detection_a_visitor_has_none_and_sees_no_strangers_page() {
    let Some(mut shop) = Shop::open(&[("CACHE_DETECT_SESSION", "false")]) else { return };
    shop.close();
    shop.nobody_has_a_page_of_his_own();
    shop.strangers_see_only_what_is_open();
}

#[test]
fn a_page_declared_public_is_the_strangers_and_shown_to_all_who_have_none() {
    let Some(mut shop) = Shop::open(&[("CACHE_PUBLIC", "/page")]) else { return };
    shop.close();
    assert_eq!(shop.retter.get("/page").text(), "the page of a stranger");
    // Who has his own sees that.
    assert_eq!(shop.pages(), NAMES.map(|name| format!("the page of {name}")));
    let other = shop.retter.visit(&get("/page").cookie("PHPSESSID=0th3r"));
    assert_eq!(other.text(), "the page of a stranger");
    assert!(other.all("set-cookie").is_empty());
}

#[test]
fn what_ends_with_its_connection_is_kept_only_where_the_operator_says_so() {
    for (switch, status) in [("skip", 502), ("store", 200)] {
        let Some(mut shop) = Shop::open(&[("CACHE_UNFRAMED", switch)]) else { return };
        let visit = shop.by("ada", "/unframed");
        assert_eq!(shop.retter.visit(&visit).text(), "the page of ada");
        shop.settle();
        shop.close();
        assert_eq!(shop.retter.visit(&visit).status, status, "{switch}");
    }
}

/// PHP's built-in server, RETTER before it, and two visitors who are logged in.
struct Shop {
    php: Child,
    retter: Retter,
    sessions: [String; 2],
    _folder: TempDir,
}

impl Shop {
    /// `None`: there is no PHP on this machine.
    fn open(settings: &[(&str, &str)]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let address = free_address();
        let Ok(php) = start_php(address, folder.path()) else {
            eprintln!("not run: there is no php (Debian: apt-get install php-cli)");
            return None;
        };
        assert!(until(SOON, || TcpStream::connect(address).is_ok()), "php listens");
        let setup = Setup::before_url(&format!("http://{address}")).without_breaker();
        let setup = settings.iter().fold(setup, |setup, (name, value)| setup.set(name, value));
        let retter = setup.start();
        let sessions = NAMES.map(|name| log_in(&retter, name));
        let shop = Self { php, retter, sessions, _folder: folder };
        assert_eq!(shop.pages(), NAMES.map(|name| format!("the page of {name}")));
        assert_eq!(shop.retter.get("/page").text(), "the page of a stranger");
        assert_eq!(shop.retter.get("/open").text(), OPEN);
        shop.settle();
        Some(shop)
    }

    /// The application fails.
    fn close(&mut self) {
        self.php.kill().expect("php runs");
        self.php.wait().expect("php has ended");
    }

    /// Waits until what is to be in the file is there.
    fn settle(&self) {
        self.retter.wait_for_copies(&["/open"]);
        assert!(until(SOON, || self.retter.figure(&["store", "queued"]) == 0.0));
    }

    fn by(&self, name: &str, path: &str) -> Visit {
        let session = NAMES.iter().zip(&self.sessions).find(|(known, _)| **known == name);
        get(path).cookie(session.expect("a visitor").1)
    }

    fn answers(&self) -> [Answer; 2] {
        NAMES.map(|name| self.retter.visit(&self.by(name, "/page")))
    }

    fn pages(&self) -> [String; 2] {
        self.answers().map(|answer| answer.text())
    }

    fn nobody_has_a_page_of_his_own(&self) {
        for answer in self.answers() {
            assert_eq!((answer.status, answer.retter()), (502, "no-cache"), "{}", answer.text());
        }
    }

    fn strangers_see_only_what_is_open(&self) {
        for visit in [get("/page"), get("/page").cookie("PHPSESSID=0th3r")] {
            let answer = self.retter.visit(&visit);
            assert_eq!((answer.status, answer.retter()), (502, "no-cache"), "{}", answer.text());
        }
        assert_eq!(self.retter.get("/open").text(), OPEN);
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.php.kill();
        let _ = self.php.wait();
    }
}

fn start_php(address: SocketAddr, folder: &Path) -> std::io::Result<Child> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/php/shop.php");
    Command::new("php")
        .args(["-S", &address.to_string(), script])
        .env("SESSIONS", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// `PHPSESSID=...`, as the browser would send it from now on.
fn log_in(retter: &Retter, name: &str) -> String {
    let answer = retter.get(&format!("/login?name={name}"));
    let set = answer.header("set-cookie").expect("a session");
    set.split(';').next().unwrap_or_default().to_owned()
}

/// It may be somebody else's in a moment; nobody else looks for one here.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address")
}
