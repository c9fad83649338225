//! How the bytes of a scrape are coded on their way: as they are, or compressed.

use super::preference::elements;

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
        let weights = Self::ALL.iter().zip(named).map(|(coding, named)| (*coding, named.or(others).unwrap_or(0)));
        // The last of several that are equal.
        let best = weights.filter(|(_, weight)| *weight > 0).max_by_key(|(_, weight)| *weight);
        best.map_or(Self::Identity, |(coding, _)| coding)
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
