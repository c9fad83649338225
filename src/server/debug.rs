//! `/debug` and all below it: for whoever brings a token that is known. It is asked for before a route is looked at, so that none can forget to.

use std::net::IpAddr;

use hyper::header::HeaderMap;

use super::options::Options;
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

/// What is answered to who does not bring a token that is known; where none is, nobody can.
pub(super) fn refusal(http: &HttpMetrics, options: &Options, from: IpAddr, headers: &HeaderMap) -> Option<Response> {
    let outcome = options.auth_failures.judge(from, options.tokens.check(headers));
    http.auth_attempts().inc([outcome.map_or_else(Unauthorized::label, |()| Token::SUCCESS)]);
    outcome.err().map(|refused| match refused {
        Unauthorized::TooManyFailures { .. } => refused.into(),
        _ if options.tokens.is_empty() => {
            refused.answer("the server has no token for this, which closes it to everybody: start it with one")
        }
        _ => refused.into(),
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
