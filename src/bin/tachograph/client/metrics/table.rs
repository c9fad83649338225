//! A family for a person: a heading, and a line for each series.

use super::choose::{Chosen, Row};
use crate::client::figure::{self, Unit, figure};
use crate::client::scrape::{Histogram, Series, Summary, Value};
use crate::client::terminal::{Terminal, Tone, clean, columns, cut, width};

/// Columns of labels at most, where the terminal has more.
const MOST_LABELS: usize = 100;

/// The family with its series.
pub(super) fn family(terminal: &Terminal, chosen: &Chosen<'_>) -> String {
    let family = chosen.family;
    let unit = Unit::of(&family.name, family.unit.as_deref());
    let name = clean(&family.name);
    let mut told = format!("{}  {}", terminal.paint(Tone::Name, &name), terminal.paint(Tone::Figure, family.kind_told()));
    if let Some(unit) = family.unit.as_deref().filter(|unit| !unit.is_empty()) {
        told += &format!(", {}", clean(unit));
    }
    let used = width(&name) + family.kind_told().len() + 4 + family.unit.as_ref().map_or(0, |unit| width(&clean(unit)) + 2);
    let help = clean(&family.help);
    let help = if terminal.interactive { cut(&help, terminal.width.saturating_sub(used).max(20)) } else { help.clone() };
    if !help.is_empty() {
        told += &format!("  {}", terminal.paint(Tone::Dim, &help));
    }
    told.push('\n');
    let most = if terminal.interactive { MOST_LABELS.min(terminal.width / 2) } else { usize::MAX };
    let rows: Vec<Vec<String>> = chosen
        .rows
        .iter()
        .map(|row| {
            let labels = labels(row.series);
            let mut cells = vec![cut(&labels, most).into_owned()];
            cells.extend(cells_of(row, unit));
            cells
        })
        .collect();
    // All but labels and bars end at one column: of a number the value, of a histogram the count and the rate.
    for cells in columns(&rows, &[1, 2]) {
        let (labels, cells) = cells.split_first().expect("there are labels, if none then empty ones");
        let line = format!("  {labels}  {}", terminal.paint(Tone::Figure, &cells.join("  ")));
        told += &format!("{}\n", line.trim_end());
    }
    if chosen.more > 0 {
        told += &format!("  {}\n", terminal.paint(Tone::Dim, &format!("… {} more", chosen.more)));
    }
    told.push('\n');
    told
}

fn labels(series: &Series) -> String {
    let labels: Vec<String> =
        series.labels.iter().map(|(name, value)| format!("{}=\"{}\"", clean(name), clean(value))).collect();
    labels.join(" ")
}

fn cells_of(row: &Row<'_>, unit: Unit) -> Vec<String> {
    let rate = |unit| row.rate.map_or(String::new(), |rate| figure::rate(rate, unit));
    match &row.series.value {
        Value::Number(number, _) => vec![figure(*number, unit), rate(unit)],
        Value::Histogram(histogram) => {
            let mut cells = vec![count(histogram.observations()), rate(Unit::Plain)];
            cells.extend(quantiles(row.observed.as_ref().unwrap_or(histogram), unit));
            cells
        }
        Value::Summary(summary) => {
            let mut cells = vec![summary.count.map_or(String::new(), count), rate(Unit::Plain)];
            cells.extend(summarised(summary, unit));
            cells
        }
    }
}

fn count(observations: f64) -> String {
    format!("count {}", figure::plain(observations))
}

/// Mean and estimated quantiles, and how the observations are spread over the buckets.
fn quantiles(histogram: &Histogram, unit: Unit) -> Vec<String> {
    if histogram.observations() == 0.0 {
        return Vec::new();
    }
    let told =
        |name: &str, value: Option<f64>| value.map_or(format!("{name} –"), |value| format!("{name} {}", figure(value, unit)));
    vec![
        told("mean", histogram.mean()),
        told("p50", histogram.quantile(0.5)),
        told("p95", histogram.quantile(0.95)),
        told("p99", histogram.quantile(0.99)),
        figure::bars(histogram.parts().map(|(_, count)| count).collect::<Vec<_>>().into_iter()),
    ]
}

/// Mean and the quantiles that the service tells.
fn summarised(summary: &Summary, unit: Unit) -> Vec<String> {
    if summary.count == Some(0.0) {
        return Vec::new();
    }
    let mean = summary.sum.zip(summary.count).filter(|(_, count)| *count > 0.0).map(|(sum, count)| sum / count);
    let mean = mean.map_or("mean –".to_owned(), |mean| format!("mean {}", figure(mean, unit)));
    let quantiles = summary.quantiles.iter().map(|(quantile, value)| format!("p{} {}", quantile * 100.0, figure(*value, unit)));
    std::iter::once(mean).chain(quantiles).collect()
}
