//! `xs:duration` (XML Schema 1.1 part 2, 3.3.6), as `cacheDuration` has it.

use std::time::Duration;

const DAY: u64 = 86_400;

/// Reads a duration that is not negative, to the second. Years and months have no fixed length:
/// the shortest is taken, because whoever says for how long may be asked sooner.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let rest = text.strip_prefix('P')?;
    let (days, clock) = rest.split_once('T').map_or((rest, None), |(days, clock)| (days, Some(clock)));
    let mut seconds = sum(days, &[('Y', 365 * DAY), ('M', 28 * DAY), ('D', DAY)])?;
    if let Some(clock) = clock {
        let whole = without_fraction(clock)?;
        let clock = sum(&whole, &[('H', 3600), ('M', 60), ('S', 1)]).filter(|_| !whole.is_empty())?;
        seconds = seconds.checked_add(clock)?;
    }
    (!rest.is_empty()).then(|| Duration::from_secs(seconds))
}

/// Cuts the fraction of the seconds off.
fn without_fraction(clock: &str) -> Option<String> {
    let Some((whole, fraction)) = clock.split_once('.') else { return Some(clock.to_owned()) };
    let digits = fraction.strip_suffix('S')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("{whole}S"))
}

/// The sum of numbers that are each followed by their unit, the units in this order.
fn sum(mut text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut total: u64 = 0;
    for (unit, length) in units {
        let Some((number, rest)) = text.split_once(*unit) else { continue };
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*length)?)?;
        text = rest;
    }
    text.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let seconds = |text| parse(text).map(|duration| duration.as_secs());
        for (text, expected) in [
            ("PT6H", 21_600),
            ("P1D", 86_400),
            ("P1DT1H1M1S", 90_061),
            ("P0Y0M0DT6H0M0.000S", 21_600),
            ("PT604800S", 604_800),
            ("P1Y1M", 393 * 86_400),
            ("PT0.5S", 0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for bad in [
            "",
            "P",
            "PT",
            "6H",
            "PT6",
            "P6H",
            "-P1D",
            "P-1D",
            "PT1.S",
            "PT1.5H",
            "PT1M1H",
            "P1DT",
            "P 1D",
            "PT99999999999999999999S",
            "P99999999999999999Y",
            "PTS",
            "PT1S1S",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
