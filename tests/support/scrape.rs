//! Reading a scrape, just well enough for the tests.

/// Reads the sample of a series, written as the text format writes it, from a scrape.
pub(crate) fn sample(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

/// Sums all samples of a name whose labels hold each of `parts`.
pub(crate) fn sum(text: &str, name: &str, parts: &[&str]) -> f64 {
    let of_name = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{'));
    let wanted = of_name.filter(|rest| parts.iter().all(|part| rest.contains(part)));
    wanted.filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}
