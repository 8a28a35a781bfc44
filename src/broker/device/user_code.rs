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

    /// Gives every byte in turn.
    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, out: &mut [u8]) -> Result<(), NoEntropy> {
            out.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
            Ok(())
        }
    }

    #[test]
    fn every_letter_is_as_likely() {
        let counting = Counting(AtomicU8::new(0));
        let mut seen = BTreeMap::new();
        for _ in 0..160 {
            for letter in UserCode::draw(&counting).unwrap().as_str().chars() {
                *seen.entry(letter).or_insert(0) += 1;
            }
        }
        assert_eq!(seen.len(), 20);
        let (least, most) = (seen.values().min().unwrap(), seen.values().max().unwrap());
        assert!(most - least <= 16, "{seen:?}");
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
