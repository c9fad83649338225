//! Requests of a page in somebody's browser. It reaches loopback too, and must neither read alerts nor send any: what it sends
//! may run programs. Its browser says where the page is from, or takes our address for the page's own.

use hyper::http::uri::Authority;
use tachograph::server::{Request, header};

use crate::tokens;

/// Why a request is refused that may be a page's; Alertmanager sends none such. With `loopback_alone` it must be sent to a name
/// of loopback: a page whose own name leads here is told apart by that, and by nothing else.
pub(super) fn refusal(request: &Request, loopback_alone: bool) -> Option<&'static str> {
    if request.headers().contains_key(header::ORIGIN) {
        return Some("no page in a browser may ask this: send no Origin");
    }
    // HTTP/2 has it in place of the field.
    let field = || request.headers().get(header::HOST).and_then(|field| field.to_str().ok());
    let host = request.uri().authority().map(Authority::as_str).or_else(field);
    (loopback_alone && !host.is_some_and(is_loopback)).then_some(
        "without a token only requests to localhost, 127.0.0.1 or [::1] are answered: send to one of them, or set \
         TACHOGRAPH_WEBHOOK_TOKEN",
    )
}

/// Whether a name with or without a port is one that nobody can give away.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(tokens::is_loopback)
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn names_of_loopback_are_few() {
        for host in [
            "localhost",
            "LOCALHOST:5001",
            "127.0.0.1",
            "127.0.0.1:5001",
            "127.1.2.3:1",
            "[::1]",
            "[::1]:5001",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "localhost.",
            "localhost.example.org:5001",
            "127.0.0.1.example.org",
            "example.org@localhost.example.org",
            "192.0.2.1",
            "[::2]:5001",
            "::1",
            "localhost:5001:5001",
            "local host",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
