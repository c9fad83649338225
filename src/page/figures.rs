//! The figures of the last tick as tables of HTML, for who has no scripts. The script takes their place.

use std::fmt::Write;

use super::document::escaped;
use super::events::Figures;
use super::tick::Row;

/// What a figure is called, its columns with what is put before each, and how its number is written.
type Line = (&'static str, &'static [(&'static str, &'static str)], fn(f64) -> String);

const LINES: [Line; 14] = [
    ("User requests a second", &[("2xx ", "r2"), ("3xx ", "r3"), ("4xx ", "r4"), ("5xx ", "r5"), ("other ", "ro")], number),
    (
        "Latency, last 10 seconds",
        &[("half within ", "p50"), ("90\u{202f}% ", "p90"), ("95\u{202f}% ", "p95"), ("99\u{202f}% ", "p99")],
        seconds,
    ),
    ("Connections", &[("", "conn")], number),
    ("Connections at most, 0 for no limit", &[("", "connmax")], number),
    ("Scene loads a second", &[("", "sok"), ("failed ", "serr")], number),
    ("Authentications a second", &[("", "aok"), ("failed ", "aerr")], number),
    ("Refused by a rate limit a second", &[("", "rl")], number),
    ("Memory", &[("", "rss")], bytes),
    ("Processors in use", &[("", "cpu")], number),
    ("Frames a second", &[("", "fps")], number),
    ("Work of a frame", &[("99\u{202f}% within ", "frame")], seconds),
    ("Time of a snapshot", &[("", "snap")], seconds),
    ("Series, shards", &[("", "series"), ("", "shards")], number),
    ("Held by the metrics", &[("", "held")], bytes),
];

/// A sign and a word, as the script has them.
const STATUSES: [&str; 3] = ["✓ healthy", "! degraded", "✕ unhealthy"];

/// The tables.
pub(super) fn html(figures: &Figures) -> String {
    let mut html = String::new();
    if let Some(trouble) = &figures.trouble {
        let _infallible = writeln!(html, "<p role=\"alert\">{}</p>", escaped(trouble));
    }
    let Some(row) = &figures.row else {
        html.push_str("<p>The first figures come in a second.</p>");
        return html;
    };
    let tables = &figures.tables;
    let summary = LINES.iter().filter_map(|(name, columns, write)| {
        let values: Vec<String> = columns
            .iter()
            .filter_map(|(before, key)| row.number(key).map(|value| format!("{before}{}", write(value))))
            .collect();
        (!values.is_empty()).then(|| vec![(*name).to_owned(), values.join(", ")])
    });
    let health = row.number("h").map(|level| vec!["Health".to_owned(), STATUSES[level as usize].to_owned()]);
    table(&mut html, "Now", &[], health.into_iter().chain(summary));
    table(
        &mut html,
        "Slowest endpoints, last 10 seconds",
        &["endpoint", "a second", "5xx", "half within", "95 % within", "since the start"],
        tables.endpoints.iter().map(|row| {
            let quantile = |value: Option<f32>| value.map_or("-".into(), |value| seconds(value.into()));
            let errors = format!("{}\u{202f}%", number(f64::from(row.err) * 100.0));
            let [p50, p95] = [row.p50, row.p95].map(quantile);
            vec![row.name.to_string(), number(row.rps.into()), errors, p50, p95, row.n.to_string()]
        }),
    );
    table(
        &mut html,
        "Checks of health",
        &["check", "status", "took", "age"],
        tables.checks.iter().map(|check| {
            let status = check.status.map_or("unknown", |level| STATUSES[usize::from(level)]);
            let told = |value: Option<f32>, unit| value.map_or("-".into(), |value| seconds(f64::from(value) * unit));
            vec![check.name.to_string(), status.to_owned(), told(check.ms, 1e-3), told(check.age_s, 1.0)]
        }),
    );
    let counted = |label: &str, n: u64| vec![label.to_owned(), n.to_string()];
    table(&mut html, "User requests by status", &[], tables.status.iter().map(|row| counted(&row.label, row.n)));
    table(&mut html, "Scenes loaded", &[], tables.scenes.iter().map(|row| counted(&row.label, row.n)));
    table(&mut html, "Scene errors", &[], tables.scene_errors.iter().map(|row| counted(&row.label, row.n)));
    table(&mut html, "Authentications", &[], tables.auth.iter().map(|row| counted(&row.label, row.n)));
    table(&mut html, "Refused by a rate limit", &[], tables.limited.iter().map(|row| counted(&row.label, row.n)));
    let _infallible = write!(html, "<p>{}</p>", time(row));
    html
}

/// Appends a table, if it has rows.
fn table(html: &mut String, caption: &str, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    let _infallible = writeln!(html, "<table>\n<caption>{caption}</caption>");
    if !head.is_empty() {
        let head: String = head.iter().map(|cell| format!("<th scope=\"col\">{cell}</th>")).collect();
        let _infallible = writeln!(html, "<thead><tr>{head}</tr></thead>");
    }
    html.push_str("<tbody>\n");
    for row in rows {
        html.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            let _infallible = match at {
                0 => write!(html, "<th scope=\"row\">{}</th>", escaped(cell)),
                _ => write!(html, "<td>{}</td>", escaped(cell)),
            };
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n");
}

/// When the figures are of.
fn time(row: &Row) -> String {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(row.time);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Three digits, and no more of them than a number of this size needs.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 99.95 || value.fract() == 0.0 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.01 => 2,
        _ => 4,
    };
    format!("{value:.digits$}")
}

fn seconds(value: f64) -> String {
    in_unit(value, &[(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")])
}

fn bytes(value: f64) -> String {
    in_unit(value, &[(1024.0 * 1024.0, "MiB"), (1024.0, "KiB"), (1.0, "B")])
}

/// In the first of the units that it reaches, rounded up to it or not; else in the last one.
fn in_unit(value: f64, units: &[(f64, &str)]) -> String {
    let of = |&(least, unit): &(f64, &str)| format!("{}\u{202f}{unit}", number(value / least));
    let reached = units.iter().find(|(least, _)| value >= least * 0.9995);
    reached.or(units.last()).map(of).expect("there is a unit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_the_unit_of_their_size() {
        for (value, expected) in
            [(0.0, "0"), (7.0, "7"), (0.07123, "0.07"), (9.996, "10.0"), (8.1449, "8.14"), (99.96, "100"), (2425.0, "2425")]
        {
            assert_eq!(number(value), expected);
        }
        for (value, expected) in
            [(0.012_9, "12.9 ms"), (0.000_077_2, "77.2 µs"), (0.999_9, "1.00 s"), (4.003, "4.00 s"), (0.0, "0 µs")]
        {
            assert_eq!(seconds(value).replace('\u{202f}', " "), expected);
        }
        for (value, expected) in [(24.2 * 1048576.0, "24.2 MiB"), (85_913.6, "83.9 KiB"), (12.0, "12 B")] {
            assert_eq!(bytes(value).replace('\u{202f}', " "), expected);
        }
    }
}
