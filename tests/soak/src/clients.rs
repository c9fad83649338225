//! Clients that see each of their answers whole: in turn, pipelined, one connection for each request, too many at once, large
//! bodies.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::load::{Load, Pace};
use crate::request::{Kind, LOAD, Mix, Request, SCENE};
use crate::wire::Connection;

/// Requests on one connection before another is opened.
const ON_ONE: u32 = 500;
/// Requests that are sent before the first answer is read.
const PIPELINED: usize = 16;
/// Requests of a client that means to run into the limit of rate, which is `demo::RATE_LIMIT`.
const TOO_MANY: usize = 800;

/// One request after the other.
pub(crate) async fn in_turn(load: &Load, client: u16, rate: f64) {
    let (mut mix, mut pace) = (Mix::new(client), Pace::new(rate));
    while !load.is_over() {
        let Some(mut connection) = load.open().await else { continue };
        for _ in 0..ON_ONE {
            pace.take(1).await;
            if load.is_over() || !load.exchange(&mut connection, &mix.next("")).await {
                break;
            }
        }
    }
}

/// Many requests at once, and then their answers.
pub(crate) async fn pipelined(load: &Load, client: u16, rate: f64) {
    let (mut mix, mut pace) = (Mix::new(client), Pace::new(rate));
    while !load.is_over() {
        let Some(mut connection) = load.open().await else { continue };
        for _ in 0..ON_ONE / PIPELINED as u32 {
            pace.take(PIPELINED as u32).await;
            let requests: Vec<Request> = (0..PIPELINED).map(|_| mix.next("")).collect();
            if load.is_over() || !at_once(load, &mut connection, &requests).await {
                break;
            }
        }
    }
}

/// Says whether the connection can be used again.
async fn at_once(load: &Load, connection: &mut Connection, requests: &[Request]) -> bool {
    requests.iter().for_each(|request| load.ledger.begin(request.target));
    let bytes: Vec<u8> = requests.iter().flat_map(|request| &request.bytes).copied().collect();
    let mut failed = connection.send(&bytes).await.err();
    for request in requests {
        match failed {
            Some(ref cause) => load.unanswered(request, cause),
            None => match connection.receive_length(request.is_head()).await {
                Ok((head, length)) => load.see(request, head.status, length),
                Err(cause) => {
                    load.unanswered(request, &cause);
                    failed = Some(cause);
                }
            },
        }
    }
    failed.is_none()
}

/// A connection for each request.
pub(crate) async fn coming_and_going(load: &Load, client: u16, rate: f64) {
    let (mut mix, mut pace) = (Mix::new(client), Pace::new(rate));
    while !load.is_over() {
        pace.take(1).await;
        let Some(mut connection) = load.open().await else { continue };
        if load.exchange(&mut connection, &mix.next("Connection: close\r\n")).await {
            load.findings.tell("a connection stayed open that was to be closed".to_owned());
        }
        match connection.rest().await {
            Ok(0) => {}
            ended => load.findings.tell(format!("a connection that was to be closed ended otherwise: {ended:?}")),
        }
    }
}

/// Somebody new every few seconds, who asks for more than the limit of rate allows.
pub(crate) async fn too_many(load: &Load) {
    let mut client = u32::from(Ipv4Addr::new(203, 0, 113, 0));
    while !load.is_over() {
        client += 1;
        let fields = format!("X-Forwarded-For: {}\r\n", Ipv4Addr::from(client));
        let Some(mut connection) = load.open().await else { continue };
        let requests = vec![Request::get(SCENE, "/scene", Kind::Limited(&[200, 404]), &fields); TOO_MANY / 16];
        for _ in 0..16 {
            if !at_once(load, &mut connection, &requests).await {
                break;
            }
        }
        load.pause(Duration::from_secs(10)).await;
    }
}

/// Bodies up to what is allowed and beyond, in one go and drop by drop.
pub(crate) async fn large_bodies(load: &Load) {
    let fields = "X-Forwarded-For: 10.255.0.1\r\n";
    let sizes = [300_000, 1 << 20, 20, 5 << 20, 70_000, 15 << 20, 20, 300_000];
    for round in 0.. {
        for size in sizes {
            load.pause(Duration::from_secs(2)).await;
            if load.is_over() {
                return;
            }
            let Some(mut connection) = load.open().await else { continue };
            let request = Request::load("lobby.tscn", size, fields);
            if size == 20 {
                drop_by_drop(load, &mut connection, &request).await;
            } else {
                load.exchange(&mut connection, &request).await;
            }
        }
        // The smallest that is too large, and all of it is sent.
        let body = vec![b' '; (16 << 20) + 1];
        let request = Request::new(LOAD, "POST", "/scene", Kind::Fails(413, "invalid_request"), fields, &body);
        if round % 2 == 0
            && let Some(mut connection) = load.open().await
        {
            load.exchange(&mut connection, &request).await;
        }
    }
}

async fn drop_by_drop(load: &Load, connection: &mut Connection, request: &Request) {
    load.ledger.begin(request.target);
    let sent = async {
        connection.send(&request.bytes[..request.head]).await?;
        for drop in request.bytes[request.head..].chunks(1) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            connection.send(drop).await?;
        }
        connection.receive_length(false).await
    };
    match sent.await {
        Ok((head, length)) => load.see(request, head.status, length),
        Err(cause) => load.unanswered(request, &cause),
    }
}
