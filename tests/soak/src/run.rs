//! One run: the demo, the load, the account, the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::demo::{Demo, Held, processor_seconds};
use crate::load::Load;
use crate::options::Options;
use crate::reading::Reading;
use crate::report::{self, Outcome};
use crate::request::{Kind, Request};
use crate::tally::{Tally, Target};
use crate::{account, askers, clients, rude, scrapers, viewers, watch, whole};

/// What clients may still need when the load is over: the longest waits for nothing are a minute.
const LAST_ANSWERS: Duration = Duration::from_secs(90);
/// What the server may need to notice that clients have left, and what its threads that block live on without work.
const SETTLING: Duration = Duration::from_secs(60);

/// Says whether nothing was found.
pub(crate) async fn run(options: &Options) -> Result<bool, String> {
    let allocator = options.allocator();
    let mut demo = Demo::start(&options.program, allocator)?;
    let length = Duration::from_secs_f64(options.minutes * 60.0);
    let load = Arc::new(Load::new(demo.address, length));
    warm_up(&load).await?;
    let before = settled(&demo).await?;
    println!("driving {} for {} minutes at {} requests a second", demo.address, options.minutes, options.rate);

    let begun = Instant::now();
    let processor = (demo.processor_seconds(), processor_seconds("self"));
    let mut clients = start(&load, options.rate);
    let watched = watch::watch(&load, &demo).await;
    let ended = timeout(LAST_ANSWERS, async {
        while let Some(client) = clients.join_next().await {
            client.map_err(|cause| format!("a client panicked, which is a bug of the soak: {cause}"))?;
        }
        Ok::<(), String>(())
    });
    match ended.await {
        Ok(ended) => ended?,
        Err(_) => load.findings.tell(format!("clients still wait {LAST_ANSWERS:?} after the load")),
    }
    drop(clients);
    let took = begun.elapsed();
    let processor = (demo.processor_seconds() - processor.0, processor_seconds("self") - processor.1);

    let (tally, last) = reckon(&load).await?;
    let trends = watched.trends();
    let room = watch::room(allocator);
    for what in trends.iter().flat_map(|trends| trends.grown(before, room)) {
        load.findings.tell(what);
    }
    let after = match watch::back(&demo, before, SETTLING).await {
        Ok(held) => Some(held),
        Err(what) => {
            load.findings.tell(what);
            demo.held()
        }
    };
    if let Err(what) = demo.end() {
        load.findings.tell(format!("the end: {what}"));
    }
    // That a check was late is a verdict on times, which a busy machine brings about.
    let is_error = |line: &&str| (line.contains("ERROR") && !line.contains("health changed")) || line.contains("panicked");
    for line in demo.log().lines().filter(is_error).take(5) {
        load.findings.tell(format!("its log says: {line}"));
    }
    let outcome =
        Outcome { load: &load, tally, last, took, processor, trends, allocator, held: (before, after), bytes: watch::bytes() };
    report::tell(options, &outcome)?;
    Ok(load.findings.count() == 0)
}

/// Lets the server make all that it makes once: the first scrape starts threads, the first load a scene.
async fn warm_up(load: &Arc<Load>) -> Result<(), String> {
    let fields = "X-Forwarded-For: 10.253.0.1\r\n";
    let requests = [
        Request::load("city.tscn", 0, fields),
        Request::get(Target { endpoint: "/health", method: "GET" }, "/health", Kind::Open(&[200, 503]), ""),
        Request::get(Target { endpoint: "/debug/profile", method: "GET" }, "/debug/profile", Kind::Trusted(&[200]), ""),
    ];
    for request in &requests {
        let mut connection = load.open().await.ok_or("the server takes no connection")?;
        load.exchange(&mut connection, request).await;
    }
    for form in 0..9 {
        scrapers::last(load, form).await?;
    }
    Ok(())
}

/// What the server holds when it has let go of the connections of the warm-up.
async fn settled(demo: &Demo) -> Result<Held, String> {
    let mut least: Option<Held> = None;
    for _ in 0..20 {
        sleep(Duration::from_millis(50)).await;
        let held = demo.held().ok_or("the server has ended")?;
        least = Some(least.map_or(held, |least| Held { descriptors: least.descriptors.min(held.descriptors), ..held }));
    }
    Ok(least.expect("it was looked at"))
}

/// Starts everybody. The rate is that of those who see their answers whole.
fn start(load: &Arc<Load>, rate: f64) -> JoinSet<()> {
    let mut all = JoinSet::new();
    macro_rules! client {
        (|$load:ident| $client:expr) => {{
            let $load = Arc::clone(load);
            all.spawn(async move { $client.await });
        }};
    }
    for client in 0..4 {
        client!(|load| clients::in_turn(&load, client, rate * 0.1));
    }
    for client in 10..12 {
        client!(|load| clients::pipelined(&load, client, rate * 0.275));
    }
    // More connections a second would leave too many ports in TIME-WAIT.
    for client in 20..22 {
        client!(|load| clients::coming_and_going(&load, client, (rate * 0.025).min(50.0)));
    }
    client!(|load| clients::too_many(&load));
    client!(|load| clients::large_bodies(&load));
    for client in 30..32 {
        client!(|load| rude::leaving(&load, client, (rate * 0.01).min(20.0)));
    }
    client!(|load| rude::reading_slowly(&load));
    client!(|load| rude::never_reading(&load));
    client!(|load| rude::half_heads(&load, (rate * 0.01).min(20.0)));
    client!(|load| rude::silent(&load, b""));
    client!(|load| rude::silent(&load, b"GET /scene HTTP/1.1\r\nHost: lo"));
    client!(|load| scrapers::regular(&load));
    client!(|load| scrapers::bursts(&load));
    client!(|load| askers::health(&load));
    client!(|load| askers::profiles(&load));
    for habit in viewers::TEN {
        client!(|load| viewers::view(&load, habit));
    }
    all
}

/// The account of the end: asked for until it fits, because the server first has to notice who has left, but not for ever.
async fn reckon(load: &Load) -> Result<(Tally, Reading), String> {
    let begun = Instant::now();
    for number in 0.. {
        let tally = load.ledger.now();
        let reading = scrapers::last(load, number).await?;
        let mut wrong = account::afterwards(&tally, &reading);
        if wrong.is_empty() || begun.elapsed() > SETTLING {
            wrong.extend(whole::torn(&reading));
            wrong.extend(whole::fallen(&load.floor.now(), &reading));
            wrong.into_iter().for_each(|what| load.findings.tell(format!("at the end: {what}")));
            return Ok((tally, reading));
        }
        sleep(Duration::from_millis(500)).await;
    }
    unreachable!("it ends in a minute")
}
