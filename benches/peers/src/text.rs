//! Reads the text format as far as the subjects' own texts need it: labels without commas, quotes or escapes in their values.

use std::collections::BTreeMap;

/// The sample lines of a text: name, labels without braces, value.
pub fn samples(text: &str) -> impl Iterator<Item = (&str, &str, f64)> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
        let (name, labels) = series.split_once('{').map_or((series, ""), |(name, labels)| (name, labels.trim_end_matches(',')));
        (name, labels.strip_suffix('}').unwrap_or(labels), value.parse().expect("a sample's value is a number"))
    })
}

/// The sum of all samples of a name.
pub fn sum(text: &str, name: &str) -> u64 {
    samples(text).filter(|sample| sample.0 == name).map(|sample| sample.2 as u64).sum()
}

/// The samples that are not 0, by name and labels in an order and spelling that no longer depends on who wrote them.
pub fn canonical(text: &str) -> BTreeMap<(String, Vec<String>), f64> {
    samples(text)
        .filter(|(_, _, value)| *value != 0.0)
        .map(|(name, labels, value)| {
            let mut labels: Vec<String> = labels.split("\",").filter(|label| !label.is_empty()).map(spell).collect();
            labels.sort();
            ((name.to_owned(), labels), value)
        })
        .collect()
}

/// A label without its quotes, and a bound as Rust writes it.
fn spell(label: &str) -> String {
    let (name, value) = label.split_once("=\"").expect("a label has a name and a value");
    let value = value.trim_end_matches('"');
    match (name, value.parse::<f64>()) {
        ("le", Ok(bound)) => format!("le={bound}"),
        _ => format!("{name}={value}"),
    }
}
