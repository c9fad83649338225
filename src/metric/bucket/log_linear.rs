//! Log-linear cells: each power of two is divided into `2^bits` cells of equal width.

/// The log-linear cell of a value: the values below `2^bits` one each, then `2^bits` cells a power of two.
#[inline]
pub(crate) fn log_linear(value: u64, bits: u32) -> usize {
    // With that bit in it no value has a lower power than 2^bits.
    let shift = (value | (1 << bits)).ilog2() - bits;
    // Below 2^bits the shift is 0 and the first summand too; above, the leading one of the shifted value counts the power.
    ((u64::from(shift) << bits) + (value >> shift)) as usize
}

/// The lowest value of a log-linear cell: the inverse of [`log_linear`].
pub(crate) fn lowest(cell: usize, bits: u32) -> u64 {
    let cell = cell as u64;
    let shift = (cell >> bits).saturating_sub(1);
    (cell - (shift << bits)) << shift
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn log_linear_cells_follow_one_another_without_gap() {
        for bits in 0..=7 {
            let mut expected = 0;
            for cell in 0..log_linear(1 << 20, bits) {
                assert_eq!(lowest(cell, bits), expected, "cell {cell}, {bits} bits");
                let next = lowest(cell + 1, bits);
                assert_eq!(log_linear(expected, bits), cell);
                assert_eq!(log_linear(next - 1, bits), cell);
                expected = next;
            }
        }
    }
}
