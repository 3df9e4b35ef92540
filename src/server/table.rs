//! Who is connected: how many in all, and how many of each client.

use super::Settings;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

/// The table of connections, bounded by `server.maxconnections` and `limit.client`.
pub(super) struct Table {
    most: u32,
    most_of_one: u32,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: u32,
    /// Only clients that have a connection: as long as `all` at most.
    of_one: HashMap<IpAddr, u32>,
}

/// A connection's place; given back when dropped.
pub(super) struct Place {
    table: Arc<Table>,
    /// None for those who are not counted by themselves.
    client: Option<IpAddr>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    Table,
    Client,
}

impl Full {
    /// For the counter.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Table => "connections",
            Self::Client => "connections-of-one-client",
        }
    }
}

impl Table {
    pub(super) fn new(settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            most: settings.connections,
            most_of_one: settings.client,
            taken: Mutex::default(),
        })
    }

    /// A place for one more. A trusted peer is a proxy with all visitors behind one address, so it
    /// counts towards the whole only.
    pub(super) fn enter(self: &Arc<Self>, client: IpAddr, trusted: bool) -> Result<Place, Full> {
        let client = self.counted(client, trusted);
        let mut taken = self.taken.lock();
        if taken.all >= self.most {
            return Err(Full::Table);
        }
        taken.enter(client, self.most_of_one)?;
        taken.all += 1;
        Ok(Place { table: Arc::clone(self), client })
    }

    /// As whom a client is counted; None: not by himself.
    fn counted(&self, client: IpAddr, trusted: bool) -> Option<IpAddr> {
        (!trusted && self.most_of_one > 0).then(|| network(client))
    }
}

impl Taken {
    fn enter(&mut self, client: Option<IpAddr>, most: u32) -> Result<(), Full> {
        let Some(client) = client else { return Ok(()) };
        let of_one = self.of_one.entry(client).or_default();
        if *of_one >= most {
            return Err(Full::Client);
        }
        *of_one += 1;
        Ok(())
    }

    fn leave(&mut self, client: Option<IpAddr>) {
        let Some(client) = client else { return };
        if let Some(of_one) = self.of_one.get_mut(&client) {
            *of_one -= 1;
            if *of_one == 0 {
                self.of_one.remove(&client);
            }
        }
    }
}

impl Place {
    /// Whose it is, known only now that a proxy has named him: it counts towards his connections from
    /// here on, and no longer towards the proxy's.
    pub(super) fn name(mut self, client: IpAddr, trusted: bool) -> Result<Self, Full> {
        let client = self.table.counted(client, trusted);
        {
            let mut taken = self.table.taken.lock();
            taken.enter(client, self.table.most_of_one)?;
            taken.leave(self.client);
        }
        self.client = client;
        Ok(self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.table.taken.lock();
        taken.all -= 1;
        taken.leave(self.client);
    }
}

/// One household or server has a whole /64 of IPv6 addresses, and could use a new one each time.
fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(most: u32, most_of_one: u32) -> Arc<Table> {
        Arc::new(Table { most, most_of_one, taken: Mutex::default() })
    }

    fn client(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_given_back_and_nothing_is_left_of_a_client_that_went() {
        let table = table(2, 2);
        let places: Vec<_> = (0..2).map(|_| table.enter(client("10.0.0.1"), false)).collect();
        assert_eq!(table.enter(client("10.0.0.2"), false).err(), Some(Full::Table));
        drop(places);
        assert_eq!(table.taken.lock().of_one.len(), 0);
        assert!(table.enter(client("10.0.0.2"), false).is_ok());
    }

    #[test]
    fn one_client_cannot_take_the_places_of_all() {
        let table = table(10, 1);
        let _first = table.enter(client("2001:db8::1"), false).ok().unwrap();
        assert_eq!(table.enter(client("2001:db8::2"), false).err(), Some(Full::Client));
        assert!(table.enter(client("2001:db8:0:1::1"), false).is_ok());
    }

    #[test]
    fn whom_a_proxy_names_is_counted_and_the_proxy_is_not() {
        let table = table(10, 1);
        let named = |name: &str| table.enter(client("127.0.0.1"), true)?.name(client(name), false);
        let first = named("10.0.0.1").ok().unwrap();
        assert_eq!(named("10.0.0.1").err(), Some(Full::Client));
        let _other = named("10.0.0.2").ok().unwrap();
        assert_eq!(table.taken.lock().all, 2, "who is turned away gives the place back");
        drop(first);
        assert!(named("10.0.0.1").is_ok());
    }

    #[test]
    fn a_trusted_proxy_brings_many_visitors() {
        let table = table(10, 1);
        let places: Vec<_> = (0..10).map(|_| table.enter(client("127.0.0.1"), true)).collect();
        assert!(places.iter().all(Result::is_ok));
    }
}
