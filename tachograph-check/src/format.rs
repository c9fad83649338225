//! The formats, and how one is told from another.

use std::fmt;

use crate::finding::{Finding, quoted};
use crate::{Kind, Rule, Rules};

/// A format that is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// Prometheus text 1.0.0: text 0.0.4 with names between quotes.
    Text1,
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// OpenMetrics 1.0 with names between quotes, as Prometheus 3 asks for with `escaping=allow-utf-8`.
    OpenMetricsUtf8,
}

/// The escaping schemes that the content type may tell of.
const ESCAPING: [&str; 4] = ["allow-utf-8", "underscores", "dots", "values"];

impl Format {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Text, Self::Text1, Self::OpenMetrics, Self::OpenMetricsUtf8];

    /// The content type of the format, to the letter.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::Text1 => "text/plain; version=1.0.0; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::OpenMetricsUtf8 => "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        }
    }

    /// The format that a `Content-Type` header names, in whatever spelling; `None` if it is none of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph_check::Format;
    ///
    /// assert_eq!(Format::of_content_type("Text/Plain;charset=UTF-8; version=\"0.0.4\""), Some(Format::Text));
    /// assert_eq!(Format::of_content_type("text/plain"), Some(Format::Text));
    /// assert_eq!(Format::of_content_type("application/openmetrics-text; version=1.0.0"), Some(Format::OpenMetrics));
    /// assert_eq!(Format::of_content_type("application/openmetrics-text; version=2.0.0"), None);
    /// assert_eq!(Format::of_content_type("text/html"), None);
    /// ```
    pub fn of_content_type(header: &str) -> Option<Self> {
        let (media, parameters) = parts(header);
        let parameter = |wanted| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let quoted_names = parameter("escaping") == Some("allow-utf-8");
        match (media.as_str(), parameter("version")) {
            ("text/plain", Some("0.0.4") | None) => Some(Self::Text),
            ("text/plain", Some("1.0.0")) => Some(Self::Text1),
            ("application/openmetrics-text", Some("1.0.0" | "0.0.1") | None) => {
                Some(if quoted_names { Self::OpenMetricsUtf8 } else { Self::OpenMetrics })
            }
            _ => None,
        }
    }

    /// The format that a text seems to be in: OpenMetrics if the last line is `# EOF`, else text, each with names between
    /// quotes if there are any.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph_check::Format;
    ///
    /// assert_eq!(Format::guess(b"a 1\n"), Format::Text);
    /// assert_eq!(Format::guess(b"{\"a.b\"} 1\n# EOF\n"), Format::OpenMetricsUtf8);
    /// ```
    pub fn guess(bytes: &[u8]) -> Self {
        let text = bytes.trim_ascii_end();
        let open = text.strip_suffix(b"# EOF").is_some_and(|before| before.is_empty() || before.ends_with(b"\n"));
        match (open, bytes.split(|byte| *byte == b'\n').any(names_are_quoted)) {
            (false, false) => Self::Text,
            (false, true) => Self::Text1,
            (true, false) => Self::OpenMetrics,
            (true, true) => Self::OpenMetricsUtf8,
        }
    }

    /// Whether it is OpenMetrics.
    pub fn is_open(self) -> bool {
        matches!(self, Self::OpenMetrics | Self::OpenMetricsUtf8)
    }

    /// Whether names may stand between quotes.
    pub fn has_quoted_names(self) -> bool {
        matches!(self, Self::Text1 | Self::OpenMetricsUtf8)
    }

    /// Checks the value of a `Content-Type` header, in which parameters may stand in any order and spelling, one of the four escaping
    /// schemes among them. Of a text version and charset may be missing; by [`Rules::OURS`] nothing may, and the spelling is one.
    ///
    /// # Errors
    ///
    /// What is wrong with it, by the rule [`Rule::ContentType`].
    pub fn check_content_type(self, header: &str, rules: Rules) -> Result<(), Finding> {
        let bare = match self {
            Self::OpenMetricsUtf8 => Self::OpenMetrics.content_type(),
            _ => self.content_type(),
        };
        let (wanted_media, wanted) = parts(bare);
        let (media, parameters) = parts(header);
        let known = |(name, value): &(String, String)| match name.as_str() {
            "escaping" => ESCAPING.contains(&value.as_str()),
            _ => wanted.contains(&(name.clone(), value.clone())),
        };
        // Only the first version is what a text is that does not name one.
        let optional = |name: &str| self == Self::Text || (self == Self::Text1 && name == "charset");
        let complete = wanted.iter().all(|part| parameters.contains(part) || optional(&part.0));
        let canonical = || {
            let rest = header.strip_prefix(bare);
            rest == Some("")
                || rest.and_then(|rest| rest.strip_prefix("; escaping=")).is_some_and(|rest| ESCAPING.contains(&rest))
        };
        if media == wanted_media && parameters.iter().all(known) && complete && (!rules.canonical || canonical()) {
            return Ok(());
        }
        let message = if header.is_empty() {
            "there is no content type, for which Prometheus 3 refuses a scrape".to_owned()
        } else {
            format!("the content type {}", quoted(header))
        };
        let remedy = format!("send `{}`", self.content_type()).into();
        Err(Finding { line: 0, column: 0, rule: Rule::ContentType, message, remedy })
    }

    /// What the names of the samples of a type have behind the family's name.
    pub(crate) fn suffixes(self, kind: Kind) -> &'static [&'static str] {
        match (kind, self.is_open()) {
            (Kind::Histogram, false) => &["_bucket", "_sum", "_count"],
            (Kind::Summary, false) => &["", "_sum", "_count"],
            (Kind::Counter, true) => &["_total", "_created"],
            (Kind::Histogram, true) => &["_bucket", "_sum", "_count", "_created"],
            (Kind::GaugeHistogram, true) => &["_bucket", "_gsum", "_gcount"],
            (Kind::Summary, true) => &["", "_sum", "_count", "_created"],
            (Kind::Info, true) => &["_info"],
            _ => &[""],
        }
    }
}

/// The media type and the parameters of a header, in lower case.
fn parts(header: &str) -> (String, Vec<(String, String)>) {
    let lower = |text: &str| text.trim().trim_matches('"').to_ascii_lowercase();
    let mut parts = header.split(';');
    let media = parts.next().map(lower).unwrap_or_default();
    let parameters = parts.filter(|part| !part.trim().is_empty());
    (
        media,
        parameters
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (lower(name), lower(value)))
            .collect(),
    )
}

/// As the summary of a check names it.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text 0.0.4",
            Self::Text1 => "text 1.0.0",
            Self::OpenMetrics => "OpenMetrics 1.0",
            Self::OpenMetricsUtf8 => "OpenMetrics 1.0 with quoted names",
        })
    }
}

/// Whether a name stands between quotes on this line: behind a keyword, or behind a brace or comma outside of quotes.
fn names_are_quoted(line: &[u8]) -> bool {
    if let Some(comment) = line.trim_ascii_start().strip_prefix(b"#") {
        let comment = comment.trim_ascii_start();
        let keyword = [b"HELP", b"TYPE", b"UNIT"].iter().find_map(|keyword| comment.strip_prefix(*keyword));
        return keyword.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\""));
    }
    let (mut within, mut escaped, mut before) = (false, false, b' ');
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if within => escaped = true,
            b'"' if within => within = false,
            b'"' if matches!(before, b'{' | b',') => return true,
            b'"' => within = true,
            _ => {}
        }
        if !matches!(byte, b' ' | b'\t') {
            before = *byte;
        }
    }
    false
}
