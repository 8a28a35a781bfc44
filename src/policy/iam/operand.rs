//! The values that conditions compare: decimals, dates, booleans.
//!
//! Each is parsed once from the policy, where a value that can't be read is a fault, and once
//! from the request, where it merely does not match.

use std::cmp::Ordering;

use crate::clock::Moment;

/// An integer or decimal of any size, compared exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    whole: String,
    fraction: String,
}

impl Decimal {
    /// Reads `-12.50`; no exponents.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        let is_zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !is_zero, whole, fraction })
    }

    fn compare_size(&self, other: &Self) -> Ordering {
        let by_length = self.whole.len().cmp(&other.whole.len());
        by_length.then_with(|| (&self.whole, &self.fraction).cmp(&(&other.whole, &other.fraction)))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.compare_size(other),
            (true, true) => other.compare_size(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reads a date of a condition: ISO 8601 with a zone, a bare date (midnight UTC), or seconds
/// since the epoch (facts 5.2).
pub(super) fn date(text: &str) -> Option<Moment> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(Moment::from_unix(seconds));
    }
    Moment::parse_rfc3339(text)
        .or_else(|| (text.len() == 10).then(|| Moment::parse_rfc3339(&format!("{text}T00:00:00Z"))).flatten())
}

/// Reads `true` or `false`, in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    [("true", true), ("false", false)]
        .into_iter()
        .find_map(|(word, value)| text.eq_ignore_ascii_case(word).then_some(value))
}

/// Reads standard base64.
pub(super) fn binary(text: &str) -> Option<Vec<u8>> {
    base64_simd::STANDARD.decode_to_vec(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_compare_by_value() {
        for (smaller, larger) in [
            ("1", "2"),
            ("9", "10"),
            ("-10", "-9"),
            ("-1", "0"),
            ("0.5", "0.51"),
            ("9007199254740992", "9007199254740993"),
            ("-0.1", "0.1"),
        ] {
            assert!(Decimal::parse(smaller) < Decimal::parse(larger), "{smaller} < {larger}");
        }
        assert_eq!(Decimal::parse("007.50"), Decimal::parse("+7.5"));
        assert_eq!(Decimal::parse("-0"), Decimal::parse("0.0"));
        for bad in ["", "-", "1e3", ".5", "5.", "NaN", "0x1", "1 "] {
            assert_eq!(Decimal::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates() {
        let midnight = Some(Moment::from_unix(1_795_305_600));
        for text in ["2026-11-22", "2026-11-22T00:00:00Z", "2026-11-22T01:00:00+01:00", "1795305600"] {
            assert_eq!(date(text), midnight, "{text}");
        }
        for bad in ["", "tomorrow", "2026-11-22T00:00:00", "2026-13-22"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }
}
