//! `tachograph check`: reads a scrape from a file, a pipe or a server, and tells what is wrong with it.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;

use hyper::StatusCode;
use tachograph_check::{Finding, Format, Report, Rule, Rules};

use crate::cli::{CheckFormat, CheckOptions};
use crate::fetch::{Answer, Ask, Fetcher, MOST_BYTES, PATIENCE, has_password};
use crate::trust;

/// The exit status of a scrape with findings.
const FOUND: u8 = 1;
/// The exit status of what cannot be read.
const UNREADABLE: u8 = 2;

/// A scrape as it came.
struct Source {
    name: String,
    bytes: Vec<u8>,
    /// The `Content-Type` header, if a server sent the scrape: empty if it sent none.
    content_type: Option<String>,
}

/// Checks what the options name, and returns the exit status.
pub(crate) fn check(options: &CheckOptions) -> ExitCode {
    let told = if options.rules {
        tell(&table(Rule::ALL))
    } else if let Some(id) = &options.explain {
        match Rule::of_id(id) {
            Some(rule) => tell(&explanation(rule)),
            None => Err(format!("there is no rule '{id}', `tachograph check --rules` lists all of them")),
        }
    } else {
        judge(options)
    };
    told.unwrap_or_else(|told| {
        say(&format!("tachograph: {}", told.replace(['\n', '\r'], " ")));
        ExitCode::from(UNREADABLE)
    })
}

fn judge(options: &CheckOptions) -> Result<ExitCode, String> {
    let source = read(options)?;
    let format = format(&source, options.format)?;
    let rules = if options.strict { Rules::OURS } else { Rules::FORMAT };
    let report = tachograph_check::check(&source.bytes, format, rules);
    let header = source.content_type.as_deref().and_then(|header| format.check_content_type(header, rules).err());
    let findings: Vec<&Finding> = header.iter().chain(&report.findings).collect();
    let lines = findings.iter().map(|finding| line(&source.name, finding, options.json));
    write_out(&lines.collect::<String>())?;
    say(&format!("{}: {}", source.name, summary(&report, findings.len(), format)));
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

fn read(options: &CheckOptions) -> Result<Source, String> {
    let name = options.source.as_deref().unwrap_or("-");
    let unshown =
        "a URL with a user or a password is not taken; fetch it with a client that has the credentials and pipe it here";
    if name.contains("://") {
        if has_password(name) {
            return Err(unshown.to_owned());
        }
        let tls = trust::config(name, options.ca_file.as_deref())?;
        let fetcher = Fetcher::new(PATIENCE, tls).map_err(|failure| failure.told)?;
        let answer = fetcher.ask(&Ask::get(name, accept(options.format))).map_err(|failure| failure.told)?;
        refuse_status(&answer).map_err(|told| format!("cannot read {name}: {told}"))?;
        return Ok(Source { name: name.to_owned(), bytes: answer.body, content_type: Some(answer.content_type) });
    }
    let (name, bytes) =
        if name == "-" { ("stdin", read_bytes(io::stdin().lock())) } else { (name, File::open(name).and_then(read_bytes)) };
    let bytes = bytes.map_err(|cause| {
        // Without a scheme it was taken for a file.
        let advice = match name.contains(':') {
            true if has_password(name) => return unshown.to_owned(),
            true => format!("if it is a server, write http://{name}"),
            false => "name a file, an http:// or https:// URL, or - for a pipe".to_owned(),
        };
        format!("cannot read {name}: {cause}; {advice}")
    })?;
    Ok(Source { name: name.to_owned(), bytes, content_type: None })
}

fn refuse_status(answer: &Answer) -> Result<(), String> {
    let status = answer.status;
    match &answer.location {
        _ if status == StatusCode::OK => Ok(()),
        Some(location) if status.is_redirection() => {
            Err(format!("the answer is {status} to {location:?}, which is not followed; name the address itself"))
        }
        _ if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN => {
            Err(format!("the answer is {status}; fetch it with a client that has the credentials and pipe it here"))
        }
        _ if status.is_server_error() => Err(format!("the answer is {status}; try again, or look at the server's log")),
        _ => Err(format!("the answer is {status}; name the path of the metrics, often /metrics")),
    }
}

fn read_bytes(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MOST_BYTES { Err(io::Error::other(TOO_LARGE)) } else { Ok(bytes) }
}

/// Why a scrape is not read to its end.
pub(crate) const TOO_LARGE: &str = "it is larger than 256 MiB, and no scraper would take it";

/// The format to check a scrape by.
fn format(source: &Source, chosen: CheckFormat) -> Result<Format, String> {
    let name = &source.name;
    let known = match chosen {
        CheckFormat::Auto => None,
        CheckFormat::Text => Some(Format::Text),
        CheckFormat::Text1 => Some(Format::Text1),
        CheckFormat::Openmetrics => Some(Format::OpenMetrics),
        CheckFormat::OpenmetricsUtf8 => Some(Format::OpenMetricsUtf8),
    };
    if let Some(format) = known {
        return Ok(format);
    }
    if let Some(header) = source.content_type.as_deref().filter(|header| !header.is_empty()) {
        return Format::of_content_type(header).ok_or_else(|| {
            format!("{name} is {header:?}, none of the formats; name the path of the metrics, or the format with --format")
        });
    }
    match source.bytes.trim_ascii_start() {
        [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => Err(format!("{name} is compressed; unpack it first")),
        // A length, then the first field, a name: no text that is one begins so.
        [0x80..=0xff, 0..=0x7f, 0x0a, ..] | [0x80..=0xff, 0x80..=0xff, 0..=0x7f, 0x0a, ..] => {
            Err(format!("{name} looks like protobuf; ask for text or OpenMetrics, or name the format with --format"))
        }
        [b'<', ..] => Err(format!("{name} looks like HTML; name the metrics themselves, or the format with --format")),
        _ => Ok(Format::guess(&source.bytes)),
    }
}

/// What a server is asked for.
fn accept(chosen: CheckFormat) -> &'static str {
    match chosen {
        CheckFormat::Auto => "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        CheckFormat::Text => "text/plain;version=0.0.4",
        CheckFormat::Text1 => "text/plain;version=1.0.0;escaping=allow-utf-8",
        CheckFormat::Openmetrics => "application/openmetrics-text;version=1.0.0",
        CheckFormat::OpenmetricsUtf8 => "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
    }
}

fn line(name: &str, finding: &Finding, json: bool) -> String {
    if !json {
        return format!("{name}:{finding}\n");
    }
    let Finding { line, column, rule, message, remedy } = finding;
    let object = serde_json::json!({
        "name": name, "line": line, "column": column, "rule": rule.id(), "message": message, "remedy": remedy,
    });
    format!("{object}\n")
}

fn summary(report: &Report, findings: usize, format: Format) -> String {
    if findings > 0 {
        let more = if report.cut { " or more" } else { "" };
        return format!("{}{more}, as {format}", counted(findings, "finding", "findings"));
    }
    let families = counted(report.families, "family", "families");
    let nothing = if report.families == 0 { " (is that all that should have come?)" } else { "" };
    format!("clean, {families}, {}, {format}{nothing}", counted(report.samples, "sample", "samples"))
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn table(rules: &[Rule]) -> String {
    rules.iter().map(|rule| format!("{:<22} {}\n", rule.id(), rule.statement())).collect()
}

fn explanation(rule: Rule) -> String {
    format!("{} ({})\n{}\nTo mend it: {}\n", rule.id(), rule.name(), rule.statement(), rule.remedy())
}

fn tell(text: &str) -> Result<ExitCode, String> {
    write_out(text).map(|()| ExitCode::SUCCESS)
}

/// Writes a line to standard error. If nobody reads that any more, the exit status still tells what there is to tell.
pub(crate) fn say(line: &str) {
    let _closed = writeln!(io::stderr(), "{line}");
}

/// Writes to standard output, whose reader may have seen enough and gone.
fn write_out(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => Err(format!("cannot write what was found: {cause}")),
        _ => Ok(()),
    }
}
