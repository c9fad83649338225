//! The demo's own traffic: real HTTP requests to the server's own address, paced by a rate.
//!
//! `plan` says which request comes when, this file sends it, with a body from `upload`. The requests come from clients of their own: with tokens that
//! only this run knows, and without a token from an address of their own, so that a user's requests share no bucket with
//! them.

mod plan;
mod upload;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http_body_util::BodyExt;
use hyper::header::AUTHORIZATION;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use plan::{Credential, Exchange, Step};
use upload::Upload;

/// Requests under way at once; a server that is slower than the rate gets fewer.
const MAX_IN_FLIGHT: usize = 64;
/// No request of the plan takes that long on a server that lives, unless a fault of a minute was asked for.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often the pacing looks at the clock: as often as a timer of milliseconds makes sense.
const TICK: Duration = Duration::from_millis(10);
/// After a pause of the machine at most so much of the rate is made up for.
const MAX_CATCH_UP: Duration = Duration::from_secs(1);

type Http = Client<HttpConnector, Upload>;

/// A generator of requests; cloning is cheap.
#[derive(Clone)]
pub(crate) struct Traffic(Arc<Parts>);

struct Parts {
    server: SocketAddr,
    steady: Http,
    /// Sends what comes without a valid token, from an address of its own where there is one.
    stranger: Http,
    traffic_token: String,
    burst_token: String,
    scenes: Vec<String>,
    guesses: Guesses,
    in_flight: Arc<Semaphore>,
}

impl Traffic {
    /// Makes a generator for the server that listens on `listening`.
    pub(crate) fn new(
        listening: SocketAddr,
        traffic_token: String,
        burst_token: String,
        scenes: Vec<String>,
        auth_failures: u32,
    ) -> Self {
        let server = reachable(listening);
        let own_address = own_address(server);
        Self(Arc::new(Parts {
            server,
            steady: client(None),
            stranger: client(own_address),
            guesses: if own_address.is_some() { Guesses::Any } else { Guesses::below(auth_failures) },
            traffic_token,
            burst_token,
            scenes,
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
        }))
    }

    /// Sends `rate` requests a second until `stop` is ready. The requests under way then end with the connections.
    pub(crate) async fn send(self, rate: f64, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = stop => {}
            () = self.pace(rate) => {}
        }
    }

    async fn pace(&self, rate: f64) {
        let mut steps = (0..).map(|number| plan::step(number, &self.0.scenes));
        let mut under_way = JoinSet::new();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut last = Instant::now();
        // The first request comes at once, not after the pause that a low rate begins with.
        let mut due = 1.0;
        loop {
            let now = ticks.tick().await;
            due += now.duration_since(last).min(MAX_CATCH_UP).as_secs_f64() * rate;
            last = now;
            while under_way.try_join_next().is_some() {}
            while due >= 1.0 {
                let Ok(place) = Arc::clone(&self.0.in_flight).try_acquire_owned() else {
                    // The server is behind: what it cannot take now is not sent later on top.
                    due = 0.0;
                    break;
                };
                let Some(step) = steps.next() else { return };
                due -= step.exchanges.len() as f64;
                let parts = Arc::clone(&self.0);
                under_way.spawn(async move {
                    parts.send(step).await;
                    drop(place);
                });
            }
        }
    }
}

impl Parts {
    /// Sends the requests of a step, one after the other.
    async fn send(&self, step: Step) {
        for exchange in step.exchanges {
            match timeout(PATIENCE, self.exchange(&exchange)).await {
                Ok(Ok(status)) => tracing::trace!(?exchange, status, "sent"),
                Ok(Err(cause)) => tracing::debug!(?exchange, cause, "not answered"),
                Err(_) => tracing::debug!(?exchange, "not answered in time"),
            }
        }
    }

    async fn exchange(&self, exchange: &Exchange) -> Result<u16, String> {
        let uri = format!("http://{}{}", self.server, exchange.path);
        let mut request = hyper::Request::builder().method(exchange.method).uri(uri);
        let (client, field) = match exchange.credential {
            Credential::Traffic => (&self.steady, Some(format!("Bearer {}", self.traffic_token))),
            Credential::Burst => (&self.steady, Some(format!("Bearer {}", self.burst_token))),
            Credential::Nothing => (&self.stranger, None),
            Credential::Wrong | Credential::Malformed if !self.guesses.take() => (&self.stranger, None),
            Credential::Wrong => (&self.stranger, Some("Bearer not-the-token".to_owned())),
            Credential::Malformed => (&self.stranger, Some("Basic dHJhZmZpYzo=".to_owned())),
        };
        if let Some(field) = field {
            request = request.header(AUTHORIZATION, field);
        }
        let request = request.body(Upload::new(exchange.body(), exchange.pause)).map_err(|cause| cause.to_string())?;
        let response = client.request(request).await.map_err(|cause| cause.to_string())?;
        let status = response.status().as_u16();
        // Read to its end, so that the connection can be used again.
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame.map_err(|cause| cause.to_string())?;
        }
        Ok(status)
    }
}

/// How many wrong tokens the stranger may send. From an address that is the user's too so few that the server does not refuse the user's.
enum Guesses {
    Any,
    Some(DefaultDirectRateLimiter),
    None,
}

impl Guesses {
    /// Fewer than a server lets an address send in a minute.
    fn below(failures: u32) -> Self {
        match NonZeroU32::new(failures / 2) {
            _ if failures == 0 => Self::Any,
            // One at once and half the limit in a minute stay below three at least.
            Some(half) if failures > 2 => Self::Some(RateLimiter::direct(Quota::per_minute(half).allow_burst(NonZeroU32::MIN))),
            _ => Self::None,
        }
    }

    fn take(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Some(limiter) => limiter.check().is_ok(),
            Self::None => false,
        }
    }
}

fn client(from: Option<IpAddr>) -> Http {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_local_address(from);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// Where a server can be reached from its own machine.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

/// The address to send from without a token. Only Linux has all of 127.0.0.0/8 on its loopback from the start; elsewhere, and
/// with IPv6, the few requests without a token share the bucket of the user's own address.
fn own_address(server: SocketAddr) -> Option<IpAddr> {
    let elsewhere = cfg!(target_os = "linux") && server.is_ipv4() && server.ip().is_loopback();
    elsewhere.then_some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_from_the_users_address_stay_below_what_locks_it_out() {
        let at_once = |failures| {
            let guesses = Guesses::below(failures);
            (0..100).filter(|_| guesses.take()).count()
        };
        assert_eq!([0, 1, 2].map(at_once), [100, 0, 0]);
        // One a minute, of which a busy machine may see a second one come.
        assert!((1..3).contains(&at_once(3)));
    }

    #[test]
    fn a_server_on_every_address_is_reached_on_loopback() {
        let reached = |listening: &str| reachable(listening.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:81"), "127.0.0.1:81");
        assert_eq!(reached("[::]:81"), "[::1]:81");
        assert_eq!(reached("127.0.0.5:81"), "127.0.0.5:81");
    }
}
