//! Finds where a body in chunks ends. Whether its chunks are well-formed is hyper's to say, which reads the same bytes and ends the
//! connection when they are not.

/// How far a body in chunks has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    /// In the line that begins a chunk; `told` once something else than a digit has come.
    Size { size: u64, told: bool },
    /// So many more bytes of a chunk.
    Data(u64),
    /// In the line end after a chunk.
    DataEnd,
    /// After the last chunk: in a line of as many bytes, with the last of them.
    Trailer { bytes: usize, last: u8 },
    /// At its end.
    End,
    /// In a chunk larger than any number.
    Lost,
}

impl Chunks {
    pub(super) const START: Self = Self::Size { size: 0, told: false };

    /// Reads on, to the end of the body at most. Tells how many bytes that were.
    pub(super) fn read(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && *self != Self::End {
            at += match *self {
                Self::Data(left) => {
                    let read = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                    *self = if read as u64 == left { Self::DataEnd } else { Self::Data(left - read as u64) };
                    read
                }
                Self::Lost => bytes.len() - at,
                framing => {
                    *self = framing.after(bytes[at]);
                    1
                }
            };
        }
        at
    }

    /// What comes after a byte outside of data.
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Size { size: 0, .. }, b'\n') => Self::Trailer { bytes: 0, last: 0 },
            (Self::Size { size, .. }, b'\n') => Self::Data(size),
            (Self::Size { size, told: false }, digit) if digit.is_ascii_hexdigit() => {
                let digit = u64::from((digit as char).to_digit(16).unwrap_or(0));
                size.checked_mul(16).map_or(Self::Lost, |size| Self::Size { size: size + digit, told: false })
            }
            (Self::Size { size, .. }, _) => Self::Size { size, told: true },
            (Self::DataEnd, b'\n') => Self::START,
            (Self::Trailer { bytes: 1, last: b'\r' }, b'\n') => Self::End,
            (Self::Trailer { last: b'\r', .. }, b'\n') => Self::Trailer { bytes: 0, last: 0 },
            (Self::Trailer { bytes, .. }, last) => Self::Trailer { bytes: bytes + 1, last },
            (unchanged, _) => unchanged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_where_it_does_however_it_comes() {
        for body in [
            "0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "5;name=value\r\nhello\r\n00A \r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n",
            "1e\r\n0\r\n\r\n0\r\n\r\n0\r\n\r\n0\r\n\r\n0\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n",
            "0\r\nA: b\r\nC: \n\r\n\r\n",
            "0;0=5\r\nA: \r\r\n\r\n",
        ] {
            let sent = format!("{body}GET / HTTP/1.1\r\n\r\n");
            for piece in 1..=sent.len() {
                let mut chunks = Chunks::START;
                let read: usize = sent.as_bytes().chunks(piece).map(|piece| chunks.read(piece)).sum();
                assert_eq!((read, chunks), (body.len(), Chunks::End), "{body:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn what_has_no_end_has_none() {
        for body in [
            "",
            "5\r\nhello\r\n0\r\n",
            "5\r\nhello\r\n0\r\nA: b\r\n",
            "ffffffffffffffff\r\n\r\n0\r\n\r\n",
            "10000000000000000\r\n0\r\n\r\n",
        ] {
            let mut chunks = Chunks::START;
            assert_eq!(chunks.read(body.as_bytes()), body.len());
            assert_ne!(chunks, Chunks::End, "{body:?}");
        }
    }
}
