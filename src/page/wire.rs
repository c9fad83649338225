//! An event as it goes out: as it is, or as a piece of a stream in gzip, to all who look the same bytes.
//!
//! A piece is raw deflate that refers to nothing before it and ends on a byte, so that pieces can follow each other in any
//! stream. What differs from stream to stream is the checksum at its end alone, and that is made of those of its pieces.
//! The first event of a stream brings the head of gzip along.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress};
use serde::Serialize;

/// Of half an hour at 20 requests a second, 1 975 rows in 367 kB, zlib's level 1 makes 78 kB, 2 makes 75 kB, and 6 makes
/// 60 kB in three to ten times the time. It is the time in which the first who opens the page waits, and each second that
/// of a tick.
const LEVEL: u32 = 2;

/// Deflate, no name and no time, of an unknown system.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// A last block with nothing in it.
const LAST: [u8; 5] = [1, 0, 0, 0xff, 0xff];

/// Appends an event. JSON has no line feed, so its data is one line.
pub(super) fn append(bytes: &mut Vec<u8>, name: &str, data: &impl Serialize) {
    bytes.extend_from_slice(format!("event: {name}\ndata: ").as_bytes());
    serde_json::to_writer(&mut *bytes, data).expect("a vector takes all that is written, and the keys are strings");
    bytes.extend_from_slice(b"\n\n");
}

/// One event, or some that go out together.
#[derive(Debug)]
pub(super) struct Event {
    plain: Bytes,
    is_first: bool,
    /// Made when the first asks who takes it.
    packed: OnceLock<Packed>,
}

#[derive(Debug)]
struct Packed {
    piece: Bytes,
    checksum: Crc,
}

impl Event {
    pub(super) fn new(plain: impl Into<Bytes>) -> Arc<Self> {
        Arc::new(Self { plain: plain.into(), is_first: false, packed: OnceLock::new() })
    }

    /// One that streams begin with.
    pub(super) fn first(plain: impl Into<Bytes>) -> Arc<Self> {
        Arc::new(Self { plain: plain.into(), is_first: true, packed: OnceLock::new() })
    }

    pub(super) fn of(name: &str, data: &impl Serialize) -> Arc<Self> {
        let mut bytes = Vec::with_capacity(1024);
        append(&mut bytes, name, data);
        Self::new(bytes)
    }

    fn packed(&self, packer: &Packer) -> &Packed {
        self.packed.get_or_init(|| {
            let mut checksum = Crc::new();
            checksum.update(&self.plain);
            let head: &[u8] = if self.is_first { &HEAD } else { &[] };
            Packed { piece: packer.piece(head, &self.plain).into(), checksum }
        })
    }
}

/// What makes pieces: once for all, for what it works with is a third of a megabyte. Made when the first asks who takes gzip.
/// A mutex is enough: it is held for a moment each second, and for milliseconds when somebody comes.
#[derive(Debug, Default)]
pub(super) struct Packer(Mutex<Option<Compress>>);

impl Packer {
    fn piece(&self, head: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut coder = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let coder = coder.get_or_insert_with(|| Compress::new(Compression::new(LEVEL), false));
        coder.reset();
        let mut piece = Vec::with_capacity(head.len() + plain.len() / 2 + 64);
        piece.extend_from_slice(head);
        loop {
            let rest = &plain[coder.total_in() as usize..];
            coder.compress_vec(rest, &mut piece, FlushCompress::Sync).expect("it has been reset");
            // Where room is left, nothing else is to come.
            if piece.len() < piece.capacity() {
                break;
            }
            piece.reserve(piece.len());
        }
        piece.shrink_to_fit();
        piece
    }
}

/// How the events of one stream go out.
#[derive(Debug)]
pub(super) enum Wire {
    Plain,
    /// With the checksum of what has gone out; none when it has ended.
    Gzip(Arc<Packer>, Option<Crc>),
}

impl Wire {
    pub(super) fn new(packer: &Arc<Packer>, gzip: bool) -> Self {
        if gzip { Self::Gzip(Arc::clone(packer), Some(Crc::new())) } else { Self::Plain }
    }

    /// Makes ready what would take a while, on a thread that may wait.
    pub(super) fn prepare(&self, event: &Event) {
        if let Self::Gzip(packer, _) = self {
            event.packed(packer);
        }
    }

    /// The bytes of the next event.
    pub(super) fn next(&mut self, event: &Event) -> Bytes {
        match self {
            Self::Gzip(packer, Some(checksum)) => {
                let packed = event.packed(packer);
                checksum.combine(&packed.checksum);
                packed.piece.clone()
            }
            _ => event.plain.clone(),
        }
    }

    /// What has to be said at the end, once.
    pub(super) fn end(&mut self) -> Option<Bytes> {
        let Self::Gzip(_, checksum) = self else { return None };
        let checksum = checksum.take()?;
        let (sum, amount) = (checksum.sum().to_le_bytes(), checksum.amount().to_le_bytes());
        Some([&LAST[..], &sum, &amount].concat().into())
    }
}

#[cfg(test)]
impl Event {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.plain.to_vec()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn pieces_of_events_are_a_stream_of_gzip_from_any_of_them_on() {
        let text = |at: usize| format!("event: tick\ndata: {{\"t\":{at},\"r2\":{}}}\n\n", "7".repeat(at * at % 70_000));
        let events: Vec<Arc<Event>> = (0..400).map(|at| Event::new(text(at))).collect();
        let first = Event::first("event: hello\ndata: {}\n\n");
        let packer = Arc::new(Packer::default());
        for from in [0, 1, 7, 390, 400] {
            let mut wire = Wire::new(&packer, true);
            let mut sent = wire.next(&first).to_vec();
            events[from..].iter().for_each(|event| sent.extend_from_slice(&wire.next(event)));
            // All that was said can be read before the end is there.
            let expected: String = ["event: hello\ndata: {}\n\n".to_owned()].into_iter().chain((from..400).map(text)).collect();
            let mut read = vec![0; expected.len()];
            flate2::read::GzDecoder::new(&sent[..]).read_exact(&mut read).unwrap();
            assert_eq!(String::from_utf8(read).unwrap(), expected, "{from}");
            sent.extend_from_slice(&wire.end().unwrap());
            assert_eq!(wire.end(), None);
            // The reader looks at the checksum and the length.
            let mut whole = String::new();
            flate2::read::GzDecoder::new(&sent[..]).read_to_string(&mut whole).unwrap();
            assert_eq!(whole, expected, "{from}");
        }
    }

    #[test]
    fn who_takes_no_gzip_gets_the_events_as_they_are() {
        let mut wire = Wire::new(&Arc::default(), false);
        assert_eq!(wire.next(&Event::first("hello")), "hello");
        assert_eq!(wire.next(&Event::new("tick")), "tick");
        assert_eq!(wire.end(), None);
    }
}
