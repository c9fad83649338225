//! HdrHistogram's interval log, version 2: what its log analyser, plotter and libraries in other languages read.

use std::io;
use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, IntervalLogWriterError, Tag};

use crate::snapshot::HistogramSnapshot;

/// Writes a log of histograms, each of what was observed in an interval.
///
/// Values are base units, nanoseconds or bytes, at two significant digits; the bounds of the [`Buckets`](crate::Buckets) do not go
/// with them. Give it differences ([`HistogramSnapshot::since`]): readers add the intervals up.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tachograph::exposition::HdrLog;
/// use tachograph::{Buckets, Registry, Resolution, Value};
///
/// let registry = Registry::new();
/// let wait = registry.histogram("wait_seconds", "", Buckets::seconds(&[0.1])?.resolution(Resolution::Hdr))?;
/// let now = || match registry.snapshot().family("wait_seconds").unwrap().series().next().unwrap().value {
///     Value::Histogram(value) => value.to_snapshot(),
///     _ => unreachable!("it is a histogram"),
/// };
///
/// let start = SystemTime::now();
/// let mut log = HdrLog::begin(Vec::new(), start)?;
/// let mut earlier = now();
/// for second in 0..3 {
///     wait.observe_duration(Duration::from_millis(20));
///     let later = now();
///     log.interval("wait", start + Duration::from_secs(second), Duration::from_secs(1), &later.since(&earlier)?)?;
///     earlier = later;
/// }
/// let lines = String::from_utf8(log.into_inner())?;
/// assert_eq!(lines.lines().filter(|line| line.starts_with("Tag=wait,")).count(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct HdrLog<W> {
    out: W,
    /// Kept for its buffers.
    serializer: V2DeflateSerializer,
}

impl<W: io::Write> HdrLog<W> {
    /// Begins a log. `start` is when the first interval begins.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn begin(mut out: W, start: SystemTime) -> io::Result<Self> {
        let mut serializer = V2DeflateSerializer::new();
        IntervalLogWriterBuilder::new()
            .add_comment("[Histogram log format version 1.3]")
            .with_start_time(start)
            .begin_log_with(&mut out, &mut serializer)?;
        Ok(Self { out, serializer })
    }

    /// Writes the line of one interval. The tag tells histograms of one log apart; it may be empty.
    ///
    /// # Errors
    ///
    /// Those of the writer; [`io::ErrorKind::InvalidInput`] when there is a comma, a space or a line break in the tag.
    pub fn interval(
        &mut self,
        tag: &str,
        start: SystemTime,
        duration: Duration,
        histogram: &HistogramSnapshot,
    ) -> io::Result<()> {
        let unfit = || io::Error::new(io::ErrorKind::InvalidInput, "a tag holds a comma, a space or a line break");
        let tag = if tag.is_empty() { None } else { Some(Tag::new(tag).ok_or_else(unfit)?) };
        let since_epoch = start.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        IntervalLogWriterBuilder::new()
            .begin_log_with(&mut self.out, &mut self.serializer)?
            .write_histogram(&histogram.value().to_hdr(), since_epoch, duration, tag)
            .map_err(|error| match error {
                IntervalLogWriterError::IoError(error) => error,
                IntervalLogWriterError::SerializeError(error) => io::Error::other(error),
            })
    }

    /// The writer.
    pub fn into_inner(self) -> W {
        self.out
    }
}

impl<W> std::fmt::Debug for HdrLog<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HdrLog").finish_non_exhaustive()
    }
}
