//! Every check that can refuse a document: what to do about it, and whether what it sees may be
//! about a person. The order is that of the work: first its form, then what it says.

mod content;
mod form;
mod token;

/// What is known of a check beyond its name.
pub(super) struct Known {
    checks: &'static [&'static str],
    /// Whether what it sees is never about a person: times, addresses, counts, algorithms.
    pub(super) impersonal: bool,
    pub(super) advice: &'static str,
}

/// What it sees is never about a person.
const fn plain(checks: &'static [&'static str], advice: &'static str) -> Known {
    Known { checks, impersonal: true, advice }
}

/// What it sees may be about a person.
const fn personal(checks: &'static [&'static str], advice: &'static str) -> Known {
    Known { checks, impersonal: false, advice }
}

/// What is known of `check`.
pub(super) fn known(check: &str) -> Option<&'static Known> {
    form::CHECKS
        .iter()
        .chain(content::CHECKS)
        .chain(token::CHECKS)
        .find(|known| known.checks.contains(&check))
}
