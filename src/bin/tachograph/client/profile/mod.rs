//! `tachograph profile`: the last requests of a service, and where their time went.
//!
//! `answer` is what the server says, `list` shows many requests, `waterfall` one.

pub(super) mod answer;
mod list;
mod waterfall;

use std::process::ExitCode;

use answer::{Cleared, Listing, Profile};
use hyper::Method;
use serde::de::DeserializeOwned;

use super::Ended;
use super::target::Target;
use super::terminal::{Terminal, json_line, tell_progress, write_out};
use super::watch::watch;
use crate::cli::ProfileQuery;
use crate::fetch::{Answer, Failure, FailureKind};

const LIST: &str = "/debug/profile";
const CLEAR: &str = "/debug/profile/clear";
/// What to do if there is no such path.
const NO_PROFILES: &str = "the server keeps no profiles, or it is not Tachograph's";

/// Shows the profiles that the options ask for.
pub(crate) fn profile(options: &ProfileQuery) -> Result<ExitCode, Ended> {
    let target = Target::of(&options.connection)?.with_progress(tell_progress);
    let terminal = || Terminal::of(options.output.color).for_json(options.json);
    if options.clear {
        write_out(clear(&target, options.json)?.as_bytes())?;
    } else if let Some(pause) = options.watch {
        let title = format!("tachograph profile {}", target.url(&path(options)));
        watch(pause, terminal, &title, |terminal| look(&target, options, terminal))?;
    } else {
        write_out(look(&target, options, &terminal())?.as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn path(options: &ProfileQuery) -> String {
    match &options.id {
        Some(id) => {
            let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
            format!("{LIST}/{id}")
        }
        None => match options.filters.query(&[]).as_str() {
            "" => LIST.to_owned(),
            query => format!("{LIST}?{query}"),
        },
    }
}

fn look(target: &Target, options: &ProfileQuery, terminal: &Terminal) -> Result<String, Failure> {
    let path = path(options);
    let url = target.url(&path);
    let answer = target.ask(Method::GET, &path, "application/json")?;
    let absent = if options.id.is_some() { "`tachograph profile` lists those that are kept" } else { NO_PROFILES };
    let answer = target.expect_ok(answer, &url, absent)?;
    Ok(match (options.json, &options.id) {
        (true, _) => as_it_came(&url, &answer)?,
        (false, None) => list::list(terminal, &read::<Listing>(&url, &answer)?),
        (false, Some(_)) => waterfall::waterfall(terminal, &read::<Profile>(&url, &answer)?),
    })
}

fn clear(target: &Target, json: bool) -> Result<String, Failure> {
    let url = target.url(CLEAR);
    let answer = target.expect_ok(target.ask(Method::POST, CLEAR, "application/json")?, &url, NO_PROFILES)?;
    if json {
        return as_it_came(&url, &answer);
    }
    let Cleared { cleared } = read(&url, &answer)?;
    Ok(format!("{cleared} profiles forgotten\n"))
}

/// The JSON itself, if it is JSON.
fn as_it_came(url: &str, answer: &Answer) -> Result<String, Failure> {
    read::<serde::de::IgnoredAny>(url, answer)?;
    Ok(json_line(&String::from_utf8_lossy(&answer.body)))
}

fn read<T: DeserializeOwned>(url: &str, answer: &Answer) -> Result<T, Failure> {
    serde_json::from_slice(&answer.body).map_err(|cause| {
        let told = format!("cannot read {url}: it is not what Tachograph's server answers ({cause}); is its address right?");
        Failure::new(FailureKind::Unreadable, told)
    })
}
