//! The messages of `io.prometheus.client`, written down from `metrics.proto`, as far as a soak reads them.

use crate::reading;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct LabelPair {
    #[prost(string, optional, tag = "1")]
    pub(crate) name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) value: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Value {
    #[prost(double, optional, tag = "1")]
    pub(crate) value: Option<f64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Summary {
    #[prost(uint64, optional, tag = "1")]
    pub(crate) sample_count: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Bucket {
    #[prost(uint64, optional, tag = "1")]
    pub(crate) cumulative_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    pub(crate) upper_bound: Option<f64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Histogram {
    #[prost(uint64, optional, tag = "1")]
    pub(crate) sample_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    pub(crate) sample_sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) bucket: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    pub(crate) schema: Option<i32>,
    #[prost(uint64, optional, tag = "7")]
    pub(crate) zero_count: Option<u64>,
    #[prost(sint64, repeated, tag = "13")]
    pub(crate) positive_delta: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Metric {
    #[prost(message, repeated, tag = "1")]
    pub(crate) label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    pub(crate) gauge: Option<Value>,
    #[prost(message, optional, tag = "3")]
    pub(crate) counter: Option<Value>,
    #[prost(message, optional, tag = "4")]
    pub(crate) summary: Option<Summary>,
    #[prost(message, optional, tag = "7")]
    pub(crate) histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MetricFamily {
    #[prost(string, optional, tag = "1")]
    pub(crate) name: Option<String>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) metric: Vec<Metric>,
}

/// Reads a scrape: messages with their lengths before them.
pub(crate) fn read(mut bytes: &[u8]) -> Result<Vec<MetricFamily>, String> {
    let mut families = Vec::new();
    while !bytes.is_empty() {
        families.push(prost::Message::decode_length_delimited(&mut bytes).map_err(|cause| cause.to_string())?);
    }
    if families.is_empty() { Err("no family".to_owned()) } else { Ok(families) }
}

impl Histogram {
    /// The classic buckets; the native ones must hold as many observations.
    pub(crate) fn read(&self) -> Result<reading::Histogram, String> {
        let count = self.sample_count.ok_or("no count")?;
        if self.schema.is_some() {
            let mut current = 0;
            let native: i64 = self
                .positive_delta
                .iter()
                .map(|delta| {
                    current += delta;
                    current
                })
                .sum();
            if native + self.zero_count.unwrap_or(0) as i64 != count as i64 {
                return Err(format!("the native buckets hold {native} of {count} observations"));
            }
        }
        let bucket = |bucket: &Bucket| (bucket.upper_bound.unwrap_or(f64::NAN), bucket.cumulative_count.unwrap_or(0) as f64);
        let mut buckets: Vec<(f64, f64)> = self.bucket.iter().map(bucket).collect();
        // The format may leave it out, as the count says it already.
        if buckets.last().is_none_or(|(bound, _)| bound.is_finite()) {
            buckets.push((f64::INFINITY, count as f64));
        }
        Ok(reading::Histogram { buckets, sum: self.sample_sum.unwrap_or(f64::NAN), count: count as f64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_buckets_that_do_not_add_up_are_told() {
        let bucket = Bucket { cumulative_count: Some(2), upper_bound: Some(1.0) };
        let whole = Histogram {
            sample_count: Some(5),
            sample_sum: Some(3.0),
            bucket: vec![bucket],
            schema: Some(3),
            zero_count: Some(1),
            positive_delta: vec![1, 2, -3],
        };
        assert_eq!(whole.read().unwrap().buckets, [(1.0, 2.0), (f64::INFINITY, 5.0)]);
        let torn = Histogram { positive_delta: vec![1, 1], ..whole };
        assert_eq!(torn.read().unwrap_err(), "the native buckets hold 3 of 5 observations");
    }
}
