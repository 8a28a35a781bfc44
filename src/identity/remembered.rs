//! An identity that is asked about again without its person: what a refresh token holds.
//!
//! It is sealed, so nobody can read or change it, and for a purpose that this module alone seals and
//! opens for (`tests/it/tidy.rs`): whatever opens was an identity that a verifier made. What a verifier
//! would say today, nobody knows; so whoever recalls one asks rules and trust policy again.

use base64_simd::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{FederatedIdentity, Verified};
use crate::entropy::{Entropy, NoEntropy};
use crate::seal::{KeyRing, Purpose};

/// Longest text that is made and looked at. An ID token of 20,000 characters fits in twice.
const LONGEST: usize = 64 * 1024;

impl FederatedIdentity {
    /// Seals this identity together with `terms`: what it was remembered for, and until when, is the
    /// caller's business. `None`: it is too large to be remembered.
    pub fn remember<T: Serialize>(
        &self,
        terms: &T,
        ring: &KeyRing,
        entropy: &dyn Entropy,
    ) -> Result<Option<String>, NoEntropy> {
        self.seal(Purpose::RememberedIdentity, terms, ring, entropy)
    }

    /// Opens what [`FederatedIdentity::remember`] sealed. Its document can't be claimed any more: it
    /// was, or was not to be.
    pub fn recall<T: for<'de> Deserialize<'de>>(text: &str, ring: &KeyRing) -> Option<(Self, T)> {
        Self::open(Purpose::RememberedIdentity, text, ring)
    }

    /// As [`FederatedIdentity::remember`], for a browser at the portal. One is not taken for the other, whatever stands in it.
    pub fn remember_at_portal<T: Serialize>(
        &self,
        terms: &T,
        ring: &KeyRing,
        entropy: &dyn Entropy,
    ) -> Result<Option<String>, NoEntropy> {
        self.seal(Purpose::PortalIdentity, terms, ring, entropy)
    }

    /// Opens what [`FederatedIdentity::remember_at_portal`] sealed.
    pub fn recall_at_portal<T: for<'de> Deserialize<'de>>(text: &str, ring: &KeyRing) -> Option<(Self, T)> {
        Self::open(Purpose::PortalIdentity, text, ring)
    }

    fn seal<T: Serialize>(
        &self,
        purpose: Purpose,
        terms: &T,
        ring: &KeyRing,
        entropy: &dyn Entropy,
    ) -> Result<Option<String>, NoEntropy> {
        let body = postcard::to_allocvec(&(terms, &self.verified)).map_err(|_| NoEntropy)?;
        let text = URL_SAFE_NO_PAD.encode_to_string(ring.seal(purpose, &body, entropy)?);
        Ok((text.len() <= LONGEST).then_some(text))
    }

    fn open<T: for<'de> Deserialize<'de>>(purpose: Purpose, text: &str, ring: &KeyRing) -> Option<(Self, T)> {
        if text.len() > LONGEST {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode_to_vec(text).ok()?;
        let body = ring.open(purpose, &sealed).ok()?;
        let (terms, verified): (T, Verified) = postcard::from_bytes(&body).ok()?;
        Some((Self::new(verified), terms))
    }
}

/// Claims as JSON: postcard has no form for values of any kind.
pub(super) mod claims {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
    use serde_json::{Map, Value};

    type Claims = Option<Map<String, Value>>;

    pub(in crate::identity) fn serialize<S: Serializer>(
        claims: &Claims,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let json = claims.as_ref().map(serde_json::to_string).transpose().map_err(ser::Error::custom)?;
        json.serialize(serializer)
    }

    pub(in crate::identity) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Claims, D::Error> {
        let json = Option::<String>::deserialize(deserializer)?;
        json.map(|json| serde_json::from_str(&json)).transpose().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::identity::testing::IdentityBuilder;
    use crate::secret::Secret;

    const ARN: &str = "arn:aws:iam::111122223333:oidc-provider/accounts.example.com";

    fn cleo() -> FederatedIdentity {
        let claims = json!({ "sub": "cleo", "aud": "app", "nested": { "roles": ["a", 1, null] } });
        let cleo = IdentityBuilder::oidc(ARN, "mobile", "https://accounts.example.com", claims);
        cleo.attribute("plan", &["premium"]).alias("p", Some("plan")).build()
    }

    #[test]
    fn what_was_remembered_is_recalled_whole() {
        let (ring, entropy) = (KeyRing::of(Secret::new([1; 32])), SystemEntropy::new());
        let text = cleo().remember(&7, &ring, &entropy).unwrap().unwrap();
        let (recalled, terms): (_, i32) = FederatedIdentity::recall(&text, &ring).unwrap();
        assert_eq!((format!("{recalled:?}"), terms), (format!("{:?}", cleo()), 7));
        let other = KeyRing::of(Secret::new([2; 32]));
        assert!(FederatedIdentity::recall::<i32>(&text, &other).is_none(), "another ring");
        let body = postcard::to_allocvec(&(7, &cleo().verified)).unwrap();
        let elsewhere = ring.seal(Purpose::StoredRecord, &body, &entropy).unwrap();
        let elsewhere = URL_SAFE_NO_PAD.encode_to_string(elsewhere);
        assert!(FederatedIdentity::recall::<i32>(&elsewhere, &ring).is_none(), "another purpose");
        assert!(FederatedIdentity::recall::<i32>(&text[1..], &ring).is_none());
        assert!(FederatedIdentity::recall_at_portal::<i32>(&text, &ring).is_none(), "it was not for that");
        let text = cleo().remember_at_portal(&7, &ring, &entropy).unwrap().unwrap();
        let (recalled, terms): (_, i32) = FederatedIdentity::recall_at_portal(&text, &ring).unwrap();
        assert_eq!((format!("{recalled:?}"), terms), (format!("{:?}", cleo()), 7));
        assert!(FederatedIdentity::recall::<i32>(&text, &ring).is_none(), "nor the other way round");
    }

    #[test]
    fn what_is_too_large_is_not_remembered() {
        let (ring, entropy) = (KeyRing::of(Secret::new([1; 32])), SystemEntropy::new());
        let of = |length: usize| {
            let identity =
                IdentityBuilder::saml("arn:aws:iam::111122223333:saml-provider/corp", "corp", "ann");
            let identity = identity.attribute("note", &[&"x".repeat(length)]).build();
            identity.remember(&(), &ring, &entropy).unwrap().map(|text| text.len())
        };
        assert!(of(48_000).is_some_and(|length| length <= LONGEST));
        assert_eq!(of(49_152), None);
    }
}
