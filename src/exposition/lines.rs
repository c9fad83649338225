//! A text in the making, put together of short pieces.
//!
//! A line of a scrape is some ten pieces of a few bytes. A piece is copied in steps of a fixed width, which the compiler turns into a load
//! and a store or two, and what such a step writes too much is overwritten by the next piece. That needs room past the end, so it is
//! done in a chunk that stays in the nearest cache, and the text grows by a chunk at a time.

/// Bytes of the chunk that may be filled before it is added to the text: a power of two.
const CHUNK: usize = 4_096;

const _: () = assert!(CHUNK.is_power_of_two());

/// Longest piece that is copied in steps.
const SHORT: usize = 32;

/// Bytes of a [`Fixed`] piece that are copied at once: with 64, a line of three labels took 22 ns, with 32 19.
const WIDTH: usize = 32;

#[derive(Debug)]
pub(super) struct Lines {
    text: Vec<u8>,
    chunk: Box<[u8; CHUNK + WIDTH]>,
    /// Bytes of the chunk that are part of the text: below `CHUNK`.
    len: usize,
}

impl Lines {
    /// Nothing yet, with room for so many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { text: Vec::with_capacity(bytes), chunk: Box::new([0; CHUNK + WIDTH]), len: 0 }
    }

    /// Appends a piece.
    #[inline(always)]
    pub(super) fn push(&mut self, piece: &[u8]) {
        if piece.len() <= SHORT {
            copy_short(self.room(), piece);
            self.advance(piece.len());
        } else {
            self.push_long(piece);
        }
    }

    /// Appends a piece that is made once for many lines.
    #[inline(always)]
    pub(super) fn push_fixed(&mut self, piece: &Fixed) {
        if piece.len <= WIDTH {
            *self.room() = piece.start;
            self.advance(piece.len);
        } else {
            self.push_long(&piece.long);
        }
    }

    /// Appends what `write` appends.
    pub(super) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.flush();
        write(&mut self.text);
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.flush();
        self.text
    }

    /// Where the next piece goes.
    #[inline(always)]
    fn room(&mut self) -> &mut [u8; WIDTH] {
        // Modulo, so that the compiler sees that it lies within the chunk.
        self.chunk[self.len % CHUNK..].first_chunk_mut().expect("a step from below CHUNK ends within CHUNK + WIDTH")
    }

    #[inline(always)]
    fn advance(&mut self, by: usize) {
        self.len += by;
        if self.len >= CHUNK {
            self.flush();
        }
    }

    #[inline(never)]
    fn push_long(&mut self, piece: &[u8]) {
        match self.chunk[self.len..CHUNK - 1].get_mut(..piece.len()) {
            Some(room) => {
                room.copy_from_slice(piece);
                self.len += piece.len();
            }
            None => self.push_with(|text| text.extend_from_slice(piece)),
        }
    }

    #[inline(never)]
    fn flush(&mut self) {
        self.text.extend_from_slice(&self.chunk[..self.len]);
        self.len = 0;
    }
}

/// Copies at most `SHORT` bytes, in two steps that overlap.
#[inline(always)]
fn copy_short(room: &mut [u8; WIDTH], piece: &[u8]) {
    let len = piece.len();
    if let (Some(first), Some(last)) = (piece.first_chunk::<16>(), piece.last_chunk::<16>()) {
        room[..16].copy_from_slice(first);
        room[len - 16..len].copy_from_slice(last);
    } else if let (Some(first), Some(last)) = (piece.first_chunk::<8>(), piece.last_chunk::<8>()) {
        room[..8].copy_from_slice(first);
        room[len - 8..len].copy_from_slice(last);
    } else if let (Some(first), Some(last)) = (piece.first_chunk::<4>(), piece.last_chunk::<4>()) {
        room[..4].copy_from_slice(first);
        room[len - 4..len].copy_from_slice(last);
    } else if let [first, .., last] = piece {
        let middle = len / 2;
        (room[0], room[middle], room[len - 1]) = (*first, piece[middle], *last);
    } else if let [only] = piece {
        room[0] = *only;
    }
}

/// A piece that many lines have.
#[derive(Debug)]
pub(super) struct Fixed {
    start: [u8; WIDTH],
    len: usize,
    /// The whole, where it is longer than `start`.
    long: Box<[u8]>,
}

impl Fixed {
    pub(super) fn bytes(&self) -> &[u8] {
        if self.len <= WIDTH { &self.start[..self.len] } else { &self.long }
    }

    pub(super) fn new(whole: &(impl AsRef<[u8]> + ?Sized)) -> Self {
        let whole = whole.as_ref();
        let mut start = [0; WIDTH];
        match start.get_mut(..whole.len()) {
            Some(room) => {
                room.copy_from_slice(whole);
                Self { start, len: whole.len(), long: Box::default() }
            }
            None => Self { start, len: whole.len(), long: whole.into() },
        }
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Piece {
        Any(Vec<u8>),
        Fixed(Vec<u8>),
        With(Vec<u8>),
    }

    fn piece() -> impl Strategy<Value = Piece> {
        let bytes =
            || prop_oneof![9 => prop::collection::vec(any::<u8>(), 0..70), 1 => prop::collection::vec(any::<u8>(), 0..9_000)];
        prop_oneof![
            6 => bytes().prop_map(Piece::Any),
            3 => bytes().prop_map(Piece::Fixed),
            1 => bytes().prop_map(Piece::With),
        ]
    }

    proptest! {
        #[test]
        fn a_text_is_its_pieces_one_after_another(pieces in prop::collection::vec(piece(), 0..200)) {
            let (mut lines, mut expected) = (Lines::with_capacity(0), Vec::new());
            for piece in &pieces {
                match piece {
                    Piece::Any(bytes) => lines.push(bytes),
                    Piece::Fixed(bytes) => lines.push_fixed(&Fixed::new(bytes)),
                    Piece::With(bytes) => lines.push_with(|text| text.extend_from_slice(bytes)),
                }
                match piece {
                    Piece::Any(bytes) | Piece::Fixed(bytes) | Piece::With(bytes) => expected.extend_from_slice(bytes),
                }
            }
            prop_assert!(lines.finish() == expected);
        }
    }
}
