//! JSON objects whose members are unique.
//!
//! RFC 7515 section 4 and RFC 7519 section 4 let a parser take the last of two equal names; two
//! parsers that disagree make two tokens of one. Here such an object is no object.

use std::fmt;

use serde::Deserializer;
use serde::de::{self, MapAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

/// The members of the JSON object in `json`, or what is wrong with it.
pub(super) fn unique_members(json: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let members = deserializer.deserialize_map(UniqueMembers)?;
    deserializer.end()?;
    Ok(members)
}

struct UniqueMembers;

impl<'de> Visitor<'de> for UniqueMembers {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object without duplicate members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, value)) = access.next_entry::<String, Value>()? {
            let Entry::Vacant(place) = members.entry(name) else {
                return Err(de::Error::custom("a JSON object without duplicate members"));
            };
            place.insert(value);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_two_parsers_could_read_differently() {
        assert_eq!(unique_members(br#"{"a":1,"b":{"a":2}}"#).unwrap().len(), 2);
        for ambiguous in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"{"a":1} {"#, "[1]", "7", ""] {
            assert!(unique_members(ambiguous.as_bytes()).is_err(), "{ambiguous}");
        }
    }
}
