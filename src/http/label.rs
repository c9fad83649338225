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
    /// How many there are.
    pub(super) const COUNT: usize = 10;

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

/// The statuses that have a place of their own in an endpoint's table: those that RFC 9110 and its companions register, and 499,
/// under which servers count a client that left. A last place is for what is no status. Others between 100 and 599 are looked up as strings.
const REGISTERED: [u16; 63] = [
    100, 101, 102, 103, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401,
    402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428,
    429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511,
];

/// Places an endpoint's table has for statuses.
pub(super) const STATUS_PLACES: usize = REGISTERED.len() + 1;

/// The place of what is no status.
const NO_STATUS: usize = REGISTERED.len();

/// Where a status stands that has no place.
const NOWHERE: u8 = u8::MAX;

/// The place of each status from 100 to 599.
const PLACES: [u8; 500] = {
    let mut places = [NOWHERE; 500];
    let mut at = 0;
    while at < REGISTERED.len() {
        places[REGISTERED[at] as usize - 100] = at as u8;
        at += 1;
    }
    places
};

/// The place of a status in an endpoint's table, if it has one.
#[inline]
pub(super) fn status_place(status: u16) -> Option<usize> {
    match PLACES.get(usize::from(status).wrapping_sub(100)) {
        None => Some(NO_STATUS),
        Some(&NOWHERE) => None,
        Some(&place) => Some(place.into()),
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
    fn every_number_has_a_place_of_its_own_or_is_looked_up_or_is_no_status() {
        let mut taken = [false; STATUS_PLACES];
        for status in 100..600 {
            if let Some(place) = status_place(status) {
                assert!(!std::mem::replace(&mut taken[place], true), "{status}");
                assert!(REGISTERED.contains(&status));
            }
        }
        for status in [0, 99, 600, u16::MAX] {
            assert_eq!(status_place(status), Some(NO_STATUS));
            with_status_label(status, |label| assert_eq!(label, "other"));
        }
        assert_eq!(status_place(299), None);
        with_status_label(299, |label| assert_eq!(label, "299"));
    }

    #[test]
    fn a_method_is_labelled_as_it_is_written() {
        for name in ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] {
            assert_eq!(Method::parse(name).as_str(), name);
        }
        assert_eq!(Method::parse("get"), Method::Other);
        assert_eq!(Method::Other as usize + 1, Method::COUNT);
    }
}
