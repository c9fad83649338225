//! The rendered forms of a snapshot: each is made by the first who asks for it, and shared by all others.

use std::sync::OnceLock;

use super::encoding::{Encoding, Format};
use super::escaping::Escaping;
#[cfg(feature = "protobuf")]
use super::protobuf;
use super::text;
use crate::snapshot::{FamilySnapshot, Snapshot};

/// Renders these families of a snapshot.
pub(crate) fn render<'a>(
    snapshot: &Snapshot,
    families: impl Iterator<Item = &'a FamilySnapshot>,
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
pub(crate) struct Bodies([OnceLock<Box<[u8]>>; Bodies::COUNT]);

impl Bodies {
    const COUNT: usize = Format::COUNT * Escaping::COUNT * 2;

    pub(crate) fn new() -> Self {
        Self([const { OnceLock::new() }; Self::COUNT])
    }

    /// The form of this encoding. Who asks for one that is being made waits for it.
    pub(crate) fn get(&self, snapshot: &Snapshot, encoding: Encoding) -> &[u8] {
        self.0[place(encoding)].get_or_init(|| render(snapshot, snapshot.families(), encoding).into())
    }
}

fn place(encoding: Encoding) -> usize {
    (encoding.format() as usize * Escaping::COUNT + encoding.escaping() as usize) * 2 + usize::from(encoding.created())
}
