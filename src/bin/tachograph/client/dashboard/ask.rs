//! What asks the server, beside the screen: a slow server never keeps a key waiting.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel};
use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};

use super::screen::start;
use crate::client::health::report::Report;
use crate::client::profile::answer::Listing;
use crate::client::scrape::Scrape;
use crate::client::target::Target;
use crate::fetch::{Failure, FailureKind};

/// Our own form, which tells most, then whatever there is.
const ACCEPT: &str = "application/json,application/health+json;q=0.9,*/*;q=0.1";
/// Where servers tell how they are: ours, Prometheus and its like, others.
const HEALTH: [&str; 3] = ["/health/quick", "/-/healthy", "/health"];
/// The slow requests that are shown.
pub(super) const PROFILES: &str = "/debug/profile?sort=slowest&limit=20";
/// Health and profiles are asked for no oftener.
const BESIDE: Duration = Duration::from_secs(2);
/// What was not there is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What has come from the server.
#[derive(Debug)]
pub(super) enum News {
    Scraped(Box<Scrape>),
    Unanswered(Failure),
    Checked(Checked),
    Profiled(Profiled),
}

#[derive(Debug)]
pub(super) enum Checked {
    Known(Box<Report>),
    Absent,
    Failed(String),
}

#[derive(Debug)]
pub(super) enum Profiled {
    Known(Box<Listing>),
    Absent,
    Failed(String),
}

/// Asks for something at once. Dropped, it ends the thread after its next answer.
#[derive(Debug)]
pub(super) struct Poke(std::sync::mpsc::Sender<()>);

impl Poke {
    pub(super) fn ask(&self) {
        // Whoever has ended need not be woken.
        let _ended = self.0.send(());
    }
}

/// Asks for the metrics each `every`.
pub(super) fn scrapes<T: From<News> + Send + 'static>(
    target: Target,
    every: Duration,
    news: SyncSender<T>,
) -> Result<Poke, String> {
    repeat("metrics", every, news, move |_| {
        Some(match Scrape::take(&target) {
            Ok(scrape) => News::Scraped(Box::new(scrape)),
            Err(failure) => News::Unanswered(failure),
        })
    })
}

/// Asks how the server is.
pub(super) fn health<T: From<News> + Send + 'static>(
    target: Target,
    every: Duration,
    news: SyncSender<T>,
) -> Result<Poke, String> {
    let (mut known, mut next) = (None, None);
    repeat("health", every.max(BESIDE), news, move |poked| {
        if !poked && next.is_some_and(|next| Instant::now() < next) {
            return None;
        }
        let checked = check(&target, &mut known);
        next = matches!(checked, Checked::Absent).then(|| Instant::now() + LOOK_AGAIN);
        Some(News::Checked(checked))
    })
}

/// Asks for the slowest requests, which needs a token.
pub(super) fn profiles<T: From<News> + Send + 'static>(
    target: Target,
    every: Duration,
    news: SyncSender<T>,
) -> Result<Poke, String> {
    let mut next = None;
    repeat("profiles", every.max(BESIDE), news, move |poked| {
        if !poked && next.is_some_and(|next| Instant::now() < next) {
            return None;
        }
        let profiled = profile(&target);
        next = matches!(profiled, Profiled::Absent).then(|| Instant::now() + LOOK_AGAIN);
        Some(News::Profiled(profiled))
    })
}

/// Does it each `every`, and at once when it is poked, until nobody takes the news.
fn repeat<T: From<News> + Send + 'static>(
    name: &str,
    every: Duration,
    news: SyncSender<T>,
    mut ask: impl FnMut(bool) -> Option<News> + Send + 'static,
) -> Result<Poke, String> {
    let (poke, poked) = channel();
    let run = move || {
        let mut was_poked = false;
        loop {
            let started = Instant::now();
            if ask(was_poked).is_some_and(|told| news.send(told.into()).is_err()) {
                return;
            }
            match wait(&poked, every.saturating_sub(started.elapsed())) {
                Some(poked) => was_poked = poked,
                None => return,
            }
        }
    };
    start(name, run).map(|()| Poke(poke))
}

/// Whether it was poked; `None` if nobody is there any more who could.
fn wait(poked: &Receiver<()>, time: Duration) -> Option<bool> {
    match poked.recv_timeout(time) {
        Ok(()) => Some(true),
        Err(RecvTimeoutError::Timeout) => Some(false),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}

fn check(target: &Target, known: &mut Option<&'static str>) -> Checked {
    let paths = known.as_slice().iter().copied().chain(HEALTH);
    for path in paths {
        let answer = match target.ask(Method::GET, path, ACCEPT) {
            Ok(answer) => answer,
            Err(failure) => return Checked::Failed(failure.told),
        };
        if let Some(report) = Report::of_json(&answer.body) {
            *known = Some(path);
            return Checked::Known(Box::new(report));
        }
        let told = (answer.status == StatusCode::OK).then(|| Report::of_text(&answer)).flatten();
        if let Some(report) = told {
            *known = Some(path);
            return Checked::Known(Box::new(report));
        }
        // It is there, but does not tell: a busy or a broken server, whose other paths say no more.
        if *known == Some(path) {
            let url = target.url(path);
            let failure = target.expect_ok(answer, &url, "it was there before").err();
            return Checked::Failed(
                failure.map_or_else(|| format!("{url} is no health report any more"), |failure| failure.told),
            );
        }
    }
    Checked::Absent
}

fn profile(target: &Target) -> Profiled {
    let url = target.url(PROFILES);
    let asked = target.ask(Method::GET, PROFILES, "application/json");
    match asked.and_then(|answer| target.expect_ok(answer, &url, "it keeps no profiles")) {
        Ok(answer) => match serde_json::from_slice(&answer.body) {
            Ok(listing) => Profiled::Known(Box::new(listing)),
            Err(_) => Profiled::Absent,
        },
        Err(Failure { kind: FailureKind::Status(status), .. }) if is_absent(status) => Profiled::Absent,
        Err(failure) => Profiled::Failed(failure.told),
    }
}

fn is_absent(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::BAD_REQUEST)
        || status.is_redirection()
}
