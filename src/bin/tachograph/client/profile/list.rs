//! Many requests, each with a bar as long as it took, and the statistics of all of them.

use super::answer::{Durations, Listing, Profile};
use crate::client::figure::{duration, plain};
use crate::client::terminal::{Terminal, Tone, clean, columns};

/// Columns of the longest bar.
const BAR: usize = 24;

/// The requests and their statistics.
pub(super) fn list(terminal: &Terminal, listing: &Listing) -> String {
    let Listing { total_profiles, slow_profiles, profiles, .. } = listing;
    let requests_told = if *total_profiles == 1 { "request" } else { "requests" };
    let (total, shown) = (plain(*total_profiles as f64), plain(profiles.len() as f64));
    let mut told = format!("{total} {requests_told}, {} slow, {shown} shown\n", plain(*slow_profiles as f64));
    if profiles.is_empty() {
        return told;
    }
    let longest = profiles.iter().map(|profile| profile.total_duration_ms).fold(0.0, f64::max);
    told += &requests(terminal, profiles, longest);
    let phases = listing.phase_statistics.iter().map(|phase| {
        let mut row = vec![clean(&phase.name).into_owned()];
        row.extend(durations(&phase.durations));
        row.extend([share(phase.share), share(phase.self_share)]);
        row
    });
    let mut phases: Vec<Vec<String>> = phases.collect();
    if !phases.is_empty() {
        let blank = std::iter::repeat_n(String::new(), 7);
        let unaccounted = share(listing.unaccounted.self_share);
        phases.push(std::iter::once("(unaccounted)".to_owned()).chain(blank).chain([unaccounted]).collect());
        told += &table(terminal, &["phase", "count", "mean", "p50", "p95", "p99", "max", "share", "self"], phases);
    }
    let endpoints = listing.endpoints.iter().map(|endpoint| {
        let mut row = vec![format!("{} {}", clean(&endpoint.method), clean(&endpoint.endpoint))];
        row.extend(durations(&endpoint.durations));
        row.extend([plain(endpoint.slow as f64), plain(endpoint.errors as f64)]);
        row
    });
    told + &table(terminal, &["route", "count", "mean", "p50", "p95", "p99", "max", "slow", "errors"], endpoints.collect())
}

fn requests(terminal: &Terminal, profiles: &[Profile], longest: f64) -> String {
    let rows: Vec<Vec<String>> = profiles
        .iter()
        .map(|profile| {
            // The date is the same for most of them, and stands in the profile itself.
            let time = profile.started_at.get(11..23).unwrap_or(&profile.started_at);
            vec![
                clean(time).into_owned(),
                duration(profile.total_duration_ms / 1e3),
                profile.status.to_string(),
                format!("{} {}", clean(&profile.method), clean(&profile.endpoint)),
                clean(&profile.request_id).into_owned(),
            ]
        })
        .collect();
    let mut told = String::from("\n");
    for (cells, profile) in columns(&rows, &[1]).iter().zip(profiles) {
        let took = profile.tone_of_duration();
        let length = if longest > 0.0 { profile.total_duration_ms / longest * BAR as f64 } else { 0.0 };
        let bar = "━".repeat((length.round() as usize).clamp(1, BAR));
        let line = format!(
            "  {}  {}  {}  {}  {}  {}",
            terminal.paint(Tone::Dim, &cells[0]),
            terminal.paint(took, &cells[1]),
            terminal.paint(profile.tone_of_status(), &cells[2]),
            cells[3],
            cells[4],
            terminal.paint(took, &bar),
        );
        told += &format!("{}\n", line.trim_end());
    }
    told
}

fn durations(durations: &Durations) -> [String; 6] {
    let told = |milliseconds: f64| duration(milliseconds / 1e3);
    let Durations { count, mean_ms, p50_ms, p95_ms, p99_ms, max_ms } = *durations;
    [plain(count as f64), told(mean_ms), told(p50_ms), told(p95_ms), told(p99_ms), told(max_ms)]
}

fn share(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A table whose first column is names and whose others are numbers.
fn table(terminal: &Terminal, heading: &[&str], mut rows: Vec<Vec<String>>) -> String {
    rows.insert(0, heading.iter().map(|text| (*text).to_owned()).collect());
    let mut told = String::from("\n");
    let numbers: Vec<usize> = (1..heading.len()).collect();
    for (at, cells) in columns(&rows, &numbers).iter().enumerate() {
        let line = format!("  {}", cells.join("  "));
        let line = line.trim_end();
        told += &format!("{}\n", if at == 0 { terminal.paint(Tone::Dim, line) } else { line.into() });
    }
    told
}
