//! Which form a scrape has: the format, and how it spells names that not every format can write.

use super::escaping::Escaping;

/// A format of the scrape.
///
/// # Examples
///
/// ```
/// use tachograph::exposition::{Encoding, Format};
///
/// let encoding = Encoding::negotiate(["application/openmetrics-text;version=1.0.0"]);
/// assert_eq!(encoding.format(), Format::OpenMetrics);
/// assert_eq!(Encoding::negotiate(["*/*"]).format(), Format::Text);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The Prometheus text format 0.0.4.
    Text,
    /// The Prometheus text format 1.0.0: that of 0.0.4, in which any name may stand in quotes.
    Utf8Text,
    /// OpenMetrics 1.0: units, exemplars and types that the text format does not know.
    OpenMetrics,
    /// `io.prometheus.client.MetricFamily` as length-delimited protobuf, histograms with native buckets beside the classic ones.
    #[cfg(feature = "protobuf")]
    Protobuf,
}

impl Format {
    /// How many there are.
    pub(crate) const COUNT: usize = if cfg!(feature = "protobuf") { 4 } else { 3 };
}

/// The form of a scrape.
///
/// # Examples
///
/// ```
/// use tachograph::exposition::{Encoding, Escaping, Format};
///
/// let registry = tachograph::Registry::new();
/// registry.counter("jobs_total", "Jobs done.")?.inc();
/// let encoding = Encoding::new(Format::OpenMetrics, Escaping::Underscores);
/// assert_eq!(
///     registry.snapshot().exposition(encoding),
///     b"# TYPE jobs counter\n# HELP jobs Jobs done.\njobs_total 1\n# EOF\n"
/// );
/// assert_eq!(encoding.content_type(), "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores");
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
///
/// What it is made of:
///
/// ```
/// use tachograph::exposition::{Encoding, Escaping, Format};
///
/// let encoding = Encoding::new(Format::OpenMetrics, Escaping::Dots).with_created(true);
/// assert_eq!((encoding.format(), encoding.escaping(), encoding.created()), (Format::OpenMetrics, Escaping::Dots, true));
/// assert_eq!(Encoding::TEXT.format(), Format::Text);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encoding {
    format: Format,
    escaping: Escaping,
    created: bool,
}

impl Encoding {
    /// The Prometheus text format 0.0.4, which every scraper reads.
    pub const TEXT: Self = Self { format: Format::Text, escaping: Escaping::Underscores, created: false };

    /// A format, with names spelt so. The text format 0.0.4 has no quoted names: there [`Escaping::AllowUtf8`] is `Underscores`.
    pub const fn new(format: Format, escaping: Escaping) -> Self {
        let escaping = match (format, escaping) {
            (Format::Text, Escaping::AllowUtf8) => Escaping::Underscores,
            _ => escaping,
        };
        Self { format, escaping, created: false }
    }

    /// Whether OpenMetrics has a `_created` sample for each series whose start is known: a line more for a counter, a histogram
    /// or a summary. (Protobuf has the time in any case, where it costs no series.)
    #[must_use]
    pub const fn with_created(mut self, created: bool) -> Self {
        self.created = created;
        self
    }

    /// The format.
    pub const fn format(self) -> Format {
        self.format
    }

    /// How names are spelt that not every format can write.
    pub const fn escaping(self) -> Escaping {
        self.escaping
    }

    /// Whether there are `_created` samples.
    pub const fn created(self) -> bool {
        self.created
    }

    /// The value of the header `Content-Type`. It names the escaping where the format has a version 1.0.0, elsewhere where it is not
    /// the default.
    pub const fn content_type(self) -> &'static str {
        macro_rules! with_escaping {
            ($default:literal, $type:literal) => {
                match self.escaping {
                    Escaping::Underscores => concat!($type, $default),
                    Escaping::Dots => concat!($type, "; escaping=dots"),
                    Escaping::Values => concat!($type, "; escaping=values"),
                    Escaping::AllowUtf8 => concat!($type, "; escaping=allow-utf-8"),
                }
            };
        }
        match self.format {
            Format::Text => with_escaping!("", "text/plain; version=0.0.4; charset=utf-8"),
            Format::Utf8Text => with_escaping!("; escaping=underscores", "text/plain; version=1.0.0; charset=utf-8"),
            Format::OpenMetrics => {
                with_escaping!("; escaping=underscores", "application/openmetrics-text; version=1.0.0; charset=utf-8")
            }
            #[cfg(feature = "protobuf")]
            Format::Protobuf => with_escaping!(
                "",
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            ),
        }
    }
}
