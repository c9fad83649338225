//! What a head must be before it is looked at: what RFC 9112 tells a server to refuse, and hyper leaves to it.

use hyper::header::{CONTENT_LENGTH, HOST, HeaderMap, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{StatusCode, Version};

use super::refused::Refused;

/// Why a head is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: Refused,
    pub(super) status: StatusCode,
    pub(super) told: &'static str,
}

/// What is wrong with a head, if anything is. `length_told` says whether it may have a `Content-Length` that hyper left out.
pub(super) fn fault(head: &Parts, length_told: bool, max_uri_bytes: usize) -> Option<Fault> {
    if let Some(told) = wrong_host(head) {
        return Some(Fault { reason: Refused::Malformed, status: StatusCode::BAD_REQUEST, told });
    }
    if let Some(fault) = wrong_coding(&head.headers, length_told) {
        return Some(fault);
    }
    if uri_bytes(head) > max_uri_bytes {
        let told = "the path and its query are too long, ask for less or in a body";
        return Some(Fault { reason: Refused::UriLong, status: StatusCode::URI_TOO_LONG, told });
    }
    None
}

/// Section 3.2: one host, of legal bytes, which may be none; HTTP/1.0 may leave it out.
fn wrong_host(head: &Parts) -> Option<&'static str> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let Some(host) = hosts.next() else {
        return (head.version >= Version::HTTP_11).then_some("there is no Host, send one");
    };
    if hosts.next().is_some() {
        return Some("there is more than one Host, send one");
    }
    (!host.as_bytes().iter().all(|byte| may_be_in_host(*byte))).then_some("the Host is malformed, send a name or an address")
}

/// What RFC 3986 has in a host and a port.
fn may_be_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte)
}

/// Sections 6.1 and 6.3: the end of a request has one reading. A server may pass over the length beside a coding, as hyper does, but
/// such a request is made to smuggle another one past somebody.
fn wrong_coding(headers: &HeaderMap, length_told: bool) -> Option<Fault> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let coding = codings.next()?;
    if length_told || headers.contains_key(CONTENT_LENGTH) {
        let told = "there is a Content-Length beside a Transfer-Encoding, send one of them";
        return Some(Fault { reason: Refused::AmbiguousLength, status: StatusCode::BAD_REQUEST, told });
    }
    if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        let told = "the only transfer coding that is understood is chunked";
        return Some(Fault { reason: Refused::Malformed, status: StatusCode::NOT_IMPLEMENTED, told });
    }
    None
}

/// Bytes of the URI, as far as it matters: a scheme and an authority before the path are no more than a name.
fn uri_bytes(head: &Parts) -> usize {
    let authority = head.uri.authority().map_or(0, |authority| authority.as_str().len());
    authority + head.uri.path_and_query().map_or(0, |path| path.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(version: Version, uri: &str, fields: &[(&'static str, &'static str)], length_told: bool) -> Option<(u16, Refused)> {
        let mut request = hyper::Request::builder().version(version).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        fault(&head, length_told, 20).map(|fault| (fault.status.as_u16(), fault.reason))
    }

    #[test]
    fn there_is_one_host_of_legal_bytes() {
        let with = |fields: &[_]| told(Version::HTTP_11, "/", fields, false);
        let malformed = Some((400, Refused::Malformed));
        for host in ["localhost", "", "127.0.0.1:8080", "[::1]:80", "a_b.example", "xn--nave-6pa.example:443", "a%20b"] {
            assert_eq!(with(&[("host", host)]), None, "{host:?}");
        }
        for host in ["a b", "a/b", "user@host", "a?b", "a#b", "a\"b", "a\\b", "<a>"] {
            assert_eq!(with(&[("host", host)]), malformed, "{host:?}");
        }
        assert_eq!(with(&[]), malformed);
        assert_eq!(with(&[("host", "a"), ("host", "a")]), malformed);
        assert_eq!(told(Version::HTTP_10, "/", &[], false), None);
        assert_eq!(told(Version::HTTP_10, "/", &[("host", "a"), ("host", "b")], false), malformed);
    }

    #[test]
    fn the_end_of_a_body_is_told_in_one_way() {
        let with = |fields: &[_], length_told| told(Version::HTTP_11, "/", &[&[("host", "a")], fields].concat(), length_told);
        let coded = |coding| [("transfer-encoding", coding)];
        assert_eq!(with(&[("content-length", "5")], true), None);
        assert_eq!(with(&coded("chunked"), false), None);
        assert_eq!(with(&coded("Chunked"), false), None);
        assert_eq!(with(&coded("chunked"), true), Some((400, Refused::AmbiguousLength)));
        for coding in ["gzip, chunked", "chunked, chunked", "identity", "xchunked", ""] {
            assert_eq!(with(&coded(coding), false), Some((501, Refused::Malformed)), "{coding:?}");
        }
        let twice = [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        assert_eq!(with(&twice, false), Some((501, Refused::Malformed)));
    }

    #[test]
    fn a_uri_at_the_limit_is_taken() {
        let of = |uri: &str| told(Version::HTTP_11, uri, &[("host", "a")], false);
        assert_eq!(of(&format!("/{}", "x".repeat(19))), None);
        assert_eq!(of(&format!("/{}", "x".repeat(20))), Some((414, Refused::UriLong)));
        assert_eq!(of(&format!("/a?{}", "x".repeat(18))), Some((414, Refused::UriLong)));
        assert_eq!(of(&format!("http://{}/", "x".repeat(20))), Some((414, Refused::UriLong)));
    }
}
