//! Boundaries of Prometheus native histograms, in whole base units.
//!
//! At schema 3 the bucket with index `i` holds the shown values above `2^((i - 1) / 8)` and up to `2^(i / 8)`. Values are whole
//! numbers of base units, so a value lies at or below a boundary when it lies at or below the boundary rounded down.

/// Boundaries a power of two at the finest schema that is kept, and that schema.
pub(crate) const SCHEMA: i8 = 3;
const A_POWER: i32 = 1 << SCHEMA;

/// `2^(k/8)` for `k` from 0 to 7, in units of 2^-96, rounded down. A boundary up to 2^45 base units is so known to 2^-50 of one.
/// None comes closer than that to a whole number without being one, as the test finds by whole numbers alone.
const EIGHTHS: [u128; A_POWER as usize] = [
    0x1_0000_0000_0000_0000_0000_0000,
    0x1_172b_83c7_d517_adcd_f7c8_c50e,
    0x1_306f_e0a3_1b71_52de_8d5a_4630,
    0x1_4bfd_ad53_62a2_71d4_397a_fec4,
    0x1_6a09_e667_f3bc_c908_b2fb_1366,
    0x1_8ace_5422_aa0d_b5ba_7c55_a192,
    0x1_ae89_f995_ad3a_d5e8_734d_1773,
    0x1_d581_8dcf_ba48_725d_a05a_eb66,
];

/// The highest whole number of base units at or below the upper boundary of a bucket, `scale` base units being one shown unit.
fn boundary(index: i32, scale: u64) -> u64 {
    let (power, eighth) = (index.div_euclid(A_POWER), index.rem_euclid(A_POWER));
    // Below 2^97 times a scale of at most 2^30: it fits, and at most 45 bits are left of it.
    ((EIGHTHS[eighth as usize] * u128::from(scale)) >> (96 - power)) as u64
}

/// The buckets that whole numbers from 1 to `highest` lie in: the first one's index, and the boundaries from there on, the last at
/// or above `highest`. Neighbours may be equal: no whole number lies between those two.
pub(super) fn boundaries(scale: u64, highest: u64) -> (i32, Vec<u64>) {
    // At most the boundary of 1 base unit: its inverse power of two, rounded down.
    let lowest = -A_POWER * (scale.ilog2() as i32 + 1);
    let first = (lowest..).find(|&index| boundary(index, scale) >= 1).expect("2^0 shown units are 1 base unit or more");
    let mut boundaries = Vec::new();
    for index in first.. {
        boundaries.push(boundary(index, scale));
        if boundary(index, scale) >= highest {
            break;
        }
    }
    (first, boundaries)
}

/// The bucket at a coarser schema that a bucket of [`SCHEMA`] lies in.
pub(crate) fn coarser(index: i32, schema: i8) -> i32 {
    let steps = SCHEMA - schema;
    // Each step puts 2i - 1 and 2i together: half of the index, rounded up.
    (index + (1 << steps) - 1) >> steps
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    const HIGHEST: u64 = 1 << 44;

    /// Whole numbers of any size, lowest digit first: the oracle's arithmetic.
    fn times(number: &[u32], factor: u64) -> Vec<u32> {
        let mut product = vec![0u32; number.len() + 2];
        for (at, &digit) in number.iter().enumerate() {
            let (mut at, mut carry) = (at, u128::from(digit) * u128::from(factor));
            while carry > 0 {
                carry += u128::from(product[at]);
                product[at] = carry as u32;
                carry >>= 32;
                at += 1;
            }
        }
        while product.last() == Some(&0) {
            product.pop();
        }
        product
    }

    fn power(base: u64, exponent: u32) -> Vec<u32> {
        (0..exponent).fold(vec![1], |product, _| times(&product, base))
    }

    /// `value` against `2^(index / 8) * scale`: both to the eighth power are whole numbers, once divisions are turned around.
    fn against_boundary(value: u64, index: i32, scale: u64) -> Ordering {
        let (mut left, mut right) = (power(value, 8), power(scale, 8));
        let twos = if index < 0 { &mut left } else { &mut right };
        for _ in 0..index.unsigned_abs() {
            *twos = times(twos, 2);
        }
        left.len().cmp(&right.len()).then_with(|| left.iter().rev().cmp(right.iter().rev()))
    }

    #[test]
    fn every_boundary_is_the_last_whole_number_before_the_real_one() {
        for scale in [1, 1_000_000_000] {
            let (first, boundaries) = boundaries(scale, HIGHEST);
            assert_eq!(against_boundary(1, first - 1, scale), Ordering::Greater, "1 lies in the first bucket");
            for (index, boundary) in (first..).zip(boundaries) {
                assert_ne!(against_boundary(boundary, index, scale), Ordering::Greater, "{boundary} for {index}");
                assert_eq!(against_boundary(boundary + 1, index, scale), Ordering::Greater, "{boundary} for {index}");
            }
        }
    }

    #[test]
    fn boundaries_reach_the_highest_value_and_no_further() {
        assert_eq!(boundaries(1, 2), (0, vec![1, 1, 1, 1, 1, 1, 1, 1, 2]));
        assert_eq!(boundaries(1, 3).1.len(), 14);
        for highest in [1, 2, 1_000, (1 << 34) - 1, 1 << 34, (1 << 34) + 1] {
            let (_, boundaries) = boundaries(1_000_000_000, highest);
            let (last, before) = boundaries.split_last().unwrap();
            assert!(*last >= highest && before.iter().all(|&boundary| boundary < highest));
        }
    }

    #[test]
    fn coarser_buckets_end_where_finer_ones_do() {
        // At schema 0 the bucket i ends at 2^i; at -4, at 65536^i.
        for (index, schema, expected) in [
            (8, 3, 8),
            (8, 2, 4),
            (8, 0, 1),
            (9, 0, 2),
            (0, 0, 0),
            (1, 0, 1),
            (-7, 0, 0),
            (-8, 0, -1),
            (128, -4, 1),
            (129, -4, 2),
        ] {
            assert_eq!(coarser(index, schema), expected, "{index} at {schema}");
        }
    }
}
