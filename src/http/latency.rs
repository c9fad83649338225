//! The latency quantiles of the last minute: gauges in milliseconds, and a summary in seconds.

use std::sync::Arc;
use std::time::Instant;

use super::HttpCore;
use crate::metric::descriptor::Descriptor;

use crate::snapshot::{CollectedSeries, CollectedValue, FamilySnapshot, Reading, Source, SummaryValue, window};

/// The quantiles that are shown.
const QUANTILES: [(f64, &str); 4] = [(0.5, "0.5"), (0.9, "0.9"), (0.95, "0.95"), (0.99, "0.99")];

const NANOS_A_MILLI: f64 = 1e6;
const NANOS_A_SECOND: f64 = 1e9;

/// The quantiles as one of two families.
pub(super) struct Latency {
    pub(super) descriptor: Arc<Descriptor>,
    pub(super) form: Form,
    pub(super) core: Arc<HttpCore>,
}

#[derive(Clone, Copy)]
pub(super) enum Form {
    /// A gauge a quantile, in milliseconds.
    Gauges,
    /// A summary in seconds: its quantiles slide, its sum and count run from the start.
    Summary,
}

impl Source for Latency {
    fn descriptor(&self) -> &Arc<Descriptor> {
        &self.descriptor
    }

    fn list(&self) -> Reading {
        let (descriptor, form, core) = (Arc::clone(&self.descriptor), self.form, Arc::clone(&self.core));
        let endpoints = core.endpoints.sorted();
        Box::new(move |totals| {
            let histogram = core.window.histogram(totals, Instant::now());
            let series = match form {
                Form::Gauges => QUANTILES
                    .iter()
                    .map(|&(quantile, spelt)| CollectedSeries {
                        labels: format!("quantile=\"{spelt}\"").into(),
                        value: CollectedValue::Gauge(window::quantile(&histogram, quantile) / NANOS_A_MILLI),
                    })
                    .collect(),
                Form::Summary => {
                    let durations = endpoints.iter().filter_map(|endpoint| endpoint.value.user_duration());
                    let (sum, count) = durations.fold((0u64, 0u64), |(sum, count), duration| {
                        let (of_one, times) = duration.total(totals);
                        (sum.wrapping_add(of_one), count.wrapping_add(times))
                    });
                    let at = |(quantile, _)| (quantile, window::quantile(&histogram, quantile) / NANOS_A_SECOND);
                    let quantiles = QUANTILES.map(at).into();
                    let value = SummaryValue { quantiles, sum: sum as f64 / NANOS_A_SECOND, count };
                    vec![CollectedSeries { labels: "".into(), value: CollectedValue::Summary(value) }]
                }
            };
            FamilySnapshot::collected(descriptor, series)
        })
    }

    fn series(&self) -> usize {
        match self.form {
            Form::Gauges => QUANTILES.len(),
            Form::Summary => 1,
        }
    }

    fn heap_bytes(&self) -> usize {
        match self.form {
            // The window is there once.
            Form::Gauges => self.core.window.heap_bytes(),
            Form::Summary => 0,
        }
    }
}
