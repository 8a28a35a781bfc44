//! One-time codes of an authenticator app (RFC 6238): HMAC-SHA-1, six digits, thirty seconds.
//!
//! SHA-1 is what every app and every virtual device of AWS computes; in HMAC it is not broken.

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::clock::Moment;
use crate::secret::Secret;

/// Seconds that a code is shown.
const STEP: i64 = 30;
/// How many codes before and after the current one are taken: clocks differ, and people type slowly.
const WINDOW: i64 = 1;
/// Shortest secret in bytes. RFC 4226 (R6) wants 16; many apps are handed 10.
const SHORTEST: usize = 10;

/// What a device computes its codes from.
#[derive(Debug, Clone)]
pub struct TotpSecret(Secret<Vec<u8>>);

impl TotpSecret {
    /// Reads base32 (RFC 4648 section 6), as apps are handed it: in any case, with blanks and padding or
    /// without.
    pub fn from_base32(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8));
        let (mut bits, mut count) = (0u32, 0);
        for letter in text.trim_end_matches('=').bytes().filter(|byte| *byte != b' ') {
            let value = match letter.to_ascii_uppercase() {
                letter @ b'A'..=b'Z' => letter - b'A',
                digit @ b'2'..=b'7' => digit - b'2' + 26,
                _ => return None,
            };
            bits = (bits << 5) | u32::from(value);
            count += 5;
            if count >= 8 {
                count -= 8;
                bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
            }
        }
        (bytes.len() >= SHORTEST).then(|| Self(Secret::new(std::mem::take(&mut *bytes))))
    }

    /// The step whose code `code` is, if it is one of now. The same step must not be taken twice (RFC 6238
    /// section 5.2): whoever asks claims it.
    pub fn step_of(&self, code: &str, at: Moment) -> Option<i64> {
        let now = at.unix().div_euclid(STEP);
        let steps = now - WINDOW..=now + WINDOW;
        // All are compared, so that the time it takes does not tell which is near.
        steps.fold(None, |found, step| {
            let is_it = bool::from(self.code(step).as_bytes().ct_eq(code.as_bytes()));
            if is_it { Some(step) } else { found }
        })
    }

    /// When the code of `step` is no longer taken.
    pub fn step_ends(step: i64) -> Moment {
        Moment::from_unix((step + WINDOW + 1) * STEP)
    }

    /// RFC 4226 section 5.3.
    fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.0.expose());
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let hash = tag.as_ref();
        let offset = usize::from(hash[hash.len() - 1] & 15);
        let word = hash[offset..offset + 4].iter().fold(0u32, |word, byte| (word << 8) | u32::from(*byte));
        format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `12345678901234567890`
    const RFC: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    /// RFC 6238 appendix B, of whose eight digits these are the last six.
    #[test]
    fn codes_of_the_rfc() {
        let secret = TotpSecret::from_base32(RFC).unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret.code(seconds / 30), code);
            assert_eq!(secret.step_of(code, Moment::from_unix(seconds)), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_is_good_a_step_before_and_after() {
        let secret = TotpSecret::from_base32(RFC).unwrap();
        let code = secret.code(100);
        for (seconds, expected) in
            [(2969, None), (2970, Some(100)), (3000, Some(100)), (3059, Some(100)), (3060, None)]
        {
            assert_eq!(secret.step_of(&code, Moment::from_unix(seconds)), expected, "{seconds}");
        }
        assert_eq!(TotpSecret::step_ends(100), Moment::from_unix(3060));
        for bad in ["", "28708", "2870820", "28708a"] {
            assert_eq!(secret.step_of(bad, Moment::from_unix(59)), None, "{bad}");
        }
    }

    #[test]
    fn secrets_as_apps_are_handed_them() {
        for text in [
            RFC,
            &RFC.to_lowercase(),
            "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ==",
        ] {
            assert_eq!(TotpSecret::from_base32(text).unwrap().0.expose(), b"12345678901234567890", "{text}");
        }
        for bad in ["", "GEZDGNBV", "GEZDGNBVGY3TQOJ1", "GEZDGNBVGY3TQOJ!"] {
            assert!(TotpSecret::from_base32(bad).is_none(), "{bad}");
        }
    }
}
