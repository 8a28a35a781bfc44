//! The code that a device shows and a person types (RFC 8628 section 6.1): eight letters of twenty, no
//! vowels among them, so that no word comes of it and nothing is mistaken for a digit. 34 bits.

use serde::{Deserialize, Serialize};

use crate::entropy::{self, Entropy, NoEntropy};

const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;
/// Longest text that is looked at.
const LONGEST_TYPED: usize = 64;
/// Random bytes below this fall on every letter alike.
const FAIR: u8 = 240;

/// A code: eight of [`LETTERS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UserCode(String);

impl UserCode {
    /// A new one.
    pub(super) fn draw(entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        let mut code = String::with_capacity(LENGTH);
        while code.len() < LENGTH {
            let drawn = entropy::bytes::<16>(entropy)?;
            let letters = drawn.iter().filter(|byte| **byte < FAIR);
            let letters = letters.map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
            code.extend(letters.take(LENGTH - code.len()));
        }
        Ok(Self(code))
    }

    /// What a person typed, in capitals or not, with or without what stands between the letters.
    pub(super) fn typed(text: &str) -> Option<Self> {
        let text = Some(text).filter(|text| text.len() <= LONGEST_TYPED)?;
        let code: String = text
            .chars()
            .filter(|char| !char.is_whitespace() && !matches!(char, '-' | '–' | '.' | '_'))
            .map(|char| char.to_ascii_uppercase())
            .collect();
        let is_one = code.len() == LENGTH && code.bytes().all(|letter| LETTERS.contains(&letter));
        is_one.then_some(Self(code))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As people read it.
    pub(super) fn shown(&self) -> String {
        let (first, second) = self.0.split_at(LENGTH / 2);
        format!("{first}-{second}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;
    use crate::entropy::SystemEntropy;

    /// Fills with one byte at a time, and with each in turn.
    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, out: &mut [u8]) -> Result<(), NoEntropy> {
            out.fill(self.0.fetch_add(1, Ordering::Relaxed));
            Ok(())
        }
    }

    #[test]
    fn every_letter_is_as_likely() {
        let counting = Counting(AtomicU8::new(0));
        let mut seen = BTreeMap::new();
        while counting.0.load(Ordering::Relaxed) < u8::MAX - 15 {
            let code = UserCode::draw(&counting).unwrap();
            *seen.entry(code.shown()).or_insert(0) += 1;
        }
        let each: BTreeMap<_, _> = LETTERS
            .iter()
            .map(|letter| String::from_utf8(vec![*letter; 4]).unwrap())
            .map(|four| (format!("{four}-{four}"), 12))
            .collect();
        assert_eq!(seen, each, "of the bytes up to 240");
        assert_eq!(UserCode::draw(&counting).unwrap().shown(), "BBBB-BBBB");
        assert_eq!(counting.0.load(Ordering::Relaxed), 1, "sixteen bytes were thrown away");
    }

    #[test]
    fn it_is_typed_as_people_type() {
        let drawn = UserCode::draw(&SystemEntropy::new()).unwrap();
        let shown = drawn.shown();
        assert_eq!((shown.len(), &shown[4..5]), (9, "-"));
        let lower = shown.to_lowercase();
        for typed in [shown.as_str(), lower.as_str(), drawn.as_str(), &shown.replace('-', " – ")] {
            assert_eq!(UserCode::typed(typed).as_ref(), Some(&drawn), "{typed}");
        }
        for wrong in ["", "BCDF-GHJ", "BCDF-GHJKL", "ACDF-GHJK", "BCDF-GHJ1", "ВCDF-GHJK", &"B".repeat(65)] {
            assert_eq!(UserCode::typed(wrong), None, "{wrong}");
        }
    }
}
