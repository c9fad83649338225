//! The families for a program: one JSON array on a line.
//!
//! `[{"name", "type", "help", "unit", "series": [{"labels": {…}, "value": 1}]}]`; instead of `value` a histogram has `count`,
//! `sum`, `buckets` (`[[bound, cumulative count], …]`) and `quantiles`, a summary `count`, `sum` and `quantiles`. With
//! `--watch` there is `rate`, by second. JSON has no NaN and no infinity: they are strings.

use serde_json::{Map, Value as Json, json};

use super::choose::{Chosen, Row};
use crate::client::scrape::Value;
use crate::client::terminal::json_line;

/// All that was chosen, on one line.
pub(super) fn lines(chosen: &[Chosen<'_>]) -> String {
    let families: Vec<Json> = chosen.iter().map(family).collect();
    json_line(&Json::Array(families).to_string())
}

fn family(chosen: &Chosen<'_>) -> Json {
    let family = chosen.family;
    let series: Vec<Json> = chosen.rows.iter().map(series).collect();
    json!({
        "name": family.name, "type": family.kind_told(), "help": family.help, "unit": family.unit, "series": series,
    })
}

fn series(row: &Row<'_>) -> Json {
    let labels: Map<String, Json> =
        row.series.labels.iter().map(|(name, value)| (name.clone(), Json::String(value.clone()))).collect();
    let mut object = Map::from_iter([("labels".to_owned(), Json::Object(labels))]);
    let mut put = |name: &str, value: Json| object.insert(name.to_owned(), value);
    match &row.series.value {
        Value::Number(value, text) => {
            // Counts above 2^53 are exact in the text alone.
            put("value", text.parse::<u64>().map_or_else(|_| number(*value), Json::from));
        }
        Value::Histogram(histogram) => {
            put("count", number(histogram.observations()));
            put("sum", histogram.sum.map_or(Json::Null, number));
            let buckets = histogram.buckets.iter().map(|(bound, count)| json!([number(*bound), number(*count)]));
            put("buckets", buckets.collect());
            let of = row.observed.as_ref().unwrap_or(histogram);
            let estimated = [0.5, 0.9, 0.95, 0.99].map(|quantile| (quantile.to_string(), of.quantile(quantile)));
            put("quantiles", estimated.into_iter().map(|(name, value)| (name, value.map_or(Json::Null, number))).collect());
        }
        Value::Summary(summary) => {
            put("count", summary.count.map_or(Json::Null, number));
            put("sum", summary.sum.map_or(Json::Null, number));
            put("quantiles", summary.quantiles.iter().map(|(name, value)| (name.to_string(), number(*value))).collect());
        }
    }
    if let Some(rate) = row.rate {
        put("rate", number(rate));
    }
    Json::Object(object)
}

/// A number as short as it is, or a string of what JSON has no number for.
fn number(value: f64) -> Json {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    if value.fract() == 0.0 && value.abs() < EXACT { (value as i64).into() } else { value.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_in_json_is_a_string() {
        let told = [1.0, -0.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(|value| number(value).to_string());
        assert_eq!(told, ["1", "-0.5", "\"NaN\"", "\"+Inf\"", "\"-Inf\""]);
    }
}
