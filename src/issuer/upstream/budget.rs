//! How much may be tried again.
//!
//! When an STS is ill, retries are what keeps it so. A call puts a tenth of a retry into the budget, and a retry
//! takes a whole one out: where every call fails, one in ten is tried again.

use std::sync::atomic::{AtomicU32, Ordering};

/// Tenths of retries that are there at most, and at the start: ten retries.
const MOST: u32 = 100;
/// Tenths that a retry takes.
const RETRY: u32 = 10;

/// See the module.
#[derive(Debug)]
pub(super) struct RetryBudget(AtomicU32);

impl RetryBudget {
    pub(super) const fn full() -> Self {
        Self(AtomicU32::new(MOST))
    }

    /// A call begins.
    pub(super) fn called(&self) {
        let more = |left: u32| Some((left + 1).min(MOST));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Whether it may be tried again.
    pub(super) fn retries(&self) -> bool {
        let less = |left: u32| left.checked_sub(RETRY);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_everything_fails_one_in_ten_is_tried_again() {
        let budget = RetryBudget::full();
        let tried = |calls: usize| {
            let call = || {
                budget.called();
                budget.retries()
            };
            (0..calls).filter(|_| call()).count()
        };
        assert_eq!(tried(1000), 109, "ten that were there, and a tenth of all but the first");
        (0..1000).for_each(|_| budget.called());
        assert_eq!((0..20).filter(|_| budget.retries()).count(), 10, "no more than ten are kept");
    }
}
