//! The places that connections take: of all there may be, and of those that one address may have.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::access::network;
use super::options::Options;
use super::refused::{Closed, Refused};
use super::state::Standing;

/// Connections beyond each limit that are answered at once; any more are closed unanswered.
const SURPLUS: usize = 64;
/// Of them, those that one address may have.
const SURPLUS_OF_ADDRESS: usize = 4;

/// The places of one server.
#[derive(Debug)]
pub(super) struct Places {
    /// None when there is no limit.
    admitted: Option<Arc<Semaphore>>,
    surplus: Arc<Semaphore>,
    /// Of those whose address has too many: they leave the others' surplus alone.
    surplus_of_addresses: Arc<Semaphore>,
    addresses: Option<Arc<Addresses>>,
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of_all: Option<OwnedSemaphorePermit>,
    _of_address: Option<AddressPlace>,
}

impl Places {
    pub(super) fn new(options: &Options) -> Self {
        let limited = |limit: usize| Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
        let most = options.max_connections_per_address;
        Self {
            admitted: (options.max_connections > 0).then(|| limited(options.max_connections)),
            surplus: limited(SURPLUS),
            surplus_of_addresses: limited(SURPLUS),
            addresses: (most > 0).then(|| Arc::new(Addresses { most, open: Mutex::default() })),
        }
    }

    /// Finds a place for a connection from an address; when those of the surplus are taken too, tells why there is none.
    pub(super) fn take(&self, address: IpAddr) -> Result<(Standing, Place), Closed> {
        let of_address = self.addresses.as_ref().map(|addresses| addresses.take(address)).transpose()?;
        let place = |of_all, _of_address| Place { _of_all: of_all, _of_address };
        if of_address.as_ref().is_some_and(|place| place.is_surplus) {
            let surplus = Arc::clone(&self.surplus_of_addresses).try_acquire_owned();
            let surplus = surplus.map_err(|_| Closed::AddressConnections)?;
            return Ok((Standing::Surplus(Refused::AddressConnections), place(Some(surplus), of_address)));
        }
        let Some(admitted) = &self.admitted else {
            return Ok((Standing::Admitted, place(None, of_address)));
        };
        if let Ok(permit) = Arc::clone(admitted).try_acquire_owned() {
            return Ok((Standing::Admitted, place(Some(permit), of_address)));
        }
        let surplus = Arc::clone(&self.surplus).try_acquire_owned().map_err(|_| Closed::Connections)?;
        Ok((Standing::Surplus(Refused::Connections), place(Some(surplus), of_address)))
    }
}

/// How many connections each address has. A std mutex is enough: it is held for one look-up, twice in a connection's life.
///
/// An address is here for as long as it has a connection, so there are at most as many as connections.
#[derive(Debug)]
struct Addresses {
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

impl Addresses {
    fn take(self: &Arc<Self>, address: IpAddr) -> Result<AddressPlace, Closed> {
        let address = network(address);
        // A panic under the lock could come of memory alone, and leaves the counts as they were.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.get(&address).copied().unwrap_or(0);
        if count >= self.most.saturating_add(SURPLUS_OF_ADDRESS) {
            return Err(Closed::AddressConnections);
        }
        open.insert(address, count + 1);
        Ok(AddressPlace { addresses: Arc::clone(self), address, is_surplus: count >= self.most })
    }
}

/// A connection in the count of its address.
#[derive(Debug)]
struct AddressPlace {
    addresses: Arc<Addresses>,
    address: IpAddr,
    is_surplus: bool,
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let mut open = self.addresses.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(max_connections: usize, max_connections_per_address: usize) -> Places {
        Places::new(&Options { max_connections, max_connections_per_address, ..Options::default() })
    }

    fn v4(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn without_limits_everybody_is_admitted() {
        let places = places(0, 0);
        let taken: Vec<_> = (0..10_000).map(|_| places.take(v4(1)).unwrap()).collect();
        assert!(taken.iter().all(|(standing, _)| *standing == Standing::Admitted));
    }

    #[test]
    fn an_address_has_its_places_then_a_surplus_then_none() {
        let places = places(0, 2);
        let mut taken: Vec<_> = (0..2 + SURPLUS_OF_ADDRESS).map(|_| places.take(v4(1)).unwrap()).collect();
        for (at, (standing, _)) in taken.iter().enumerate() {
            let expected = if at < 2 { Standing::Admitted } else { Standing::Surplus(Refused::AddressConnections) };
            assert_eq!(*standing, expected, "{at}");
        }
        assert_eq!(places.take(v4(1)).unwrap_err(), Closed::AddressConnections);
        assert_eq!(places.take(v4(2)).unwrap().0, Standing::Admitted, "another has its own");
        taken.clear();
        assert_eq!(places.take(v4(1)).unwrap().0, Standing::Admitted);
    }

    #[test]
    fn an_address_without_a_connection_is_forgotten() {
        let places = places(0, 5);
        let addresses = places.addresses.as_ref().unwrap();
        let known = || addresses.open.lock().unwrap().len();
        let taken: Vec<_> = (0..=255).map(|last| places.take(v4(last)).unwrap()).collect();
        assert_eq!(known(), 256);
        drop(taken);
        assert_eq!(known(), 0);
        for last in 0..=255 {
            drop(places.take(v4(last)).unwrap());
        }
        assert_eq!(known(), 0);
    }

    #[test]
    fn the_addresses_of_one_network_are_one() {
        let places = places(0, 1);
        let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
        let _first = places.take(v6("2001:db8:0:1::1")).unwrap();
        let standing = |address: &str| places.take(v6(address)).unwrap().0;
        assert_eq!(standing("2001:db8:0:1:ffff::2"), Standing::Surplus(Refused::AddressConnections));
        assert_eq!(standing("2001:db8:0:2::1"), Standing::Admitted);
        let _mapped = places.take(v6("::ffff:192.0.2.1")).unwrap();
        assert_eq!(places.take(v4(1)).unwrap().0, Standing::Surplus(Refused::AddressConnections));
    }

    #[test]
    fn the_surplus_of_addresses_is_not_that_of_all() {
        let places = places(1, 1);
        let _admitted = places.take(v4(0)).unwrap();
        let crowd = (1..=SURPLUS as u8).map(|last| places.take(v4(last)).unwrap());
        let crowd: Vec<_> = crowd.collect();
        assert!(crowd.iter().all(|(standing, _)| *standing == Standing::Surplus(Refused::Connections)));
        assert_eq!(places.take(v4(100)).unwrap_err(), Closed::Connections);
        assert_eq!(places.take(v4(0)).unwrap().0, Standing::Surplus(Refused::AddressConnections));
        drop(crowd);
        assert_eq!(places.take(v4(100)).unwrap().0, Standing::Surplus(Refused::Connections));
    }

    #[test]
    fn a_refused_connection_leaves_no_trace() {
        let places = places(1, 10);
        let _admitted = places.take(v4(0)).unwrap();
        let _surplus: Vec<_> = (1..=SURPLUS as u8).map(|last| places.take(v4(last)).unwrap()).collect();
        for _ in 0..100 {
            assert_eq!(places.take(v4(200)).unwrap_err(), Closed::Connections);
        }
        assert!(!places.addresses.as_ref().unwrap().open.lock().unwrap().contains_key(&v4(200)));
    }
}
