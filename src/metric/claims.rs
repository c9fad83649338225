//! Which names are taken: no two families may write samples or metadata of one name, in whatever format and scheme.

use std::collections::HashMap;

use super::descriptor::{Descriptor, Kind};

/// Each name that samples or metadata may carry, with the family that claims it.
#[derive(Debug, Default)]
pub(crate) struct Claims(HashMap<String, (Box<str>, Kind)>);

/// Two families would write one name.
#[derive(Debug)]
pub(crate) struct Clash {
    pub(crate) family: String,
    /// The name that both would write.
    pub(crate) name: String,
    /// Who has claimed it before.
    pub(crate) with: String,
    /// Its type.
    pub(crate) kind: Kind,
}

impl Claims {
    /// Claims all names of these families, or none and says what clashes.
    pub(crate) fn claim<'a>(&mut self, families: impl IntoIterator<Item = &'a Descriptor>) -> Result<(), Clash> {
        let mut claims = HashMap::new();
        for family in families {
            for name in family.claimed_names() {
                if let Some((with, kind)) = self.0.get(&name).or_else(|| claims.get(&name)) {
                    let (with, kind) = (with.to_string(), *kind);
                    return Err(Clash { family: family.name().to_owned(), name, with, kind });
                }
                claims.insert(name, (Box::from(family.name()), family.kind()));
            }
        }
        self.0.extend(claims);
        Ok(())
    }
}
