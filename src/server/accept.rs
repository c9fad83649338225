//! The accept loop: takes connections until the shutdown, outlives every error, then sees the requests in flight off.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::backoff::{Backoff, LONGEST_PAUSE};
use super::connection;
use super::places::Places;
use super::state::State;

/// The accept loop beats twice in the second that health allows it.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// More than systems let wait to be accepted: an end to taking the last ones while clients go on to come.
const MOST_WAITING: usize = 4096;
const _: () = assert!(LONGEST_PAUSE.as_millis() < HEARTBEAT.as_millis());

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were still at work at [`Options::shutdown_timeout`](super::Options::shutdown_timeout) and were cut.
    pub cut: usize,
}

/// Serves `listener` until `shutdown` is ready, then stops accepting, lets the requests in flight finish, and returns.
///
/// A failing accept (such as for want of file descriptors) is waited out; nothing but `shutdown` ends the server.
pub async fn run(listener: TcpListener, state: State, shutdown: impl Future<Output = ()>) -> Stopped {
    let mut connections = JoinSet::new();
    let places = Places::new(state.options());
    let mut backoff = Backoff::default();
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ended = std::pin::pin!(async {
        shutdown.await;
        state.shutdown().begin();
        let delay = state.options().drain_delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
    });
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut ended => break,
            _ = heartbeat.tick() => {
                state.heartbeat().beat();
                backoff.look();
                continue;
            }
            Some(_) = connections.join_next() => continue,
            accepted = backoff.accept(&listener) => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(cause) => {
                state.counts().accept_errors.inc();
                backoff.failed(&cause);
                continue;
            }
        };
        backoff.succeeded();
        admit(stream, peer, &state, &places, &mut connections);
    }
    for (stream, peer) in waiting(listener) {
        admit(stream, peer, &state, &places, &mut connections);
    }
    state.shutdown().end_streams();
    let finished = async { while connections.join_next().await.is_some() {} };
    if timeout(state.options().shutdown_timeout, finished).await.is_ok() {
        return Stopped { cut: 0 };
    }
    while connections.try_join_next().is_some() {}
    let cut = connections.len();
    connections.shutdown().await;
    tracing::warn!(cut, "connections were cut at the end of the shutdown");
    Stopped { cut }
}

/// Serves a connection, if there is a place for it.
fn admit(stream: TcpStream, peer: SocketAddr, state: &State, places: &Places, connections: &mut JoinSet<()>) {
    let (standing, place) = match places.take(peer.ip()) {
        Ok(taken) => taken,
        Err(reason) => {
            state.counts().closed(reason);
            tracing::debug!(%peer, "a connection beyond the limit is closed unanswered");
            return;
        }
    };
    // Without it the second small write of an answer waits for the first one's acknowledgement.
    if let Err(cause) = stream.set_nodelay(true) {
        tracing::debug!(%cause, %peer, "a connection keeps its delay");
    }
    let serving = connection::accepted(stream, peer, state.clone(), standing);
    connections.spawn(async move {
        serving.await;
        drop(place);
    });
}

/// The connections that the system has made and nobody has taken yet, at most as many as it lets wait. Their clients may have
/// sent a request already, which a listener that is closed would cut. After it nobody listens.
fn waiting(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    // Past the runtime, which may not know yet of the last ones. It never waits: the runtime had it set so.
    let Ok(listener) = listener.into_std() else { return Vec::new() };
    let mut taken = Vec::new();
    while let Ok((stream, peer)) = listener.accept() {
        let registered = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        taken.extend(registered.map(|stream| (stream, peer)));
        if taken.len() == MOST_WAITING {
            break;
        }
    }
    taken
}
