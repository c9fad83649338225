//! Who is compared.

mod floor;
mod measured;
mod metrics;
mod metriken;
mod opentelemetry;
mod prometheus;
mod prometheus_client;
mod tachograph;

pub use metrics::facades;

use crate::Subject;

/// All subjects, the floor first and Tachograph second.
pub fn all() -> [&'static dyn Subject; 8] {
    [
        &floor::Floor,
        &tachograph::Tachograph,
        &prometheus::Prometheus,
        &prometheus_client::PrometheusClient,
        &metrics::Metrics,
        &measured::Measured,
        &metriken::Metriken,
        &opentelemetry::OpenTelemetry,
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::inputs::{LEN, inputs};
    use crate::work::{
        BYTES, DURATION, JOBS, LABELS, NANOSECONDS, REQUEST_SIZE, REQUESTS, RESPONSE_SIZE, SECONDS, Shape, WAIT, Work,
    };
    use crate::{Role, cases, scrapes, text, typed};

    type Series = BTreeMap<(String, Vec<String>), f64>;

    fn bump(series: &mut Series, name: &str, labels: &[(&str, &str)], by: f64) {
        let mut labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        labels.sort();
        *series.entry((name.to_owned(), labels)).or_insert(0.0) += by;
    }

    fn observe(series: &mut Series, name: &str, labels: &[(&str, &str)], value: u64, bounds: &[u64], shown: &[f64], unit: f64) {
        for (bound, le) in bounds.iter().zip(shown) {
            if value <= *bound {
                bump(series, &format!("{name}_bucket"), &[labels, &[("le", &le.to_string())]].concat(), 1.0);
            }
        }
        bump(series, &format!("{name}_bucket"), &[labels, &[("le", "inf")]].concat(), 1.0);
        bump(series, &format!("{name}_count"), labels, 1.0);
        bump(series, &format!("{name}_sum"), labels, value as f64 / unit);
    }

    /// What `n` operations from the first on must show, counted in the plainest way.
    fn expected(work: Work, n: usize) -> Series {
        let (inputs, mut series) = (inputs(), Series::new());
        let bytes = BYTES.map(|bound| bound as f64);
        for i in 0..n {
            match work {
                Work::Counter => bump(&mut series, JOBS, &[], 1.0),
                Work::RotatingCounters => bump(&mut series, JOBS, &[("n", &(i % 64).to_string())], 1.0),
                Work::TypedLabels => {
                    let values = inputs.typed(i).spell();
                    bump(&mut series, JOBS, &[0, 1, 2].map(|at| (typed::NAMES[at], values[at])), 1.0);
                }
                Work::Labels => {
                    let values = inputs.labels(i);
                    bump(&mut series, JOBS, &[0, 1, 2].map(|at| (LABELS[at], values[at])), 1.0);
                }
                Work::Histogram => observe(&mut series, WAIT, &[], inputs.duration(i).0, &NANOSECONDS, &SECONDS, 1e9),
                Work::HttpRequest => {
                    let request = inputs.request(i);
                    let values = inputs.spell(request.pick);
                    let endpoint = [(LABELS[0], values[0])];
                    bump(&mut series, REQUESTS, &[0, 1, 2].map(|at| (LABELS[at], values[at])), 1.0);
                    let nanos = request.duration.as_nanos() as u64;
                    observe(&mut series, DURATION, &endpoint, nanos, &NANOSECONDS, &SECONDS, 1e9);
                    observe(&mut series, REQUEST_SIZE, &endpoint, request.request_bytes.into(), &BYTES, &bytes, 1.0);
                    observe(&mut series, RESPONSE_SIZE, &endpoint, request.response_bytes.into(), &BYTES, &bytes, 1.0);
                }
            }
        }
        series
    }

    #[test]
    fn every_subject_does_the_same_work() {
        for work in Work::ALL {
            let expected = expected(work, LEN);
            for case in cases(work).into_iter().chain(facades(work)) {
                let mut expected = expected.clone();
                if case.role == Role::Lesser {
                    expected.retain(|(name, _), _| name.ends_with("_count"));
                }
                case.run(0, LEN as u64);
                case.settle();
                case.verify();
                let text = text::canonical(&case.text());
                for (series, value) in &expected {
                    let shown = text.get(series).copied().unwrap_or_else(|| panic!("{case:?} lacks {series:?} in\n{text:#?}"));
                    assert!((shown / value - 1.0).abs() < 1e-9, "{case:?}: {series:?} is {shown}, not {value}");
                }
                let more = text.keys().filter(|series| expected.keys().any(|(name, _)| *name == series.0)).count();
                assert_eq!(more, expected.len(), "{case:?} shows series that nobody counted");
            }
        }
    }

    #[test]
    fn the_inputs_reach_every_series_and_every_bucket() {
        assert_eq!(expected(Work::Labels, LEN).len(), 400);
        assert_eq!(expected(Work::TypedLabels, LEN).len(), typed::SERIES);
        let histogram = expected(Work::Histogram, LEN);
        let mut before = 0.0;
        for le in SECONDS.map(|bound| bound.to_string()).into_iter().chain(["inf".to_owned()]) {
            let upto = histogram[&(format!("{WAIT}_bucket"), vec![format!("le={le}")])];
            assert!(upto > before, "no value falls into the bucket up to {le}");
            before = upto;
        }
    }

    #[test]
    fn every_subject_renders_the_same_lines() {
        for shape in [Shape::Counters(150), Shape::Histograms(20)] {
            let rendered: Vec<_> = scrapes(shape).map(|mut scrape| scrape.verify(shape)).collect();
            // All but one have a text format.
            assert!(rendered.len() >= all().len() - 1);
        }
    }

    #[test]
    #[should_panic(expected = "counted wrongly")]
    fn a_subject_that_loses_an_operation_is_caught() {
        let lossy = crate::Case::new(Work::Counter, ("lossy", crate::Role::Peer), |_| (), || format!("{JOBS} 1\n"));
        lossy.run(0, 2);
        lossy.verify();
    }
}
