//! stub
use super::encoding::Encoding;
use crate::snapshot::{FamilySnapshot, Snapshot};
pub(crate) fn encode<'a>(_: &Snapshot, _: impl Iterator<Item = &'a FamilySnapshot>, _: Encoding) -> Vec<u8> {
    Vec::new()
}
