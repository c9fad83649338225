//! `/debug` and all below it: for whoever brings the token. It is asked for before a route is looked at, so that none can forget to.

use hyper::header::HeaderMap;

use super::respond::Response;
use super::token::{Token, Unauthorized};
use crate::http::HttpMetrics;

/// Whether the path is one of those.
pub(super) fn covers(path: &str) -> bool {
    path.strip_prefix("/debug").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Makes the series that are counted in, at 0.
pub(super) fn declare(http: &HttpMetrics) {
    for result in [Token::SUCCESS].into_iter().chain(Unauthorized::ALL.map(Unauthorized::label)) {
        http.auth_attempts().handle([result]);
    }
}

/// What is answered to who does not bring the token; without one nobody can.
pub(super) fn refusal(http: &HttpMetrics, token: Option<&Token>, headers: &HeaderMap) -> Option<Response> {
    let outcome = Token::identify(headers, token.map(|token| ((), token)));
    http.auth_attempts().inc([outcome.map_or_else(Unauthorized::label, |()| Token::SUCCESS)]);
    outcome.err().map(|refused| match token {
        Some(_) => refused.into(),
        None => refused.answer("the server has no token for this, which closes it to everybody: start it with one"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_itself_and_all_in_it_are_covered() {
        for path in ["/debug", "/debug/", "/debug/profile", "/debug//", "/debug/../metrics"] {
            assert!(covers(path), "{path}");
        }
        for path in ["/", "/debugger", "/metrics", "/a/debug/profile", "//debug/profile", "/Debug/profile"] {
            assert!(!covers(path), "{path}");
        }
    }
}
