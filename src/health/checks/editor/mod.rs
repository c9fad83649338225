//! Are the servers of the editor there? A debug adapter and a language server are asked, each over a connection that is kept.

mod connection;
mod protocol;

use std::time::Duration;

use crate::health::{CheckResult, HealthCheck, told};
use connection::Peer;
use protocol::Protocol;

/// Half of a check's timeout: the check comes back with a message about the peer that does not.
const PATIENCE: Duration = Duration::from_millis(500);

/// Holds a connection to a debug adapter and one to a language server, and asks both at once whether they are alive.
///
/// A peer that is not connected is connected to and sent `initialize`. One that is, is asked something that every peer answers:
/// `threads` of the Debug Adapter Protocol, a method that no language server has. What it sends of its own accord meanwhile is
/// passed over. When anything goes wrong the connection is closed, and the next run opens another.
///
/// One of the two down is degraded, both are unhealthy. The details tell of each its address, its state (`connected` or
/// `down`), how long it took to answer or what is wrong.
///
/// # Examples
///
/// Godot's editor has the two at these ports:
///
/// ```
/// use tachograph::health::checks::DapLspCheck;
///
/// let check = DapLspCheck::new("127.0.0.1:6006", "127.0.0.1:6005");
/// ```
///
/// With nobody there:
///
/// ```
/// use std::net::{SocketAddr, TcpListener};
/// use tachograph::health::checks::DapLspCheck;
/// use tachograph::health::{Detail, HealthCheck, HealthStatus};
///
/// // Bound and not listened to for longer than this line.
/// let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
/// let (debug_adapter, language_server): (SocketAddr, SocketAddr) = (free(), free());
/// let check = DapLspCheck::new(debug_adapter, language_server);
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// let result = runtime.block_on(check.check());
/// assert_eq!(result.status(), HealthStatus::Unhealthy);
/// assert!(result.message().starts_with(&format!("the debug adapter at {debug_adapter} is down, connect: ")));
/// assert_eq!(result.details()[1], ("debug_adapter_state".into(), Detail::from("down")));
/// ```
#[derive(Debug)]
pub struct DapLspCheck {
    debug_adapter: Peer,
    language_server: Peer,
    patience: Duration,
}

impl DapLspCheck {
    /// A check of the two at these addresses: an IP address or a name, a colon, a port. A name is looked up for each
    /// connection.
    ///
    /// It needs a tokio runtime with time and I/O. A [`HealthRegistry`](crate::health::HealthRegistry) has one for its checks.
    pub fn new(debug_adapter: impl ToString, language_server: impl ToString) -> Self {
        Self {
            debug_adapter: Peer::new(Protocol::DebugAdapter, debug_adapter.to_string()),
            language_server: Peer::new(Protocol::LanguageServer, language_server.to_string()),
            patience: PATIENCE,
        }
    }

    /// How long either may take, connecting included, by default 500 ms. It should be less than the check's
    /// [timeout](crate::health::CheckOptions::timeout): a run that is given up for both cannot tell which of them is down.
    ///
    /// # Examples
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    ///
    /// use std::time::Duration;
    /// use tachograph::health::checks::DapLspCheck;
    /// use tachograph::health::{HealthCheck, HealthStatus};
    ///
    /// let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    /// let check = DapLspCheck::new(free, free).with_patience(Duration::from_millis(100));
    /// assert_eq!(runtime.block_on(check.check()).status(), HealthStatus::Unhealthy);
    /// ```
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

impl HealthCheck for DapLspCheck {
    async fn check(&self) -> CheckResult {
        let (debug_adapter, language_server) =
            tokio::join!(self.debug_adapter.round_trip(self.patience), self.language_server.round_trip(self.patience));
        let peers = [
            ("debug_adapter", &self.debug_adapter, debug_adapter),
            ("language_server", &self.language_server, language_server),
        ];
        let down: Vec<String> = peers.iter().filter_map(|(_, peer, asked)| Some(peer.told(asked.as_ref().err()?))).collect();
        let result = match down.len() {
            0 => CheckResult::healthy("the debug adapter and the language server answer"),
            1 => CheckResult::degraded(down.join("; ")),
            _ => CheckResult::unhealthy(down.join("; ")),
        };
        peers.into_iter().fold(result, |result, (key, peer, asked)| {
            let state = if asked.is_ok() { "connected" } else { "down" };
            let result = result.detail(format!("{key}_address"), peer.address()).detail(format!("{key}_state"), state);
            match asked {
                Ok(took) => result.detail(format!("{key}_round_trip_ms"), told::milliseconds(took)),
                Err(why) => result.detail(format!("{key}_error"), why),
            }
        })
    }
}

impl Peer {
    fn told(&self, why: &str) -> String {
        format!("the {} at {} is down, {why}", self.name(), self.address())
    }
}
