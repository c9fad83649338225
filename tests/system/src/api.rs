//! The query interface of Prometheus, which VictoriaMetrics has too.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::{http, wait};

/// Labels and value of one series, as an instant query shows them.
pub type Series = (BTreeMap<String, String>, String);

/// Values by the labels of their series, the name of the metric among them as `__name__`.
pub type SeriesValues = BTreeMap<BTreeMap<String, String>, String>;

/// What a scraper knows of a metric beside its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// The type.
    pub kind: String,
    /// The HELP text.
    pub help: String,
    /// The unit, or nothing.
    pub unit: String,
}

/// What a scraper keeps of an observation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exemplar {
    /// The labels of the series that it belongs to.
    pub series: BTreeMap<String, String>,
    /// Its own labels.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: String,
    /// Milliseconds since the epoch.
    pub time: u64,
}

/// The interface of one scraper.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    address: SocketAddr,
}

impl Api {
    /// The one of the scraper that listens there.
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Waits until the scraper has scraped the job's target and can be asked for it.
    pub fn wait_until_up(&self, job: &str) {
        wait::until(&format!("the target of {job} to be up"), wait::LIMIT, || {
            // Asked beside its health, which changes a moment before the scrape can be queried.
            match &self.query(&format!("up{{job=\"{job}\"}} == 1"))[..] {
                [_] => Ok(()),
                _ => Err(format!("the targets are {}", self.get("targets?state=active")["activeTargets"])),
            }
        });
    }

    /// Waits for two scrapes of the job that begin after this call, and checks that none ever failed, but by its timeout of a
    /// second: then the machine is busy. Two, because a server may count a request a moment after its client has read the
    /// answer.
    pub fn wait_for_scrapes(&self, job: &str) {
        let first = self.wait_for_newer(&format!("up{{job=\"{job}\"}}"), now());
        self.wait_for_newer(&format!("up{{job=\"{job}\"}}"), first);
        let failed = format!("up{{job=\"{job}\"}} == 0 and scrape_duration_seconds{{job=\"{job}\"}} < 0.99");
        let failed = self.query(&format!("count_over_time(({failed})[10m:1s])"));
        assert!(failed.is_empty(), "scrapes of {job} failed: {failed:?}");
    }

    /// Waits until a rule was evaluated after this call.
    pub fn wait_for_evaluation(&self, rule: &str) {
        self.wait_for_newer(rule, now());
    }

    /// Waits until the newest sample of an expression is later than `seen`, and returns when it was.
    fn wait_for_newer(&self, expression: &str, seen: f64) -> f64 {
        wait::until(&format!("{expression} to be renewed"), wait::LIMIT, || {
            let newest = self.query(&format!("max(timestamp({expression}))"));
            let last = newest.first().map_or(0.0, |(_, last)| last.parse().expect("a number"));
            if last > seen { Ok(last) } else { Err(format!("the last one is {} s too early", seen - last)) }
        })
    }

    /// The series that an instant query yields.
    pub fn query(&self, expression: &str) -> Vec<Series> {
        let data = self.get(&format!("query?query={}", percent_encoded(expression)));
        assert_eq!(data["resultType"], "vector", "{expression}");
        data["result"]
            .as_array()
            .expect("a result is a list")
            .iter()
            .map(|item| (labels(&item["metric"]), shown(item)))
            .collect()
    }

    /// The values of one series in the last ten minutes, each with its time in milliseconds since the epoch.
    pub fn samples(&self, selector: &str) -> Vec<(u64, String)> {
        let data = self.get(&format!("query?query={}", percent_encoded(&format!("{selector}[10m]"))));
        let series = data["result"].as_array().expect("a result is a list");
        assert_eq!(series.len(), 1, "{selector}: {data}");
        let sample = |sample: &Value| (milliseconds(sample[0].as_f64().expect("a time is a number")), text(&sample[1]));
        series[0]["values"].as_array().expect("values are a list").iter().map(sample).collect()
    }

    /// All that came with a job, without what the scraper adds.
    pub fn series(&self, job: &str) -> SeriesValues {
        let series = self.query(&format!("{{job=\"{job}\",__name__!~\"up|scrape_.+\"}}"));
        let own = |(mut labels, value): Series| {
            labels.remove("job");
            labels.remove("instance");
            (labels, value)
        };
        series.into_iter().map(own).collect()
    }

    /// The one value that an instant query yields.
    pub fn number(&self, expression: &str) -> String {
        match &self.query(expression)[..] {
            [(_, value)] => value.clone(),
            series => panic!("{expression} should yield one series, not {series:?}"),
        }
    }

    /// What a job's target has told of its families, by their names. Prometheus alone knows this.
    pub fn metadata(&self, job: &str) -> BTreeMap<String, Metadata> {
        let data = self.get(&format!("targets/metadata?match_target={}", percent_encoded(&format!("{{job=\"{job}\"}}"))));
        let read = |known: &Value| {
            let [kind, help, unit] = ["type", "help", "unit"].map(|field| text(&known[field]));
            (text(&known["metric"]), Metadata { kind, help, unit })
        };
        data.as_array().expect("a result is a list").iter().map(read).collect()
    }

    /// The exemplars of the series that a selector finds.
    pub fn exemplars(&self, selector: &str) -> Vec<Exemplar> {
        let data = self.get(&format!("query_exemplars?start=0&end=9999999999&query={}", percent_encoded(selector)));
        let of_series = |item: &Value| -> Vec<Exemplar> {
            let read = |exemplar: &Value| Exemplar {
                series: labels(&item["seriesLabels"]),
                labels: labels(&exemplar["labels"]),
                value: text(&exemplar["value"]),
                time: milliseconds(exemplar["timestamp"].as_f64().expect("a time is a number")),
            };
            item["exemplars"].as_array().expect("exemplars are a list").iter().map(read).collect()
        };
        data.as_array().expect("a result is a list").iter().flat_map(of_series).collect()
    }

    /// What `/api/v1` answers.
    pub fn get(&self, path: &str) -> Value {
        let response = http::get(self.address, &format!("/api/v1/{path}")).expect("the scraper answers");
        let mut answer: Value = serde_json::from_str(&response.body).expect("JSON from the scraper");
        assert_eq!(answer["status"], "success", "{path}: {}", response.body);
        answer["data"].take()
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs_f64()
}

/// The value of a series; of a native histogram it is its count.
fn shown(item: &Value) -> String {
    let histogram = &item["histogram"][1];
    if histogram.is_object() { format!("histogram of {}", text(&histogram["count"])) } else { text(&item["value"][1]) }
}

/// Of seconds.
pub fn milliseconds(time: f64) -> u64 {
    (time * 1000.0).round() as u64
}

fn labels(value: &Value) -> BTreeMap<String, String> {
    let labels = value.as_object().expect("labels are an object");
    labels.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text should be here, not {value}")).to_owned()
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
