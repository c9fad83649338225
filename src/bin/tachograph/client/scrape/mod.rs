//! A scrape of any Prometheus endpoint, read so that a person or a program can use it.
//!
//! Text 0.0.4, text 1.0.0 and OpenMetrics are read by `tachograph-check`, whose findings stop nothing here: what cannot be
//! read is left out. `family` puts the samples together, `histogram` estimates quantiles, `since` compares two scrapes.

mod family;
mod histogram;
mod since;

use std::time::{Duration, Instant};

use tachograph_check::{Exposition, Format, Report, Rules};

pub(crate) use family::{Family, Series, Summary, Value};
pub(crate) use histogram::Histogram;
pub(crate) use since::Since;

use super::target::Target;
use crate::fetch::{Answer, Failure, FailureKind};

/// OpenMetrics first: it tells units and exemplars.
pub(crate) const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8,\
    application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// A scrape.
#[derive(Debug)]
pub(crate) struct Scrape {
    pub(crate) families: Vec<Family>,
    /// Sample lines that were read.
    pub(crate) samples: usize,
    pub(crate) format: Format,
    /// What is wrong with the text.
    pub(crate) report: Report,
    /// Of the text.
    pub(crate) bytes: usize,
    /// From the request to the last byte.
    pub(crate) took: Duration,
    /// When it had come.
    pub(crate) at: Instant,
}

impl Scrape {
    /// Fetches and reads one.
    pub(crate) fn take(target: &Target) -> Result<Self, Failure> {
        let answer = target.get_metrics(ACCEPT)?;
        Self::read(&answer)
            .map_err(|told| Failure::new(FailureKind::Unreadable, format!("cannot read {}: {told}", target.metrics_url())))
    }

    /// Reads an answer.
    pub(crate) fn read(answer: &Answer) -> Result<Self, String> {
        let at = Instant::now();
        let format = format_of(answer)?;
        let (report, exposition) = tachograph_check::read(&answer.body, format, Rules::FORMAT);
        let (report, exposition, format) = best(answer, report, exposition, format);
        if report.samples == 0 && !report.findings.is_empty() && exposition.families.is_empty() {
            return Err("no line of it is a metric; name the path of the metrics with --url".to_owned());
        }
        let families = family::families(exposition, format);
        Ok(Self { families, samples: report.samples, format, report, bytes: answer.body.len(), took: answer.took, at })
    }

    /// The number of that name if there is only one: of several processes none says what another does.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        match self.family(name)?.series.as_slice() {
            [only] => only.number(),
            _ => None,
        }
    }

    /// The family of that name, a counter with `_total`.
    pub(crate) fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }
}

/// As what the text is read. Names between quotes are taken in any text: no other text has them.
fn format_of(answer: &Answer) -> Result<Format, String> {
    let named = "name the path of the metrics with --url, often http://HOST:PORT/metrics";
    let header = answer.content_type.as_str();
    let media = header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let start = answer.body.trim_ascii_start();
    match (media.as_str(), start) {
        ("text/html", _) | (_, [b'<', ..]) => Err(format!("it is a page of HTML; {named}")),
        ("application/vnd.google.protobuf", _) => {
            Err("it is protobuf, though text was asked for; let the server send text or OpenMetrics".to_owned())
        }
        ("application/json", _) | (_, [b'{' | b'[', b'\n' | b'"' | b' ' | b'{' | b']' | b'}', ..]) if is_json(start) => {
            Err(format!("it is JSON; {named}"))
        }
        (_, [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..]) => {
            Err("it is compressed, and does not say so; let the server send text as it is".to_owned())
        }
        _ => {
            let format = Format::of_content_type(header).unwrap_or_else(|| Format::guess(&answer.body));
            Ok(if format.is_open() { Format::OpenMetricsUtf8 } else { Format::Text1 })
        }
    }
}

/// `{"a.b"} 1` begins as JSON does.
fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// What the text says in the format that its header names, or, if it breaks that one's rules and says more in the other, in
/// that.
fn best(answer: &Answer, report: Report, exposition: Exposition, format: Format) -> (Report, Exposition, Format) {
    if report.is_clean() {
        return (report, exposition, format);
    }
    let other = if format.is_open() { Format::Text1 } else { Format::OpenMetricsUtf8 };
    let (other_report, other_exposition) = tachograph_check::read(&answer.body, other, Rules::FORMAT);
    let kept = |exposition: &Exposition| exposition.samples().count();
    if kept(&other_exposition) > kept(&exposition) {
        return (other_report, other_exposition, other);
    }
    (report, exposition, format)
}

#[cfg(test)]
mod tests;
