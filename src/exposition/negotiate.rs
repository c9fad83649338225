//! Which form of the scrape a client gets: what its `Accept` asks for, by RFC 9110 and Prometheus' protocol.

use super::encoding::{Encoding, Format};
use super::escaping::Escaping;
use super::preference::{Element, elements};

impl Encoding {
    /// The form that a client wants, from the values of its `Accept` headers. There always is one: for who sends none, or nothing that
    /// can be read or served, it is [`TEXT`](Self::TEXT).
    ///
    /// Of the formats that the client takes it is the one with the highest `q`; of several, the one that is asked for most precisely,
    /// then the first. What is asked of one format more precisely counts for it, `q=0` included; of what is equally precise, a refusal,
    /// then the highest `q`.
    ///
    /// - `text/plain` without version or with 0.0.4, and with 1.0.0; `application/openmetrics-text` without version or with 1.0.0;
    ///   with the feature `protobuf` `application/vnd.google.protobuf`, if its `proto` is `io.prometheus.client.MetricFamily` and its
    ///   `encoding` `delimited`. A version that is none of these is another format.
    /// - `text/*` is the text format 0.0.4, `application/*` OpenMetrics, `*/*` the first of the two that is not refused: what has to be
    ///   asked for by its parameters is never a guess.
    /// - `escaping` is one of the four schemes that [`Escaping`] has; else it is `underscores`.
    /// - Other parameters say nothing. An element that is malformed, as one whose `q` is not of 0 to 1 with three decimals at most,
    ///   says nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::exposition::{Encoding, Escaping, Format};
    ///
    /// let encoding = Encoding::negotiate(["text/plain;version=0.0.4;q=0.3, application/openmetrics-text;version=1.0.0;q=0.5"]);
    /// assert_eq!(encoding, Encoding::new(Format::OpenMetrics, Escaping::Underscores));
    /// assert_eq!(Encoding::negotiate(["image/png"]), Encoding::TEXT);
    /// ```
    pub fn negotiate(accept: impl IntoIterator<Item: AsRef<[u8]>>) -> Self {
        let mut wishes = [None; Format::COUNT];
        let mut order = 0;
        for header in accept {
            for element in elements(header.as_ref()) {
                let Some((range, precision)) = Range::of(&element) else {
                    continue;
                };
                order += 1;
                let wish = Wish { precision, weight: element.weight, order, escaping: escaping(&element) };
                for (format, before) in FORMATS.iter().zip(&mut wishes) {
                    if range.holds(*format) && before.is_none_or(|before: Wish| wish.supersedes(before)) {
                        *before = Some(wish);
                    }
                }
            }
        }
        let wished = FORMATS.iter().zip(wishes).filter_map(|(format, wish)| Some((*format, wish?)));
        // The last of several that are equal: the formats stand in the order in which they give way.
        let best = wished.filter(|(_, wish)| wish.weight > 0).max_by_key(|(_, wish)| wish.rank());
        best.map_or(Self::TEXT, |(format, wish)| Self::new(format, wish.escaping))
    }
}

/// All formats. Where a client leaves the choice, a later one is better.
const FORMATS: [Format; Format::COUNT] = [
    #[cfg(feature = "protobuf")]
    Format::Protobuf,
    Format::Utf8Text,
    Format::OpenMetrics,
    Format::Text,
];

/// What a media range stands for.
#[derive(Clone, Copy)]
enum Range {
    All,
    AllText,
    AllApplication,
    One(Format),
}

/// How precisely a media range is given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    Any,
    Type,
    Subtype,
    /// With what else tells the format from others of its type.
    Parameters,
}

impl Range {
    /// Reads a media range; `None` when it is not one, or stands for nothing that there is.
    fn of(element: &Element<'_>) -> Option<(Self, Precision)> {
        let is = |range: &str| element.name.eq_ignore_ascii_case(range.as_bytes());
        let version = || element.parameter("version");
        let precision = if version().is_some() { Precision::Parameters } else { Precision::Subtype };
        if is("*/*") {
            return Some((Self::All, Precision::Any));
        }
        if is("text/*") {
            return Some((Self::AllText, Precision::Type));
        }
        if is("application/*") {
            return Some((Self::AllApplication, Precision::Type));
        }
        if is("text/plain") {
            return match version() {
                Some(version) if version.is("1.0.0") => Some((Self::One(Format::Utf8Text), precision)),
                Some(version) if !version.is("0.0.4") => None,
                _ => Some((Self::One(Format::Text), precision)),
            };
        }
        if is("application/openmetrics-text") {
            let known = version().is_none_or(|version| version.is("1.0.0"));
            return known.then_some((Self::One(Format::OpenMetrics), precision));
        }
        #[cfg(feature = "protobuf")]
        if is("application/vnd.google.protobuf") {
            let parameter = |name, value| element.parameter(name).is_some_and(|known| known.is(value));
            let delimited = parameter("proto", "io.prometheus.client.MetricFamily") && parameter("encoding", "delimited");
            return delimited.then_some((Self::One(Format::Protobuf), Precision::Parameters));
        }
        None
    }

    fn holds(self, format: Format) -> bool {
        match self {
            Self::All => matches!(format, Format::Text | Format::OpenMetrics),
            Self::AllText => format == Format::Text,
            Self::AllApplication => format == Format::OpenMetrics,
            Self::One(one) => format == one,
        }
    }
}

/// What a client says of one format.
#[derive(Clone, Copy)]
struct Wish {
    precision: Precision,
    /// Thousandths; 0 is a refusal.
    weight: u16,
    /// Counts up from the first.
    order: usize,
    escaping: Escaping,
}

impl Wish {
    /// Whether it counts instead of one that came before it.
    fn supersedes(self, before: Self) -> bool {
        match self.precision.cmp(&before.precision) {
            std::cmp::Ordering::Equal => before.weight > 0 && (self.weight == 0 || self.weight > before.weight),
            order => order.is_gt(),
        }
    }

    /// Higher is better.
    fn rank(self) -> (u16, Precision, std::cmp::Reverse<usize>) {
        (self.weight, self.precision, std::cmp::Reverse(self.order))
    }
}

fn escaping(element: &Element<'_>) -> Escaping {
    let named = element.parameter("escaping");
    let known = [Escaping::AllowUtf8, Escaping::Underscores, Escaping::Dots, Escaping::Values];
    let known = known.into_iter().find(|known| named.is_some_and(|named| named.is(known.as_str())));
    known.unwrap_or(Escaping::Underscores)
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests;
