//! The signature algorithms of ID tokens (RFC 7518 section 3.1, RFC 8037 section 3.1): those that
//! sign with a private key.
//!
//! With HMAC the published key itself would forge tokens (RFC 8725 section 2.1), so a name of such an
//! algorithm is none here.

use std::fmt;
use std::str::FromStr;

use jsonwebtoken::Algorithm as Known;

/// An algorithm that may verify an ID token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Algorithm(Name);

/// `jsonwebtoken` knows all but one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Known(Known),
    Es512,
}

/// The name is of no algorithm that may verify an ID token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoAlgorithm;

impl Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub const RS256: Self = Self(Name::Known(Known::RS256));
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    pub const RS384: Self = Self(Name::Known(Known::RS384));
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    pub const RS512: Self = Self(Name::Known(Known::RS512));
    /// RSASSA-PSS with SHA-256.
    pub const PS256: Self = Self(Name::Known(Known::PS256));
    /// RSASSA-PSS with SHA-384.
    pub const PS384: Self = Self(Name::Known(Known::PS384));
    /// RSASSA-PSS with SHA-512.
    pub const PS512: Self = Self(Name::Known(Known::PS512));
    /// ECDSA on P-256 with SHA-256.
    pub const ES256: Self = Self(Name::Known(Known::ES256));
    /// ECDSA on P-384 with SHA-384.
    pub const ES384: Self = Self(Name::Known(Known::ES384));
    /// ECDSA on P-521 with SHA-512.
    pub const ES512: Self = Self(Name::Es512);
    /// Ed25519.
    pub const EDDSA: Self = Self(Name::Known(Known::EdDSA));

    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EDDSA,
    ];
}

impl FromStr for Algorithm {
    type Err = NoAlgorithm;

    fn from_str(name: &str) -> Result<Self, NoAlgorithm> {
        let named = if name == "ES512" { Self::ES512 } else { Self(Name::Known(known(name)?)) };
        if Self::ALL.contains(&named) { Ok(named) } else { Err(NoAlgorithm) }
    }
}

fn known(name: &str) -> Result<Known, NoAlgorithm> {
    name.parse().map_err(|_| NoAlgorithm)
}

impl fmt::Debug for Algorithm {
    /// Its name as tokens state it in `alg`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Name::Known(known) => write!(f, "{known:?}"),
            Name::Es512 => f.write_str("ES512"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_it_is_written() {
        for algorithm in Algorithm::ALL {
            assert_eq!(format!("{algorithm:?}").parse(), Ok(algorithm));
        }
        for name in ["HS256", "HS384", "HS512", "none", "es256", "ES256K", "RSA-OAEP", ""] {
            assert_eq!(name.parse::<Algorithm>(), Err(NoAlgorithm), "{name}");
        }
    }
}
