//! `tachograph health`: how a service is, as an exit status and as a table.
//!
//! `report` reads the answer, of our own server or of another.

pub(super) mod report;
mod table;

use std::process::ExitCode;

use hyper::{Method, StatusCode};
use report::{Level, Report};

use super::target::Target;
use super::terminal::{Terminal, Tone, json_line, tell_progress, write_out};
use super::watch::watch;
use super::{Ended, FAILED};
use crate::cli::HealthQuery;
use crate::fetch::{Answer, Failure, FailureKind};

/// The exit status of a degraded service.
const DEGRADED: u8 = 1;
/// Our own form, which tells most, then the draft's, then whatever there is.
const ACCEPT: &str = "application/json,application/health+json;q=0.9,*/*;q=0.1";

/// Asks how a service is.
pub(crate) fn health(options: &HealthQuery) -> Result<ExitCode, Ended> {
    let mut target = Target::of(&options.connection)?;
    if !options.quiet {
        target = target.with_progress(tell_progress);
    }
    let path = path(options);
    let terminal = || Terminal::of(options.output.color).for_json(options.json);
    if let Some(pause) = options.watch {
        let title = format!("tachograph health {}", target.url(&path));
        watch(pause, terminal, &title, |terminal| {
            let (answer, report) = ask(&target, &path)?;
            Ok(told(options, &target, terminal, &answer, &report))
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let (answer, report) = ask(&target, &path)?;
    if !options.quiet {
        write_out(told(options, &target, &terminal(), &answer, &report).as_bytes())?;
    }
    Ok(match report.status {
        Level::Healthy => ExitCode::SUCCESS,
        Level::Degraded if !options.strict => ExitCode::from(DEGRADED),
        Level::Degraded | Level::Unhealthy => ExitCode::from(FAILED),
    })
}

fn path(options: &HealthQuery) -> String {
    let path = match (&options.check, &options.path) {
        (Some(name), _) => {
            let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
            // An underscore needs no escape, and is in most names.
            format!("/health/check/{}", name.to_string().replace("%5F", "_"))
        }
        (_, Some(path)) => return path.clone(),
        _ if options.quick => "/health/quick".to_owned(),
        _ if options.ready => "/health/ready".to_owned(),
        _ if options.live => "/health/live".to_owned(),
        _ if options.startup => "/health/startup".to_owned(),
        _ => "/health".to_owned(),
    };
    if options.strict { path + "?strict=true" } else { path }
}

/// Asks, and reads the answer: one with an error status, too, tells how the service is.
fn ask(target: &Target, path: &str) -> Result<(Answer, Report), Failure> {
    let answer = target.ask(Method::GET, path, ACCEPT)?;
    let url = target.url(path);
    if let Some(report) = Report::of_json(&answer.body) {
        return Ok((answer, report));
    }
    if answer.status != StatusCode::OK {
        let absent = "it has no such health check; --path names that of another server";
        target.expect_ok(answer, &url, absent)?;
        unreachable!("a status that is not 200 is refused");
    }
    Report::of_text(&answer).map(|report| (answer, report)).ok_or_else(|| {
        let told =
            format!("cannot read {url}: it answers 200 with what is no health report; --path names that of another server");
        Failure::new(FailureKind::Unreadable, told)
    })
}

fn told(options: &HealthQuery, target: &Target, terminal: &Terminal, answer: &Answer, report: &Report) -> String {
    if options.json {
        // A server that says no more than a word has that in the same form.
        return json_line(&match Report::of_json(&answer.body) {
            Some(_) => String::from_utf8_lossy(&answer.body).into_owned(),
            None => serde_json::json!({ "status": report.status.word(), "notes": report.notes }).to_string(),
        });
    }
    let mut told = table::table(terminal, report);
    if report.is_public() {
        let advice = if target.has_token_for(&path(options)) {
            "the token is not the server's, which therefore tells no reasons"
        } else {
            "with the server's token (--token-file, TACHOGRAPH_TOKEN) it tells the reasons, too"
        };
        told += &format!("{}\n", terminal.paint(Tone::Dim, advice));
    }
    told
}
