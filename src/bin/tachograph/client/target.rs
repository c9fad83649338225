//! Which server is asked, with which token: one place that knows URLs, statuses and what to do about them.

use std::fmt;
use std::path::Path;

use hyper::{Method, StatusCode, Uri};

use crate::cli::ConnectionOptions;
use crate::fetch::{Answer, Ask, Failure, FailureKind, Fetcher, Progress, has_password};
use crate::{tokens, trust};

/// The variable that holds the token.
const VARIABLE: &str = "TACHOGRAPH_TOKEN";

/// A server.
#[derive(Debug)]
pub(crate) struct Target {
    /// What all paths but that of the metrics come behind, without a slash at its end.
    base: String,
    metrics: String,
    token: Option<Token>,
    fetcher: Fetcher,
}

/// A secret that no log and no message shows.
struct Token {
    text: String,
    /// It was given for this command, and did not just lie in the environment, perhaps for another server.
    given: bool,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(_)")
    }
}

impl Target {
    /// Reads what the options and the environment say of the server.
    pub(crate) fn of(options: &ConnectionOptions) -> Result<Self, Failure> {
        let impossible = |told| Failure::new(FailureKind::Impossible, told);
        let (base, metrics) = addresses(&options.url).map_err(impossible)?;
        let token = token(options).map_err(impossible)?;
        let tls = trust::config(&metrics, options.ca_file.as_deref()).map_err(impossible)?;
        Ok(Self { base, metrics, token, fetcher: Fetcher::new(options.timeout, tls)? })
    }

    /// The same server, asked while it is told on standard error how far each request is.
    pub(crate) fn with_progress(self, progress: fn(Progress)) -> Self {
        Self { fetcher: self.fetcher.with_progress(progress), ..self }
    }

    /// The URL of the metrics.
    pub(crate) fn metrics_url(&self) -> &str {
        &self.metrics
    }

    /// The URL of any other path, which begins with a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Whether a token is sent to this path.
    pub(crate) fn has_token_for(&self, path: &str) -> bool {
        self.token_for(path).is_some()
    }

    /// What of a URL of this server is its path.
    fn path_of<'a>(&self, url: &'a str) -> &'a str {
        url.strip_prefix(&self.base).unwrap_or_default()
    }

    /// The token to send to this path. What else than our own server is asked for is not shown the environment's.
    fn token_for(&self, path: &str) -> Option<&str> {
        self.token.as_ref().filter(|token| token.given || is_secured(path)).map(|token| token.text.as_str())
    }

    /// Asks for the metrics.
    pub(crate) fn get_metrics(&self, accept: &str) -> Result<Answer, Failure> {
        let token = self.token_for(self.path_of(&self.metrics));
        let answer = self.fetcher.ask(&Ask { token, ..Ask::get(&self.metrics, accept) })?;
        self.expect_ok(answer, &self.metrics, "name the path of the metrics with --url, often http://HOST:PORT/metrics")
    }

    /// Asks for a path, with the token if that is for it, and takes an answer with any status.
    pub(crate) fn ask(&self, method: Method, path: &str, accept: &str) -> Result<Answer, Failure> {
        let url = self.url(path);
        let token = self.token_for(path);
        self.fetcher.ask(&Ask { method, token, ..Ask::get(&url, accept) })
    }

    /// The answer if its status is 200, else what to do about it. `absent` is what to do about a 404.
    pub(crate) fn expect_ok(&self, answer: Answer, url: &str, absent: &str) -> Result<Answer, Failure> {
        let status = answer.status;
        let advice = match status {
            StatusCode::OK => return Ok(answer),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.has_token_for(self.path_of(url)) => {
                "the token is not the server's; give the right one with --token-file or TACHOGRAPH_TOKEN".to_owned()
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.token.is_some() => {
                "TACHOGRAPH_TOKEN is sent to /health and /debug alone; give the server's token with --token-file".to_owned()
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                "give the server's token with --token-file or TACHOGRAPH_TOKEN".to_owned()
            }
            StatusCode::NOT_FOUND => absent.to_owned(),
            StatusCode::BAD_REQUEST => "change what it names".to_owned(),
            StatusCode::TOO_MANY_REQUESTS => "it is asked too often; ask more slowly".to_owned(),
            StatusCode::SERVICE_UNAVAILABLE => "it is overloaded or ending; try again".to_owned(),
            _ if status.is_redirection() && answer.location.is_some() => {
                let to = answer.location.as_deref().unwrap_or_default();
                format!("it leads to {to:?}, and is not followed; name that address itself with --url")
            }
            _ if status.is_server_error() => "try again, or look at the server's log".to_owned(),
            _ => absent.to_owned(),
        };
        let said = said(&answer).map_or(String::new(), |said| format!(" ({said:?})"));
        let told = format!("cannot read {url}: the answer is {status}{said}; {advice}");
        Err(Failure::new(FailureKind::Status(status), told))
    }
}

/// Whether a path is one of those for which our own server asks for a token: /health, /debug, or below.
fn is_secured(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    ["/health", "/debug"]
        .iter()
        .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// What the server itself says of an error: `{"error": "..."}`.
fn said(answer: &Answer) -> Option<String> {
    const MOST: usize = 200;
    let value: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
    let said = value.get("error")?.as_str()?;
    Some(said.chars().take(MOST).collect())
}

/// The base of all paths, and the URL of the metrics.
fn addresses(url: &str) -> Result<(String, String), String> {
    let written = "write http://HOST:PORT, https://HOST:PORT or HOST:PORT";
    if has_password(url) {
        return Err("a URL with a user or a password is not taken; give a token with --token-file".to_owned());
    }
    let whole = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let (scheme, _) = whole.split_once("://").expect("it has been put there");
    let scheme = scheme.to_ascii_lowercase();
    if !["http", "https"].contains(&scheme.as_str()) {
        return Err(format!("{url} is not http:// or https://; {written}"));
    }
    let uri: Uri = whole.parse().map_err(|cause| format!("{url:?} is not a URL: {cause}; {written}"))?;
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let (host, port) = (uri.host().unwrap_or_default(), authority.rsplit_once(':').map(|(_, port)| port));
    if host.is_empty() || port.is_some_and(|port| !port.ends_with(']') && port.parse::<u16>().is_err()) {
        return Err(format!("{url:?} is not a URL; {written}"));
    }
    let origin = format!("{scheme}://{authority}");
    let path = uri.path();
    match path.strip_suffix('/') {
        // A folder, of which a proxy may have made the server's root.
        Some(folder) => Ok((format!("{origin}{folder}"), format!("{origin}{folder}/metrics"))),
        None => {
            let folder = path.strip_suffix("/metrics").unwrap_or_default();
            let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
            Ok((format!("{origin}{folder}"), format!("{origin}{path}{query}")))
        }
    }
}

fn token(options: &ConnectionOptions) -> Result<Option<Token>, String> {
    let (text, given, from) = if let Some(file) = &options.token_file {
        (read_token(file)?, true, format!("the token in {}", file.display()))
    } else if let Some(token) = &options.token {
        (token.clone(), true, "the token".to_owned())
    } else {
        match std::env::var(VARIABLE) {
            Ok(token) if token.is_empty() => return Ok(None),
            Ok(token) => (token, false, format!("the token in {VARIABLE}")),
            Err(std::env::VarError::NotPresent) => return Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => return Err(format!("the token in {VARIABLE} is no text; set it anew")),
        }
    };
    let text = text.trim().to_owned();
    if text.is_empty() {
        return Err(format!("{from} is empty; write the server's token there"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)) {
        return Err(format!("{from} is none: a token has letters, digits and -._~+/= only"));
    }
    Ok(Some(Token { text, given }))
}

/// The first token of a file: a server's own will do.
fn read_token(file: &Path) -> Result<String, String> {
    let text = tokens::text_of(file)?;
    Ok(tokens::lines(&text).next().map_or(String::new(), |(_, token)| token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_be_written_in_many_ways() {
        for (url, base, metrics) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080/metrics"),
            ("localhost:9100", "http://localhost:9100", "http://localhost:9100/metrics"),
            ("localhost", "http://localhost", "http://localhost/metrics"),
            ("https://h:8443", "https://h:8443", "https://h:8443/metrics"),
            ("HTTPS://h/tacho/metrics", "https://h/tacho", "https://h/tacho/metrics"),
            ("HTTP://h:1/", "http://h:1", "http://h:1/metrics"),
            ("[::1]:9100", "http://[::1]:9100", "http://[::1]:9100/metrics"),
            ("http://[::1]", "http://[::1]", "http://[::1]/metrics"),
            ("h:9100/metrics", "http://h:9100", "http://h:9100/metrics"),
            ("h:9100/metrics?a=b#c", "http://h:9100", "http://h:9100/metrics?a=b"),
            ("http://h/federate?match[]=x", "http://h", "http://h/federate?match[]=x"),
            ("http://h/@a?b=@c", "http://h", "http://h/@a?b=@c"),
            ("http://h/tacho/", "http://h/tacho", "http://h/tacho/metrics"),
            ("http://h/tacho/metrics", "http://h/tacho", "http://h/tacho/metrics"),
        ] {
            assert_eq!(addresses(url), Ok((base.to_owned(), metrics.to_owned())), "{url}");
        }
    }

    #[test]
    fn the_environments_token_is_for_few_paths() {
        for path in ["/health", "/health?strict=true", "/health/check/a", "/debug/profile?limit=1", "/debug", "/health#x"] {
            assert!(is_secured(path), "{path}");
        }
        for path in ["/healthz", "/metrics", "/-/healthy", "/api/health", "/debugger", "/", "", "//health", "/x?/health"] {
            assert!(!is_secured(path), "{path}");
        }
    }

    #[test]
    fn another_url_is_told_what_is_wanted() {
        for (url, part) in [
            ("ftp://h", "is not http:// or https://"),
            ("", "is not a URL"),
            ("http://", "is not a URL"),
            (":8080", "is not a URL"),
            ("h:port", "is not a URL"),
            ("h:70000", "is not a URL"),
            ("a b", "is not a URL"),
            ("http://u:secret@h", "--token-file"),
            ("ftp://u:secret@h", "--token-file"),
            ("http://u:secret^@h/metrics", "--token-file"),
            ("http:///u:secret@h:x?a@b", "--token-file"),
            ("u:secret@h", "--token-file"),
        ] {
            let told = addresses(url).unwrap_err();
            assert!(told.contains(part) && !told.contains("secret"), "{url:?}: {told}");
        }
    }
}
