//! What a family is called and what it is: the one validator of names.

use std::fmt;

use crate::exposition::Escaping;
use crate::registry::RegisterError;

/// The type of a family, as the scrape formats name it.
///
/// # Examples
///
/// ```
/// use tachograph::{Descriptor, Kind, Registry};
///
/// let described = Descriptor::new("jobs_total", Kind::Counter, "Jobs done.")?;
/// assert_eq!((described.kind(), described.help()), (Kind::Counter, "Jobs done."));
/// // OpenMetrics' name for it.
/// assert_eq!(Kind::GaugeHistogram.to_string(), "gaugehistogram");
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Only rises, or starts again from 0 with the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of observations by size.
    Histogram,
    /// Quantiles of observations.
    Summary,
    /// Counts of what there is now, by size.
    GaugeHistogram,
    /// Facts told by labels.
    Info,
    /// One of a few states.
    StateSet,
}

impl Kind {
    /// What OpenMetrics calls the type.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
            Kind::GaugeHistogram => "gaugehistogram",
            Kind::Info => "info",
            Kind::StateSet => "stateset",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Name, type and help of a family of series.
///
/// # Examples
///
/// ```
/// use tachograph::{Descriptor, Kind};
///
/// let descriptor = Descriptor::new("queue_depth", Kind::Gauge, "Jobs waiting.")?;
/// assert_eq!(descriptor.name(), "queue_depth");
///
/// let error = Descriptor::new("jobs", Kind::Counter, "Jobs done.").unwrap_err();
/// assert_eq!(error.to_string(), "counter \"jobs\" does not end in _total: name it \"jobs_total\"");
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    name: Box<str>,
    kind: Kind,
    help: Box<str>,
    /// The name ends in it, before `_total`.
    unit: Option<Box<str>>,
}

/// What the names of samples end in that are parts of a family.
const PART_SUFFIXES: [&str; 7] = ["_total", "_bucket", "_sum", "_count", "_gsum", "_gcount", "_created"];

impl Descriptor {
    /// Describes a family. Any text will do as help; it is escaped as each format wants it.
    ///
    /// A name may hold any character after the first one, an ASCII letter or `:`. Formats that know legacy names only show it by an
    /// [escaping scheme](crate::exposition::Escaping), so names that are of letters, digits and `_` alone are the same everywhere.
    ///
    /// # Errors
    ///
    /// [`RegisterError::InvalidName`] when the name does not begin with an ASCII letter or `:`, or begins with `U__`;
    /// [`RegisterError::CounterWithoutTotal`] when a counter's name does not end in `_total`;
    /// [`RegisterError::InfoWithoutSuffix`] when an info's name does not end in `_info`;
    /// [`RegisterError::InvalidLabel`] when a state set's name cannot be its label's;
    /// [`RegisterError::ReservedSuffix`] when the name ends as only the parts of another type's family may.
    pub fn new(name: &str, kind: Kind, help: &str) -> Result<Self, RegisterError> {
        validate_name(name)?;
        // A part of another's family is what looks like one in some scheme.
        let shown = Escaping::Underscores.family_name(name);
        if kind == Kind::Counter {
            match name.strip_suffix("_total") {
                None | Some("") => return Err(RegisterError::CounterWithoutTotal { name: name.into() }),
                Some(_) if shown.ends_with("_total_total") => {
                    return Err(RegisterError::ReservedSuffix { name: name.into(), suffix: "_total_total" });
                }
                Some(_) => {}
            }
        }
        if matches!(kind, Kind::Histogram | Kind::Summary | Kind::GaugeHistogram)
            && let Some(suffix) = PART_SUFFIXES.into_iter().find(|suffix| shown.ends_with(suffix))
        {
            return Err(RegisterError::ReservedSuffix { name: name.into(), suffix });
        }
        if kind == Kind::Info && name.strip_suffix("_info").is_none_or(str::is_empty) {
            return Err(RegisterError::InfoWithoutSuffix { name: name.into() });
        }
        if kind == Kind::StateSet && name.contains(':') {
            let why = "a state set's name is its label's too: it must be without colons";
            return Err(RegisterError::InvalidLabel { family: name.into(), label: name.into(), why });
        }
        Ok(Self { name: name.into(), kind, help: help.into(), unit: None })
    }

    /// Says what unit the values are in: a base unit, such as `seconds` or `bytes`. The name must end in it.
    ///
    /// # Errors
    ///
    /// [`RegisterError::InvalidUnit`] when the name does not end in the unit (a counter's: in the unit and `_total`), or the type has
    /// none.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::{Descriptor, Kind};
    ///
    /// let sent = Descriptor::new("sent_bytes_total", Kind::Counter, "Bytes sent.")?.with_unit("bytes")?;
    /// assert_eq!(sent.unit(), Some("bytes"));
    /// let error = Descriptor::new("wait_ms", Kind::Gauge, "Time waited.")?.with_unit("seconds").unwrap_err();
    /// assert_eq!(error.to_string(), "unit \"seconds\" of \"wait_ms\" is refused: the name does not end in it");
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn with_unit(mut self, unit: &str) -> Result<Self, RegisterError> {
        let refuse = |why| Err(RegisterError::InvalidUnit { family: self.name().into(), unit: unit.into(), why });
        if matches!(self.kind, Kind::Info | Kind::StateSet) {
            return refuse("infos and state sets have none");
        }
        if !self.ends_in(unit) {
            return refuse("the name does not end in it");
        }
        if !unit.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')) {
            return refuse("it must be of ASCII letters, digits, _ and :");
        }
        self.unit = Some(unit.into());
        Ok(self)
    }

    /// The same for a unit that is known without being asked for: kept if the name ends in it.
    pub(crate) fn with_known_unit(mut self, unit: Option<&str>) -> Self {
        if let Some(unit) = unit.filter(|unit| self.ends_in(unit)) {
            self.unit = Some(unit.into());
        }
        self
    }

    fn ends_in(&self, unit: &str) -> bool {
        let counter = self.kind == Kind::Counter;
        let stem = if counter { self.name.strip_suffix("_total").unwrap_or(&self.name) } else { &*self.name };
        let before = stem.strip_suffix(unit).and_then(|before| before.strip_suffix('_'));
        !unit.is_empty() && before.is_some_and(|before| !before.is_empty())
    }

    /// The unit of the values, if it is known.
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    /// The family's name, as samples of a counter or gauge carry it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The family's type.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What a reader is told the family means.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::{Descriptor, Kind};
    ///
    /// assert_eq!(Descriptor::new("jobs_total", Kind::Counter, "Jobs done.")?.help(), "Jobs done.");
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    pub fn help(&self) -> &str {
        &self.help
    }

    /// Every name that a sample or the metadata of this family may carry in any format: two families that share one clash.
    ///
    /// Names are as the scheme `underscores` writes them. Whom that keeps apart all others keep apart too: `dots` and `values` can be
    /// undone (but for what is an underscore in `underscores` too), and no legal name looks like one that `values` makes.
    pub(crate) fn claimed_names(&self) -> Vec<String> {
        self.names_in(Escaping::Underscores)
    }

    /// Every name that a sample or the metadata of this family may carry in any format, as a scheme writes them.
    pub(crate) fn names_in(&self, escaping: Escaping) -> Vec<String> {
        let name = escaping.family_name(&self.name);
        let suffixes: &[&str] = match self.kind {
            Kind::Gauge | Kind::StateSet => &[""],
            // OpenMetrics calls the family by its stem.
            Kind::Info => {
                let stem = name.strip_suffix("_info").unwrap_or(&name).to_owned();
                return vec![name.into_owned(), stem];
            }
            // OpenMetrics has two suffixes of its own for it.
            Kind::GaugeHistogram => &["", "_bucket", "_sum", "_count", "_gsum", "_gcount"],
            // OpenMetrics calls the family by its stem and adds the time of creation.
            Kind::Counter => {
                let stem = name.strip_suffix("_total").unwrap_or(&name).to_owned();
                let created = format!("{stem}_created");
                return vec![name.into_owned(), stem, created];
            }
            Kind::Histogram => &["", "_bucket", "_sum", "_count", "_created"],
            Kind::Summary => &["", "_sum", "_count", "_created"],
        };
        suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect()
    }

    /// The label that this type of family writes itself.
    pub(crate) fn own_label(&self) -> Option<&str> {
        match self.kind {
            Kind::StateSet => Some(&self.name),
            Kind::Histogram | Kind::GaugeHistogram => Some("le"),
            Kind::Summary => Some("quantile"),
            Kind::Counter | Kind::Gauge | Kind::Info => None,
        }
    }

    /// Checks the names of the labels that the family's series shall carry.
    pub(crate) fn validate_labels(&self, names: &[&str]) -> Result<(), RegisterError> {
        for (at, &label) in names.iter().enumerate() {
            let refuse = |why| Err(RegisterError::InvalidLabel { family: self.name().into(), label: label.into(), why });
            if at >= MOST_LABELS {
                return refuse("a series has at most 64 labels");
            }
            if let Some(why) = label_fault(label) {
                return refuse(why);
            }
            if self.own_label().is_some_and(|own| same_label(own, label)) {
                return refuse(match self.kind {
                    Kind::Summary => "a summary writes it itself",
                    Kind::StateSet => "a state set writes it itself",
                    _ => "a histogram writes it itself",
                });
            }
            if names[..at].iter().any(|other| same_label(other, label)) {
                return refuse("it is there twice, at least for scrapers that know legacy names only");
            }
        }
        Ok(())
    }
}

/// Labels that a series may have: whether one is there twice is asked of each pair.
pub(crate) const MOST_LABELS: usize = 64;

fn validate_name(name: &str) -> Result<(), RegisterError> {
    let fit = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == ':') && !name.starts_with(ESCAPED);
    if fit { Ok(()) } else { Err(RegisterError::InvalidName { name: name.into() }) }
}

/// What is wrong with a label's name, whatever it stands beside.
pub(crate) fn label_fault(label: &str) -> Option<&'static str> {
    if !label.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Some("it must begin with an ASCII letter");
    }
    label.starts_with(ESCAPED).then_some("what begins with U__ is an escaped name")
}

/// How names begin that the scheme `values` has made.
const ESCAPED: &str = "U__";

/// Whether two labels are called the same, at least for those who know legacy names only.
pub(crate) fn same_label(a: &str, b: &str) -> bool {
    a == b || Escaping::Underscores.label_name(a) == Escaping::Underscores.label_name(b)
}

/// Whether a name is of the alphabet of the legacy formats: `[a-zA-Z_][a-zA-Z0-9_]*`, with colons for metrics.
pub(crate) fn is_legal(name: &str, colons: bool) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || (colons && byte == b':');
    !name.is_empty() && name.bytes().all(legal) && !name.as_bytes()[0].is_ascii_digit()
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_name_begins_with_a_letter_and_goes_on_as_it_likes() {
        for name in ["", "9lives", "_a", "é", ".a", " a", "\na", "U__a"] {
            assert!(Descriptor::new(name, Kind::Gauge, "").is_err(), "{name:?}");
        }
        for name in ["a", ":a:b", "A9_z", "a.b", "bad name-x", "a\n", "a{b=\"c\"}", "aé\0"] {
            assert!(Descriptor::new(name, Kind::Gauge, "").is_ok(), "{name:?}");
        }
    }

    #[test]
    fn a_name_without_its_suffix_is_told_with_it() {
        let told = |name, kind| {
            let error = Descriptor::new(name, kind, "").unwrap_err().to_string();
            let advice = error.rsplit('"').nth(1).unwrap().to_owned();
            assert!(Descriptor::new(&advice, kind, "").is_ok(), "{error}");
            advice
        };
        assert_eq!(told("jobs", Kind::Counter), "jobs_total");
        assert_eq!(told("http.requests.total", Kind::Counter), "http.requests_total");
        assert_eq!(told("total", Kind::Counter), "jobs_total");
        assert_eq!(told("build.info", Kind::Info), "build_info");
        assert_eq!(told("version", Kind::Info), "version_info");
    }

    #[test]
    fn what_is_a_part_of_another_family_to_some_scraper_is_refused() {
        for (name, kind) in [("a.bucket", Kind::Histogram), ("a-count", Kind::Summary), ("a.total_total", Kind::Counter)] {
            let error = Descriptor::new(name, kind, "").unwrap_err();
            assert!(matches!(error, RegisterError::ReservedSuffix { .. }), "{error}");
        }
    }

    #[test]
    fn counters_end_in_total_once_and_histograms_do_not() {
        assert!(Descriptor::new("a", Kind::Counter, "").is_err());
        assert!(Descriptor::new("_total", Kind::Counter, "").is_err());
        assert!(Descriptor::new("a_total_total", Kind::Counter, "").is_err());
        assert!(Descriptor::new("a_total", Kind::Counter, "").is_ok());
        assert!(Descriptor::new("a_total", Kind::Histogram, "").is_err());
        assert!(Descriptor::new("a_count", Kind::Summary, "").is_err());
        assert!(Descriptor::new("a_gsum", Kind::GaugeHistogram, "").is_err());
    }

    #[test]
    fn infos_end_in_info_and_a_state_set_can_name_its_label() {
        assert!(Descriptor::new("a_info", Kind::Info, "").is_ok());
        for name in ["a", "info", "a_information"] {
            let error = Descriptor::new(name, Kind::Info, "").unwrap_err();
            assert!(matches!(error, RegisterError::InfoWithoutSuffix { .. }), "{error}");
        }
        assert!(Descriptor::new("a:b", Kind::StateSet, "").is_err());
        assert!(Descriptor::new("a", Kind::StateSet, "").unwrap().validate_labels(&["a"]).is_err());
    }

    #[test]
    fn a_unit_is_the_end_of_the_name() {
        let unit = |name, kind, unit| {
            Descriptor::new(name, kind, "").unwrap().with_unit(unit).map(|described| described.unit().map(str::to_owned))
        };
        assert_eq!(unit("a_seconds", Kind::Histogram, "seconds"), Ok(Some("seconds".into())));
        assert_eq!(unit("a_seconds_total", Kind::Counter, "seconds"), Ok(Some("seconds".into())));
        assert_eq!(unit("a_watt_hours", Kind::Gauge, "watt_hours"), Ok(Some("watt_hours".into())));
        for (name, kind, of) in [
            ("a_seconds", Kind::Gauge, "bytes"),
            ("a_seconds", Kind::Gauge, ""),
            ("a_", Kind::Gauge, ""),
            ("aseconds", Kind::Gauge, "seconds"),
            ("seconds", Kind::Gauge, "seconds"),
            ("a_m.s", Kind::Gauge, "m.s"),
            ("a_seconds_total", Kind::Gauge, "seconds"),
            ("a_total", Kind::Counter, "total"),
            ("a_seconds_info", Kind::Info, "info"),
            ("a_seconds", Kind::StateSet, "seconds"),
        ] {
            assert!(unit(name, kind, of).is_err(), "{name} {of}");
        }
    }

    #[test]
    fn labels_that_would_break_a_scrape_are_refused() {
        let histogram = Descriptor::new("a", Kind::Histogram, "").unwrap();
        for labels in [&["le"][..], &["a", "a"], &["__name__"], &["_a"], &[""], &["0"], &["a.b", "a-b"], &["U__a"]] {
            assert!(histogram.validate_labels(labels).is_err(), "{labels:?}");
        }
        assert_eq!(histogram.validate_labels(&["quantile", "a", "a.b:c"]), Ok(()));
        let summary = Descriptor::new("a", Kind::Summary, "").unwrap();
        assert!(summary.validate_labels(&["quantile"]).is_err());
    }
}
