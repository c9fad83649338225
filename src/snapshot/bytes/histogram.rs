//! A histogram as bytes: its buckets, its sum, and the cells that are not empty.

use std::sync::Arc;

use super::super::owned::HistogramSnapshot;
use super::{DecodeError, Reader, Writer};
use crate::metric::bucket::{Buckets, MOST_DIGITS, Resolution, Unit};
use crate::snapshot::HistogramValue;

/// The first bytes, the last of them the version.
const HEADER: [u8; 4] = *b"TGH\x01";

/// Stands for decimals without a digit after the point, the next numbers for those with one and more.
const DECIMAL: u8 = 16;
const DECIMAL_MOST: u8 = DECIMAL + MOST_DIGITS;

impl HistogramSnapshot {
    /// The histogram as bytes, for another process: some 2 bytes a bucket that is not empty, and as many a bound as it has digits.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_header(&HEADER);
        write_buckets(&mut writer, self.value().buckets());
        write_counts(&mut writer, &self.value());
        writer.0
    }

    /// The histogram that [`encode`](Self::encode) made these bytes of.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes are not a whole histogram of this version. Bytes from anyone will do: nothing panics, and
    /// no more is allocated than some 100 KB beside a small multiple of their length.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::after_header(bytes, &HEADER)?;
        let buckets = Arc::new(read_buckets(&mut reader)?);
        let histogram = read_counts(&mut reader, &buckets)?;
        reader.end()?;
        Ok(histogram)
    }
}

pub(super) fn write_buckets(writer: &mut Writer, buckets: &Buckets) {
    let (bounds, unit, resolution, highest) = buckets.parts();
    writer.byte(match unit {
        Unit::One => 0,
        Unit::Seconds => 1,
        Unit::Bytes => 2,
        Unit::Decimal(digits) => DECIMAL + digits,
    });
    writer.byte(match resolution {
        Resolution::Classic => 0,
        Resolution::Native => 1,
        Resolution::Hdr => 2,
    });
    // 0 is no highest value that anybody can choose.
    writer.number(highest.unwrap_or(0));
    writer.number(bounds.len() as u64);
    bounds.iter().fold(0, |before, &bound| {
        writer.number(bound - before);
        bound
    });
}

pub(super) fn read_buckets(reader: &mut Reader<'_>) -> Result<Buckets, DecodeError> {
    let unit = match reader.byte()? {
        0 => Unit::One,
        1 => Unit::Seconds,
        2 => Unit::Bytes,
        digits @ DECIMAL..=DECIMAL_MOST => Unit::Decimal(digits - DECIMAL),
        _ => return Err(DecodeError::Invalid("there is no such unit")),
    };
    let resolution = match reader.byte()? {
        0 => Resolution::Classic,
        1 => Resolution::Native,
        2 => Resolution::Hdr,
        _ => return Err(DecodeError::Invalid("there is no such resolution")),
    };
    let highest = Some(reader.number()?).filter(|&highest| highest > 0);
    let count = reader.number()?;
    let (mut bounds, mut bound) = (Vec::new(), 0u64);
    for _ in 0..count {
        bound = bound.checked_add(reader.number()?).ok_or(DecodeError::Invalid("a bound is above 2^64"))?;
        bounds.push(bound);
    }
    Buckets::from_parts(bounds.into(), unit, resolution, highest)
        .map_err(|_| DecodeError::Invalid("bounds do not increase, are too many or out of range"))
}

/// Sum and counts: each cell that is not empty by its distance from the one before, and its count.
pub(super) fn write_counts(writer: &mut Writer, value: &HistogramValue<'_>) {
    writer.number(value.sum_in_base_units());
    writer.number(value.counts().nonzero().count() as u64);
    value.counts().nonzero().fold(0, |next, (cell, count)| {
        writer.number((cell - next) as u64);
        writer.number(count);
        cell + 1
    });
}

pub(super) fn read_counts(reader: &mut Reader<'_>, buckets: &Arc<Buckets>) -> Result<HistogramSnapshot, DecodeError> {
    let sum = reader.number()?;
    let (mut counts, mut next, mut observations) = (Vec::new(), 0u64, 0u64);
    for _ in 0..reader.number()? {
        let cell = next.checked_add(reader.number()?).filter(|&cell| cell < buckets.len() as u64);
        let cell = cell.ok_or(DecodeError::Invalid("there is no such bucket"))?;
        let count = reader.number()?;
        if count == 0 {
            return Err(DecodeError::Invalid("a bucket is empty"));
        }
        observations = observations.checked_add(count).ok_or(DecodeError::Invalid("there are more than 2^64 observations"))?;
        // A layout has fewer than 2^16 cells.
        counts.push((cell as u16, count));
        next = cell + 1;
    }
    Ok(HistogramSnapshot::new(Arc::clone(buckets), sum, counts.into()))
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn decimals_of_any_digits_come_back() {
        for bound in [1.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10] {
            let histogram = HistogramSnapshot::new(Arc::new(Buckets::decimal(&[bound]).unwrap()), 7, Box::new([(0, 2)]));
            assert_eq!(HistogramSnapshot::decode(&histogram.encode()).as_ref(), Ok(&histogram), "{bound}");
        }
        let mut bytes = HistogramSnapshot::new(Arc::new(Buckets::decimal(&[1.0]).unwrap()), 0, Box::new([])).encode();
        bytes[HEADER.len()] = DECIMAL_MOST + 1;
        assert!(HistogramSnapshot::decode(&bytes).is_err());
    }
}
