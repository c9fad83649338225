//! The messages of remote write, written down from `remote.proto` and `types.proto` for a reader that shares no code with the encoder.
#![allow(dead_code, reason = "no single test uses all of it")]

use std::collections::BTreeMap;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Label {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Sample {
    #[prost(double, tag = "1")]
    pub(crate) value: f64,
    #[prost(int64, tag = "2")]
    pub(crate) timestamp: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    pub(crate) labels: Vec<Label>,
    #[prost(double, tag = "2")]
    pub(crate) value: f64,
    #[prost(int64, tag = "3")]
    pub(crate) timestamp: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BucketSpan {
    #[prost(sint32, tag = "1")]
    pub(crate) offset: i32,
    #[prost(uint32, tag = "2")]
    pub(crate) length: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Histogram {
    #[prost(uint64, optional, tag = "1")]
    pub(crate) count: Option<u64>,
    #[prost(double, tag = "3")]
    pub(crate) sum: f64,
    #[prost(sint32, tag = "4")]
    pub(crate) schema: i32,
    #[prost(double, tag = "5")]
    pub(crate) zero_threshold: f64,
    #[prost(uint64, optional, tag = "6")]
    pub(crate) zero_count: Option<u64>,
    #[prost(message, repeated, tag = "11")]
    pub(crate) positive_spans: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "12")]
    pub(crate) positive_deltas: Vec<i64>,
    #[prost(int64, tag = "15")]
    pub(crate) timestamp: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(crate) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) exemplars: Vec<Exemplar>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) histograms: Vec<Histogram>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Metadata {
    #[prost(int32, tag = "1")]
    pub(crate) r#type: i32,
    #[prost(string, tag = "2")]
    pub(crate) family: String,
    #[prost(string, tag = "4")]
    pub(crate) help: String,
    #[prost(string, tag = "5")]
    pub(crate) unit: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub(crate) timeseries: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) metadata: Vec<Metadata>,
}

pub(crate) type Labels = BTreeMap<String, String>;

/// Reads a request as it came.
pub(crate) fn read(body: &[u8]) -> WriteRequest {
    let plain = snap::raw::Decoder::new().decompress_vec(body).expect("it is a block of snappy");
    prost::Message::decode(&plain[..]).expect("it is a WriteRequest")
}

/// Whether it tells that a series has ended.
pub(crate) fn is_stale(value: f64) -> bool {
    value.to_bits() == 0x7ff0_0000_0000_0002
}

impl TimeSeries {
    /// The labels; they must be sorted, and none may be empty or there twice.
    pub(crate) fn labels(&self) -> Labels {
        assert!(self.labels.is_sorted_by(|a, b| a.name < b.name), "{:?}", self.labels);
        assert!(self.labels.iter().all(|label| !label.name.is_empty() && !label.value.is_empty()), "{:?}", self.labels);
        self.labels.iter().map(|label| (label.name.clone(), label.value.clone())).collect()
    }
}

/// What a receiver holds that has taken these requests: each series' samples by time. A sample that was there already must be the same,
/// as one that comes again, and none may be older than one that was there.
#[derive(Debug, Default)]
pub(crate) struct Held(pub(crate) BTreeMap<Labels, BTreeMap<i64, f64>>);

impl Held {
    pub(crate) fn of(requests: impl IntoIterator<Item = WriteRequest>) -> Self {
        let mut held = Self::default();
        requests.into_iter().for_each(|request| held.take(&request));
        held
    }

    fn take(&mut self, request: &WriteRequest) {
        for series in &request.timeseries {
            let labels = series.labels();
            for sample in &series.samples {
                let known = self.0.entry(labels.clone()).or_default();
                match known.get(&sample.timestamp) {
                    Some(before) => assert_eq!(before.to_bits(), sample.value.to_bits(), "{labels:?} changed"),
                    None => {
                        let last = known.last_key_value().map(|(time, _)| *time);
                        assert!(last.is_none_or(|last| last < sample.timestamp), "{labels:?} goes back");
                        known.insert(sample.timestamp, sample.value);
                    }
                }
            }
        }
    }

    /// The samples of the one series of this name.
    pub(crate) fn one(&self, name: &str) -> &BTreeMap<i64, f64> {
        let mut of_name = self.0.iter().filter(|(labels, _)| labels["__name__"] == name);
        let (_, samples) = of_name.next().unwrap_or_else(|| panic!("there is no {name}"));
        assert!(of_name.next().is_none(), "there are several {name}");
        samples
    }
}
