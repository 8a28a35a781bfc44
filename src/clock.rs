//! Time as an argument.
//!
//! A [`Moment`] is read once a request, by `http`, and handed down; nothing below asks what
//! time it is. [`SystemClock`] is the only reader of the machine's clock (`clippy.toml`).

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A point in time, in whole milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment(i64);

impl Moment {
    /// The moment `seconds` after the Unix epoch.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The moment `millis` milliseconds after the Unix epoch.
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn unix(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 or `xs:dateTime` instant. A value without an offset is refused:
    /// SAML Core 1.3.3 requires UTC, and guessing a zone moves every deadline.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let has_shape = bytes.len() >= 20
            && (bytes[4], bytes[7], bytes[10], bytes[13], bytes[16]) == (b'-', b'-', b'T', b':', b':')
            && !text.contains('[');
        if !has_shape {
            return None;
        }
        let instant: Timestamp = text.parse().ok()?;
        Some(Self(instant.as_millisecond()))
    }

    /// `2030-01-01T00:00:00Z`, the form of the AWS wire protocols (facts 1.1).
    pub fn to_rfc3339(self) -> String {
        Timestamp::from_second(self.unix()).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
    }

    /// `20300101T000000Z`, the form of `X-Amz-Date`.
    pub fn to_amz_date(self) -> String {
        self.format("%Y%m%dT%H%M%SZ")
    }

    /// `2030-01-01 00:00 UTC`, for pages.
    pub fn for_people(self) -> String {
        self.format("%Y-%m-%d %H:%M UTC")
    }

    /// The moment `span` later, saturating.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// The moment `span` earlier, saturating.
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    fn format(self, pattern: &str) -> String {
        Timestamp::from_millisecond(self.0)
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .to_zoned(TimeZone::UTC)
            .strftime(pattern)
            .to_string()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Where `http` reads the time from, once a request.
pub trait Clock: Send + Sync {
    /// The current moment.
    fn now(&self) -> Moment;
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // The one place that may.
    fn now(&self) -> Moment {
        Moment(Timestamp::now().as_millisecond())
    }
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Moment) -> Self {
        Self(AtomicI64::new(start.0))
    }

    /// Moves the clock `span` ahead.
    pub fn advance(&self, span: Duration) {
        self.0.fetch_add(millis(span), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        Moment(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_the_wire_forms() {
        let moment = Moment::parse_rfc3339("2026-11-22T15:04:05.678Z").unwrap();
        assert_eq!(moment.unix_millis(), 1_795_359_845_678);
        assert_eq!(moment.to_rfc3339(), "2026-11-22T15:04:05Z");
        assert_eq!(moment.to_amz_date(), "20261122T150405Z");
        assert_eq!(Moment::parse_rfc3339("2026-11-22T16:04:05.678+01:00"), Some(moment));
    }

    #[test]
    fn refuses_other_forms_and_instants_without_a_zone() {
        for text in [
            "2026-11-22T15:04:05",
            "20261122T150405Z",
            "2026-11-22 15:04:05Z",
            "2026-11-22T15:04:05Z[UTC]",
            "2026-11-22t15:04:05Z",
            "",
        ] {
            assert_eq!(Moment::parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn distance_is_never_negative() {
        let early = Moment::from_unix(10);
        assert_eq!(early.since(early.plus(Duration::from_secs(5))), Duration::ZERO);
        assert_eq!(early.plus(Duration::from_secs(5)).since(early), Duration::from_secs(5));
    }
}
