//! `ExportMetricsServiceResponse`: what was not accepted of what was.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// Data points that were rejected, and what is said about it. `None` where all is well, or the answer is none.
pub(super) fn partial_success(mut answer: &[u8]) -> Option<(u64, String)> {
    let mut told = None;
    while !answer.is_empty() {
        match decode_key(&mut answer).ok()? {
            (1, WireType::LengthDelimited) => told = Some(read(bytes(&mut answer)?)?),
            (tag, kind) => skip_field(kind, tag, &mut answer, DecodeContext::default()).ok()?,
        }
    }
    told.filter(|(rejected, why)| *rejected > 0 || !why.is_empty())
}

/// `ExportMetricsPartialSuccess`.
fn read(mut message: &[u8]) -> Option<(u64, String)> {
    let (mut rejected, mut why) = (0, String::new());
    while !message.is_empty() {
        match decode_key(&mut message).ok()? {
            // A negative number makes no sense.
            (1, WireType::Varint) => rejected = u64::try_from(decode_varint(&mut message).ok()? as i64).unwrap_or(0),
            (2, WireType::LengthDelimited) => why = String::from_utf8_lossy(bytes(&mut message)?).into_owned(),
            (tag, kind) => skip_field(kind, tag, &mut message, DecodeContext::default()).ok()?,
        }
    }
    Some((rejected, why))
}

fn bytes<'a>(message: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(decode_varint(message).ok()?).ok()?;
    let (bytes, rest) = message.split_at_checked(length)?;
    *message = rest;
    Some(bytes)
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_what_was_rejected_and_nonsense_nothing() {
        let told = |answer: &[u8]| partial_success(answer);
        assert_eq!(told(b""), None);
        assert_eq!(told(b"\x0a\x00"), None);
        assert_eq!(told(b"\x0a\x06\x08\x05\x12\x02no"), Some((5, "no".into())));
        assert_eq!(told(b"\x10\x07\x0a\x04\x12\x02no"), Some((0, "no".into())));
        assert_eq!(told(b"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), None);
        for nonsense in [&b"\x0a\x06\x08\x05"[..], b"\x0a", b"<html>", b"\xff\xff"] {
            assert_eq!(told(nonsense), None);
        }
    }
}
