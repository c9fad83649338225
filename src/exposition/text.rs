//! The text formats: Prometheus' 0.0.4 and 1.0.0, and the samples of OpenMetrics, which differ little.
//!
//! Families by name, series by label values, so the same state always renders to the same bytes. Labels were escaped when their
//! series was made; what is left to do here is to copy texts and to write numbers.

use super::encoding::{Encoding, Format};
use super::lines::{Fixed, Lines};
use super::names::{Name, Names};
use super::{escape, number, openmetrics};
use crate::metric::bucket::Buckets;
use crate::metric::descriptor::Kind;
use crate::metric::exemplar::Exemplar;
use crate::snapshot::{FamilySnapshot, Series, SeriesLabels, Snapshot, StateSetValue, SummaryValue, Value};

/// The `Content-Type` of the text format 0.0.4.
///
/// # Examples
///
/// ```
/// assert_eq!(tachograph::exposition::TEXT_CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
/// ```
pub const TEXT_CONTENT_TYPE: &str = Encoding::TEXT.content_type();

/// Room for a line of the usual length, so that the buffer is seldom moved.
const USUAL_LINE: usize = 80;

/// Renders these families of a snapshot.
pub(crate) fn encode<'a>(
    snapshot: &Snapshot,
    families: impl Iterator<Item = &'a FamilySnapshot> + Clone,
    encoding: Encoding,
) -> Vec<u8> {
    let mut out = Lines::with_capacity(USUAL_LINE * families.clone().map(FamilySnapshot::len).sum::<usize>());
    families.for_each(|family| encode_family(&mut out, encoding, snapshot.own_labels(), family));
    if encoding.format() == Format::OpenMetrics {
        out.push(openmetrics::END);
    }
    out.finish()
}

/// The word of a `# TYPE` line: this format has five types only. A gauge histogram is a histogram here, the type that has buckets.
fn type_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Info | Kind::StateSet => "gauge",
        Kind::GaugeHistogram => "histogram",
        Kind::Counter | Kind::Gauge | Kind::Histogram | Kind::Summary => kind.as_str(),
    }
}

fn encode_family(out: &mut Lines, encoding: Encoding, own_labels: SeriesLabels<'_>, family: &FamilySnapshot) {
    let descriptor = family.descriptor();
    let mut names = Names::new(descriptor, encoding, own_labels);
    out.push_with(|out| {
        if encoding.format() == Format::OpenMetrics {
            return openmetrics::metadata(out, descriptor, names.family());
        }
        push(out, &["# HELP ", names.quoted(), " "]);
        escape::help(out, descriptor.help());
        push(out, &["\n# TYPE ", names.quoted(), " ", type_word(descriptor.kind()), "\n"]);
    });
    let mut samples = Samples { out, encoding, les: None };
    for series in family.series() {
        names.are_of(series.labels);
        samples.series(&names, &series);
    }
}

/// Writes the samples of a family.
struct Samples<'a> {
    out: &'a mut Lines,
    encoding: Encoding,
    /// What follows the labels of a bucket's line, one for each bound. All histograms of a family have the same.
    les: Option<Vec<Fixed>>,
}

impl Samples<'_> {
    #[inline]
    fn series(&mut self, names: &Names<'_>, series: &Series<'_>) {
        let labels = series.labels;
        match series.value {
            Value::Counter(value) => self.integer(names, &names.plain, labels, value),
            Value::UpDown(value) => self.integer(names, &names.plain, labels, value),
            Value::Float(value) => self.float(names, &names.plain, labels, value),
            Value::Histogram(value) => {
                let les = self.les.take().unwrap_or_else(|| bounds(value.buckets(), self.spell()));
                let exemplars = self.in_openmetrics().then(|| openmetrics::by_bucket(value.buckets(), value.exemplars()));
                self.histogram(names, labels, &les, value.cumulative_counts(), exemplars, value.sum());
                self.les = Some(les);
            }
            Value::GaugeHistogram(value) => {
                let les = bounds(value.buckets(), self.spell());
                self.histogram(names, labels, &les, value.cumulative_counts(), None, value.sum());
            }
            Value::StateSet(value) => self.state_set(names, labels, value),
            Value::Info => self.integer(names, &names.plain, labels, 1),
            Value::Summary(value) => self.summary(names, labels, value),
        }
        if self.encoding.created()
            && let (Some(name), Some(created)) = (&names.created, series.created())
        {
            names.push_series(self.out, name, labels);
            self.out.push_with(|out| openmetrics::timestamp(out, created));
            self.out.push(b"\n");
        }
    }

    fn in_openmetrics(&self) -> bool {
        self.encoding.format() == Format::OpenMetrics
    }

    /// How this format spells floats.
    fn spell(&self) -> fn(&mut Vec<u8>, f64) {
        if self.in_openmetrics() { number::openmetrics_float } else { number::float }
    }

    #[inline(always)]
    fn integer(&mut self, names: &Names<'_>, name: &Name, labels: SeriesLabels<'_>, value: impl itoa::Integer) {
        // Written first, and copied last: bytes that were stored a moment ago, one by one, cannot be loaded together yet.
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(value).as_bytes();
        names.push_series(self.out, name, labels);
        self.out.push(digits);
        self.out.push(b"\n");
    }

    fn float(&mut self, names: &Names<'_>, name: &Name, labels: SeriesLabels<'_>, value: f64) {
        let spell = self.spell();
        names.push_series(self.out, name, labels);
        self.out.push_with(|out| spell(out, value));
        self.out.push(b"\n");
    }

    fn histogram(
        &mut self,
        names: &Names<'_>,
        labels: SeriesLabels<'_>,
        les: &[Fixed],
        cumulative: impl Iterator<Item = u64>,
        exemplars: Option<Vec<Option<&Exemplar>>>,
        sum: f64,
    ) {
        let start = Fixed::new(&names.start(&names.bucket, labels));
        let mut exemplars = exemplars.into_iter().flatten();
        let mut count = 0;
        for (le, cumulative) in les.iter().zip(cumulative) {
            count = cumulative;
            let mut digits = itoa::Buffer::new();
            let digits = digits.format(cumulative).as_bytes();
            self.out.push_fixed(&start);
            self.out.push_fixed(le);
            self.out.push(digits);
            if let Some(Some(exemplar)) = exemplars.next() {
                self.out.push_with(|out| openmetrics::exemplar(out, exemplar));
            }
            self.out.push(b"\n");
        }
        self.float(names, &names.sum, labels, sum);
        self.integer(names, &names.count, labels, count);
    }

    fn state_set(&mut self, names: &Names<'_>, labels: SeriesLabels<'_>, value: StateSetValue<'_>) {
        let start = names.start(&names.plain, labels);
        let label = names.own_label();
        for (state, active) in value.states() {
            self.out.push(&start);
            self.out.push_with(|out| {
                push(out, &[label, "=\""]);
                escape::label_value(out, state);
                push(out, &[if active { "\"} 1\n" } else { "\"} 0\n" }]);
            });
        }
    }

    fn summary(&mut self, names: &Names<'_>, labels: SeriesLabels<'_>, value: &SummaryValue) {
        let start = names.start(&names.plain, labels);
        let spell = self.spell();
        for &(quantile, at) in value.quantiles() {
            self.out.push(&start);
            self.out.push_with(|out| {
                push(out, &["quantile=\""]);
                spell(out, quantile);
                push(out, &["\"} "]);
                spell(out, at);
                push(out, &["\n"]);
            });
        }
        self.float(names, &names.sum, labels, value.sum());
        self.integer(names, &names.count, labels, value.count());
    }
}

/// What follows the labels of a bucket's line, one for each bound: the label `le`, and the space before the value.
fn bounds(buckets: &Buckets, spell: fn(&mut Vec<u8>, f64)) -> Vec<Fixed> {
    let le = |bound: f64| {
        let mut le = b"le=\"".to_vec();
        spell(&mut le, bound);
        push(&mut le, &["\"} "]);
        Fixed::new(&le)
    };
    buckets.bounds().chain([f64::INFINITY]).map(le).collect()
}

pub(super) fn push(out: &mut Vec<u8>, parts: &[&str]) {
    parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}
