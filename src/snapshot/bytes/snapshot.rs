//! A whole snapshot as bytes: families by name, each with its series by label values.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::histogram::{read_buckets, read_counts, write_buckets, write_counts};
use super::{DecodeError, Reader, Writer};
use crate::metric::bucket::Buckets;
use crate::metric::claims::Claims;
use crate::metric::descriptor::{Descriptor, Kind};
use crate::metric::label::LabelNames;
use crate::snapshot::{
    CollectedSeries, CollectedValue, FamilySnapshot, GaugeHistogramValue, OwnedLabels, Snapshot, SummaryValue, Value, identity,
};

/// The first bytes, the last of them the version.
const HEADER: [u8; 4] = *b"TGS\x01";

/// Stands for the number of a series' labels, and one, when they are called as those of the series before.
const SAME_NAMES: u64 = 0;

/// Cells that the layouts of a snapshot's histograms may have, beside one for each byte: the layout of ten bytes may be of five
/// thousand cells. Two hundred families of the finest resolution, 8 MB.
const MOST_CELLS: usize = 1 << 20;

const COUNTER: u8 = 0;
const UP_DOWN: u8 = 1;
const FLOAT: u8 = 2;
const HISTOGRAM: u8 = 3;
const SUMMARY: u8 = 4;
const GAUGE_HISTOGRAM: u8 = 5;
const INFO: u8 = 6;
const STATE_SET: u8 = 7;

impl Snapshot {
    /// The snapshot as bytes, for another process to [`decode`](Self::decode) and to merge with others. The registry's own labels
    /// become labels of each series.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::{Registry, Snapshot};
    ///
    /// let registry = Registry::new();
    /// registry.counter("jobs_total", "Jobs done.")?.inc_by(3);
    /// let snapshot = registry.snapshot();
    /// assert_eq!(Snapshot::decode(&snapshot.encode())?.text(), snapshot.text());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_header(&HEADER);
        writer.number(self.families().count() as u64);
        self.families().for_each(|family| write_family(&mut writer, self, family));
        writer.0
    }

    /// The snapshot that [`encode`](Self::encode) made these bytes of, in this process or another. It was
    /// [taken](Self::taken_at) now: when that was by the other's clock, the bytes do not say.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes are not a whole snapshot of this version. Bytes from anyone will do: nothing panics, what was
    /// decoded renders to a well-formed scrape, and no more is allocated than some 10 MB beside a small multiple of their length.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::after_header(bytes, &HEADER)?;
        let mut cells_left = MOST_CELLS + bytes.len();
        let mut families: Vec<FamilySnapshot> = Vec::new();
        let mut claims = Claims::default();
        for _ in 0..reader.number()? {
            let family = read_family(&mut reader, &mut cells_left)?;
            if families.last().is_some_and(|last| last.descriptor().name() >= family.descriptor().name()) {
                return Err(DecodeError::Invalid("families are not in order"));
            }
            claims.claim([family.descriptor()]).map_err(|_| DecodeError::Invalid("the names of two families clash"))?;
            families.push(family);
        }
        reader.end()?;
        Ok(Self::new(families.into_iter(), OwnedLabels::none(), Instant::now()))
    }
}

fn write_family(writer: &mut Writer, snapshot: &Snapshot, family: &FamilySnapshot) {
    let descriptor = family.descriptor();
    writer.text(descriptor.name());
    writer.byte(match descriptor.kind() {
        Kind::Counter => 0,
        Kind::Gauge => 1,
        Kind::Histogram => 2,
        Kind::Summary => 3,
        Kind::GaugeHistogram => 4,
        Kind::Info => 5,
        Kind::StateSet => 6,
    });
    writer.text(descriptor.help());
    writer.text(descriptor.unit().unwrap_or_default());
    writer.number(family.len() as u64);
    let mut buckets: Option<&Buckets> = None;
    let mut last_names = None;
    for series in family.series() {
        let (names, values) = snapshot.all_labels(series.labels);
        if last_names.as_ref() == Some(&names) {
            writer.number(SAME_NAMES);
        } else {
            writer.number(names.len() as u64 + 1);
            names.iter().for_each(|name| writer.text(name));
            last_names = Some(names);
        }
        values.iter().for_each(|value| writer.text(value));
        match series.value {
            Value::Counter(value) => {
                writer.byte(COUNTER);
                writer.number(value);
            }
            Value::UpDown(value) => {
                writer.byte(UP_DOWN);
                // As with any two's complement, the sign is the lowest bit: -1 is short too.
                writer.number((value << 1 ^ value >> 63) as u64);
            }
            Value::Float(value) => {
                writer.byte(FLOAT);
                writer.float(value);
            }
            Value::Histogram(value) => {
                writer.byte(HISTOGRAM);
                // All series of a family have the same buckets.
                let _ = *buckets.get_or_insert_with(|| {
                    write_buckets(writer, value.buckets());
                    value.buckets()
                });
                write_counts(writer, &value);
            }
            Value::Summary(value) => {
                writer.byte(SUMMARY);
                writer.number(value.quantiles().len() as u64);
                for &(quantile, at) in value.quantiles() {
                    writer.float(quantile);
                    writer.float(at);
                }
                writer.float(value.sum());
                writer.number(value.count());
            }
            Value::GaugeHistogram(value) => {
                writer.byte(GAUGE_HISTOGRAM);
                // A collector may give each series buckets of its own.
                write_buckets(writer, value.buckets());
                value.counts().iter().for_each(|&count| writer.number(count));
                writer.float(value.sum());
            }
            Value::Info => writer.byte(INFO),
            Value::StateSet(value) => {
                writer.byte(STATE_SET);
                writer.number(value.states.len() as u64);
                value.states.iter().for_each(|state| writer.text(state));
                writer.number(value.active as u64);
            }
        }
    }
}

fn read_family(reader: &mut Reader<'_>, cells_left: &mut usize) -> Result<FamilySnapshot, DecodeError> {
    let name = reader.text()?;
    let kind = match reader.byte()? {
        0 => Kind::Counter,
        1 => Kind::Gauge,
        2 => Kind::Histogram,
        3 => Kind::Summary,
        4 => Kind::GaugeHistogram,
        5 => Kind::Info,
        6 => Kind::StateSet,
        _ => return Err(DecodeError::Invalid("there is no such type")),
    };
    let help = reader.text()?;
    let mut descriptor = Descriptor::new(name, kind, help).map_err(|_| DecodeError::Invalid("a family's name is illegal"))?;
    let unit = reader.text()?;
    if !unit.is_empty() {
        descriptor = descriptor.with_unit(unit).map_err(|_| DecodeError::Invalid("a family's unit is not in its name"))?;
    }
    let mut series: Vec<CollectedSeries> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut buckets = None;
    for _ in 0..reader.number()? {
        let names = read_names(reader, &descriptor, series.last().map(|last| last.labels.names()))?;
        let values: Vec<&str> = names.iter().map(|_| reader.text()).collect::<Result<_, _>>()?;
        if !seen.insert(identity(&names.iter().collect::<Vec<_>>(), &values)) {
            return Err(DecodeError::Invalid("two series have the same labels"));
        }
        let labels = OwnedLabels::with_names(names, &values);
        if series.last().is_some_and(|last| last.labels.get().in_order(labels.get()).is_ge()) {
            return Err(DecodeError::Invalid("series are not in order"));
        }
        let value = read_value(reader, kind, &mut buckets, cells_left)?;
        series.push(CollectedSeries { labels, value });
    }
    Ok(FamilySnapshot::collected(Arc::new(descriptor), series))
}

/// The names of a series' labels, shared with the series before where they are the same.
fn read_names(
    reader: &mut Reader<'_>,
    descriptor: &Descriptor,
    last: Option<&Arc<LabelNames>>,
) -> Result<Arc<LabelNames>, DecodeError> {
    let count = reader.number()?;
    if count == SAME_NAMES {
        return last.cloned().ok_or(DecodeError::Invalid("there is no series before the first"));
    }
    let names: Vec<&str> = (1..count).map(|_| reader.text()).collect::<Result<_, _>>()?;
    descriptor.validate_labels(&names).map_err(|_| DecodeError::Invalid("a label's name is illegal or there twice"))?;
    let names = LabelNames::new(&names);
    match last {
        Some(last) if **last == names => Err(DecodeError::Invalid("names are told twice")),
        _ => Ok(Arc::new(names)),
    }
}

/// `buckets` are those of the family, once a series of it has been read.
fn read_value(
    reader: &mut Reader<'_>,
    kind: Kind,
    buckets: &mut Option<Arc<Buckets>>,
    cells_left: &mut usize,
) -> Result<CollectedValue, DecodeError> {
    Ok(match (kind, reader.byte()?) {
        (Kind::Counter, COUNTER) => CollectedValue::Counter(reader.number()?),
        (Kind::Counter, FLOAT) => match reader.float()? {
            value if value.is_finite() && value >= 0.0 => CollectedValue::FloatCounter(value),
            _ => return Err(DecodeError::Invalid("a counter is negative or not finite")),
        },
        (Kind::Gauge, FLOAT) => CollectedValue::Gauge(reader.float()?),
        (Kind::Gauge, UP_DOWN) => {
            let number = reader.number()?;
            CollectedValue::UpDown((number >> 1) as i64 ^ -((number & 1) as i64))
        }
        (Kind::Histogram, HISTOGRAM) => {
            let buckets = match buckets {
                Some(buckets) => buckets,
                None => {
                    let read = Arc::new(read_buckets(reader)?);
                    *cells_left =
                        cells_left.checked_sub(read.len()).ok_or(DecodeError::Invalid("there are too many buckets"))?;
                    buckets.insert(read)
                }
            };
            CollectedValue::Histogram(read_counts(reader, buckets)?)
        }
        (Kind::Summary, SUMMARY) => {
            let mut quantiles = Vec::new();
            for _ in 0..reader.number()? {
                quantiles.push((reader.float()?, reader.float()?));
            }
            if !quantiles.iter().all(|(quantile, _)| (0.0..=1.0).contains(quantile))
                || !quantiles.is_sorted_by(|a, b| a.0 < b.0)
            {
                return Err(DecodeError::Invalid("quantiles do not increase from 0 to 1"));
            }
            let sum = reader.float()?;
            // What only negative observations could give, which no summary takes.
            if quantiles.iter().any(|&(_, at)| at < 0.0) || !sum.is_finite() || sum < 0.0 {
                return Err(DecodeError::Invalid("a summary's quantile or sum is negative or not a number"));
            }
            CollectedValue::Summary(SummaryValue { quantiles, sum, count: reader.number()? })
        }
        (Kind::GaugeHistogram, GAUGE_HISTOGRAM) => {
            let buckets = read_buckets(reader)?;
            *cells_left = cells_left.checked_sub(buckets.len()).ok_or(DecodeError::Invalid("there are too many buckets"))?;
            let counts: Vec<u64> = (0..=buckets.bounds().count()).map(|_| reader.number()).collect::<Result<_, _>>()?;
            let value = GaugeHistogramValue::new(Arc::new(buckets), &counts, reader.float()?);
            CollectedValue::GaugeHistogram(value.ok_or(DecodeError::Invalid("a gauge histogram's sum or counts cannot be"))?)
        }
        (Kind::Info, INFO) => CollectedValue::Info,
        (Kind::StateSet, STATE_SET) => {
            let mut states: Vec<Box<str>> = Vec::new();
            for _ in 0..reader.number()? {
                states.push(reader.text()?.into());
            }
            if states.first().is_none_or(|first| first.is_empty()) || !states.is_sorted_by(|a, b| a < b) {
                return Err(DecodeError::Invalid("states are none, empty or not in order"));
            }
            let active = usize::try_from(reader.number()?).ok().filter(|&active| active < states.len());
            CollectedValue::StateSet {
                states: states.into(),
                active: active.ok_or(DecodeError::Invalid("there is no such state"))?,
            }
        }
        _ => return Err(DecodeError::Invalid("a value is not of its family's type")),
    })
}
