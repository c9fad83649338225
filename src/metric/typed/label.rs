//! Label sets that the compiler knows: which labels there are, which values each may have, and the index of a combination.

use crate::metric::label::DEFAULT_LIMIT;

/// Most combinations of dense values that one label set may have: a family keeps four to 32 bytes for each.
pub(crate) const MAX_COMBINATIONS: usize = 65_536;

/// Most run-time strings of one label set: each is hashed and compared at every look-up.
pub(crate) const MAX_STRINGS: usize = 4;

/// A value of a label that has only so many of them, each with an index and a text.
///
/// Derive it for an enum whose variants hold no data. A variant's text is its name in snake case, unless `#[label("...")]` says
/// another one. `bool` has it too, as `false` and `true`.
///
/// # Examples
///
/// ```
/// # #[cfg(not(feature = "derive"))]
/// # fn main() {}
/// # #[cfg(feature = "derive")]
/// # fn main() {
/// use tachograph::LabelValue;
///
/// #[derive(LabelValue)]
/// enum Method {
///     #[label("GET")]
///     Get,
///     #[label("POST")]
///     Post,
///     AnyOther,
/// }
///
/// assert_eq!(Method::VALUES, ["GET", "POST", "any_other"]);
/// assert_eq!([Method::Get, Method::Post, Method::AnyOther].map(|method| method.index()), [0, 1, 2]);
/// assert_eq!(Method::Post.text(), "POST");
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a label: it is not known which values it has",
    label = "no label value",
    note = "put `#[derive(tachograph::LabelValue)]` on an enum; give an integer a `#[label(range = 0..=5)]`; take other values as `&str`"
)]
pub trait LabelValue {
    /// The texts of all values, by index.
    const VALUES: &'static [&'static str];

    /// The index of this value: below the number of [`VALUES`](Self::VALUES).
    fn index(&self) -> usize;

    /// The text of this value, as a scrape shows it.
    fn text(&self) -> &'static str {
        Self::VALUES[self.index()]
    }
}

impl LabelValue for bool {
    const VALUES: &'static [&'static str] = &["false", "true"];

    #[inline]
    fn index(&self) -> usize {
        usize::from(*self)
    }
}

/// One label of a [`LabelSet`].
///
/// # Examples
///
/// ```
/// use tachograph::TypedLabel;
///
/// const METHOD: TypedLabel = TypedLabel::dense("method", &["GET", "POST"]);
/// assert_eq!((METHOD.name(), METHOD.values()), ("method", Some(&["GET", "POST"][..])));
/// assert_eq!(TypedLabel::run_time("path").values(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypedLabel {
    name: &'static str,
    /// `None` for a run-time string.
    values: Option<&'static [&'static str]>,
}

impl TypedLabel {
    /// A label that has only these values.
    pub const fn dense(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values: Some(values) }
    }

    /// A label whose values are strings known only at run time.
    pub const fn run_time(name: &'static str) -> Self {
        Self { name, values: None }
    }

    /// The label's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The texts that the label may have, by index; `None` for run-time strings.
    pub const fn values(&self) -> Option<&'static [&'static str]> {
        self.values
    }

    /// Stops the compiler, with a message, when these labels are too much for one set. A derived [`LabelSet`] does it where it is
    /// declared, any other one where a family is registered with it.
    ///
    /// # Panics
    ///
    /// When there are more than 65 536 combinations of dense values, or more than 4 run-time strings.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::TypedLabel;
    ///
    /// const LABELS: &[TypedLabel] = &[TypedLabel::dense("method", &["GET", "POST"]), TypedLabel::run_time("path")];
    /// const _: () = TypedLabel::check(LABELS);
    /// assert!(std::panic::catch_unwind(|| TypedLabel::check(&[TypedLabel::run_time("path"); 5])).is_err());
    /// ```
    #[track_caller]
    pub const fn check(labels: &[TypedLabel]) {
        assert!(
            combinations(labels) <= MAX_COMBINATIONS,
            "this label set has more than 65 536 combinations of values: take the label that has most of them as a run-time `&str`, or \
             split the set"
        );
        assert!(
            strings(labels) <= MAX_STRINGS,
            "this label set has more than 4 run-time strings: give some of them fixed values"
        );
    }
}

/// How many combinations of dense values there are: at least 1, since a label without values makes none.
pub(crate) const fn combinations(labels: &[TypedLabel]) -> usize {
    let mut product = 1usize;
    let mut at = 0;
    while at < labels.len() {
        if let Some(values) = labels[at].values {
            product = product.saturating_mul(if values.is_empty() { 1 } else { values.len() });
        }
        at += 1;
    }
    product
}

/// How many of the labels are run-time strings.
pub(crate) const fn strings(labels: &[TypedLabel]) -> usize {
    let (mut count, mut at) = (0, 0);
    while at < labels.len() {
        count += labels[at].values.is_none() as usize;
        at += 1;
    }
    count
}

/// The values of all labels, in their order, for a combination and the run-time strings. Cold: it allocates.
pub(crate) fn values<'a>(labels: &[TypedLabel], combination: usize, strings: &[&'a str]) -> Vec<&'a str> {
    let mut rest = combination;
    let mut strings = strings.iter().rev();
    let last_to_first = labels.iter().rev().map(|label| match label.values {
        Some([]) => "",
        Some(values) => {
            let value = values[rest % values.len()];
            rest /= values.len();
            value
        }
        None => strings.next().copied().unwrap_or_default(),
    });
    let mut values: Vec<_> = last_to_first.collect();
    values.reverse();
    values
}

/// The labels of a [`TypedFamily`](crate::TypedFamily): a struct with a field for each.
///
/// Derive it. A field is a label of the same name, or of another one by `#[label(rename = "...")]`. It may be
///
/// - of any type that is a [`LabelValue`]: an enum, a `bool`;
/// - an integer with the values of interest, `#[label(range = 0..=5)]`: what lies outside counts as `other`;
/// - a string with the values of interest, `#[label(values("mail", "video"))]`: anything else counts as `other`;
/// - a `&str` of any text, known only at run time: at most 4 of them. These are looked up, all others are dense: they make an index
///   into a table. So a set with such strings has a limit of series, 1 000 unless `#[label(limit = 5_000)]` on the struct says
///   another one; past it the run-time strings become `other` and the dense values stay.
///
/// There are at most 65 536 combinations of dense values.
///
/// # Examples
///
/// ```
/// # #[cfg(not(feature = "derive"))]
/// # fn main() {}
/// # #[cfg(feature = "derive")]
/// # fn main() -> Result<(), tachograph::RegisterError> {
/// use tachograph::{LabelSet, LabelValue, Registry};
///
/// #[derive(LabelValue)]
/// enum Outcome {
///     Done,
///     TimedOut,
/// }
///
/// #[derive(LabelSet)]
/// #[label(limit = 100)]
/// struct Job<'a> {
///     #[label(rename = "queue")]
///     name: &'a str,
///     outcome: Outcome,
///     #[label(range = 0..=3)]
///     retries: u32,
///     #[label(values("mail", "video"))]
///     kind: &'a str,
///     urgent: bool,
/// }
///
/// let registry = Registry::new();
/// let jobs = registry.typed_counter_family::<Job>("jobs_total", "Jobs.")?;
/// jobs.inc(&Job { name: "a", outcome: Outcome::Done, retries: 0, kind: "video", urgent: false });
/// jobs.inc(&Job { name: &String::from("a"), outcome: Outcome::TimedOut, retries: 17, kind: "audio", urgent: true });
/// assert_eq!(
///     registry.snapshot().text(),
///     r#"# HELP jobs_total Jobs.
/// ## TYPE jobs_total counter
/// jobs_total{queue="a",outcome="done",retries="0",kind="video",urgent="false"} 1
/// jobs_total{queue="a",outcome="timed_out",retries="other",kind="other",urgent="true"} 1
/// "#
/// );
/// # Ok(())
/// # }
/// ```
///
/// To implement it by hand, count the dense labels like the digits of a number, the first label's the most significant:
///
/// ```
/// use tachograph::{LabelSet, TypedLabel};
///
/// struct Tile(usize, usize);
///
/// impl LabelSet for Tile {
///     const LABELS: &'static [TypedLabel] =
///         &[TypedLabel::dense("row", &["a", "b"]), TypedLabel::dense("column", &["1", "2", "3"])];
///
///     fn index(&self) -> usize {
///         self.0 * 3 + self.1
///     }
///
///     fn with_strings<R>(&self, f: impl FnOnce(&[&str]) -> R) -> R {
///         f(&[])
///     }
/// }
///
/// let tiles = tachograph::Registry::new().typed_counter_family("tiles_total", "")?;
/// tiles.inc(&Tile(1, 2));
/// assert_eq!(tiles.handle(&Tile(1, 2)).value(), 1);
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
///
/// What a derived one has:
///
/// ```
/// # #[cfg(not(feature = "derive"))]
/// # fn main() {}
/// # #[cfg(feature = "derive")]
/// # fn main() {
/// use tachograph::LabelSet;
///
/// #[derive(LabelSet)]
/// struct Load<'a> {
///     cached: bool,
///     scene: &'a str,
/// }
///
/// assert_eq!(Load::LABELS.iter().map(|label| label.name()).collect::<Vec<_>>(), ["cached", "scene"]);
/// assert_eq!(Load::LIMIT, 1_000);
/// let load = Load { cached: true, scene: "lobby" };
/// assert_eq!((load.index(), load.with_strings(|strings| strings.concat())), (1, "lobby".into()));
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no label set",
    label = "no label set",
    note = "put `#[derive(tachograph::LabelSet)]` on a struct that has a field for each label"
)]
pub trait LabelSet {
    /// The labels, in the order in which a scrape shows them.
    const LABELS: &'static [TypedLabel];

    /// Series that a family may have before run-time strings give way. Without such strings there is no need for it, and it is not
    /// looked at.
    const LIMIT: usize = DEFAULT_LIMIT;

    /// The combination of the dense values: the indices of the dense labels as digits of one number, the first label's the most
    /// significant. One that is too high counts as what is left of it by the number of combinations.
    fn index(&self) -> usize;

    /// Calls `f` with the values of the run-time labels, in their order.
    fn with_strings<R>(&self, f: impl FnOnce(&[&str]) -> R) -> R;
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    const LABELS: &[TypedLabel] = &[
        TypedLabel::run_time("a"),
        TypedLabel::dense("b", &["x", "y"]),
        TypedLabel::dense("c", &["0", "1", "2"]),
        TypedLabel::run_time("d"),
        TypedLabel::dense("e", &[]),
    ];

    #[test]
    fn a_combination_is_read_like_a_number_from_the_left() {
        assert_eq!((combinations(LABELS), strings(LABELS)), (6, 2));
        assert_eq!(values(LABELS, 0, &["p", "q"]), ["p", "x", "0", "q", ""]);
        assert_eq!(values(LABELS, 5, &["p", "q"]), ["p", "y", "2", "q", ""]);
        assert_eq!(values(LABELS, 7, &["p", "q"]), values(LABELS, 1, &["p", "q"]));
    }

    #[test]
    fn what_is_too_much_for_one_set_is_refused() {
        const VALUES: &[&str] = &[""; 256];
        const DENSE: TypedLabel = TypedLabel::dense("a", VALUES);
        const STRING: TypedLabel = TypedLabel::run_time("a");
        TypedLabel::check(&[DENSE, DENSE, STRING, STRING, STRING, STRING]);
        for labels in [&[STRING; 5][..], &[DENSE, DENSE, TypedLabel::dense("b", &["0", "1"])], &[DENSE; 9]] {
            assert!(std::panic::catch_unwind(|| TypedLabel::check(labels)).is_err());
        }
    }
}
