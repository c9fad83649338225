//! A registry of hostile labels, and what a reader of its scrape has to find in it.

use std::collections::BTreeMap;

use tachograph::Registry;

use crate::api::SeriesValues;

/// The counter that holds them.
pub const NAME: &str = "hostile_total";

/// The names of its labels.
pub const LABELS: [&str; 2] = ["value", "other"];

/// Count by label values.
pub type Series = BTreeMap<[String; 2], u64>;

/// What breaks encoders: quotes, backslashes before and after everything, line ends, controls, nothing, and much.
const NASTY: [&str; 17] = [
    "",
    " ",
    "plain",
    "\"",
    "\\",
    "\\\\",
    "\\n",
    "\n",
    "a\\\nb",
    "a\\\"b",
    "ends with \\",
    "\r\n\t\u{0}\u{1}\u{7f}",
    "{le=\"+Inf\"} 1 # {} 1",
    "ünïcödé \u{2028}\u{feff}",
    "🏎️👩‍🚀",
    "\u{0}",
    "# EOF",
];

/// What it is documented by.
pub const HELP: &str = "Quotes \" and \\\" stay, \\ and \\n too,\na new line,\t\r\u{0} 🏎️ and \\";

/// Makes the registry. Every series has a count of its own, so that two that are mixed up are noticed.
pub fn registry() -> (Registry, Series) {
    let registry = Registry::new();
    let hostile = registry.counter_family(NAME, HELP, LABELS).expect("a valid family");
    // As long as a value may be, but for two bytes.
    let long = "\\\"\n".repeat(682);
    // The last two are the same when their values are joined, and must stay apart.
    let values = NASTY.into_iter().chain([long.as_str()]).map(|value| [value, "first"]).chain([["ab", "c"], ["a", "bc"]]);
    let mut series = Series::new();
    for (values, count) in values.zip(1..) {
        hostile.inc_by(values, count);
        series.insert(values.map(str::to_owned), count);
    }
    (registry, series)
}

/// What a reader holds of it, beside what the server counts in the same registry. To Prometheus an empty label is none.
pub fn held(samples: SeriesValues) -> Series {
    let ours = samples.into_iter().filter(|(labels, _)| labels["__name__"] == NAME);
    ours.map(|(labels, count)| {
        (LABELS.map(|name| labels.get(name).cloned().unwrap_or_default()), count.parse().expect("a whole number"))
    })
    .collect()
}
