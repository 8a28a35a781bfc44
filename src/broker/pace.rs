//! How often something may be done, by whoever it is that does it.
//!
//! Each key has an allowance that fills again with time (the generic cell rate algorithm), so one moment a
//! key is all that is held. It is this node's own count: a fleet allows so much a node.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Moment;
use crate::identity::hash_of;

/// Keys that are held at most. When they are as many, strangers are refused until some are forgotten.
const MOST_KEYS: usize = 20_000;

/// Whom an allowance is for: a hash.
pub(super) type PaceKey = [u8; 32];

/// See the module.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    allowance: Duration,
    full_at: Mutex<HashMap<PaceKey, Moment>>,
}

impl Pace {
    /// `burst` times at once, and once more `every` so often.
    pub(super) fn new(burst: u32, every: Duration) -> Self {
        Self { every, allowance: every * burst, full_at: Mutex::default() }
    }

    /// Takes one from the allowance of `key`; `false` if there is none left.
    pub(super) fn takes(&self, key: PaceKey, at: Moment) -> bool {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= MOST_KEYS && !full_at.contains_key(&key) {
            full_at.retain(|_, full| *full > at);
            if full_at.len() >= MOST_KEYS {
                return false;
            }
        }
        let full = full_at.entry(key).or_insert(at);
        let next = (*full).max(at).plus(self.every);
        let is_allowed = next.since(at) <= self.allowance;
        if is_allowed {
            *full = next;
        }
        is_allowed
    }

    /// Gives one back that [`Pace::takes`] took, because it turned out not to count.
    pub(super) fn gives_back(&self, key: PaceKey) {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(full) = full_at.get_mut(&key) {
            *full = full.minus(self.every);
        }
    }
}

/// Whoever is at `address`: of IPv6 the network, in which one host has all addresses that it likes.
pub(super) fn key_of(address: Option<IpAddr>) -> PaceKey {
    let network = match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V6(address)) => IpAddr::from((address.to_bits() >> 64 << 64).to_be_bytes()).to_string(),
        Some(address) => address.to_string(),
        None => String::new(),
    };
    hash_of(&["rolegate/pace", &network])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Moment = Moment::from_unix(1_800_000_000);

    fn later(seconds: u64) -> Moment {
        NOON.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn an_allowance_is_used_up_and_fills_again() {
        let pace = Pace::new(3, Duration::from_secs(10));
        let (ann, ben) = ([1; 32], [2; 32]);
        assert_eq!([NOON; 4].map(|at| pace.takes(ann, at)), [true, true, true, false]);
        assert!(pace.takes(ben, NOON), "somebody else");
        assert_eq!([9, 10, 10].map(|at| pace.takes(ann, later(at))), [false, true, false]);
        let full = [100; 4].map(|at| pace.takes(ann, later(at)));
        assert_eq!(full, [true, true, true, false], "no more than a full one");
        pace.gives_back(ann);
        assert_eq!([100; 2].map(|at| pace.takes(ann, later(at))), [true, false]);
        pace.gives_back([3; 32]);
        assert_eq!([NOON; 4].map(|at| pace.takes([3; 32], at)), [true, true, true, false], "none was taken");
    }

    #[test]
    fn what_is_held_is_bounded_and_forgotten() {
        let pace = Pace::new(1, Duration::from_secs(10));
        let key = |number: usize| hash_of(&[&number.to_string()]);
        assert!((0..MOST_KEYS).all(|number| pace.takes(key(number), NOON)));
        assert!(!pace.takes(key(MOST_KEYS), later(9)), "a stranger, while all are remembered");
        assert!(!pace.takes(key(0), later(9)) && pace.takes(key(0), later(10)), "one of them");
        assert!(pace.takes(key(MOST_KEYS), later(10)), "a stranger, when the others are over");
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let key = |text: &str| key_of(Some(text.parse().unwrap()));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
