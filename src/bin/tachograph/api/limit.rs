//! Rate limits by client: a bucket for each holder of a token, one for each address, one for all addresses too many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tachograph::server::network;

use super::auth::Holder;

/// Addresses that have a bucket of their own; at about 150 bytes each the table stays below 2 MB.
const MAX_ADDRESSES: usize = 10_000;
/// How often a full table is searched for idle addresses; a search looks at all of them.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Whose bucket a request takes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Token(Holder),
    Address(IpAddr),
}

/// What each kind of client may send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quotas {
    /// Of each address, and of the user's token; none is no limit.
    pub(crate) user: Option<Quota>,
    /// Of the traffic generator's clients that behave.
    pub(crate) traffic: Option<Quota>,
    /// Of the traffic generator's client that runs into its limit.
    pub(crate) burst: Option<Quota>,
}

/// All buckets. The addresses stand under a std mutex: it is held for a look-up and a few additions, and only requests of
/// the scene API come here.
pub(crate) struct Limits {
    user: Bucket,
    traffic: Bucket,
    burst: Bucket,
    addresses: Option<(Quota, Mutex<Addresses>)>,
}

/// One client's bucket; none is no limit.
struct Bucket(Option<DefaultDirectRateLimiter>);

struct Addresses {
    buckets: HashMap<IpAddr, Known>,
    capacity: usize,
    swept: Option<Instant>,
    /// Of all addresses that find the table full.
    shared: Bucket,
}

struct Known {
    bucket: Bucket,
    seen: Instant,
}

impl Limits {
    pub(crate) fn new(quotas: Quotas) -> Self {
        Self::with_capacity(quotas, MAX_ADDRESSES)
    }

    fn with_capacity(quotas: Quotas, capacity: usize) -> Self {
        let addresses = quotas.user.map(|quota| {
            let shared = Bucket::new(Some(quota));
            (quota, Mutex::new(Addresses { buckets: HashMap::new(), capacity, swept: None, shared }))
        });
        Self {
            user: Bucket::new(quotas.user),
            traffic: Bucket::new(quotas.traffic),
            burst: Bucket::new(quotas.burst),
            addresses,
        }
    }

    /// Takes one request out of the client's bucket, or says how long the client must wait.
    pub(crate) fn take(&self, client: Client) -> Result<(), Duration> {
        match client {
            Client::Token(Holder::User) => self.user.take(),
            Client::Token(Holder::Traffic) => self.traffic.take(),
            Client::Token(Holder::Burst) => self.burst.take(),
            Client::Address(address) => match &self.addresses {
                None => Ok(()),
                Some((quota, addresses)) => {
                    // A panic under the lock leaves at worst a bucket that is not there yet.
                    addresses.lock().unwrap_or_else(PoisonError::into_inner).take(network(address), *quota)
                }
            },
        }
    }
}

impl Bucket {
    fn new(quota: Option<Quota>) -> Self {
        Self(quota.map(RateLimiter::direct))
    }

    fn take(&self) -> Result<(), Duration> {
        match &self.0 {
            None => Ok(()),
            Some(limiter) => limiter.check().map_err(|refused| refused.wait_time_from(DefaultClock::default().now())),
        }
    }
}

impl Addresses {
    fn take(&mut self, address: IpAddr, quota: Quota) -> Result<(), Duration> {
        let now = Instant::now();
        if let Some(known) = self.buckets.get_mut(&address) {
            known.seen = now;
            return known.bucket.take();
        }
        if self.buckets.len() >= self.capacity {
            self.sweep(now, quota);
        }
        if self.buckets.len() >= self.capacity {
            return self.shared.take();
        }
        let known = Known { bucket: Bucket::new(Some(quota)), seen: now };
        self.buckets.entry(address).or_insert(known).bucket.take()
    }

    /// Forgets the addresses whose bucket is full again: a new one would be no different.
    fn sweep(&mut self, now: Instant, quota: Quota) {
        if self.swept.is_some_and(|swept| now.duration_since(swept) < SWEEP_INTERVAL) {
            return;
        }
        self.swept = Some(now);
        let refill = quota.burst_size_replenished_in();
        self.buckets.retain(|_, known| now.duration_since(known.seen) < refill);
    }
}

/// Makes a quota of `rate` requests a second after `burst` at once; none when the rate is 0.
pub(crate) fn quota(rate: u32, burst: u32) -> Option<Quota> {
    Some(Quota::per_second(NonZeroU32::new(rate)?).allow_burst(NonZeroU32::new(burst)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Refills so slowly that no test sees it.
    fn limits(burst: u32, capacity: usize) -> Limits {
        let hourly = Quota::with_period(Duration::from_secs(3600)).unwrap();
        let user = Some(hourly.allow_burst(NonZeroU32::new(burst).unwrap()));
        Limits::with_capacity(Quotas { user, traffic: None, burst: user }, capacity)
    }

    fn address(text: &str) -> Client {
        Client::Address(text.parse().unwrap())
    }

    #[test]
    fn each_client_has_its_own_bucket() {
        let limits = limits(2, 10);
        for client in [address("10.0.0.1"), address("10.0.0.2"), Client::Token(Holder::User), Client::Token(Holder::Burst)] {
            assert_eq!(limits.take(client), Ok(()));
            assert_eq!(limits.take(client), Ok(()));
            let wait = limits.take(client).unwrap_err();
            assert!(wait > Duration::from_secs(3000) && wait <= Duration::from_secs(3600), "{wait:?}");
        }
        assert_eq!(limits.take(Client::Token(Holder::Traffic)), Ok(()));
    }

    #[test]
    fn addresses_beyond_the_capacity_share_one_bucket() {
        let limits = limits(1, 2);
        assert_eq!(limits.take(address("10.0.0.1")), Ok(()));
        assert_eq!(limits.take(address("10.0.0.2")), Ok(()));
        assert_eq!(limits.take(address("10.0.0.3")), Ok(()));
        assert!(limits.take(address("10.0.0.4")).is_err());
        let (_, addresses) = limits.addresses.as_ref().unwrap();
        assert_eq!(addresses.lock().unwrap().buckets.len(), 2);
    }

    #[test]
    fn addresses_without_end_have_a_table_that_does_not_grow() {
        const ADDRESSES: u32 = 100_000;
        let limits = limits(1, MAX_ADDRESSES);
        let addresses = (0..ADDRESSES).map(|n| Client::Address(IpAddr::V4(n.to_be_bytes().into())));
        let allowed = addresses.filter(|&client| limits.take(client).is_ok()).count();
        // Each that has a bucket, and one of all the others.
        assert_eq!(allowed, MAX_ADDRESSES + 1);
        let (_, table) = limits.addresses.as_ref().unwrap();
        let table = table.lock().unwrap();
        assert_eq!(table.buckets.len(), MAX_ADDRESSES);
        // It has grown by doubling, and no further than it had to.
        assert!(table.buckets.capacity() < 2 * MAX_ADDRESSES, "{}", table.buckets.capacity());
    }

    #[test]
    fn an_address_whose_bucket_is_full_again_makes_room() {
        let limits = limits(1, 1);
        assert_eq!(limits.take(address("10.0.0.1")), Ok(()));
        let (quota, addresses) = limits.addresses.as_ref().unwrap();
        let mut addresses = addresses.lock().unwrap();
        addresses.sweep(Instant::now(), *quota);
        assert_eq!(addresses.buckets.len(), 1, "its bucket is still empty");
        addresses.swept = None;
        addresses.sweep(Instant::now() + Duration::from_secs(3600), *quota);
        assert_eq!(addresses.buckets.len(), 0);
    }

    #[test]
    fn an_ipv6_network_is_one_client_and_a_mapped_address_is_its_ipv4() {
        let limits = limits(1, 10);
        for (first, second) in [("2001:db8:1:2::5", "2001:db8:1:2:ffff::9"), ("::ffff:10.0.0.1", "10.0.0.1")] {
            assert_eq!(limits.take(address(first)), Ok(()));
            assert!(limits.take(address(second)).is_err());
        }
        assert_eq!(limits.take(address("2001:db8:1:3::5")), Ok(()));
    }

    #[test]
    fn a_rate_of_zero_is_no_limit() {
        assert!(quota(0, 10).is_none());
        let limits = Limits::new(Quotas { user: None, traffic: None, burst: None });
        for _ in 0..1_000 {
            assert_eq!(limits.take(address("10.0.0.1")), Ok(()));
        }
    }
}
