//! `tachograph metrics`: what a service measures.
//!
//! `choose` is which families and series are shown and in which order, `table` shows them to a person, `json` to a program.

mod choose;
mod json;
mod table;

use std::process::ExitCode;

use choose::Chosen;

use super::scrape::{ACCEPT, Scrape, Since};
use super::target::Target;
use super::terminal::{Terminal, Tone, clean, tell_progress, write_as_it_came, write_out};
use super::watch::watch;
use super::{Ended, figure};
use crate::cli::{MetricsOptions, MetricsSort};
use crate::fetch::Failure;

/// The exit status of a `--grep` that finds nothing.
const NOTHING_FOUND: u8 = 1;

/// Shows the metrics of a service.
pub(crate) fn metrics(options: &MetricsOptions) -> Result<ExitCode, Ended> {
    if options.sort == MetricsSort::Rate && options.watch.is_none() {
        return Err(Ended::Failed("--sort rate needs --watch: one look has no rates".to_owned()));
    }
    let target = Target::of(&options.connection)?.with_progress(tell_progress);
    if options.raw {
        let answer = target.get_metrics(ACCEPT)?;
        write_as_it_came(&answer.body)?;
        return Ok(ExitCode::SUCCESS);
    }
    let terminal = || Terminal::of(options.output.color).for_json(options.json);
    if let Some(pause) = options.watch {
        let mut last = None;
        let title = format!("tachograph metrics {}", target.metrics_url());
        watch(pause, terminal, &title, |terminal| look_again(options, &target, terminal, &mut last))?;
        return Ok(ExitCode::SUCCESS);
    }
    let scrape = Scrape::take(&target)?;
    let chosen = choose::choose(&scrape, None, options);
    write_out(told(options, &terminal(), &scrape, &chosen).as_bytes())?;
    tell_findings(options, &target, &scrape);
    if chosen.is_empty() && !options.grep.is_empty() {
        let told = format!("tachograph: nothing among {} families has {:?}", scrape.families.len(), options.grep.join(" or "));
        let advice = "; no regular expression is meant: * alone stands for anything";
        let meant =
            options.grep.iter().any(|pattern| pattern.contains(['^', '$', '|', '\\', '(', '[', '+']) || pattern.contains(".*"));
        crate::check::say(&format!("{}{}", clean(&told), if meant { advice } else { "" }));
        return Ok(ExitCode::from(NOTHING_FOUND));
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes a scrape and compares it with the last one that came: after a time without a server with the one before it.
fn look_again(
    options: &MetricsOptions,
    target: &Target,
    terminal: &Terminal,
    last: &mut Option<Scrape>,
) -> Result<String, Failure> {
    let scrape = Scrape::take(target)?;
    let since = last.as_ref().map(|last| Since::new(last, &scrape));
    let restarted = since.as_ref().is_some_and(|since| since.restarted);
    let chosen = choose::choose(&scrape, since.as_ref(), options);
    let mut told = told(options, terminal, &scrape, &chosen);
    if restarted && !options.json {
        told.insert_str(0, &format!("{}\n", terminal.paint(Tone::Warning, "the service has been restarted")));
    }
    *last = Some(scrape);
    Ok(told)
}

fn told(options: &MetricsOptions, terminal: &Terminal, scrape: &Scrape, chosen: &[Chosen<'_>]) -> String {
    if options.json {
        return json::lines(chosen);
    }
    let series: usize = scrape.families.iter().map(|family| family.series.len()).sum();
    let cut = if scrape.report.cut { ", not read to its end: `tachograph check` tells why" } else { "" };
    let summary = format!(
        "{} families, {} series, {} samples, {} as {} in {}{cut}",
        figure::plain(scrape.families.len() as f64),
        figure::plain(series as f64),
        figure::plain(scrape.samples as f64),
        figure::bytes(scrape.bytes as f64),
        if scrape.format.is_open() { "OpenMetrics" } else { "text" },
        figure::duration(scrape.took.as_secs_f64()),
    );
    let table: String = chosen.iter().map(|chosen| table::family(terminal, chosen)).collect();
    format!("{table}{}\n", terminal.paint(Tone::Dim, &summary))
}

/// Tells with `--verbose` what breaks the rules, on standard error.
fn tell_findings(options: &MetricsOptions, target: &Target, scrape: &Scrape) {
    if options.verbose {
        for finding in &scrape.report.findings {
            crate::check::say(&clean(&format!("{}:{finding}", target.metrics_url())));
        }
    }
}
