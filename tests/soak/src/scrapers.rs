//! Scrapes in all formats and codings, one a second and sixteen at once, each of them judged.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tachograph_check::Format;
use tokio::task::{JoinSet, spawn_blocking};

use crate::account;
use crate::load::Load;
use crate::reading::{self, Reading};
use crate::request::{Kind, METRICS, Request};
use crate::tally::Tally;
use crate::whole::{self, STALE};
use crate::wire::{Answer, Connection};

/// What is asked for, and what comes then.
const FORMS: [(&str, &str); 3] = [
    ("text/plain;version=0.0.4", "text/plain; version=0.0.4"),
    ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text; version=1.0.0"),
    (
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
    ),
];
const CODINGS: [Option<&str>; 3] = [None, Some("gzip"), Some("zstd")];
/// Scrapes in a burst, as many as the server takes at once by default.
const AT_ONCE: usize = 16;
const BETWEEN_BURSTS: Duration = Duration::from_secs(5);

/// Format and coding of the scrape of that number: all nine in nine.
fn wish(number: usize) -> (usize, Option<&'static str>) {
    (number % FORMS.len(), CODINGS[number / FORMS.len() % CODINGS.len()])
}

fn request(form: usize, coding: Option<&str>) -> Request {
    let coding = coding.map_or(String::new(), |coding| format!("Accept-Encoding: {coding}\r\n"));
    let fields = format!("Accept: {}\r\n{coding}", FORMS[form].0);
    // As many as may be are under way: 503.
    Request::get(METRICS, "/metrics", Kind::Open(&[200, 503]), &fields)
}

/// One a second over a connection that stays.
pub(crate) async fn regular(load: &Arc<Load>) {
    let mut number = 0;
    while !load.is_over() {
        let Some(mut connection) = load.open().await else { continue };
        while !load.is_over() && scrape(load, &mut connection, number).await {
            number += 1;
            load.pause(Duration::from_secs(1)).await;
        }
    }
}

/// Sixteen at once, over connections of their own.
pub(crate) async fn bursts(load: &Arc<Load>) {
    while !load.is_over() {
        load.pause(BETWEEN_BURSTS).await;
        let mut burst = JoinSet::new();
        for number in 0..AT_ONCE {
            let load = Arc::clone(load);
            burst.spawn(async move {
                if let Some(mut connection) = load.open().await {
                    scrape(&load, &mut connection, number).await;
                }
            });
        }
        burst.join_all().await;
    }
}

/// Scrapes and judges what comes. Says whether the connection can be used again.
async fn scrape(load: &Arc<Load>, connection: &mut Connection, number: usize) -> bool {
    let (form, coding) = wish(number);
    let (before, floor) = (load.ledger.now(), load.floor.now());
    let Some(answer) = load.ask(connection, &request(form, coding)).await else { return false };
    let (keep, after) = (!answer.head.closes(), load.ledger.now());
    if answer.head.status == 200 {
        let load = Arc::clone(load);
        let judging = spawn_blocking(move || {
            load.scrapes.fetch_add(1, Ordering::Relaxed);
            let found = match read(&answer, form, coding) {
                Err(what) => vec![what],
                Ok(reading) => {
                    let mut found = whole::torn(&reading);
                    found.extend(whole::fallen(&floor, &reading));
                    found.extend(shown(&load, &floor, &before, &after, &reading));
                    load.floor.raise(&reading);
                    found
                }
            };
            for what in found {
                load.findings.tell(format!("a scrape ({}, {}): {what}", FORMS[form].1, coding.unwrap_or("identity")));
            }
        });
        judging.await.expect("judging does not panic");
    }
    keep
}

/// What does not fit to what the clients did.
fn shown(
    load: &Load,
    floor: &std::collections::BTreeMap<reading::Series, f64>,
    before: &Tally,
    after: &Tally,
    reading: &Reading,
) -> Vec<String> {
    let stale = |(series, value): (&reading::Series, f64)| value > floor.get(series).copied().unwrap_or(0.0);
    // Such a block shows what it showed before: whole, but late. It happens where a thread is stopped in the middle of a write.
    if reading.of(STALE).any(stale) {
        load.stale.fetch_add(1, Ordering::Relaxed);
        return Vec::new();
    }
    account::during(before, after, reading)
}

/// A scrape for the account of the end, when nobody else asks for anything. It is not judged by what the others saw.
pub(crate) async fn last(load: &Load, number: usize) -> Result<Reading, String> {
    let (form, coding) = wish(number);
    let mut connection = load.open().await.ok_or("no connection for the last scrape")?;
    let answer = load.ask(&mut connection, &request(form, coding)).await.ok_or("no last scrape")?;
    read(&answer, form, coding)
}

fn read(answer: &Answer, form: usize, coding: Option<&str>) -> Result<Reading, String> {
    let content_type = answer.head.field("content-type").unwrap_or_default();
    if !content_type.starts_with(FORMS[form].1) {
        return Err(format!("it is {content_type:?}"));
    }
    if answer.head.field("content-encoding") != coding {
        return Err(format!("its coding is {:?}", answer.head.field("content-encoding")));
    }
    let body = match coding {
        Some("gzip") => {
            let mut body = Vec::new();
            let unpacked = flate2::read::MultiGzDecoder::new(&*answer.body).read_to_end(&mut body);
            unpacked.map(|_| body).map_err(|cause| format!("no gzip: {cause}"))?
        }
        Some(_) => zstd::decode_all(&*answer.body).map_err(|cause| format!("no zstd: {cause}"))?,
        None => answer.body.clone(),
    };
    match form {
        0 => reading::of_text(&body, Format::Text),
        1 => reading::of_text(&body, Format::OpenMetrics),
        _ => reading::of_protobuf(&body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_scrapes_are_all_formats_in_all_codings() {
        let wishes: std::collections::BTreeSet<_> = (0..9).map(wish).collect();
        assert_eq!(wishes.len(), 9);
    }
}
