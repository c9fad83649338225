//! Trace ids, and the `traceparent` header that brings them.

use std::fmt;
use std::str::FromStr;

/// The id of a trace, 16 bytes that are not all zero, as W3C Trace Context has it.
///
/// # Examples
///
/// ```
/// use tachograph::profile::TraceId;
///
/// let id = TraceId::from_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
/// assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert_eq!("4bf92f3577b34da6a3ce929d0e0e4736".parse(), Ok(id));
/// assert_eq!(TraceId::from_traceparent("00-00000000000000000000000000000000-00f067aa0ba902b7-01"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(u128);

impl TraceId {
    /// The id of these 128 bits; `None` of 0, which is no id.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::profile::TraceId;
    ///
    /// assert_eq!(TraceId::new(7).map(TraceId::bits), Some(7));
    /// assert_eq!(TraceId::new(0), None);
    /// ```
    pub const fn new(bits: u128) -> Option<Self> {
        if bits == 0 { None } else { Some(Self(bits)) }
    }

    /// The bits, never 0.
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// The trace id of a `traceparent` header; `None` when the header is malformed, for then W3C wants it ignored. Of a later version
    /// than 00 what follows the four known fields is not looked at.
    pub fn from_traceparent(header: &str) -> Option<Self> {
        let header = header.trim_ascii();
        let (version, rest) = header.split_at_checked(2)?;
        let (trace_id, rest) = rest.strip_prefix('-')?.split_at_checked(32)?;
        let (parent_id, rest) = rest.strip_prefix('-')?.split_at_checked(16)?;
        let (flags, rest) = rest.strip_prefix('-')?.split_at_checked(2)?;
        let known = [version, trace_id, parent_id, flags].into_iter().all(is_lower_hex);
        let later = version != "00" && (rest.is_empty() || rest.starts_with('-'));
        let whole = rest.is_empty() || later;
        if !known || !whole || version == "ff" || parent_id.bytes().all(|digit| digit == b'0') {
            return None;
        }
        trace_id.parse().ok()
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// 32 hexadecimal digits, in lower case.
impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The text is no trace id: write 32 hexadecimal digits in lower case, not all 0.
///
/// # Examples
///
/// ```
/// use tachograph::profile::{TraceId, TraceIdError};
///
/// assert_eq!("0".repeat(32).parse::<TraceId>(), Err(TraceIdError));
/// assert_eq!(TraceIdError.to_string(), "a trace id is 32 hexadecimal digits in lower case, not all 0");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceIdError;

impl fmt::Display for TraceIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a trace id is 32 hexadecimal digits in lower case, not all 0")
    }
}

impl std::error::Error for TraceIdError {}

impl FromStr for TraceId {
    type Err = TraceIdError;

    fn from_str(text: &str) -> Result<Self, TraceIdError> {
        if text.len() != 32 || !is_lower_hex(text) {
            return Err(TraceIdError);
        }
        u128::from_str_radix(text, 16).ok().and_then(Self::new).ok_or(TraceIdError)
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn a_traceparent_is_taken_or_ignored_as_w3c_says() {
        let of = |header: &str| TraceId::from_traceparent(header).map(|id| id.to_string());
        let trace = Some(TRACE.to_owned());
        for header in [
            format!("00-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-b7ad6b7169203331-00"),
            format!(" 00-{TRACE}-b7ad6b7169203331-ff\t"),
            format!("cc-{TRACE}-b7ad6b7169203331-01"),
            format!("cc-{TRACE}-b7ad6b7169203331-01-what the future will be like"),
        ] {
            assert_eq!(of(&header), trace, "{header}");
        }
        for header in [
            String::new(),
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            format!("00-{TRACE}-b7ad6b7169203331-01."),
            format!("cc-{TRACE}-b7ad6b7169203331-01.more"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
            format!("0x-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-b7ad6b7169203331-0"),
            format!("00-{TRACE}_b7ad6b7169203331-01"),
            format!("00-+{}-b7ad6b7169203331-01", &TRACE[1..]),
            format!("00-é{}-b7ad6b7169203331-01", &TRACE[2..]),
        ] {
            assert_eq!(of(&header), None, "{header}");
        }
    }
}
