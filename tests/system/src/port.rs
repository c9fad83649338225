//! Ports for servers that cannot be told to take any free one.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below those that systems give to who asks for any: a server of another test that asks so is never given one of these, and so
/// cannot answer in the place of the one that is still to bind it.
const FIRST: u16 = 11_000;
const COUNT: u32 = 20_000;

/// Ports that this process has looked at.
static LOOKED_AT: AtomicU32 = AtomicU32::new(0);

/// An address on loopback whose port is free, and given to nobody else in this process before all others are.
pub fn free() -> SocketAddr {
    // Processes that run at once begin far from each other.
    let start = process::id() % COUNT * 997;
    for _ in 0..COUNT {
        let at = (start + LOOKED_AT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST + at as u16));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port from {FIRST} on is free: end what listens there");
}
