//! The rules, each with a stable name, and what they demand.

use std::fmt;

/// Writes the enum and its table from one list, so that they cannot differ.
macro_rules! rules {
    ($($rule:ident, $id:literal, $name:literal, $statement:literal, $remedy:literal;)*) => {
        /// What a text must follow.
        ///
        /// Rules whose identifier begins with `text-` hold for text 0.0.4 and 1.0.0, with `om-` for OpenMetrics, with `own-`
        /// where [`Rules::OURS`](crate::Rules::OURS) asks for more than the formats do. The others hold everywhere.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = $statement] $rule,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$rule),*];

            /// The identifier, which stays the same from version to version.
            pub fn id(self) -> &'static str {
                match self { $(Self::$rule => $id,)* }
            }

            /// What the rule is about, in a few words.
            pub fn name(self) -> &'static str {
                match self { $(Self::$rule => $name,)* }
            }

            /// What the rule demands, in a sentence or two.
            pub fn statement(self) -> &'static str {
                match self { $(Self::$rule => $statement,)* }
            }

            /// How a text is mended that breaks the rule, unless a finding knows better.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$rule => $remedy,)* }
            }
        }
    };
}

rules! {
    Utf8, "utf8", "encoding",
        "The text is UTF-8.",
        "write the text as UTF-8";
    ByteOrderMark, "byte-order-mark", "byte order mark",
        "The text does not begin with a byte order mark.",
        "leave the three bytes out";
    CarriageReturn, "carriage-return", "line ends",
        "Lines end with a line feed alone; a carriage return is content, in a HELP text or between quotes.",
        "end lines with a line feed alone";
    Syntax, "syntax", "grammar of a line",
        "A line is metadata or a sample and has their parts in order: name, labels in braces, value, timestamp, exemplar.",
        "write `name{label=\"value\"} number`";
    MetricName, "metric-name", "metric names",
        "Metric names are of letters, digits, `_` and `:`, and begin with no digit; others stand between quotes, if the format \
         has that.",
        "rename the metric";
    LabelName, "label-name", "label names",
        "Label names are of letters, digits and `_`, and begin with no digit; others stand between quotes, if the format has \
         that.",
        "rename the label";
    LabelEscape, "label-escape", "escapes of label values",
        "Label values stand between quotes and escape backslash, line feed and quote as `\\\\`, `\\n` and `\\\"`; text has no \
         other escape.",
        "escape backslash, line feed and quote, and nothing else";
    Type, "type", "types",
        "Text has the types counter, gauge, histogram, summary and untyped; OpenMetrics has counter, gauge, histogram, \
         gaugehistogram, summary, info, stateset and unknown.",
        "name a type that the format has, in lower case";
    MetadataTwice, "metadata-twice", "metadata once",
        "A family has one HELP, one TYPE and one UNIT line at most.",
        "leave the second line out";
    MetadataLate, "metadata-late", "metadata first",
        "The metadata of a family stand before its samples.",
        "move the line before the family's first sample";
    FamilySplit, "family-split", "families in one piece",
        "All lines of a family stand together.",
        "write all lines of the family one after the other";
    NameClash, "name-clash", "names that clash",
        "No family has a name that another one needs for its samples, with the suffixes of both types.",
        "rename one of the two families";
    SampleName, "sample-name", "suffixes of samples",
        "The name of a sample is that of its family with a suffix of the family's type.",
        "name the sample as its type demands";
    SeriesTwice, "series-twice", "series once",
        "No sample has the name and labels of another one, in whatever order; in OpenMetrics its timestamp may differ.",
        "write the series once";
    LabelTwice, "label-twice", "labels once",
        "No label stands twice on a sample.",
        "write the label once";
    ReservedLabel, "reserved-label", "labels of the format",
        "`__name__` is no label; `le` and `quantile` stand on buckets and quantiles alone in a histogram or summary.",
        "rename the label";
    Number, "number", "numbers",
        "Numbers are decimal, or NaN or an infinity, without hexadecimal digits or underscores, within the range of 64 bits.",
        "write a decimal number, `NaN`, `+Inf` or `-Inf`";
    Count, "count", "counts",
        "Buckets and counts are whole numbers and not negative.",
        "write a whole number";
    Timestamp, "timestamp", "timestamps",
        "Timestamps are whole milliseconds in text and seconds, also with a fraction, in OpenMetrics.",
        "write the time in the unit of the format, or none";
    CounterValue, "counter-value", "values of counters",
        "A counter is neither NaN nor negative.",
        "count up from 0, or make it a gauge";
    BucketBound, "bucket-bound", "bounds of buckets",
        "Each bucket has its upper bound as label `le`, a number; the infinite one is `+Inf`.",
        "give each bucket a label `le` with a number";
    BucketOrder, "bucket-order", "order of buckets",
        "The bounds of a histogram's buckets increase, and none is there twice, however it is spelled.",
        "write the buckets once each, by increasing bound";
    BucketCumulative, "bucket-cumulative", "buckets add up",
        "A bucket counts all that is in the buckets below it too.",
        "add to each bucket what is below it";
    BucketInf, "bucket-inf", "infinite bucket",
        "The last bucket of a histogram is `+Inf`.",
        "write a bucket `le=\"+Inf\"` that counts everything";
    HistogramCount, "histogram-count", "count of a histogram",
        "The count of a histogram is its `+Inf` bucket.",
        "take count and buckets of the same observations";
    HistogramParts, "histogram-parts", "sum and count",
        "A histogram or summary in text has `_sum` and `_count`; in OpenMetrics a histogram has both of them or none.",
        "write sum and count";
    Quantile, "quantile", "quantiles",
        "Each quantile has a label `quantile` from 0 to 1, none is there twice, and in text they increase.",
        "give each quantile a label `quantile` with a number from 0 to 1";
    ContentType, "content-type", "content type",
        "The header is the format's content type to the letter, with `escaping` behind it at most.",
        "send the content type as the format writes it";
    TextFinalLineFeed, "text-final-line-feed", "end of the text",
        "The last line ends with a line feed too.",
        "end the last line with a line feed";
    TextHelpEscape, "text-help-escape", "escapes of HELP",
        "HELP escapes backslash and line feed as `\\\\` and `\\n`, and nothing else.",
        "escape backslash and line feed, and nothing else";
    OmEof, "om-eof", "end of the exposition",
        "The last line is `# EOF`, there is one of it, and nothing follows but a line feed.",
        "end the text with one line `# EOF`";
    OmBlankLine, "om-blank-line", "blank lines",
        "There are no blank lines.",
        "leave the line out";
    OmComment, "om-comment", "comments",
        "There are no comments; `#` begins HELP, TYPE, UNIT and EOF alone.",
        "leave the line out";
    OmSpace, "om-space", "spaces",
        "One space stands between the parts of a line, none at its ends and none between braces.",
        "write single spaces";
    OmHelpEscape, "om-help-escape", "escapes of HELP",
        "HELP escapes backslash, line feed and quote as `\\\\`, `\\n` and `\\\"`.",
        "escape backslash, line feed and quote";
    OmUnit, "om-unit", "units",
        "The name of a family ends with `_` and its unit; info and stateset have none.",
        "let the family's name end with the unit, or leave UNIT out";
    OmReservedName, "om-reserved-name", "reserved names",
        "Names of families and labels do not begin with `_`.",
        "begin the name with a letter";
    OmCounterTotal, "om-counter-total", "totals",
        "Each point of a counter has a `_total`.",
        "write the total beside the time of creation";
    OmCreated, "om-created", "times of creation",
        "The value of `_created` is a time in seconds.",
        "write the seconds since the epoch";
    OmInfo, "om-info", "infos",
        "The value of an info is 1.",
        "write 1";
    OmStateSet, "om-stateset", "state sets",
        "Each sample of a stateset has a label of the family's name, whose value is the state, and the value 0 or 1.",
        "write 0 or 1 for each state, with the state in the label of the family's name";
    OmSum, "om-sum", "sums",
        "A sum is neither NaN nor negative; a histogram with a negative bound has none. The sum of a gaugehistogram may be \
         negative if a bound is.",
        "leave sum and count out, or what makes the sum fall";
    OmQuantileValue, "om-quantile-value", "values of quantiles",
        "The value of a quantile is not negative.",
        "leave the quantile out";
    OmMetricSplit, "om-metric-split", "metrics in one piece",
        "The samples of a metric stand together, and within it those of a point.",
        "write all samples with the same labels one after the other";
    OmPointTime, "om-point-time", "times of points",
        "All points of a metric have a timestamp or none has, and the timestamps increase.",
        "write the points by increasing time";
    OmExemplarPlace, "om-exemplar-place", "place of exemplars",
        "Exemplars stand on totals of counters and on buckets alone.",
        "leave the exemplar out";
    OmExemplarLength, "om-exemplar-length", "length of exemplars",
        "Names and values of an exemplar's labels have 128 characters together at most.",
        "shorten the labels of the exemplar";
    OmExemplarValue, "om-exemplar-value", "value of exemplars",
        "The exemplar of a bucket is not above its bound.",
        "give the exemplar to the bucket that holds its value";
    OwnFamilyOrder, "own-family-order", "order of families",
        "Families stand in the order of their names, counters with `_total` and infos with `_info`.",
        "sort the families by name";
    OwnSeriesOrder, "own-series-order", "order of series",
        "The series of a family stand in the order of their label values, each in one piece.",
        "sort the series by label values";
    OwnPartOrder, "own-part-order", "order of parts",
        "A histogram or summary in text ends with sum and count.",
        "write sum and count behind the others";
    OwnTimestamp, "own-timestamp", "no timestamps",
        "Samples have no timestamp.",
        "leave the timestamp out";
    OwnCount, "own-count", "digits of counts",
        "Buckets and counts are written as plain digits, all of them.",
        "write all digits, without point, exponent or leading zero";
    OwnNumber, "own-number", "spelling of numbers",
        "Numbers are written the one way that every parser reads and that serves as label: `NaN`, `+Inf`, `-Inf`, and `le` and \
         `quantile` of OpenMetrics in its canonical form.",
        "write the canonical form";
    OwnEmptyQuantile, "own-empty-quantile", "quantiles of nothing",
        "A quantile of no observations is NaN.",
        "write NaN";
    OwnEscape, "own-escape", "escapes that mean something",
        "There is no escape but `\\\\`, `\\n` and `\\\"`, which OpenMetrics merely advises.",
        "write a backslash as two";
    OwnMetadata, "own-metadata", "order of metadata",
        "Metadata stand in the order TYPE, UNIT, HELP in OpenMetrics, and behind `# EOF` is a line feed.",
        "write TYPE, UNIT, HELP, and a line feed at the end";
}

impl Rule {
    /// Finds a rule by its identifier.
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.id() == id)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
