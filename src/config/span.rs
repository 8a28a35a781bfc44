//! Lengths of time as people write them.

use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

/// A length of time: `500ms`, `90s`, `15m`, `4h`, `1h30m`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^([0-9]+(ms|[smhd]))+$"))]
pub struct Span(pub Duration);

/// Not a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSpan;

impl FromStr for Span {
    type Err = NoSpan;

    fn from_str(text: &str) -> Result<Self, NoSpan> {
        Self::parse(text).ok_or(NoSpan)
    }
}

impl Span {
    fn parse(text: &str) -> Option<Self> {
        let (mut total, mut rest) = (Duration::ZERO, text);
        while !rest.is_empty() {
            let (count, after) = rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit())?);
            let unit = &after[..after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len())];
            let milliseconds = match unit {
                "ms" => 1,
                "s" => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return None,
            };
            let span = Duration::from_millis(count.parse::<u64>().ok()?.checked_mul(milliseconds)?);
            total = total.checked_add(span)?;
            rest = &after[unit.len()..];
        }
        (!text.is_empty()).then_some(Self(total))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format!("{text:?} is not a length of time; write it as 90s, 15m, 4h or 1h30m"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let seconds = |text| Span::parse(text).map(|span| span.0.as_secs());
        assert_eq!(seconds("90s"), Some(90));
        assert_eq!(seconds("1h30m"), Some(5400));
        assert_eq!(seconds("7d"), Some(604_800));
        assert_eq!(Span::parse("1m500ms"), Some(Span(Duration::from_millis(60_500))));
        for bad in
            ["", "h", "10", "1w", "-1s", "1h 30m", "1sm", "1é", "99999999999999999999s", "99999999999999999d"]
        {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
