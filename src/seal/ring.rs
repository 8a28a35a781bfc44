//! The keys of a ring, and the file that they are kept in.
//!
//! One key a line: since when it seals, in RFC 3339, and 32 bytes of base64. Of the keys whose time has
//! come, the latest seals; every key opens, so that a key can be given to a whole fleet before any node
//! seals with it. Empty lines and those that begin with `#` are skipped.

use std::time::Duration;

use aws_lc_rs::digest;
use base64_simd::STANDARD;

use crate::clock::Moment;
use crate::entropy::{self, Entropy, NoEntropy};
use crate::secret::Secret;

/// Bytes of a ring key.
pub const KEY_BYTES: usize = 32;

/// What a ring file begins with.
const PREFACE: &str =
    "# Rolegate's key ring: since when each key seals, and the key. Change it by `rolegate keys`.\n";

/// A key of a ring.
#[derive(Debug, Clone)]
pub struct RingKey {
    pub(super) id: [u8; 4],
    pub(super) key: Secret<[u8; KEY_BYTES]>,
    seals_from: Moment,
}

impl RingKey {
    /// A key that seals from `seals_from`.
    pub fn new(key: Secret<[u8; KEY_BYTES]>, seals_from: Moment) -> Self {
        let mut hashed = digest::Context::new(&digest::SHA256);
        hashed.update(b"rolegate/key-id");
        hashed.update(key.expose());
        let mut id = [0; 4];
        id.copy_from_slice(&hashed.finish().as_ref()[..4]);
        Self { id, key, seals_from }
    }

    /// A new random key that seals from `seals_from`.
    pub fn generate(entropy: &dyn Entropy, seals_from: Moment) -> Result<Self, NoEntropy> {
        Ok(Self::new(Secret::new(entropy::bytes(entropy)?), seals_from))
    }

    /// What names it, in hexadecimal. It tells nothing about the key.
    pub fn name(&self) -> String {
        self.id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Since when it seals.
    pub const fn seals_from(&self) -> Moment {
        self.seals_from
    }
}

/// Why a text is no ring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RingFault {
    /// A line that is no key.
    #[error(
        "line {0} is not a time and {KEY_BYTES} bytes of base64, such as 2026-01-01T00:00:00Z and what \
         `openssl rand -base64 {KEY_BYTES}` prints"
    )]
    Line(usize),
    /// A key that is there already, or one whose name is taken.
    #[error("line {0} repeats a key of an earlier line")]
    Repeated(usize),
    /// No key at all.
    #[error("it holds no key; remove it, and a new one is made")]
    Empty,
}

/// The keys of a ring, the latest first. Never empty, and each has a name of its own.
#[derive(Debug, Clone)]
pub struct RingKeys(Vec<RingKey>);

impl RingKeys {
    /// A ring of one key.
    pub fn one(key: RingKey) -> Self {
        Self(vec![key])
    }

    /// Reads a ring file.
    pub fn parse(text: &str) -> Result<Self, RingFault> {
        let mut keys: Vec<RingKey> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let (number, line) = (index + 1, line.trim());
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = parse_line(line).ok_or(RingFault::Line(number))?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(RingFault::Repeated(number));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(RingFault::Empty);
        }
        Ok(Self::sorted(keys))
    }

    /// Writes a ring file.
    pub fn to_text(&self) -> Secret<String> {
        // Room for every line, so that no copy of a key stays behind in memory that grew.
        let mut text = String::with_capacity(PREFACE.len() + self.0.len() * 80);
        text.push_str(PREFACE);
        for key in &self.0 {
            let secret = Secret::new(STANDARD.encode_to_string(key.key.expose()));
            text.push_str(&key.seals_from.to_rfc3339());
            text.push(' ');
            text.push_str(secret.expose());
            text.push('\n');
        }
        Secret::new(text)
    }

    /// With one more key.
    #[must_use]
    pub fn with(mut self, key: RingKey) -> Self {
        self.0.retain(|other| other.id != key.id);
        self.0.push(key);
        Self::sorted(self.0)
    }

    /// The keys, the latest first.
    pub fn keys(&self) -> &[RingKey] {
        &self.0
    }

    /// The key that seals at `at`: the latest whose time has come, or the first to come.
    pub fn sealing(&self, at: Moment) -> &RingKey {
        &self.0[self.sealing_index(at)]
    }

    pub(super) fn sealing_index(&self, at: Moment) -> usize {
        self.0.iter().position(|key| key.seals_from <= at).unwrap_or(self.0.len() - 1)
    }

    /// When nothing is good any more that the key at `index` sealed, if nothing lives longer than `longest`.
    /// `None` while no later key is there.
    pub fn over(&self, index: usize, longest: Duration) -> Option<Moment> {
        let successor = index.checked_sub(1).and_then(|later| self.0.get(later))?;
        Some(successor.seals_from.plus(longest))
    }

    /// Takes out the keys that nothing good at `at` was sealed with, if nothing lives longer than `longest`.
    pub fn take_over(&mut self, longest: Duration, at: Moment) -> Vec<RingKey> {
        let over = (0..self.0.len()).find(|&index| self.over(index, longest).is_some_and(|end| end <= at));
        over.map_or_else(Vec::new, |first| self.0.split_off(first))
    }

    fn sorted(mut keys: Vec<RingKey>) -> Self {
        keys.sort_by_key(|key| std::cmp::Reverse(key.seals_from));
        Self(keys)
    }
}

fn parse_line(line: &str) -> Option<RingKey> {
    let (time, key) = line.split_once(' ')?;
    let bytes = Secret::new(STANDARD.decode_to_vec(key.trim_start()).ok()?);
    let key = <[u8; KEY_BYTES]>::try_from(bytes.expose().as_slice()).ok()?;
    Some(RingKey::new(Secret::new(key), Moment::parse_rfc3339(time)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);
    const START: Moment = Moment::from_unix(1_800_000_000);

    fn key(number: u8, days: u32) -> RingKey {
        RingKey::new(Secret::new([number; KEY_BYTES]), START.plus(DAY * days))
    }

    fn names(keys: &[RingKey]) -> Vec<String> {
        keys.iter().map(RingKey::name).collect()
    }

    #[test]
    fn a_ring_survives_its_file() {
        let ring = RingKeys::one(key(1, 0)).with(key(3, 9)).with(key(2, 5));
        let text = ring.to_text();
        assert!(text.expose().starts_with("# Rolegate's key ring"), "it says what it is");
        let read = RingKeys::parse(text.expose()).unwrap();
        let bytes = |ring: &RingKeys| ring.keys().iter().map(|it| *it.key.expose()).collect::<Vec<_>>();
        assert_eq!(bytes(&read), [[3; 32], [2; 32], [1; 32]]);
        assert_eq!(
            read.keys().iter().map(RingKey::seals_from).collect::<Vec<_>>(),
            [START.plus(DAY * 9), START.plus(DAY * 5), START]
        );
    }

    #[test]
    fn what_is_no_ring_is_told_by_its_line() {
        let one = RingKeys::one(key(1, 0)).to_text();
        let line = one.expose().lines().nth(1).unwrap().to_owned();
        let (time, secret) = line.split_once(' ').unwrap();
        for (text, fault) in [
            (String::new(), RingFault::Empty),
            ("# nothing\n\n".into(), RingFault::Empty),
            (secret.into(), RingFault::Line(1)),
            (format!("\n{time} c2hvcnQ="), RingFault::Line(2)),
            (format!("yesterday {secret}"), RingFault::Line(1)),
            (format!("{line}\n{line}"), RingFault::Repeated(2)),
            (format!("{line}\n2020-01-01T00:00:00Z {secret}"), RingFault::Repeated(2)),
        ] {
            assert_eq!(RingKeys::parse(&text).unwrap_err(), fault, "{text}");
        }
        assert!(RingKeys::parse(&format!("  {time}   {secret}  \r\n")).is_ok());
    }

    #[test]
    fn the_latest_key_whose_time_has_come_seals() {
        let ring = RingKeys::one(key(1, 0)).with(key(2, 5));
        let sealing = |days: u32| ring.sealing(START.plus(DAY * days)).name();
        assert_eq!(
            [sealing(0), sealing(4), sealing(5), sealing(9)],
            [key(1, 0).name(), key(1, 0).name(), key(2, 5).name(), key(2, 5).name()]
        );
        let before = ring.sealing(START.minus(DAY)).name();
        assert_eq!(before, key(1, 0).name(), "a clock that is behind still seals");
    }

    #[test]
    fn a_key_goes_when_all_that_it_sealed_is_over() {
        let ring = RingKeys::one(key(1, 0)).with(key(2, 5)).with(key(3, 9));
        let left = |at: Moment| {
            let mut ring = ring.clone();
            let gone = ring.take_over(DAY, at);
            (names(ring.keys()).len(), names(&gone))
        };
        let just_before = START.plus(DAY * 6).minus(Duration::from_millis(1));
        assert_eq!(left(just_before), (3, vec![]));
        assert_eq!(left(START.plus(DAY * 6)), (2, vec![key(1, 0).name()]));
        assert_eq!(left(START.plus(DAY * 10)), (1, vec![key(2, 5).name(), key(1, 0).name()]));
        assert_eq!(left(START.plus(DAY * 1000)).0, 1, "the latest stays");
    }
}
