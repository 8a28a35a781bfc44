//! Access key ids (facts 1.8).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{AccountId, BASE32, Malformed};
use crate::entropy::{Entropy, NoEntropy};

/// Where the account stands in the first six bytes.
const ACCOUNT_BITS: u64 = 0x7fff_ffff_ff80;

/// A temporary access key id: `ASIA` and 16 characters of base32 that carry the account.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccessKeyId([u8; 20]);

impl AccessKeyId {
    /// A new id. The account stands in bits 7 to 46 of the first six bytes (facts 1.8); the
    /// other 40 bits are random, so ids may repeat after about a million. Secrets therefore
    /// never depend on the id alone (`issuer::local`).
    pub fn generate(account: AccountId, entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        let random: [u8; 10] = crate::entropy::bytes(entropy)?;
        let mut head = [0; 8];
        head[2..].copy_from_slice(&random[..6]);
        let head = (u64::from_be_bytes(head) & !ACCOUNT_BITS) | ((account.number() << 7) & ACCOUNT_BITS);
        let mut raw = [0; 16];
        raw[..6].copy_from_slice(&head.to_be_bytes()[2..]);
        raw[6..10].copy_from_slice(&random[6..]);
        let bits = u128::from_be_bytes(raw) >> 48;
        let mut text = *b"ASIA0000000000000000";
        for (index, letter) in text[4..].iter_mut().enumerate() {
            *letter = BASE32[((bits >> (75 - 5 * index)) & 31) as usize];
        }
        Ok(Self(text))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for AccessKeyId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed =
            || Malformed::new("(not shown)", "a temporary access key id: ASIA and 16 of [A-Z2-7]");
        let letters = text.strip_prefix("ASIA").ok_or_else(malformed)?;
        if !letters.bytes().all(|b| BASE32.contains(&b)) {
            return Err(malformed());
        }
        text.as_bytes().try_into().map(Self).map_err(|_| malformed())
    }
}

impl Serialize for AccessKeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AccessKeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether it is the id of a long-term key: `AKIA` and 16 of `[A-Z2-7]`.
pub fn is_long_term_key(text: &str) -> bool {
    text.strip_prefix("AKIA")
        .is_some_and(|rest| rest.len() == 16 && rest.bytes().all(|b| BASE32.contains(&b)))
}

/// The account that an access key id carries, whether or not there is such a key.
pub fn account_of_key(text: &str) -> Option<AccountId> {
    let letters = text.strip_prefix("AKIA").or_else(|| text.strip_prefix("ASIA"))?;
    if letters.len() != 16 {
        return None;
    }
    let mut bits: u128 = 0;
    for letter in letters.bytes() {
        bits = (bits << 5) | BASE32.iter().position(|known| *known == letter)? as u128;
    }
    let head = u64::try_from(bits >> 32).ok()?;
    format!("{:012}", (head & ACCOUNT_BITS) >> 7).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn access_key_ids_carry_the_account() {
        assert_eq!(account_of_key("ASIAQNZGKIQY56JQ7WML").unwrap().number(), 29_608_264_753);
        for number in ["029608264753", "111122223333", "999999999999", "000000000000"] {
            let account: AccountId = number.parse().unwrap();
            let key = AccessKeyId::generate(account, &SystemEntropy::new()).unwrap();
            assert_eq!(account_of_key(key.as_str()), Some(account), "{key}");
            assert_eq!(key.as_str().parse::<AccessKeyId>().unwrap(), key);
        }
        for none in ["", "ASIA", "AROAQNZGKIQY56JQ7WML", "ASIAQNZGKIQY56JQ7WM1", "ASIAQNZGKIQY56JQ7WMLA"] {
            assert_eq!(account_of_key(none), None, "{none}");
        }
    }

    #[test]
    fn long_term_keys() {
        assert!(is_long_term_key("AKIAQNZGKIQY56JQ7WML"));
        for other in
            ["ASIAQNZGKIQY56JQ7WML", "AKIAQNZGKIQY56JQ7WM", "AKIAQNZGKIQY56JQ7WM1", "akiaQNZGKIQY56JQ7WML"]
        {
            assert!(!is_long_term_key(other), "{other}");
        }
    }
}
