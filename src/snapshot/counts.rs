//! The counts of a histogram's cells, dense as they are folded or sparse as they are kept and sent.

/// Counts by cell.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counts<'a> {
    /// One a cell.
    Dense(&'a [u64]),
    /// Cell and count, of the cells that are not empty, by cell.
    Sparse(&'a [(u16, u64)]),
}

impl<'a> Counts<'a> {
    /// Cell and count of the cells that are not empty, by cell.
    pub(super) fn nonzero(self) -> impl Iterator<Item = (usize, u64)> + use<'a> {
        let (dense, sparse): (&[u64], &[(u16, u64)]) = match self {
            Counts::Dense(counts) => (counts, &[]),
            Counts::Sparse(counts) => (&[], counts),
        };
        let dense = dense.iter().copied().enumerate().filter(|&(_, count)| count > 0);
        dense.chain(sparse.iter().map(|&(cell, count)| (usize::from(cell), count)))
    }

    pub(super) fn sum(self) -> u64 {
        match self {
            Counts::Dense(counts) => counts.iter().fold(0, |sum, &count| sum.wrapping_add(count)),
            Counts::Sparse(counts) => counts.iter().fold(0, |sum, &(_, count)| sum.wrapping_add(count)),
        }
    }

    pub(super) fn walk(self) -> Walk<'a> {
        Walk { counts: self, at: 0 }
    }
}

/// Sums of neighbouring cells, from the first cell on.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    counts: Counts<'a>,
    /// The next cell of dense counts, the next entry of sparse ones.
    at: usize,
}

impl Walk<'_> {
    /// The sum of the cells from where the last call ended up to, but not with, `end`, which lies no lower.
    pub(super) fn up_to(&mut self, end: usize) -> u64 {
        match self.counts {
            Counts::Dense(counts) => {
                let begin = std::mem::replace(&mut self.at, end);
                counts[begin..end].iter().fold(0, |sum, &count| sum.wrapping_add(count))
            }
            Counts::Sparse(counts) => {
                let rest = &counts[self.at..];
                let before = rest.iter().take_while(|&&(cell, _)| usize::from(cell) < end);
                let (entries, sum) =
                    before.fold((0, 0u64), |(entries, sum), &(_, count)| (entries + 1, sum.wrapping_add(count)));
                self.at += entries;
                sum
            }
        }
    }
}
