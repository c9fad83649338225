//! The labels of a time series, sorted as remote write asks: made once for all series whose labels are called the same.

use std::borrow::Cow;

use crate::exposition::Escaping;
use crate::exposition::wire::Message;
use crate::snapshot::SeriesLabels;

/// What stands where in the labels of a series.
#[derive(Debug)]
enum Part {
    /// A label that all have, as a field.
    Whole(Vec<u8>),
    /// The name as a field, and which of the series' labels has the value.
    OfSeries(Vec<u8>, usize),
    /// The name as a field; the value is told with each sample, as that of `le` is.
    OfSample(Vec<u8>),
}

#[derive(Debug)]
pub(super) struct Outline(Vec<Part>);

impl Outline {
    /// `all` are the labels that the user has set for all series, `own` those of the registry, `names` those of the series, and
    /// `of_sample` the one that the sample adds.
    pub(super) fn new<'a>(
        all: &[(String, String)],
        own: SeriesLabels<'_>,
        metric: &str,
        names: impl Iterator<Item = &'a str>,
        of_sample: Option<&str>,
    ) -> Self {
        let legacy = |name: &str| Escaping::Underscores.label_name(name).into_owned();
        let own: Vec<_> = own.iter().map(|(name, value)| (legacy(name), value)).collect();
        let names: Vec<_> = names.map(legacy).collect();
        let of_sample = of_sample.map(legacy);
        let taken = |name: &str| {
            let exposed = own.iter().map(|(name, _)| name).chain(&names).chain(&of_sample);
            all.iter().map(|(name, _)| name).chain(exposed).any(|known| known == name)
        };
        // As a scraper does it with what it sets itself.
        let renamed = |name: &str| {
            let mut name = name.to_owned();
            if all.iter().any(|(set, _)| *set == name) {
                while taken(&name) {
                    name.insert_str(0, "exported_");
                }
            }
            name
        };
        let mut parts: Vec<(String, Part)> = Vec::new();
        let whole = |name: &str, value: &str| {
            let mut label = Message::default();
            label.message(1, |label| {
                label.bytes(1, name.as_bytes());
                label.bytes(2, value.as_bytes());
            });
            (name.to_owned(), Part::Whole(label.0))
        };
        let field = |name: &str| {
            let mut field = Message::default();
            field.bytes(1, name.as_bytes());
            field.0
        };
        parts.push(whole("__name__", metric));
        parts.extend(all.iter().map(|(name, value)| whole(name, value)));
        parts.extend(own.iter().map(|(name, value)| whole(&renamed(name), value)));
        parts.extend(names.iter().enumerate().map(|(at, name)| {
            let name = renamed(name);
            let field = field(&name);
            (name, Part::OfSeries(field, at))
        }));
        parts.extend(of_sample.iter().map(|name| {
            let name = renamed(name);
            let field = field(&name);
            (name, Part::OfSample(field))
        }));
        parts.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self(parts.into_iter().map(|(_, part)| part).collect())
    }

    /// Appends the labels to a `TimeSeries`.
    pub(super) fn write(&self, series: &mut Message, values: &[Cow<'_, [u8]>], of_sample: &[u8]) {
        for part in &self.0 {
            match part {
                Part::Whole(label) => series.0.extend_from_slice(label),
                Part::OfSeries(name, at) => label(series, name, &values[*at]),
                Part::OfSample(name) => label(series, name, of_sample),
            }
        }
    }
}

/// `Label`, unless it is empty: to remote write such a label is not there.
fn label(series: &mut Message, name: &[u8], value: &[u8]) {
    if !value.is_empty() {
        series.message_of(1, name.len() + Message::bytes_len(2, value), |label| {
            label.0.extend_from_slice(name);
            label.bytes(2, value);
        });
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;
    use crate::snapshot::OwnedLabels;

    /// The names of the labels in order, read without the code that wrote them; all lengths are of one byte.
    fn written(outline: &Outline, values: &[&str], of_sample: &str) -> Vec<(String, String)> {
        let mut message = Message::default();
        let values: Vec<_> = values.iter().map(|value| Cow::Borrowed(value.as_bytes())).collect();
        outline.write(&mut message, &values, of_sample.as_bytes());
        let mut rest = &message.0[..];
        let text = |rest: &mut &[u8], key: u8| {
            assert_eq!(rest[0], key);
            let (text, after) = rest[2..].split_at(rest[1].into());
            *rest = after;
            String::from_utf8(text.to_vec()).unwrap()
        };
        let mut labels = Vec::new();
        while !rest.is_empty() {
            assert_eq!(rest[0], 0x0a);
            rest = &rest[2..];
            labels.push((text(&mut rest, 0x0a), text(&mut rest, 0x12)));
        }
        labels
    }

    #[test]
    fn labels_are_sorted_by_the_names_that_they_get_and_clashes_are_a_scrapers() {
        let all = [("job", "j"), ("Zone", "z"), ("state", "s")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let own = OwnedLabels::new(&["host.name", "job"], &["h", "own"]);
        let names = ["exported_job", "a.b", "empty"];
        let outline = Outline::new(&all, own.get(), "m", names.into_iter(), Some("state"));
        let written = written(&outline, &["e", "ab", ""], "open");
        let expected = [
            ("Zone", "z"),
            ("__name__", "m"),
            ("a_b", "ab"),
            ("exported_exported_job", "own"),
            ("exported_job", "e"),
            ("exported_state", "open"),
            ("host_name", "h"),
            ("job", "j"),
            ("state", "s"),
        ];
        assert_eq!(written, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
