//! Protobuf on the wire: the few kinds of fields that the messages of scrapes and of pprof have. Keys, numbers and lengths are written
//! by prost.

use prost::encoding::{WireType, double, encode_key, encode_varint, encoded_len_varint, key_len};
#[cfg(feature = "otlp")]
use prost::encoding::{bool, fixed64, sfixed64};
use prost::encoding::{int32, int64, sint32, sint64, uint32, uint64};

/// A message in the making.
#[derive(Debug, Default)]
pub(crate) struct Message(pub(crate) Vec<u8>);

impl Message {
    /// A string too.
    #[inline]
    pub(crate) fn bytes(&mut self, tag: u32, bytes: &[u8]) {
        self.message_of(tag, bytes.len(), |message| message.0.extend_from_slice(bytes));
    }

    /// What `bytes` appends.
    #[inline]
    pub(crate) fn bytes_len(tag: u32, bytes: &[u8]) -> usize {
        key_len(tag) + encoded_len_varint(bytes.len() as u64) + bytes.len()
    }

    /// A message within this one, or a string, of so many bytes.
    #[inline]
    pub(crate) fn message_of(&mut self, tag: u32, len: usize, write: impl FnOnce(&mut Self)) {
        encode_key(tag, WireType::LengthDelimited, &mut self.0);
        encode_varint(len as u64, &mut self.0);
        write(self);
    }

    pub(crate) fn double(&mut self, tag: u32, value: f64) {
        double::encode(tag, &value, &mut self.0);
    }

    pub(crate) fn uint64(&mut self, tag: u32, value: u64) {
        uint64::encode(tag, &value, &mut self.0);
    }

    pub(crate) fn uint32(&mut self, tag: u32, value: u32) {
        uint32::encode(tag, &value, &mut self.0);
    }

    /// Of an enumeration too.
    pub(crate) fn int32(&mut self, tag: u32, value: i32) {
        int32::encode(tag, &value, &mut self.0);
    }

    pub(crate) fn int64(&mut self, tag: u32, value: i64) {
        int64::encode(tag, &value, &mut self.0);
    }

    pub(crate) fn sint32(&mut self, tag: u32, value: i32) {
        sint32::encode(tag, &value, &mut self.0);
    }

    pub(crate) fn sint64s(&mut self, tag: u32, values: &[i64]) {
        sint64::encode_packed(tag, values, &mut self.0);
    }

    #[cfg(any(feature = "otlp", feature = "profiles"))]
    pub(crate) fn uint64s(&mut self, tag: u32, values: &[u64]) {
        uint64::encode_packed(tag, values, &mut self.0);
    }

    #[cfg(feature = "profiles")]
    pub(crate) fn int64s(&mut self, tag: u32, values: &[i64]) {
        int64::encode_packed(tag, values, &mut self.0);
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn bool(&mut self, tag: u32, value: bool) {
        bool::encode(tag, &value, &mut self.0);
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn fixed64(&mut self, tag: u32, value: u64) {
        fixed64::encode(tag, &value, &mut self.0);
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn sfixed64(&mut self, tag: u32, value: i64) {
        sfixed64::encode(tag, &value, &mut self.0);
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn fixed64s(&mut self, tag: u32, values: &[u64]) {
        fixed64::encode_packed(tag, values, &mut self.0);
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn doubles(&mut self, tag: u32, values: &[f64]) {
        double::encode_packed(tag, values, &mut self.0);
    }

    /// A message within this one, of bytes that are not counted yet. Most are shorter than 128 bytes, so that is how much room their length gets at first.
    pub(crate) fn message(&mut self, tag: u32, write: impl FnOnce(&mut Self)) {
        encode_key(tag, WireType::LengthDelimited, &mut self.0);
        self.delimited(write);
    }

    /// The same without a key: one of several messages that follow one another.
    pub(crate) fn delimited(&mut self, write: impl FnOnce(&mut Self)) {
        self.0.push(0);
        let start = self.0.len();
        write(self);
        let len = self.0.len() - start;
        let more = encoded_len_varint(len as u64) - 1;
        if more > 0 {
            self.0.resize(start + len + more, 0);
            self.0.copy_within(start..start + len, start + more);
        }
        encode_varint(len as u64, &mut &mut self.0[start - 1..start + more]);
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_message_within_has_its_length_before_it_however_long_it_is() {
        for len in [0, 1, 100, 125, 126, 127, 128, 16_380, 16_384, 3_000_000] {
            let mut outer = Message::default();
            outer.message(1, |inner| inner.0.extend(std::iter::repeat_n(7, len)));
            outer.uint32(2, 9);
            let mut expected = vec![1 << 3 | 2];
            encode_varint(len as u64, &mut expected);
            expected.extend(std::iter::repeat_n(7, len));
            expected.extend([2 << 3, 9]);
            assert!(outer.0 == expected, "{len}");
        }
    }
}
