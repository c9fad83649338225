//! Methods and statuses of HTTP: bounded sets, each value with an index and a label.

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the method it is named after")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    /// Any other method: a client's invention must not make series.
    Other,
}

impl Method {
    /// The method of this name, in capitals as it stands in a request; anything unknown is `Other`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::http::Method;
    ///
    /// assert_eq!(Method::parse("PATCH"), Method::Patch);
    /// assert_eq!(Method::parse("BREW").as_str(), "other");
    /// ```
    #[inline]
    pub fn parse(name: &str) -> Self {
        match name {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "DELETE" => Method::Delete,
            "CONNECT" => Method::Connect,
            "OPTIONS" => Method::Options,
            "TRACE" => Method::Trace,
            "PATCH" => Method::Patch,
            _ => Method::Other,
        }
    }

    /// The value of the label `method`.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            Method::Connect => "CONNECT",
            Method::Options => "OPTIONS",
            Method::Trace => "TRACE",
            Method::Patch => "PATCH",
            Method::Other => "other",
        }
    }
}

/// Calls `f` with the value of the label `status`.
pub(super) fn with_status_label<R>(status: u16, f: impl FnOnce(&str) -> R) -> R {
    if (100..600).contains(&status) { f(itoa::Buffer::new().format(status)) } else { f("other") }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_status_is_labelled_other() {
        for (status, expected) in [(0, "other"), (99, "other"), (100, "100"), (299, "299"), (599, "599"), (600, "other")] {
            with_status_label(status, |label| assert_eq!(label, expected));
        }
    }

    #[test]
    fn a_method_is_labelled_as_it_is_written() {
        for name in ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] {
            assert_eq!(Method::parse(name).as_str(), name);
        }
        assert_eq!(Method::parse("get"), Method::Other);
    }
}
