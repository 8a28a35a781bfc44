//! Nonces for proofs of a key (RFC 9449 section 8).
//!
//! A client says itself when it made a proof. Whoever has its key for a while could make proofs for later;
//! with a nonce of ours in each, they are good for as long as that. A nonce is the time, sealed for its client: no
//! node keeps any, and each knows those of the others.

use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD;

use super::super::RequestContext;
use crate::clock::Moment;
use crate::directory::Client;
use crate::entropy::NoEntropy;
use crate::identity::dpop::Proof;
use crate::seal::Purpose;

/// How long one is good for.
const LIFETIME: Duration = Duration::from_secs(5 * 60);
/// How far the clocks of two nodes may differ.
const SKEW: Duration = Duration::from_secs(60);

impl RequestContext<'_> {
    /// A nonce for the next proofs of `client`.
    pub fn proof_nonce(&self, client: &Client) -> Result<String, NoEntropy> {
        let (place, now) = (client.id.as_bytes(), self.at.unix().to_be_bytes());
        let sealed =
            self.parts.ring.seal_at(place, Purpose::ProofNonce, &now, self.parts.entropy.as_ref())?;
        Ok(URL_SAFE_NO_PAD.encode_to_string(sealed))
    }

    /// Whether `proof` holds a nonce that `client` was given lately.
    pub fn has_proof_nonce(&self, client: &Client, proof: &Proof) -> bool {
        proof
            .nonce()
            .and_then(|nonce| self.given(client, nonce))
            .is_some_and(|given| self.at < given.plus(LIFETIME) && given <= self.at.plus(SKEW))
    }

    /// When `client` was given `nonce`.
    fn given(&self, client: &Client, nonce: &str) -> Option<Moment> {
        let sealed = URL_SAFE_NO_PAD.decode_to_vec(nonce).ok()?;
        let time = self.parts.ring.open_at(client.id.as_bytes(), Purpose::ProofNonce, &sealed).ok()?;
        Some(Moment::from_unix(i64::from_be_bytes(time.try_into().ok()?)))
    }
}
