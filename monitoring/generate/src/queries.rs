//! The PromQL and the commands of a document: its blocks `promql` and `sh`.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// A query of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What a comment above it says of it; empty without one.
    pub told: String,
    /// The PromQL.
    pub expression: String,
}

/// The blocks of code in that language, in the order of the document.
pub fn blocks(markdown: &str, language: &str) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), None);
    for event in Parser::new_ext(markdown, crate::runbooks::OPTIONS) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) if &*info == language => open = Some(String::new()),
            Event::Text(text) => {
                if let Some(block) = &mut open {
                    block.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => found.extend(open.take()),
            _ => {}
        }
    }
    found
}

/// The queries of a block: a line that is not set in begins one, and a comment tells of the next.
pub fn of_block(block: &str) -> Vec<Query> {
    let (mut queries, mut told): (Vec<Query>, _) = (Vec::new(), String::new());
    for line in block.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(comment) = line.strip_prefix('#') {
            told = [told.as_str(), comment.trim()].join(" ").trim().to_owned();
        } else if let (true, Some(query)) = (line.starts_with(' '), queries.last_mut()) {
            query.expression.push('\n');
            query.expression.push_str(line);
        } else {
            queries.push(Query { told: std::mem::take(&mut told), expression: line.to_owned() });
        }
    }
    queries
}

/// All queries of a document.
pub fn of(markdown: &str) -> Vec<Query> {
    blocks(markdown, "promql").iter().flat_map(|block| of_block(block)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_may_go_on_and_has_its_comment() {
        let document = "x\n\n```promql\n# Of a.\n# And b.\na\n  / b\n\nc\n```\n\n```sh\nd\n```\n";
        let query = |told: &str, expression: &str| Query { told: told.into(), expression: expression.into() };
        assert_eq!(of(document), [query("Of a. And b.", "a\n  / b"), query("", "c")]);
        assert_eq!(blocks(document, "sh"), ["d\n"]);
    }
}
