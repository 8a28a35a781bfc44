//! What limits a session beyond the rights of whoever it is of (facts 1.7).

use serde::{Deserialize, Serialize};

use crate::arn::PolicyArn;

/// The policies that came with the request for a session. A session of a role without any has all rights of
/// its role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPolicies {
    /// `Policy`, as sent: 2048 characters at most. It is kept compressed, since a session token is sent with
    /// every request.
    #[serde(with = "compressed")]
    pub inline: Option<String>,
    /// `PolicyArns`, ten at most. What they say is looked up whenever it is asked for.
    pub managed: Vec<PolicyArn>,
}

impl SessionPolicies {
    /// None.
    pub const NONE: &'static Self = &Self { inline: None, managed: Vec::new() };

    /// Whether nothing limits the session.
    pub const fn is_empty(&self) -> bool {
        self.inline.is_none() && self.managed.is_empty()
    }

    /// Bytes that they take in a session token.
    pub fn packed_size(&self) -> usize {
        let inline = self.inline.as_ref().map_or(0, |text| compressed::pack(text).len());
        inline + self.managed.iter().map(|arn| arn.as_str().len() + 1).sum::<usize>()
    }
}

/// Text as an LZ4 block (without a frame) after its length.
mod compressed {
    use lz4_flex::block::{compress, decompress};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    /// 2048 characters of two bytes: as long as an inline policy can be. What says that it is longer is not
    /// unpacked.
    const LONGEST: usize = 4096;

    pub(super) fn pack(text: &str) -> Vec<u8> {
        compress(text.as_bytes())
    }

    pub(super) fn serialize<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
        text.as_ref().map(|text| (text.len(), pack(text))).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        let packed = Option::<(usize, &[u8])>::deserialize(deserializer)?;
        packed.map(|(length, packed)| unpack(length, packed).ok_or_else(damaged)).transpose()
    }

    fn unpack(length: usize, packed: &[u8]) -> Option<String> {
        let text = (length <= LONGEST).then(|| decompress(packed, length).ok()).flatten()?;
        (text.len() == length).then(|| String::from_utf8(text).ok()).flatten()
    }

    fn damaged<E: de::Error>() -> E {
        E::custom("a session policy that does not unpack")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a service that hands photos to its users writes it.
    const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::photos/ann/*"}]}"#;

    fn kept(policies: &SessionPolicies) -> Option<SessionPolicies> {
        let bytes = postcard::to_allocvec(policies).unwrap();
        postcard::from_bytes(&bytes).ok()
    }

    #[test]
    fn policies_survive_the_token() {
        let managed = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".parse().unwrap()];
        for inline in [None, Some(String::new()), Some(POLICY.to_owned()), Some("\u{e9}".repeat(2048))] {
            for managed in [Vec::new(), managed.clone()] {
                let policies = SessionPolicies { inline: inline.clone(), managed };
                assert_eq!(kept(&policies).unwrap(), policies);
            }
        }
        assert_eq!(kept(&SessionPolicies { inline: Some("x".repeat(4097)), managed: Vec::new() }), None);
    }

    #[test]
    fn repetition_takes_no_room() {
        let size =
            |inline: &str| SessionPolicies { inline: Some(inline.into()), managed: Vec::new() }.packed_size();
        let ten = format!("[{}]", [POLICY; 10].join(","));
        assert!(size(&ten) < size(POLICY) + 20, "{} {}", size(&ten), size(POLICY));
        let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        let managed = vec![arn.parse().unwrap()];
        assert_eq!(SessionPolicies { inline: None, managed }.packed_size(), arn.len() + 1);
        assert_eq!(SessionPolicies::NONE.packed_size(), 0);
    }

    #[test]
    fn what_does_not_unpack_is_nothing() {
        let of = |length: usize, packed: &[u8]| {
            let bytes = postcard::to_allocvec(&(Some((length, packed)), Vec::<String>::new())).unwrap();
            postcard::from_bytes::<SessionPolicies>(&bytes).ok()
        };
        let packed = compressed::pack(POLICY);
        assert!(of(POLICY.len(), &packed).is_some());
        for length in [0, POLICY.len() - 1, POLICY.len() + 1, usize::MAX] {
            assert_eq!(of(length, &packed), None, "{length}");
        }
        assert_eq!(of(POLICY.len(), &packed[1..]), None);
    }
}
