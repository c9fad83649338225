//! The documents hold together: their links lead somewhere, each alert has a runbook with its four sections, and the limits that they
//! state are those of `limits.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use monitoring::{files, rules, runbooks, tables};
use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

/// The Markdown under `monitoring/`, and the two documents beside it.
fn documents() -> BTreeMap<PathBuf, String> {
    let root = files::folder().join("..").canonicalize().expect("the repository");
    let mut paths = vec![root.join("README.md"), root.join("PERFORMANCE.md")];
    let mut folders = vec![root.join("monitoring")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                paths.push(path);
            }
        }
    }
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).expect("a readable document"))).collect()
}

/// The headings, each with its level.
fn headings(markdown: &str) -> Vec<(HeadingLevel, String)> {
    let (mut headings, mut open) = (Vec::new(), None);
    for event in Parser::new_ext(markdown, runbooks::OPTIONS) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => open = Some((level, String::new())),
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, title)) = &mut open {
                    title.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => headings.extend(open.take()),
            _ => {}
        }
    }
    headings
}

/// What a heading is linked by, as GitHub has it.
fn anchors(markdown: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for (_, title) in headings(markdown) {
        let kept = |character: &char| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_');
        let plain = title.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-");
        let again = (1..).map(|number| format!("{plain}-{number}"));
        let free = [plain.clone()].into_iter().chain(again).find(|anchor| !anchors.contains(anchor));
        anchors.push(free.expect("numbers do not end"));
    }
    anchors
}

fn links(markdown: &str) -> Vec<String> {
    let links = Parser::new_ext(markdown, runbooks::OPTIONS).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.to_string()),
        _ => None,
    });
    links.collect()
}

/// Why a link of a document leads nowhere.
fn broken(from: &Path, link: &str) -> Option<String> {
    if link.starts_with("https://") || link.starts_with("http://") {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = if path.is_empty() { from.to_owned() } else { from.parent().expect("it lies in a folder").join(path) };
    if !target.exists() {
        return Some(format!("{}: {link}: there is no such file", from.display()));
    }
    let anchor = anchor?;
    let text = fs::read_to_string(&target).unwrap_or_default();
    let known = anchors(&text);
    (!known.iter().any(|known| known == anchor)).then(|| format!("{}: {link}: the headings are {known:?}", from.display()))
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents();
    let broken: Vec<String> = documents
        .iter()
        .flat_map(|(path, text)| links(text).into_iter().filter_map(|link| broken(path, &link)).collect::<Vec<_>>())
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let among_runbooks = documents.iter().filter(|(path, _)| path.parent().is_some_and(|folder| folder.ends_with("runbooks")));
    let found: usize = among_runbooks.map(|(_, text)| links(text).len()).sum();
    assert!(found > rules::names().len(), "only {found} links were found in the runbooks");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let readme = files::folder().join("README.md");
    assert!(broken(&readme, "nowhere.md").is_some());
    assert!(broken(&readme, "MONITORING.md#no-such-heading").is_some());
    assert_eq!(anchors("# A b: `c_d`?\n\n## A b c_d\n"), ["a-b-c_d", "a-b-c_d-1"]);
}

#[test]
fn each_alert_has_a_runbook_and_each_runbook_an_alert() {
    let folder = files::folder().join("runbooks");
    let mut there: Vec<String> = fs::read_dir(&folder)
        .expect("the folder of the runbooks")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name in UTF-8"))
        .filter(|name| name != "README.md")
        .collect();
    there.sort();
    let mut wanted: Vec<String> = rules::names().into_iter().map(|name| format!("{name}.md")).collect();
    wanted.sort();
    assert_eq!(there, wanted);
    for alert in rules::alerts() {
        let expected = format!("{{{{ $externalURL }}}}/consoles/{}.html", alert.name);
        assert_eq!(alert.annotation("runbook_url"), expected, "{}", alert.name);
    }
}

#[test]
fn each_runbook_has_its_title_and_the_four_sections() {
    for name in rules::names() {
        let text = fs::read_to_string(files::folder().join(format!("runbooks/{name}.md"))).expect("a runbook");
        let sections = runbooks::SECTIONS.map(|section| (HeadingLevel::H2, section.to_owned()));
        let expected: Vec<_> = [(HeadingLevel::H1, name.clone())].into_iter().chain(sections).collect();
        assert_eq!(headings(&text), expected, "{name}");
        for section in text.split("\n## ").skip(1) {
            let (title, content) = section.split_once('\n').expect("a title has its line");
            assert!(content.trim().len() > 40, "{name}: {title} says nothing");
        }
        let diagnosis = text.split("\n## Diagnosis\n").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
        for language in ["promql", "sh"] {
            assert!(diagnosis.contains(&format!("```{language}\n")), "{name}: Diagnosis has no block of {language}");
        }
    }
}

#[test]
fn each_link_to_a_panel_leads_to_one() {
    let dashboard = fs::read_to_string(files::folder().join(monitoring::dashboard::PATH)).expect("the dashboard");
    let panels = monitoring::reference::panels(&dashboard).expect("a dashboard");
    for alert in rules::alerts() {
        if let Some((_, id)) = alert.annotation("dashboard_url").split_once("viewPanel=") {
            assert!(panels.iter().any(|panel| panel.id.to_string() == id), "{}: there is no panel {id}", alert.name);
        }
    }
}

#[test]
fn every_stated_limit_is_the_limit() {
    let limits = tables::limits();
    let mut stated = 0;
    for (path, text) in documents() {
        for (before, name) in tables::stated(&text) {
            let limit = limits.iter().find(|limit| limit.name == name);
            let limit = limit.unwrap_or_else(|| panic!("{}: there is no limit {name}", path.display()));
            let (line, told) = (before.lines().last().unwrap_or_default(), path.display());
            let rest = line.strip_suffix(&limit.shown);
            let rest = rest.unwrap_or_else(|| panic!("{told}: '{line}' should end with '{}', which is {name}", limit.shown));
            assert!(
                !rest.ends_with(|last: char| last.is_ascii_digit() || last == '.'),
                "{told}: '{line}' is not {}",
                limit.shown
            );
            stated += 1;
        }
    }
    assert!(stated > limits.len(), "only {stated} limits are stated");
}

#[test]
fn each_runbook_states_its_limits_and_marks_each_of_them() {
    for limit in tables::limits() {
        for name in limit.alerts {
            let text = fs::read_to_string(files::folder().join(format!("runbooks/{name}.md"))).expect("a runbook");
            let marker = format!("{}<!--{}-->", limit.shown, limit.name);
            assert!(text.contains(&marker), "runbooks/{name}.md has to say {marker}");
            // A bare number may be of anything. One with its unit is the limit, and without the marker it would be forgotten.
            if !limit.shown.contains(' ') {
                continue;
            }
            for (at, found) in prose(&text).match_indices(&limit.shown) {
                let (before, after) = (&prose(&text)[..at], &prose(&text)[at + found.len()..]);
                let longer = before.ends_with(|last: char| last.is_ascii_digit() || last == '.');
                let word = after.starts_with(char::is_alphanumeric);
                assert!(longer || word || after.starts_with("<!--"), "runbooks/{name}.md: '{found}' has no marker behind it");
            }
        }
    }
}

/// A text without its blocks of code and what is generated.
fn prose(text: &str) -> String {
    let (mut prose, mut code, mut generated) = (String::new(), false, false);
    for line in text.lines() {
        generated |= line.starts_with("<!-- generated: ");
        code ^= line.starts_with("```");
        if !code && !generated {
            prose.push_str(line);
            prose.push('\n');
        }
        generated &= line != "<!-- /generated -->";
    }
    prose
}
