//! The runbooks: what the rules say of an alert is put into `runbooks/ALERT.md`, and of each Prometheus gets a page that it serves as
//! `/consoles/ALERT.html`, where `runbook_url` leads.
//!
//! Prometheus takes its consoles for templates of Go's `html/template`: `{{` would begin an action, so it is written as one that yields it.

use std::path::Path;
use std::{fs, io};

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, html};

use crate::files::{File, read};
use crate::{queries, rules, tables};

/// How the documents are read.
pub const OPTIONS: Options = Options::ENABLE_TABLES;

/// The sections of a runbook, in their order.
pub const SECTIONS: [&str; 4] = ["Meaning", "Impact", "Diagnosis", "Mitigation"];

const STYLE: &str = include_str!("runbooks.css");

/// Every runbook with what the rules say, its page, and the list of all.
///
/// # Errors
///
/// When an alert has no runbook, a runbook no alert, or something in one cannot be made into a page.
pub fn files(folder: &Path) -> io::Result<Vec<File>> {
    let mut files = Vec::new();
    let alerts = rules::names();
    for alert in &alerts {
        let path = format!("runbooks/{alert}.md");
        let mut text = tables::replace(&read(&folder.join(&path))?, &path, "facts", &tables::facts(alert))?;
        if alert == "HTTPAPIErrorBudgetBurn" {
            text = tables::replace(&text, &path, "burn", &tables::burn_table())?;
        }
        files.push(File { path: format!("prometheus/consoles/{alert}.html"), content: page(alert, &path, &text)? });
        files.push(File { path, content: text });
    }
    let path = "runbooks/README.md";
    let text = tables::replace(&read(&folder.join(path))?, path, "alerts", &tables::alerts_list())?;
    files.push(File { path: "prometheus/consoles/index.html".into(), content: page("index", path, &text)? });
    files.push(File { path: path.into(), content: text });
    for entry in fs::read_dir(folder.join("runbooks"))? {
        let name = entry?.file_name().to_string_lossy().trim_end_matches(".md").to_owned();
        if name != "README" && !alerts.contains(&name) {
            return Err(io::Error::other(format!("runbooks/{name}.md: no alert has this name, take the runbook away")));
        }
    }
    Ok(files)
}

/// The page of a runbook.
///
/// # Errors
///
/// When there is HTML in it other than comments.
pub fn page(alert: &str, path: &str, markdown: &str) -> io::Result<String> {
    let mut events = Vec::new();
    let mut promql = false;
    // Of a link that leads nowhere from here the words stay.
    let mut unlinked = false;
    let mut title = None;
    let mut in_title = false;
    for event in Parser::new_ext(markdown, OPTIONS) {
        match event {
            Event::Html(text) | Event::InlineHtml(text) => {
                let text = text.trim();
                let comment = text.starts_with("<!--") && text.ends_with("-->");
                if !comment && !text.is_empty() {
                    return Err(io::Error::other(format!("{path}: HTML is left to the generator, but there is {text}")));
                }
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) if &*info == "promql" => promql = true,
            Event::Text(block) if promql => events.push(Event::Html(queries_html(&block).into())),
            Event::End(TagEnd::CodeBlock) if promql => promql = false,
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => match served(&dest_url) {
                Some(dest_url) => events.push(Event::Start(Tag::Link { link_type, dest_url, title, id })),
                None => unlinked = true,
            },
            Event::End(TagEnd::Link) if unlinked => unlinked = false,
            event => {
                match &event {
                    Event::Start(Tag::Heading { level: pulldown_cmark::HeadingLevel::H1, .. }) => in_title = true,
                    Event::Text(text) if in_title => title = Some(text.to_string()),
                    Event::End(TagEnd::Heading(_)) => in_title = false,
                    _ => {}
                }
                events.push(event);
            }
        }
    }
    let title = title.ok_or_else(|| io::Error::other(format!("{path}: there is no title")))?;
    let mut body = String::new();
    html::push_html(&mut body, events.into_iter());
    let here = if alert == "index" {
        "<a href=\"../alerts\">what fires now</a>".to_owned()
    } else {
        format!("<a href=\"index.html\">all runbooks</a> · <a href=\"../alerts?search={alert}\">does it fire now?</a>")
    };
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<nav>{here}</nav>\n<main>\n{body}</main>\n\
         <footer>Generated from monitoring/{path}. The commands take <code>API</code>, <code>PROMETHEUS</code>, \
         <code>ALERTMANAGER</code> and <code>TACHOGRAPH_TOKEN</code> from the environment: \
         <a href=\"index.html\">how to set them</a>.</footer>\n</body>\n</html>\n"
    );
    Ok(page.replace("{{", "{{\"{{\"}}"))
}

/// Where a link of a runbook leads from its page: to another page, or out into the world.
fn served<'a>(link: &CowStr<'a>) -> Option<CowStr<'a>> {
    if link.starts_with("https://") {
        return Some(link.clone());
    }
    let name = link.strip_suffix(".md").filter(|name| !name.contains('/'))?;
    Some(format!("{}.html", if name == "README" { "index" } else { name }).into())
}

/// Each query with a link that runs it.
fn queries_html(block: &str) -> String {
    let mut text = String::new();
    for queries::Query { told, expression } in queries::of_block(block) {
        let comment = if told.is_empty() { String::new() } else { format!("<i># {}</i>\n", escaped(&told)) };
        let graph = format!("../graph?g0.expr={}&amp;g0.tab=1", percent_encoded(&expression));
        let expression = escaped(&expression);
        let query = format!("<pre class=\"query\"><a href=\"{graph}\">run</a><code>{comment}{expression}</code></pre>\n");
        text.push_str(&query);
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_title_its_links_and_its_queries() {
        let markdown = "# Down\n\nMore than 5 %<!--ERROR_RATIO-->: [other](Other.md), [there](../README.md#x), \
                        [out](https://example.org).\n\n```promql\n# Is it?\nup{job=\"a\"} < 1\n```\n";
        let page = page("Down", "runbooks/Down.md", markdown).unwrap();
        assert!(page.contains("<title>Down</title>"));
        assert!(
            page.contains("More than 5 %: <a href=\"Other.html\">other</a>, there, <a href=\"https://example.org\">out</a>.")
        );
        assert!(page.contains("<a href=\"../graph?g0.expr=up%7Bjob%3D%22a%22%7D%20%3C%201&amp;g0.tab=1\">run</a>"), "{page}");
        assert!(page.contains("<code><i># Is it?</i>\nup{job=\"a\"} &lt; 1</code>"));
    }

    #[test]
    fn what_would_be_an_action_of_a_template_is_text() {
        let page = page("A", "runbooks/A.md", "# A\n\n`{{ $value }}`\n").unwrap();
        assert!(page.contains("<code>{{\"{{\"}} $value }}</code>"), "{page}");
    }

    #[test]
    fn html_is_refused() {
        let error = page("A", "runbooks/A.md", "# A\n\n<script>alert(1)</script>\n").unwrap_err();
        assert!(error.to_string().starts_with("runbooks/A.md: HTML is left to the generator"), "{error}");
    }
}
