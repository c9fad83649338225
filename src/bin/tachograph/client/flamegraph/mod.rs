//! `tachograph flamegraph`: where the time of the last requests went, drawn here or written to a file.
//!
//! `draw` draws it, `file` writes a file whole or not at all.

mod draw;
mod file;

use std::path::Path;
use std::process::ExitCode;

use draw::Frame;
use hyper::Method;

use super::Ended;
use super::target::Target;
use super::terminal::{Terminal, tell_progress, write_as_it_came, write_out};
use crate::cli::{FlameFormat, FlameGraphQuery};
use crate::fetch::{Answer, Failure, FailureKind};

const PATH: &str = "/debug/profile/flamegraph";

/// What a file is by the end of its name; the first one that fits counts.
const ENDS: [(&str, FlameFormat); 7] = [
    (".svg", FlameFormat::Svg),
    (".folded", FlameFormat::Folded),
    (".txt", FlameFormat::Folded),
    (".pb.gz", FlameFormat::Pprof),
    (".trace.json", FlameFormat::Trace),
    (".d3.json", FlameFormat::Json),
    (".json", FlameFormat::Speedscope),
];

/// Draws the flame graph that the options ask for, or writes it to a file.
pub(crate) fn flamegraph(options: &FlameGraphQuery) -> Result<ExitCode, Ended> {
    let target = Target::of(&options.connection)?.with_progress(tell_progress);
    let Some(path) = &options.output_file else {
        let answer = fetch(&target, options, FlameFormat::Json)?;
        let mut terminal = Terminal::of(options.output.color);
        terminal.width = options.width.map_or(terminal.width, usize::from);
        write_out(drawn(&target, &answer, &terminal)?.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    };
    let format = format(path, options.format).map_err(Ended::Failed)?;
    if path.as_os_str() == "-" {
        write_as_it_came(&fetch(&target, options, format)?.body)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Asked before the server is: it may take long.
    file::refuse_existing(path, options.force).map_err(Ended::Failed)?;
    let body = fetch(&target, options, format)?.body;
    file::write(path, &body, options.force).map_err(Ended::Failed)?;
    crate::check::say(&format!("wrote {} ({})", path.display(), super::figure::bytes(body.len() as f64)));
    Ok(ExitCode::SUCCESS)
}

fn format(path: &Path, chosen: Option<FlameFormat>) -> Result<FlameFormat, String> {
    let name = path.to_string_lossy().to_ascii_lowercase();
    let known = ENDS.iter().find(|(end, _)| name.ends_with(end)).map(|(_, format)| *format);
    chosen.or(known).ok_or_else(|| {
        let ends = ENDS.map(|(end, _)| end).join(", ");
        format!("the name of {} tells no format; end it with one of {ends}, or give --format", path.display())
    })
}

fn fetch(target: &Target, options: &FlameGraphQuery, format: FlameFormat) -> Result<Answer, Failure> {
    let name = match format {
        FlameFormat::Svg => "svg",
        FlameFormat::Folded => "folded",
        FlameFormat::Speedscope => "speedscope",
        FlameFormat::Trace => "trace",
        FlameFormat::Pprof => "pprof",
        FlameFormat::Json => "json",
    };
    let path = format!("{PATH}?{}", options.filters.query(&[("format", name)]));
    let answer = target.ask(Method::GET, &path, "*/*")?;
    target.expect_ok(answer, &target.url(&path), "the server keeps no profiles, or it is not Tachograph's")
}

fn drawn(target: &Target, answer: &Answer, terminal: &Terminal) -> Result<String, Failure> {
    let root: Frame = serde_json::from_slice(&answer.body).map_err(|cause| {
        let url = target.url(PATH);
        let told = format!("cannot read {url}: it is not what Tachograph's server answers ({cause}); is its address right?");
        Failure::new(FailureKind::Unreadable, told)
    })?;
    Ok(draw::draw(terminal, &root))
}
