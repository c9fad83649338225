//! The rendered forms of a snapshot, and what they are compressed: each is made by the first who asks for it, and shared by all others.

use std::sync::OnceLock;

#[cfg(feature = "compression")]
use super::coding;
use super::coding::Coding;
use super::encoding::{Encoding, Format};
use super::escaping::Escaping;
#[cfg(feature = "protobuf")]
use super::protobuf;
use super::text;
use crate::snapshot::{FamilySnapshot, Snapshot};

/// Renders these families of a snapshot.
pub(crate) fn render<'a>(
    snapshot: &Snapshot,
    families: impl Iterator<Item = &'a FamilySnapshot> + Clone,
    encoding: Encoding,
) -> Vec<u8> {
    match encoding.format() {
        Format::Text | Format::Utf8Text | Format::OpenMetrics => text::encode(snapshot, families, encoding),
        #[cfg(feature = "protobuf")]
        Format::Protobuf => protobuf::encode(snapshot, families, encoding),
    }
}

/// The forms of one snapshot.
#[derive(Debug)]
pub(crate) struct Bodies([OnceLock<Vec<u8>>; Bodies::COUNT]);

impl Bodies {
    const COUNT: usize = Coding::COUNT * Format::COUNT * Escaping::COUNT * 2;

    pub(crate) fn new() -> Self {
        Self([const { OnceLock::new() }; Self::COUNT])
    }

    /// The form of this encoding, so coded. Who asks for one that is being made waits for it.
    pub(crate) fn get(&self, snapshot: &Snapshot, encoding: Encoding, coding: Coding) -> &[u8] {
        self.0[place(encoding, coding)].get_or_init(|| match coding {
            Coding::Identity => render(snapshot, snapshot.families(), encoding),
            #[cfg(feature = "compression")]
            Coding::Gzip => coding::gzip(self.get(snapshot, encoding, Coding::Identity)),
            #[cfg(feature = "compression")]
            Coding::Zstd => coding::zstd(self.get(snapshot, encoding, Coding::Identity)),
        })
    }
}

fn place(encoding: Encoding, coding: Coding) -> usize {
    let form =
        (encoding.format() as usize * Escaping::COUNT + encoding.escaping() as usize) * 2 + usize::from(encoding.created());
    form * Coding::COUNT + coding as usize
}

#[cfg(all(test, feature = "compression", not(tachograph_loom)))]
mod tests {
    use std::io::Read;
    use std::sync::Barrier;

    use super::*;
    use crate::Registry;

    fn snapshot() -> std::sync::Arc<Snapshot> {
        let registry = Registry::new();
        let jobs = registry.counter_family("jobs_total", "Jobs done.", ["queue"]).unwrap();
        (0..100).for_each(|queue| jobs.inc([&*queue.to_string()]));
        registry.snapshot()
    }

    #[test]
    fn what_is_compressed_is_the_exposition() {
        let snapshot = snapshot();
        for encoding in [Encoding::TEXT, Encoding::new(Format::OpenMetrics, Escaping::Dots)] {
            let plain = snapshot.exposition(encoding);
            let mut unzipped = Vec::new();
            flate2::read::GzDecoder::new(snapshot.compressed(encoding, Coding::Gzip)).read_to_end(&mut unzipped).unwrap();
            assert_eq!(unzipped, plain);
            let zstd = snapshot.compressed(encoding, Coding::Zstd);
            assert_eq!(zstd::bulk::decompress(zstd, plain.len()).unwrap(), plain);
            assert!(zstd.len() < plain.len() / 4);
        }
    }

    #[test]
    fn all_who_ask_share_one_form() {
        let snapshot = snapshot();
        let start = Barrier::new(4);
        for coding in [Coding::Identity, Coding::Gzip, Coding::Zstd] {
            let asked = || {
                start.wait();
                snapshot.compressed(Encoding::TEXT, coding).as_ptr() as usize
            };
            let places: Vec<usize> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(asked)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
        }
        assert_eq!(snapshot.text().as_ptr(), snapshot.compressed(Encoding::TEXT, Coding::Identity).as_ptr(), "no copy");
    }

    #[test]
    fn each_form_has_a_place_of_its_own() {
        let mut places = std::collections::HashSet::new();
        for format in [Format::Text, Format::Utf8Text, Format::OpenMetrics] {
            for escaping in [Escaping::AllowUtf8, Escaping::Underscores, Escaping::Dots, Escaping::Values] {
                for created in [false, true] {
                    for coding in [Coding::Identity, Coding::Gzip, Coding::Zstd] {
                        let at = place(Encoding::new(format, escaping).with_created(created), coding);
                        assert!(at < Bodies::COUNT);
                        places.insert(at);
                    }
                }
            }
        }
        // The text format has no quoted names, and so one scheme less.
        assert_eq!(places.len(), (3 * 4 - 1) * 2 * 3);
    }
}
