//! What was looked at on the way to an answer, for `explain`.
//!
//! A verification runs with the trace off and ends at its first refusal. An explanation runs the
//! same code with the trace on: it notes what passed, and where a check does not decide about
//! what may be read next, it notes the refusal and looks on, so that one run shows everything
//! that is wrong. [`Trace::verdict`] then gives the first refusal: an explanation believes nothing
//! that a verification would not.

use std::cell::RefCell;

use crate::identity::VerifyError;

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

/// A record of checks, or none.
pub(super) struct Trace(Option<RefCell<Record>>);

#[derive(Default)]
struct Record {
    steps: Vec<Step>,
    first_refusal: Option<VerifyError>,
}

impl Trace {
    /// Notes nothing, and lets every refusal end the verification.
    pub(super) const fn off() -> Self {
        Self(None)
    }

    /// Notes everything.
    pub(super) fn on() -> Self {
        Self(Some(RefCell::default()))
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

    /// A refusal after which one can look on. Without a record it is final.
    pub(super) fn refused(&self, refusal: VerifyError) -> Result<(), VerifyError> {
        let Some(record) = &self.0 else { return Err(refusal) };
        let mut record = record.borrow_mut();
        record.steps.push(failed(&refusal));
        record.first_refusal.get_or_insert(refusal);
        Ok(())
    }

    /// The first refusal that was looked beyond, if there was one.
    pub(super) fn verdict(&self) -> Result<(), VerifyError> {
        let first = self.0.as_ref().and_then(|record| record.borrow_mut().first_refusal.take());
        first.map_or(Ok(()), Err)
    }

    /// Every step, with the refusal that ended it, if one did.
    pub(super) fn into_steps(self, ended_by: Option<&VerifyError>) -> Vec<Step> {
        let mut steps = self.0.map(|record| record.into_inner().steps).unwrap_or_default();
        let ending = ended_by.map(failed).filter(|last| !steps.contains(last));
        steps.extend(ending);
        steps
    }

    fn note(&self, check: &'static str, outcome: Outcome, said: impl FnOnce() -> (String, String)) {
        if let Some(record) = &self.0 {
            let (expected, seen) = said();
            record.borrow_mut().steps.push(Step { check, outcome, expected, seen });
        }
    }
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
        let trace = Trace::off();
        assert_eq!(trace.refused(refusal("one")).unwrap_err().check(), "one");
        trace.passed("two", || unreachable!("nobody reads it"));
        assert_eq!(trace.into_steps(None), []);
    }

    #[test]
    fn with_a_record_the_first_refusal_is_the_verdict() {
        let trace = Trace::on();
        trace.passed("zero", || ("x".into(), "x".into()));
        assert_eq!(trace.refused(refusal("one")), Ok(()));
        assert_eq!(trace.refused(refusal("two")), Ok(()));
        let verdict = trace.verdict().unwrap_err();
        assert_eq!(verdict.check(), "one");
        let steps = trace.into_steps(Some(&verdict));
        let outcomes: Vec<_> = steps.iter().map(|step| (step.check, step.outcome)).collect();
        assert_eq!(outcomes, [("zero", Outcome::Passed), ("one", Outcome::Failed), ("two", Outcome::Failed)]);
    }
}
