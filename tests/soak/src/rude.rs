//! Clients that leave, that read slowly or not at all, and that send heads which never become requests.
//!
//! Where nobody can know whether the server has a request, the account has room for one more or less. So such requests are of a
//! few kinds that few others send, and all other kinds are exact.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::timeout;

use crate::dice::Dice;
use crate::load::{Load, Pace};
use crate::request::{Kind, METRICS, Request, SCENE};
use crate::tally::Target;
use crate::wire::Connection;

const FIELDS: &str = "X-Forwarded-For: 10.254.0.1\r\n";
const PROFILES: Target = Target { endpoint: "/debug/profile", method: "GET" };
const FILTERED: Target = Target { endpoint: "/debug/profile", method: "POST" };
const TRACE: Target = Target { endpoint: "/debug/profile/flamegraph", method: "GET" };
/// Longer than the server waits for a client that sends or reads nothing.
const LONG: Duration = Duration::from_secs(45);
/// What one who reads slowly takes at once, and how often.
const SIP: (usize, Duration) = (16 * 1024, Duration::from_millis(20));

/// A large answer.
fn large() -> Request {
    Request::get(PROFILES, "/debug/profile", Kind::Trusted(&[200]), "")
}

/// A request that may come to nothing.
fn doubtful(dice: &mut Dice) -> Request {
    let number = dice.below(1 << 32);
    match number % 20 {
        0 => Request::load("city.tscn", 0, FIELDS),
        1..10 => {
            let target = Target { endpoint: "/scenes", method: "HEAD" };
            Request::get(target, "/scenes", Kind::Limited(&[200]), FIELDS)
        }
        _ => {
            let target = Target { endpoint: "unmatched", method: "PUT" };
            Request::get(target, &format!("/left/{number}"), Kind::Open(&[404]), FIELDS)
        }
    }
}

/// Leaves in every way, one after the other.
pub(crate) async fn leaving(load: &Load, client: u16, rate: f64) {
    let (mut pace, mut dice) = (Pace::new(rate), Dice::new(u64::from(client)));
    while !load.is_over() {
        pace.take(1).await;
        let left = match dice.below(5) {
            0 => at_once(load, &mut dice).await,
            1 => by_reset(load, &mut dice).await,
            2 => amid_the_answer(load, &mut dice).await,
            3 => amid_the_answers(load, &mut dice).await,
            _ => amid_the_body(load).await,
        };
        if let Err(cause) = left {
            load.findings.tell(format!("a client that was to leave could not: {cause}"));
        }
    }
}

/// The request is on its way, and nobody waits for the answer. It is counted though its client has left before it is read.
async fn at_once(load: &Load, dice: &mut Dice) -> io::Result<()> {
    let mut connection = Connection::open(load.address).await?;
    let request = doubtful(dice);
    load.ledger.begin(request.target);
    let sent = connection.send(&request.bytes).await;
    drop(connection);
    load.left(&request, &sent);
    sent
}

/// The request may be thrown away by the kernel before the server reads it.
async fn by_reset(load: &Load, dice: &mut Dice) -> io::Result<()> {
    let mut connection = Connection::open(load.address).await?;
    connection.reset_at_end()?;
    let request = doubtful(dice);
    load.ledger.begin(request.target);
    let sent = connection.send(&request.bytes).await;
    drop(connection);
    load.doubt(&request);
    sent
}

/// The head of the answer has come and some of its body.
async fn amid_the_answer(load: &Load, dice: &mut Dice) -> io::Result<()> {
    let mut connection = Connection::open_narrow(load.address).await?;
    let request = match dice.below(2) {
        0 => large(),
        _ => Request::get(METRICS, "/metrics", Kind::Open(&[200]), ""),
    };
    load.ledger.begin(request.target);
    let begun = async {
        connection.send(&request.bytes).await?;
        connection.head().await?;
        connection.some(1_024).await
    };
    let begun = begun.await;
    drop(connection);
    load.leave(&request);
    begun.map(drop)
}

/// Of several answers the first has come.
async fn amid_the_answers(load: &Load, dice: &mut Dice) -> io::Result<()> {
    let mut connection = Connection::open(load.address).await?;
    let requests =
        [Request::get(SCENE, "/scene", Kind::Limited(&[200, 404]), FIELDS), doubtful(dice), doubtful(dice), doubtful(dice)];
    requests.iter().for_each(|request| load.ledger.begin(request.target));
    let sent = connection.send(&requests.iter().flat_map(|request| &request.bytes).copied().collect::<Vec<u8>>()).await;
    let first = match sent {
        Ok(()) => connection.receive_length(false).await,
        Err(cause) => Err(cause),
    };
    drop(connection);
    match &first {
        Ok((head, length)) => load.see(&requests[0], head.status, *length),
        Err(_) => load.doubt(&requests[0]),
    }
    requests[1..].iter().for_each(|request| load.doubt(request));
    first.map(drop)
}

/// Half of the body has been sent.
async fn amid_the_body(load: &Load) -> io::Result<()> {
    let mut connection = Connection::open(load.address).await?;
    let request = Request::new(FILTERED, "POST", "/debug/profile", Kind::Trusted(&[200]), "", &[b' '; 50_000]);
    load.ledger.begin(request.target);
    let sent = connection.send(&request.bytes[..request.bytes.len() / 2]).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(connection);
    load.left(&request, &sent);
    sent
}

/// Reads a large answer to its end, a sip at a time.
pub(crate) async fn reading_slowly(load: &Load) {
    while !load.is_over() {
        load.pause(Duration::from_secs(1)).await;
        let request = large();
        let opened = Connection::open_narrow(load.address).await;
        let Ok(mut connection) = opened else { continue };
        load.ledger.begin(request.target);
        let read = async {
            connection.send(&request.bytes).await?;
            let head = connection.head().await?;
            let length = head.field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            let mut read = 0;
            while read < length {
                tokio::time::sleep(SIP.1).await;
                read += connection.some(SIP.0.min(length - read)).await?;
            }
            Ok((head.status, read as u64))
        };
        match read.await {
            Ok((status, read)) => load.see(&request, status, read),
            Err(cause) => load.unanswered(&request, &cause),
        }
    }
}

/// Asks for large answers and reads none of them, until the server has had enough.
pub(crate) async fn never_reading(load: &Load) {
    const ASKED: usize = 30;
    while !load.is_over() {
        let request = Request::get(TRACE, "/debug/profile/flamegraph?format=trace", Kind::Trusted(&[200]), "");
        let Ok(mut connection) = Connection::open_narrow(load.address).await else { continue };
        (0..ASKED).for_each(|_| load.ledger.begin(request.target));
        if connection.send(&request.bytes.repeat(ASKED)).await.is_ok() {
            load.pause(LONG).await;
        }
        drop(connection);
        load.leave(&request);
        (1..ASKED).for_each(|_| load.doubt(&request));
    }
}

/// Heads that break off, never end, or are none. The server counts no request for any of them.
pub(crate) async fn half_heads(load: &Load, rate: f64) {
    const HEADS: [&[u8]; 5] = [
        b"",
        b"GET /sce",
        b"GET /scene HTTP/1.1\r\nHost: localhost\r\nX-Endless: ",
        b"POST /scene HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ];
    let mut pace = Pace::new(rate);
    for at in 0.. {
        pace.take(1).await;
        if load.is_over() {
            return;
        }
        let Some(mut connection) = load.open().await else { continue };
        load.half_heads.fetch_add(1, Ordering::Relaxed);
        let head = HEADS[at % HEADS.len()];
        // One that is refused at once may be closed before all of it is sent.
        let _sent = connection.send(head).await;
        if at % 10 == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Sends half a head and then nothing, and waits for the server to have had enough.
pub(crate) async fn silent(load: &Load, head: &[u8]) {
    while !load.is_over() {
        let Some(mut connection) = load.open().await else { continue };
        load.half_heads.fetch_add(1, Ordering::Relaxed);
        let _sent = connection.send(head).await;
        let left = load.until.saturating_duration_since(tokio::time::Instant::now());
        // However it ends: with an answer, with a reset, or with the load.
        let _ended = timeout(left.min(LONG), connection.rest()).await;
    }
}
