//! One registry in one Prometheus three times: scraped as text, as OpenMetrics and as protobuf.

use tachograph::Registry;

use crate::exporter::Exporter;
use crate::prometheus::{Prometheus, Setup};
use crate::proxy::{Exchange, Proxy};

/// The jobs, by the format in which they scrape.
pub const JOBS: [&str; 3] = ["text", "openmetrics", "protobuf"];

/// What Debian's Prometheus 2.42 accepts by itself.
pub const ACCEPTS: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                           text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// What it accepts when it takes native histograms.
pub const ACCEPTS_NATIVE: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,\
                                  application/openmetrics-text;version=1.0.0;q=0.8,\
                                  application/openmetrics-text;version=0.0.1;q=0.75,\
                                  text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// The server, the proxies and the scraper. All end when this is dropped.
#[derive(Debug)]
pub struct Stored {
    /// Holds what came.
    pub prometheus: Prometheus,
    proxies: [Proxy; 3],
    _exporter: Exporter,
}

impl Stored {
    /// Serves `registry` and waits until a Prometheus has scraped it in each format.
    pub fn of(registry: &Registry) -> Self {
        Self::in_prometheus(registry, |setup| setup)
    }

    /// As [`of`](Self::of), with a Prometheus that is set up otherwise.
    pub fn in_prometheus(registry: &Registry, change: impl FnOnce(Setup) -> Setup) -> Self {
        let exporter = Exporter::serving(registry);
        // It asks for protobuf by itself.
        let accepts = [Some("text/plain;version=0.0.4"), Some(ACCEPTS), None];
        let proxies = accepts.map(|accept| Proxy::new(exporter.address(), accept));
        let jobs = JOBS.into_iter().zip(proxies.iter().map(Proxy::address));
        let features = &["native-histograms", "exemplar-storage"];
        let prometheus = Prometheus::start(&change(Setup { features, ..Setup::of(jobs) }));
        let stored = Self { prometheus, proxies, _exporter: exporter };
        stored.check_formats();
        stored
    }

    /// Whether each job got its format.
    fn check_formats(&self) {
        let types = [
            "text/plain; version=0.0.4; charset=utf-8",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        ];
        for (proxy, content_type) in self.proxies.iter().zip(types) {
            let Exchange { content_type: got, content_encoding, .. } = proxy.last();
            assert_eq!((got.as_str(), content_encoding.as_str()), (content_type, "gzip"));
        }
    }

    /// Waits until each job has scraped what the registry holds now.
    pub fn wait_for_scrapes(&self) {
        JOBS.into_iter().for_each(|job| self.prometheus.wait_for_scrapes(job));
    }
}
