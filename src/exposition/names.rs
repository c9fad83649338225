//! The names of a family's samples and labels, as a format and a scheme write them: made once for all lines of the family.

use std::borrow::Cow;

use super::encoding::{Encoding, Format};
use super::escape;
use super::escaping::Escaping;
use super::lines::{Fixed, Lines};
use super::openmetrics;
use crate::metric::descriptor::{Descriptor, Kind, is_legal};
use crate::metric::label::LabelNames;
use crate::snapshot::SeriesLabels;

/// What the lines of a family have in common: the names that its samples may have, and those of its labels.
pub(super) struct Names<'a> {
    pub(super) plain: Name,
    pub(super) bucket: Name,
    pub(super) sum: Name,
    pub(super) count: Name,
    /// Where there are such samples.
    pub(super) created: Option<Name>,
    family: String,
    quoted: String,
    own_label: String,
    escaping: Escaping,
    /// What stands before each value of the labels of these names.
    before: Box<[Fixed]>,
    of: Option<&'a LabelNames>,
}

/// One name, with the registry's own labels if there are any.
pub(super) struct Name {
    /// Before further labels: with the brace, and a comma if there is something in the braces already.
    open: Fixed,
    /// Before the value of a series without labels.
    alone: Fixed,
}

impl<'a> Names<'a> {
    pub(super) fn new(descriptor: &Descriptor, encoding: Encoding, own_labels: SeriesLabels<'_>) -> Self {
        let (kind, escaping) = (descriptor.kind(), encoding.escaping());
        let family = escaping.family_name(descriptor.name()).into_owned();
        let own_labels = own_text(own_labels, escaping);
        let openmetrics = encoding.format() == Format::OpenMetrics;
        let [sum, count] = match kind {
            Kind::GaugeHistogram if openmetrics => ["_gsum", "_gcount"],
            _ => ["_sum", "_count"],
        };
        let has_created = matches!(kind, Kind::Counter | Kind::Histogram | Kind::Summary);
        let with = |suffix: &str| Name::new(&format!("{family}{suffix}"), &own_labels);
        Self {
            plain: with(""),
            bucket: with("_bucket"),
            sum: with(sum),
            count: with(count),
            created: (openmetrics && encoding.created() && has_created)
                .then(|| Name::new(&format!("{}_created", openmetrics::stem(kind, &family)), &own_labels)),
            quoted: quoted(&family).into_owned(),
            own_label: quoted_label(&escaping.label_name(descriptor.name())).into_owned(),
            family,
            escaping,
            before: Box::default(),
            of: None,
        }
    }

    /// The family's name, as its samples carry it.
    pub(super) fn family(&self) -> &str {
        &self.family
    }

    /// The same, in quotes where it must be.
    pub(super) fn quoted(&self) -> &str {
        &self.quoted
    }

    /// The label that a state set writes itself.
    pub(super) fn own_label(&self) -> &str {
        &self.own_label
    }

    /// From now on the lines are of series with labels of such names.
    #[inline]
    pub(super) fn are_of(&mut self, labels: SeriesLabels<'a>) {
        if self.of.is_none_or(|of| !std::ptr::eq(of, labels.names())) {
            self.of = Some(labels.names());
            self.before = befores(labels.names(), self.escaping).map(|before| Fixed::new(&before)).collect();
        }
    }

    /// Everything of a line up to its last label, and a comma if there are labels: another one follows.
    pub(super) fn start(&self, name: &Name, labels: SeriesLabels<'_>) -> Vec<u8> {
        let mut start = name.open.bytes().to_vec();
        for (before, value) in self.before.iter().zip(labels.values()) {
            start.extend_from_slice(before.bytes());
            start.extend_from_slice(value);
        }
        if !labels.is_empty() {
            start.push(b',');
        }
        start
    }

    /// Everything of a line before its value.
    #[inline(always)]
    pub(super) fn push_series(&self, out: &mut Lines, name: &Name, labels: SeriesLabels<'_>) {
        if labels.is_empty() {
            return out.push_fixed(&name.alone);
        }
        out.push_fixed(&name.open);
        for (before, value) in self.before.iter().zip(labels.values()) {
            out.push_fixed(before);
            out.push(value);
        }
        out.push(b"} ");
    }
}

impl Name {
    fn new(name: &str, own_labels: &str) -> Self {
        // A name in quotes stands within the braces, before all labels.
        let (outside, within) = if is_legal(name, true) { (name, Cow::Borrowed("")) } else { ("", quoted(name)) };
        let parts: Vec<&str> = [&within, own_labels].into_iter().filter(|part| !part.is_empty()).collect();
        let within = parts.join(",");
        Self {
            open: Fixed::new(&format!("{outside}{{{within}{}", if within.is_empty() { "" } else { "," })),
            alone: Fixed::new(&if within.is_empty() { format!("{outside} ") } else { format!("{outside}{{{within}}} ") }),
        }
    }
}

/// A family's name as it stands in a text: in quotes where it is not legal.
pub(super) fn quoted(name: &str) -> Cow<'_, str> {
    if is_legal(name, true) { Cow::Borrowed(name) } else { Cow::Owned(in_quotes(name)) }
}

/// A label's name as it stands in a text.
pub(crate) fn quoted_label(name: &str) -> Cow<'_, str> {
    if is_legal(name, false) { Cow::Borrowed(name) } else { Cow::Owned(in_quotes(name)) }
}

fn in_quotes(name: &str) -> String {
    let mut quoted = b"\"".to_vec();
    escape::label_value(&mut quoted, name);
    quoted.push(b'"');
    String::from_utf8(quoted).expect("a name is a string, escapes cut none of its characters")
}

/// What stands before each value of labels of these names: `a="`, `,b="`.
fn befores(names: &LabelNames, escaping: Escaping) -> impl Iterator<Item = String> {
    names.iter().enumerate().map(move |(at, name)| {
        let name = escaping.label_name(name);
        format!("{}{}=\"", if at == 0 { "" } else { "," }, quoted_label(&name))
    })
}

/// The registry's own labels, without braces.
fn own_text(labels: SeriesLabels<'_>, escaping: Escaping) -> String {
    let mut text = Vec::new();
    for (before, value) in befores(labels.names(), escaping).zip(labels.values()) {
        text.extend_from_slice(before.as_bytes());
        text.extend_from_slice(value);
    }
    String::from_utf8(text).expect("labels are strings, escapes cut none of their characters")
}
