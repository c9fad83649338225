//! What a whole family must look like: complete histograms and summaries, sane counters, series in order.

use super::number::{parse_count, parse_number};
use super::{Family, Kind, Rules, Sample, Violation, violation};

/// Samples of one series: those of a histogram or summary that differ in `le` or `quantile` and suffix alone.
#[derive(Debug)]
struct Series<'a> {
    /// The labels without `le` or `quantile`, in the order of the text.
    labels: Vec<(&'a str, &'a str)>,
    samples: Vec<&'a Sample>,
}

/// Checks a family by its type, and its order if `rules` ask for it.
pub(super) fn check(family: &Family, rules: Rules) -> Result<(), Violation> {
    let series = match family.kind.unwrap_or(Kind::Untyped) {
        Kind::Histogram => {
            let series = group(family, "le")?;
            series.iter().try_for_each(|series| check_histogram(family, series))?;
            series
        }
        Kind::Summary => {
            let series = group(family, "quantile")?;
            series.iter().try_for_each(|series| check_summary(family, series))?;
            series
        }
        Kind::Counter => {
            family.samples.iter().try_for_each(check_counter)?;
            group(family, "")?
        }
        Kind::Gauge | Kind::Untyped => group(family, "")?,
    };
    if rules.series_sorted { check_order(&series) } else { Ok(()) }
}

/// Splits the samples by their labels without `special`. The samples of a series must stand together.
fn group<'a>(family: &'a Family, special: &str) -> Result<Vec<Series<'a>>, Violation> {
    let mut all: Vec<Series<'a>> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for sample in &family.samples {
        let labels = sample.labels.iter().filter(|(name, _)| name != special);
        let labels: Vec<_> = labels.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut key = labels.clone();
        key.sort_unstable();
        match all.last_mut() {
            Some(last) if same_labels(&last.labels, &key) => last.samples.push(sample),
            _ if seen.insert(key) => all.push(Series { labels, samples: vec![sample] }),
            _ => return Err(violation(sample.line, 8, format!("a series of {} in two pieces", family.name))),
        }
    }
    Ok(all)
}

fn same_labels(labels: &[(&str, &str)], sorted: &[(&str, &str)]) -> bool {
    let mut labels = labels.to_vec();
    labels.sort_unstable();
    labels == sorted
}

fn check_histogram(family: &Family, series: &Series<'_>) -> Result<(), Violation> {
    let (buckets, sum, count) = split(family, series, "_bucket", "le")?;
    let mut below: Option<(f64, u64)> = None;
    for bucket in buckets {
        let text = bucket.label("le").ok_or_else(|| broken(bucket, 8, "a bucket without le"))?;
        let bound = parse_number(text).filter(|bound| !bound.is_nan());
        let bound = bound.ok_or_else(|| broken(bucket, 7, "a bound that is no number"))?;
        let value = count_of(bucket)?;
        if let Some((bound_below, value_below)) = below {
            if bound == bound_below {
                return Err(broken(bucket, 8, "the same bound twice"));
            }
            if bound < bound_below {
                return Err(broken(bucket, 8, "bounds that do not increase"));
            }
            if value < value_below {
                return Err(broken(bucket, 8, "buckets that are not cumulative"));
            }
        }
        below = Some((bound, value));
    }
    match below {
        Some((bound, value)) if bound == f64::INFINITY => {
            if value != count_of(count)? {
                return Err(broken(count, 8, "a _count other than the +Inf bucket"));
            }
        }
        _ => return Err(broken(sum, 8, "a histogram without +Inf bucket")),
    }
    Ok(())
}

fn check_summary(family: &Family, series: &Series<'_>) -> Result<(), Violation> {
    let (quantiles, _sum, count) = split(family, series, "", "quantile")?;
    let empty = count_of(count)? == 0;
    let mut below = -1.0;
    for sample in quantiles {
        let text = sample.label("quantile").ok_or_else(|| broken(sample, 8, "a sample without quantile"))?;
        let quantile = parse_number(text).filter(|quantile| (0.0..=1.0).contains(quantile));
        let quantile = quantile.ok_or_else(|| broken(sample, 8, "a quantile outside of 0 to 1"))?;
        if quantile <= below {
            return Err(broken(sample, 8, "quantiles that do not increase"));
        }
        if empty && !sample.value.is_nan() {
            return Err(broken(sample, 8, "a quantile of no observations that is not NaN"));
        }
        below = quantile;
    }
    Ok(())
}

/// Takes the samples of a series apart, which must end with `_sum` and `_count`.
fn split<'a, 'f>(
    family: &Family,
    series: &'a Series<'f>,
    suffix: &str,
    special: &str,
) -> Result<(&'a [&'f Sample], &'f Sample, &'f Sample), Violation> {
    let is = |sample: &Sample, suffix: &str| sample.name.strip_prefix(family.name.as_str()) == Some(suffix);
    let first = series.samples[0];
    for sample in &series.samples {
        if !is(sample, suffix) && sample.label(special).is_some() {
            return Err(broken(sample, 9, "a label that the format keeps for itself"));
        }
        if suffix == "_bucket" && is(sample, "") {
            return Err(broken(sample, 8, "a histogram's sample without suffix"));
        }
    }
    let [parts @ .., sum, count] = series.samples.as_slice() else {
        return Err(broken(first, 8, "a series without _sum and _count"));
    };
    if !is(sum, "_sum") || !is(count, "_count") {
        return Err(broken(sum, 8, "a series that does not end with _sum and _count"));
    }
    // No other sample of these names can be among the parts: it would be the same series twice, which rule 6 has refused.
    Ok((parts, sum, count))
}

fn count_of(sample: &Sample) -> Result<u64, Violation> {
    parse_count(&sample.text).ok_or_else(|| broken(sample, 7, "a count that is not plain digits"))
}

fn check_counter(sample: &Sample) -> Result<(), Violation> {
    if sample.value.is_nan() || sample.value < 0.0 {
        return Err(broken(sample, 12, "a counter that is NaN or negative"));
    }
    Ok(())
}

fn check_order(series: &[Series<'_>]) -> Result<(), Violation> {
    let values = |series: &Series<'_>| series.labels.iter().map(|(_, value)| (*value).to_owned()).collect::<Vec<_>>();
    match series.windows(2).find(|pair| values(&pair[0]) > values(&pair[1])) {
        Some(pair) => Err(broken(pair[1].samples[0], 5, "series that are not in the order of their label values")),
        None => Ok(()),
    }
}

fn broken(sample: &Sample, rule: u8, message: &str) -> Violation {
    violation(sample.line, rule, format!("{message}: {} {:?} {}", sample.name, sample.labels, sample.text))
}
