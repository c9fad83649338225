//! Histograms and snapshots as bytes, for other processes, and back.
//!
//! Numbers are little-endian base-128 with as few bytes as they need, floats their 8 bytes, texts their length and themselves.
//! Every value has one form, and what is not that form is refused: what decodes encodes to the same bytes. The bytes are of one
//! version of this crate's form, told by their first four; they carry no checksum.
//!
//! Decoding trusts nothing: lengths are counted down, never allocated ahead; names and labels are checked as at registration.

mod histogram;
mod snapshot;

use std::fmt;

/// Why bytes were not decoded.
///
/// # Examples
///
/// ```
/// use tachograph::{DecodeError, Registry, Snapshot};
///
/// let bytes = Registry::new().snapshot().encode();
/// assert!(Snapshot::decode(&bytes).is_ok());
/// assert_eq!(Snapshot::decode(&bytes[..4]).unwrap_err(), DecodeError::Truncated);
/// assert_eq!(Snapshot::decode(b"something else").unwrap_err(), DecodeError::Header);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// They do not begin as this form does: they are something else, or of another version of the crate.
    Header,
    /// They end too early: get all of them.
    Truncated,
    /// A part cannot be: they were damaged on their way, or made by something else. Holds what is wrong.
    Invalid(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("the bytes do not begin as this version's do"),
            Self::Truncated => f.write_str("the bytes end too early"),
            Self::Invalid(what) => write!(f, "the bytes are damaged: {what}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Bytes that are being made.
struct Writer(Vec<u8>);

impl Writer {
    fn with_header(header: &[u8; 4]) -> Self {
        Self(header.to_vec())
    }

    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn number(&mut self, mut number: u64) {
        while number >= 1 << 7 {
            self.byte(number as u8 | 1 << 7);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    fn float(&mut self, float: f64) {
        self.0.extend(float.to_bits().to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend(text.as_bytes());
    }
}

/// Bytes that are being read: what is left of them.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn after_header(bytes: &'a [u8], header: &[u8; 4]) -> Result<Self, DecodeError> {
        bytes.strip_prefix(header).map(Self).ok_or(DecodeError::Header)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        let (&byte, rest) = self.0.split_first().ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(byte)
    }

    fn number(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            // Of the tenth byte one bit fits, and a last byte of 0 would be one too many.
            if (shift == 63 && byte > 1) || (byte == 0 && shift > 0) {
                return Err(DecodeError::Invalid("a number is not in its shortest form or above 2^64"));
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 1 << 7 {
                return Ok(number);
            }
        }
        unreachable!("the tenth byte is the last or refused")
    }

    fn float(&mut self) -> Result<f64, DecodeError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(f64::from_bits(u64::from_le_bytes(*bytes)))
    }

    fn text(&mut self) -> Result<&'a str, DecodeError> {
        let length = usize::try_from(self.number()?).map_err(|_| DecodeError::Truncated)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| DecodeError::Invalid("a text is not UTF-8"))
    }

    /// Nothing is left.
    fn end(self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Invalid("there is more after the end")) }
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in (0..64).flat_map(|power| [(1u64 << power) - 1, 1 << power, (1 << power) + 1]).chain([u64::MAX]) {
            let mut writer = Writer(Vec::new());
            writer.number(number);
            let mut reader = Reader(&writer.0);
            assert_eq!(reader.number(), Ok(number));
            assert_eq!(reader.end(), Ok(()));
        }
    }

    #[test]
    fn a_number_has_one_form() {
        for bytes in [&[0x80, 0][..], &[0xff, 0x80, 0], &[0xff; 11], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]]
        {
            assert!(matches!(Reader(bytes).number(), Err(DecodeError::Invalid(_))), "{bytes:?}");
        }
        assert_eq!(Reader(&[0x80]).number(), Err(DecodeError::Truncated));
    }
}
