//! The document: one file with its style and its script, made once, and the figures of the last tick for who has no scripts.

use std::fmt::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, REFERRER_POLICY, VARY,
};
use sha2::{Digest, Sha256};

use super::events::{Figures, Hub};
use super::figures;
use crate::exposition::Coding;
use crate::server::{self, Response};

const TEMPLATE: &str = include_str!("assets/page.html");
/// One after another, in this order.
const STYLES: &[&str] = &[include_str!("assets/page.css")];
const SCRIPTS: &[&str] = &[
    include_str!("assets/base.js"),
    include_str!("assets/store.js"),
    include_str!("assets/stream.js"),
    include_str!("assets/chart.js"),
    include_str!("assets/heat.js"),
    include_str!("assets/tables.js"),
    include_str!("assets/panels.js"),
    include_str!("assets/profiles.js"),
    include_str!("assets/flame.js"),
    include_str!("assets/main.js"),
];

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// The document as far as it is always the same.
#[derive(Debug)]
pub(super) struct Document {
    before: String,
    after: String,
    policy: HeaderValue,
    /// The last one that somebody asked for.
    last: Mutex<Option<Arc<Rendered>>>,
}

/// The document at one tick.
#[derive(Debug)]
struct Rendered {
    /// The event whose figures it shows.
    number: u64,
    html: Bytes,
    /// Of the document in each of its forms; forms differ in one letter.
    tag: String,
    gzip: OnceLock<Bytes>,
    zstd: OnceLock<Bytes>,
}

impl Document {
    pub(super) fn new(title: &str, links: &[(String, String)]) -> Self {
        let (style, script) = (lean(STYLES), lean(SCRIPTS));
        let links = links.iter().fold(String::new(), |mut html, (text, href)| {
            let _infallible = write!(html, "<a href=\"{}\">{}</a> ", escaped(href), escaped(text));
            html
        });
        let (before, after) = TEMPLATE.split_once("{{figures}}").expect("the template has a place for the figures");
        let filled =
            |part: &str| filled(part, &[("style", &style), ("script", &script), ("title", &escaped(title)), ("links", &links)]);
        let (before, after) = (filled(before), filled(after));
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; connect-src 'self'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
            hash(&style),
            hash(&script)
        );
        let policy = HeaderValue::from_str(&policy).expect("base64 is plain ASCII");
        Self { before, after, policy, last: Mutex::new(None) }
    }

    /// Answers a request. What has to be made for it is made here, so not on a thread that must not wait.
    pub(super) fn answer(&self, hub: &Hub, headers: &HeaderMap) -> Response {
        let rendered = self.rendered(hub);
        let coding = Coding::negotiate(headers.get_all(ACCEPT_ENCODING));
        let (bytes, letter) = match coding {
            Coding::Identity => (&rendered.html, 'i'),
            Coding::Gzip => (rendered.gzip.get_or_init(|| coding.coded_well(rendered.html.to_vec()).into()), 'g'),
            Coding::Zstd => (rendered.zstd.get_or_init(|| coding.coded_well(rendered.html.to_vec()).into()), 'z'),
        };
        let tag = format!("\"{}{letter}\"", rendered.tag);
        let known = headers.get_all(IF_NONE_MATCH).iter().any(|value| names(value.as_bytes(), tag.as_bytes()));
        let mut response = match known {
            true => server::plain(StatusCode::NOT_MODIFIED, "text/html; charset=utf-8", Bytes::new()),
            false => server::plain(StatusCode::OK, "text/html; charset=utf-8", bytes.clone()),
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static("camera=(), geolocation=(), microphone=()"));
        // To be kept, and asked for again each time.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(ETAG, HeaderValue::from_str(&tag).expect("base64 is plain ASCII"));
        if let Some(coding) = coding.content_encoding().filter(|_| !known) {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    }

    /// The document of the last tick, made by the first who asks for it.
    fn rendered(&self, hub: &Hub) -> Arc<Rendered> {
        let (number, figures) = hub.figures();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.as_ref().filter(|last| last.number >= number) {
            return Arc::clone(last);
        }
        let html = self.html(&figures);
        let tag = URL_SAFE_NO_PAD.encode(&Sha256::digest(&html)[..12]);
        let rendered = Rendered { number, html: html.into(), tag, gzip: OnceLock::new(), zstd: OnceLock::new() };
        Arc::clone(last.insert(Arc::new(rendered)))
    }

    fn html(&self, figures: &Figures) -> String {
        [&self.before, &figures::html(figures), &self.after].map(String::as_str).concat()
    }
}

/// Blocks one after another, without what only their reader needs: indentation and lines of comment, a tenth of what would be
/// sent.
fn lean(blocks: &[&str]) -> String {
    let lines = blocks.iter().flat_map(|block| block.lines()).map(str::trim_start);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).flat_map(|line| [line, "\n"]).collect()
}

/// Puts values into their places, once: what stands in a value stays as it is.
fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let mut html = String::new();
    let mut parts = template.split("{{");
    html.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once("}}").expect("what opens a place closes it");
        let value = values.iter().find(|(known, _)| *known == name);
        html.push_str(value.expect("each place has a value").1);
        html.push_str(rest);
    }
    html
}

/// The hash of a block, as a policy names it.
fn hash(block: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(block)))
}

/// Whether a header `If-None-Match` names the tag. A weak one is as good: it comes from a proxy that compressed.
fn names(header: &[u8], tag: &[u8]) -> bool {
    header
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .any(|named| named == b"*" || named.strip_prefix(b"W/").unwrap_or(named) == tag)
}

/// Text as it may stand in an element or in a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blocks_cannot_end_before_their_end_and_the_template_is_whole() {
        for block in STYLES.iter().chain(SCRIPTS) {
            let lower = block.to_ascii_lowercase();
            assert!(!lower.contains("</s") && !lower.contains("<!--"), "an end of a style or a script within it");
        }
        for block in STYLES.iter().chain(SCRIPTS) {
            // A text over several lines would lose its indentation, and what looks like a comment in it.
            assert!(block.lines().all(|line| line.matches('`').count() % 2 == 0), "a text over several lines");
        }
        for place in ["style", "script", "links", "figures"] {
            assert_eq!(TEMPLATE.matches(&format!("{{{{{place}}}}}")).count(), 1, "{place}");
        }
    }

    #[test]
    fn comments_and_indentation_are_not_sent() {
        assert_eq!(lean(&["// a\nb(\n  // c\n  d, // e\n);\n", "\nf"]), "b(\nd, // e\n);\nf\n");
        let sent: usize = TEMPLATE.len() + lean(STYLES).len() + lean(SCRIPTS).len();
        assert!(sent < 78_000, "{sent} bytes");
    }

    #[test]
    fn a_value_is_not_looked_into() {
        assert_eq!(filled("a{{x}}b{{y}}c", &[("x", "{{y}}"), ("y", "Y")]), "a{{y}}bYc");
    }

    #[test]
    fn the_hash_is_that_of_the_policy() {
        // From the specification of Content Security Policy.
        assert_eq!(hash("alert('Hello, world.');"), "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
    }

    #[test]
    fn tags_are_told_apart() {
        let tag = b"\"abc\"";
        for header in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*", " \"abc\" "] {
            assert!(names(header.as_bytes(), tag), "{header}");
        }
        for header in ["", "abc", "\"ab\"", "\"abcd\"", "w/\"abc\""] {
            assert!(!names(header.as_bytes(), tag), "{header}");
        }
    }
}
