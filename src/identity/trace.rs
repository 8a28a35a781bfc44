//! What was looked at on the way to an answer, for `explain`.
//!
//! A verification runs with the trace off and ends at its first refusal. An explanation runs the
//! same code with the trace on: it notes what passed, and where a check does not decide about
//! what may be read next, it notes the refusal and looks on, so that one run shows everything
//! that is wrong. [`Trace::verdict`] then gives the first refusal: an explanation believes nothing
//! that a verification would not.

use std::sync::{Mutex, PoisonError};

use super::{FederatedIdentity, VerifyError};

/// What a verification found that was explained.
#[derive(Debug)]
pub struct Explanation<F> {
    /// Every check that was made, in order.
    pub steps: Vec<Step>,
    /// What the document says of itself.
    pub facts: F,
    /// The answer that the verification would give.
    pub identity: Result<FederatedIdentity, VerifyError>,
}

/// One check of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its stable name, such as `saml.audience`.
    pub check: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// What it wanted.
    pub expected: String,
    /// What it saw.
    pub seen: String,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not hold: the document is refused.
    Failed,
    /// It does not hold, or was not looked at, and the provider's `accept` says that this is
    /// borne.
    Waived,
}

/// A record of checks, and of facts about the document, or none.
pub(super) struct Trace<F>(Option<Mutex<Record<F>>>);

#[derive(Default)]
struct Record<F> {
    steps: Vec<Step>,
    facts: F,
    first_refusal: Option<VerifyError>,
}

impl<F: Default> Trace<F> {
    /// Notes nothing, and lets every refusal end the verification.
    pub(super) const fn off() -> Self {
        Self(None)
    }

    /// Notes everything.
    pub(super) fn on() -> Self {
        Self(Some(Mutex::default()))
    }

    /// A check that holds. `said` gives what was expected and what was seen, and is asked only
    /// where it is written down.
    pub(super) fn passed(&self, check: &'static str, said: impl FnOnce() -> (String, String)) {
        self.note(check, Outcome::Passed, said);
    }

    /// A check that the provider's settings waive.
    pub(super) fn waived(&self, check: &'static str, said: impl FnOnce() -> (String, String)) {
        self.note(check, Outcome::Waived, said);
    }

    /// Something to be told that no check asks for.
    pub(super) fn see(&self, tell: impl FnOnce(&mut F)) {
        if let Some(record) = &self.0 {
            tell(&mut locked(record).facts);
        }
    }

    /// A check that holds, or a refusal after which one can look on, with `instead`.
    pub(super) fn looked<T>(
        &self,
        check: &'static str,
        result: Result<T, VerifyError>,
        instead: T,
        said: impl FnOnce(&T) -> (String, String),
    ) -> Result<T, VerifyError> {
        match result {
            Ok(value) => {
                self.passed(check, || said(&value));
                Ok(value)
            }
            Err(refusal) => self.refused(refusal).map(|()| instead),
        }
    }

    /// A refusal after which one can look on. Without a record it is final.
    pub(super) fn refused(&self, refusal: VerifyError) -> Result<(), VerifyError> {
        let Some(record) = &self.0 else { return Err(refusal) };
        let mut record = locked(record);
        record.steps.push(failed(&refusal));
        record.first_refusal.get_or_insert(refusal);
        Ok(())
    }

    /// The first refusal that was looked beyond, if there was one.
    pub(super) fn verdict(&self) -> Result<(), VerifyError> {
        let first = self.0.as_ref().and_then(|record| locked(record).first_refusal.take());
        first.map_or(Ok(()), Err)
    }

    /// Every step, with the refusal that ended it, if one did; and what was seen besides.
    pub(super) fn told(self, ended_by: Option<&VerifyError>) -> (Vec<Step>, F) {
        let record = self.0.map(|record| record.into_inner().unwrap_or_else(PoisonError::into_inner));
        let Record { mut steps, facts, .. } = record.unwrap_or_default();
        let ending = ended_by.map(failed).filter(|last| !steps.contains(last));
        steps.extend(ending);
        (steps, facts)
    }

    fn note(&self, check: &'static str, outcome: Outcome, said: impl FnOnce() -> (String, String)) {
        if let Some(record) = &self.0 {
            let (expected, seen) = said();
            locked(record).steps.push(Step { check, outcome, expected, seen });
        }
    }
}

/// Nobody else holds it: a document is looked at by one at a time.
fn locked<F>(record: &Mutex<Record<F>>) -> std::sync::MutexGuard<'_, Record<F>> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(refusal: &VerifyError) -> Step {
    Step {
        check: refusal.check(),
        outcome: Outcome::Failed,
        expected: refusal.expected().to_owned(),
        seen: refusal.seen().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::VerifyCode;

    fn refusal(check: &'static str) -> VerifyError {
        VerifyError::new(VerifyCode::Expired, check, "a", "b")
    }

    #[test]
    fn without_a_record_a_refusal_is_final() {
        let trace = Trace::<u8>::off();
        assert_eq!(trace.refused(refusal("one")).unwrap_err().check(), "one");
        trace.passed("two", || unreachable!("nobody reads it"));
        trace.see(|_| unreachable!("nobody reads it"));
        assert_eq!(trace.told(None), (Vec::new(), 0));
    }

    #[test]
    fn with_a_record_the_first_refusal_is_the_verdict() {
        let trace = Trace::<u8>::on();
        trace.passed("zero", || ("x".into(), "x".into()));
        assert_eq!(trace.refused(refusal("one")), Ok(()));
        assert_eq!(trace.refused(refusal("two")), Ok(()));
        let verdict = trace.verdict().unwrap_err();
        assert_eq!(verdict.check(), "one");
        let (steps, _) = trace.told(Some(&verdict));
        let outcomes: Vec<_> = steps.iter().map(|step| (step.check, step.outcome)).collect();
        assert_eq!(outcomes, [("zero", Outcome::Passed), ("one", Outcome::Failed), ("two", Outcome::Failed)]);
    }
}
