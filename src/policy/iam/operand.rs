//! The values that conditions compare: decimals, dates, booleans, addresses.
//!
//! Each is parsed once from the policy, where a value that can't be read is a fault, and once
//! from the request, where it merely does not match.

use std::cmp::Ordering;
use std::net::IpAddr;

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

/// Addresses with a common prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Reads `192.0.2.0/24`, `2001:db8::/32` or one address.
    pub(in crate::policy) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
            None => longest,
        };
        (prefix <= longest).then_some(Self { address, prefix })
    }

    /// Whether `address` is one of them. An IPv4 address that came mapped into IPv6 counts as
    /// the IPv4 address that it is.
    pub(in crate::policy) fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                same_head(u32::from(network).into(), u32::from(address).into(), 32 - self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                same_head(network.into(), address.into(), 128 - self.prefix)
            }
            _ => false,
        }
    }
}

/// Whether two numbers agree above their last `free` bits.
fn same_head(a: u128, b: u128, free: u32) -> bool {
    (a ^ b).checked_shr(free).unwrap_or(0) == 0
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

    #[test]
    fn networks() {
        for (network, address, expected) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.77/24", "192.0.2.1", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("192.0.2.0/24", "::ffff:192.0.2.1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
        ] {
            let network = Network::parse(network).unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), expected, "{network:?} {address}");
        }
        for bad in ["", "192.0.2.0/33", "2001:db8::/129", "192.0.2.0/", "192.0.2.0/+8", "192.0.2.*"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }
}
