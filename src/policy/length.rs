//! How long a session lasts (facts 1.6, 2.1).

use std::time::Duration;

use super::denial::Denial;
use crate::clock::Moment;
use crate::identity::Asserted;

/// What a session lasts when nobody says: one hour.
pub(super) const DEFAULT: Duration = Duration::from_secs(3600);

/// The longest that temporary credentials live: those of `GetSessionToken` (facts 1.6).
pub const LONGEST_SESSION: Duration = Duration::from_secs(36 * 3600);

/// Every limit that was looked at, and the one that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLength {
    /// How long it lasts.
    pub granted: Duration,
    /// The limit that it comes from.
    pub because: LengthLimit,
    /// All limits; `granted` is the least.
    pub limits: Vec<(LengthLimit, Duration)>,
}

/// Where a limit of a session's length comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthLimit {
    /// The caller asked for it.
    Asked,
    /// The rule that offered the role says so.
    Rule,
    /// Nobody said anything: one hour.
    Default,
    /// The role's maximum.
    RoleMaximum,
    /// The assertion's `SessionDuration`, which can only shorten.
    AssertedDuration,
    /// The assertion's `SessionNotOnOrAfter`, the one limit that may go below 15 minutes.
    AssertedEnd,
}

/// What the length follows from.
pub(super) struct LengthInputs<'a> {
    pub(super) asked: Option<Duration>,
    pub(super) rule: Option<Duration>,
    pub(super) role_maximum: Duration,
    pub(super) asserted: &'a Asserted,
    pub(super) session_ends: Option<Moment>,
    pub(super) at: Moment,
}

impl LengthInputs<'_> {
    /// What the caller wants, before any limit: the value of `sts:DurationSeconds`.
    pub(super) fn requested(&self) -> (LengthLimit, Duration) {
        match (self.asked, self.rule) {
            (Some(asked), _) => (LengthLimit::Asked, asked),
            (None, Some(rule)) => (LengthLimit::Rule, rule),
            (None, None) => (LengthLimit::Default, DEFAULT),
        }
    }

    /// The least of all limits. Asking for more than the role's maximum is refused rather than
    /// shortened; a rule's duration is shortened.
    pub(super) fn length(&self) -> Result<SessionLength, Denial> {
        let maximum = self.role_maximum;
        if let Some(requested) = self.asked.filter(|asked| *asked > maximum) {
            return Err(Denial::DurationOverRoleMaximum { requested, maximum });
        }
        let mut limits = vec![self.requested(), (LengthLimit::RoleMaximum, maximum)];
        limits.extend(self.asserted.session_duration.map(|limit| (LengthLimit::AssertedDuration, limit)));
        limits.extend(self.session_ends.map(|end| (LengthLimit::AssertedEnd, end.since(self.at))));
        let (because, least) =
            limits.iter().copied().min_by_key(|(_, limit)| *limit).unwrap_or((LengthLimit::Default, DEFAULT));
        let granted = Duration::from_secs(least.as_secs());
        if granted.is_zero() {
            return Err(Denial::SessionOver);
        }
        Ok(SessionLength { granted, because, limits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_decides() {
        use LengthLimit::{Asked, AssertedDuration, AssertedEnd, Default as Nobody, RoleMaximum, Rule};
        // Asked, rule, role maximum, SessionDuration, milliseconds to SessionNotOnOrAfter.
        for (asked, rule, maximum, asserted, ends, expected) in [
            (None, None, 7200, None, None, Ok((3600, Nobody))),
            (Some(7200), Some(900), 7200, None, None, Ok((7200, Asked))),
            (None, Some(7200), 43200, None, None, Ok((7200, Rule))),
            (None, Some(7200), 3600, None, None, Ok((3600, RoleMaximum))),
            (None, None, 43200, Some(7200), None, Ok((3600, Nobody))),
            (None, None, 43200, Some(900), None, Ok((900, AssertedDuration))),
            (None, None, 43200, None, Some(600_999), Ok((600, AssertedEnd))),
            (Some(900), None, 43200, Some(1200), Some(1_000_000), Ok((900, Asked))),
            (None, None, 43200, None, Some(999), Err(Denial::SessionOver)),
            (None, None, 43200, None, Some(-5), Err(Denial::SessionOver)),
        ] {
            let seconds = |number: Option<u64>| number.map(Duration::from_secs);
            let asserted = Asserted { session_duration: seconds(asserted), ..Asserted::default() };
            let inputs = LengthInputs {
                asked: seconds(asked),
                rule: seconds(rule),
                role_maximum: Duration::from_secs(maximum),
                asserted: &asserted,
                session_ends: ends.map(Moment::from_unix_millis),
                at: Moment::from_unix(0),
            };
            let got = inputs.length().map(|length| (length.granted.as_secs(), length.because));
            assert_eq!(got, expected, "{asked:?} {rule:?} {maximum} {ends:?}");
        }
    }

    #[test]
    fn more_than_the_roles_maximum_is_refused() {
        let (requested, maximum) = (Duration::from_secs(3601), Duration::from_secs(3600));
        let inputs = LengthInputs {
            asked: Some(requested),
            rule: None,
            role_maximum: maximum,
            asserted: &Asserted::default(),
            session_ends: None,
            at: Moment::from_unix(0),
        };
        assert_eq!(inputs.length(), Err(Denial::DurationOverRoleMaximum { requested, maximum }));
    }
}
