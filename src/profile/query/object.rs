//! A JSON object as its fields in order, also those that come twice: serde's own maps keep the last one and say nothing.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::QueryError;

struct Fields(Vec<(String, Value)>);

/// The fields of a JSON object.
pub(super) fn fields(json: &[u8]) -> Result<Vec<(String, Value)>, QueryError> {
    serde_json::from_slice(json).map(|Fields(fields)| fields).map_err(|cause| QueryError::NoObject(cause.into()))
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}
