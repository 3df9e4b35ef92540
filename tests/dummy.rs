//! The weak application: what `demo` and `dummy` show has to be what somebody sees who tries it.

use crate::support::client::{Answer, Line, get};
use retter::dummy::{Weakness, run};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

#[test]
fn pages_carry_their_path_and_a_growing_serial_number() {
    let dummy = Dummy::start(Weakness::default());
    let first = dummy.get("/shop?page=2");
    let second = dummy.get("/shop?page=2");
    assert_eq!((first.status, second.status), (200, 200));
    assert!(first.text().contains("path: /shop<") && first.text().contains("serial: 1<"));
    assert!(second.text().contains("serial: 2<"));
    assert_eq!(first.header("set-cookie"), None);
}

#[test]
fn set_makes_it_fail_and_heals_it_again() {
    let dummy = Dummy::start(Weakness::default());
    let told = dummy.get("/set?e=1");
    assert!(told.text().contains("failure 1"), "{}", told.text());
    assert_eq!(dummy.get("/").status, 500);
    dummy.get("/set?e=0");
    assert_eq!(dummy.get("/").status, 200);
}

#[test]
fn set_makes_it_slow() {
    let dummy = Dummy::start(Weakness::default());
    assert_eq!(dummy.get("/set?f=0.3&s=0.3").status, 200);
    let asked = Instant::now();
    dummy.get("/");
    assert!(asked.elapsed() >= Duration::from_millis(300));
}

#[test]
fn set_says_what_is_wrong_and_changes_nothing() {
    let dummy = Dummy::start(Weakness { failure: 1.0, ..Weakness::default() });
    let told = dummy.get("/set?e=0&f=banana");
    assert_eq!(told.status, 400);
    assert!(told.text().contains("banana"), "{}", told.text());
    assert_eq!(dummy.get("/").status, 500);
}

#[test]
fn one_connection_serves_many_pages() {
    let dummy = Dummy::start(Weakness::default());
    let mut line = Line::open(dummy.address).expect("it listens");
    for serial in 1..=3 {
        let page = line.send(&get("/"));
        assert!(page.is_whole() && page.text().contains(&format!("serial: {serial}<")));
    }
}

struct Dummy {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Dummy {
    fn start(weakness: Weakness) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("its address");
        runtime.spawn(run(listener, weakness));
        Self { address, _runtime: runtime }
    }

    fn get(&self, target: &str) -> Answer {
        get(target).to(self.address)
    }
}
