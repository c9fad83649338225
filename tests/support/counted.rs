//! What a server says it refused and closed.

use crate::http::eventually;
use crate::scrape::{sample, sum};
use crate::support::Server;

const REFUSED: &str = "tachograph_requests_refused_total";
const CLOSED: &str = "tachograph_connections_closed_total";

/// Checks that one reason to refuse requests counts so much, and nothing else was refused or closed.
#[track_caller]
pub(crate) fn only_refused(server: &Server, reason: &str, times: u32) {
    only(server, REFUSED, reason, times);
}

/// Checks that one reason to close connections counts so much, and nothing else was refused or closed.
#[track_caller]
pub(crate) fn only_closed(server: &Server, reason: &str, times: u32) {
    only(server, CLOSED, reason, times);
}

/// hyper answers what is no request before it tells of it, so the count may come a little later than the answer.
#[track_caller]
fn only(server: &Server, family: &str, reason: &str, times: u32) {
    let series = format!("{family}{{reason=\"{reason}\"}}");
    let one = || sample(server.registry.snapshot().text(), &series).expect("it is there from the start");
    eventually(&series, || (one() >= f64::from(times)).then_some(()));
    let snapshot = server.registry.snapshot();
    let all: f64 = [REFUSED, CLOSED].map(|family| sum(snapshot.text(), family, &[])).iter().sum();
    assert_eq!((one(), all), (f64::from(times), f64::from(times)), "{reason}");
}
