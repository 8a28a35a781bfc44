//! Who waits for a Redis that does not answer: a few, and then nobody for a moment.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Failures in a row after which nobody waits.
const MOST_FAILURES: u32 = 5;
/// For how long.
const PAUSE: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Debug)]
pub(super) struct Breaker {
    began: Instant,
    failures: AtomicU32,
    /// When the next may ask, in milliseconds since it began.
    next: AtomicU64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { began: Instant::now(), failures: AtomicU32::new(0), next: AtomicU64::new(0) }
    }
}

impl Breaker {
    /// Whether somebody may ask now. During an outage, one a moment.
    pub(super) fn lets_through(&self) -> bool {
        if self.failures.load(Ordering::Acquire) < MOST_FAILURES {
            return true;
        }
        let (now, next) = (self.now(), self.next.load(Ordering::Acquire));
        let later = now + millis(PAUSE);
        now >= next && self.next.compare_exchange(next, later, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    pub(super) fn answered(&self) {
        self.failures.store(0, Ordering::Release);
    }

    pub(super) fn failed(&self) {
        if self.failures.fetch_add(1, Ordering::AcqRel) + 1 >= MOST_FAILURES {
            self.next.store(self.now() + millis(PAUSE), Ordering::Release);
        }
    }

    fn now(&self) -> u64 {
        millis(self.began.elapsed())
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn during_an_outage_one_asks_a_moment() {
        let breaker = Breaker::default();
        for _ in 0..MOST_FAILURES {
            assert!(breaker.lets_through());
            breaker.failed();
        }
        assert!(!breaker.lets_through() && !breaker.lets_through());
        breaker.next.store(0, Ordering::Release);
        assert!(breaker.lets_through(), "its moment has come");
        assert!(!breaker.lets_through(), "for one");
        breaker.answered();
        assert!((0..10).all(|_| breaker.lets_through()));
    }
}
