//! How the bytes of a scrape are coded on their way: as they are, or compressed.

use super::preference::elements;

// Of scrapes of 1 000 and of 100 000 series, as HTTP metrics are (74 708 and 7 454 878 bytes; best of several on one core):
//
// | level  | bytes          | ms           |
// |--------|----------------|--------------|
// | gzip 1 | 11 746 961 713 |  0.07   9.7  |
// | gzip 2 |  9 562 709 479 |  0.11  12.2  |
// | gzip 3 |  8 687 639 467 |  0.18  18.6  |
// | gzip 6 |  8 116 590 749 |  0.40  40.0  |
// | zstd 1 |  8 222 608 808 |  0.07   6.3  |
// | zstd 3 |  8 424 645 918 |  0.08   8.4  |
// | zstd 6 |  7 592 560 399 |  0.32  30.4  |
//
/// A quarter smaller than level 1 for a quarter more time; the next tenth costs half as much again.
#[cfg(feature = "compression")]
const GZIP_LEVEL: u32 = 2;
/// Smaller and faster than any up to 4; the next that is smaller, 5, takes four times as long for a hundredth.
#[cfg(feature = "compression")]
const ZSTD_LEVEL: i32 = 1;

/// A coding of a scrape's bytes, as `Content-Encoding` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Coding {
    /// As they are.
    Identity,
    /// gzip, which all scrapers know.
    #[cfg(feature = "compression")]
    Gzip,
    /// Zstandard: smaller than gzip, and faster to make.
    #[cfg(feature = "compression")]
    Zstd,
}

impl Coding {
    /// All of them. Where a client leaves the choice, a later one is better.
    const ALL: [Self; Self::COUNT] = [
        Self::Identity,
        #[cfg(feature = "compression")]
        Self::Gzip,
        #[cfg(feature = "compression")]
        Self::Zstd,
    ];

    /// How many there are.
    pub(crate) const COUNT: usize = if cfg!(feature = "compression") { 3 } else { 1 };

    /// The value of the header `Content-Encoding`; `None` when there is to be no such header.
    pub const fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            #[cfg(feature = "compression")]
            Self::Gzip => Some("gzip"),
            #[cfg(feature = "compression")]
            Self::Zstd => Some("zstd"),
        }
    }

    /// The coding that a client likes best, from the values of its `Accept-Encoding` headers: the one with the highest `q`, of several
    /// zstd before gzip before identity. Without the feature `compression` it is always identity, as for who refuses all there are.
    ///
    /// `*` stands for those that are not named; of one that is named twice a refusal counts, then the highest `q`. Identity that is
    /// neither named nor refused is taken when nothing else is. `x-gzip` is gzip.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::exposition::Coding;
    ///
    /// assert_eq!(Coding::negotiate(["br, identity;q=0.5"]), Coding::Identity);
    /// # #[cfg(feature = "compression")]
    /// assert_eq!(Coding::negotiate(["gzip, deflate"]), Coding::Gzip);
    /// ```
    pub fn negotiate(accept_encoding: impl IntoIterator<Item: AsRef<[u8]>>) -> Self {
        // The last of several that are equal.
        let weights = Self::ALL.into_iter().zip(Self::weights(accept_encoding));
        weights.filter(|(_, weight)| *weight > 0).max_by_key(|(_, weight)| *weight).map_or(Self::Identity, |(coding, _)| coding)
    }

    /// Whether a client takes this coding, be there one that it likes better or not.
    #[cfg(feature = "page")]
    pub(crate) fn is_taken(self, accept_encoding: impl IntoIterator<Item: AsRef<[u8]>>) -> bool {
        Self::ALL.into_iter().zip(Self::weights(accept_encoding)).any(|(coding, weight)| coding == self && weight > 0)
    }

    /// What `Accept-Encoding` says of each coding; 0 of what it refuses or does not name.
    fn weights(accept_encoding: impl IntoIterator<Item: AsRef<[u8]>>) -> [u16; Self::COUNT] {
        let mut named = [None; Self::COUNT];
        let mut others = None;
        for header in accept_encoding {
            for element in elements(header.as_ref()) {
                let is = |name: &str| element.name.eq_ignore_ascii_case(name.as_bytes());
                let said = match Self::ALL.iter().position(|coding| coding.names().iter().any(|name| is(name))) {
                    Some(known) => &mut named[known],
                    None if is("*") => &mut others,
                    None => continue,
                };
                *said = Some(said.map_or(element.weight, |before: u16| match before.min(element.weight) {
                    0 => 0,
                    _ => before.max(element.weight),
                }));
            }
        }
        named.map(|named| named.or(others).unwrap_or(0))
    }

    /// Codes bytes; identity leaves them as they are.
    #[cfg(feature = "server")]
    pub(crate) fn coded(self, bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Identity => bytes,
            Self::Gzip => gzip(&bytes),
            Self::Zstd => zstd(&bytes),
        }
    }

    /// Codes bytes that are sent more often than they are made, over slower lines than those of scrapers: a page.
    #[cfg(feature = "page")]
    pub(crate) fn coded_well(self, bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Identity => bytes,
            Self::Gzip => gzip_at(&bytes, 6),
            Self::Zstd => zstd_at(&bytes, 6),
        }
    }

    /// What clients call it.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Identity => &["identity"],
            #[cfg(feature = "compression")]
            Self::Gzip => &["gzip", "x-gzip"],
            #[cfg(feature = "compression")]
            Self::Zstd => &["zstd"],
        }
    }
}

/// The bytes as gzip.
#[cfg(feature = "compression")]
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    gzip_at(bytes, GZIP_LEVEL)
}

#[cfg(feature = "compression")]
fn gzip_at(bytes: &[u8], level: u32) -> Vec<u8> {
    use std::io::Write;

    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    coder.write_all(bytes).and_then(|()| coder.finish()).expect("a vector takes all that is written")
}

/// The bytes as one frame of Zstandard, which tells their length.
#[cfg(feature = "compression")]
pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd_at(bytes, ZSTD_LEVEL)
}

#[cfg(feature = "compression")]
fn zstd_at(bytes: &[u8], level: i32) -> Vec<u8> {
    zstd::bulk::compress(bytes, level).expect("there is room for what the bound says")
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn identity_is_for_all_who_do_not_ask() {
        assert_eq!(Coding::negotiate([""; 0]), Coding::Identity);
        assert_eq!(Coding::negotiate([&b"\xff, gz\x00ip"[..]]), Coding::Identity);
        for accept in [
            "",
            ",",
            "identity",
            "br, deflate",
            "gzip;q=0",
            "gzip;q=0, *;q=0",
            "identity;q=0",
            "*;q=0",
            "gzip;q=abc",
            "gzip;q=2",
            "gzip;q=0.5, identity;q=0.8",
            "gzip, gzip;q=0",
            "x-gzip;q=0, gzip",
            "g zip",
            "identity, gzip;q=0.999, zstd;q=0.999",
        ] {
            assert_eq!(Coding::negotiate([accept]), Coding::Identity, "{accept}");
        }
    }

    #[cfg(feature = "compression")]
    #[test]
    fn gzip_and_zstd_are_for_who_asks() {
        for (accept, expected) in [
            ("gzip", Coding::Gzip),
            ("GZip ; Q=0.1", Coding::Gzip),
            ("x-gzip", Coding::Gzip),
            ("gzip, deflate, br", Coding::Gzip),
            ("gzip;q=0.5, identity;q=0.5", Coding::Gzip),
            ("gzip, zstd;q=0", Coding::Gzip),
            ("*, zstd;q=0", Coding::Gzip),
            ("gzip;q=0.9, zstd;q=0.8", Coding::Gzip),
            ("identity;q=0, gzip;q=0.001", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("zstd;q=0.5, gzip;q=0.5", Coding::Zstd),
            ("*", Coding::Zstd),
            ("*;q=0.1, gzip;q=0, identity;q=0", Coding::Zstd),
            ("gzip;q=0.1, gzip;q=0.7, zstd;q=0.5", Coding::Gzip),
        ] {
            assert_eq!(Coding::negotiate([accept]), expected, "{accept}");
        }
        assert_eq!(Coding::negotiate(["gzip;q=0.1", "deflate", "zstd;q=0.2"]), Coding::Zstd);
    }
}
