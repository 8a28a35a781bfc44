//! Genuine assertions at the wrong time, and times that can't be read. Each is signed after the
//! change.

use std::time::Duration;

use super::fixture::{ASSERTION, SKEW, honest, noon, response, signed, swap, with};
use super::suite::{Table, hold};

#[test]
fn are_now() {
    hold(&tables());
}

const UNREADABLE: &str = "saml.conditions.not-on-or-after";

pub(super) fn tables() -> Vec<Table> {
    let mut tables = vec![bounds(), far_away(), forms(), all_of_them(), statements()];
    tables.extend(late_and_early());
    tables
}

fn ends(at: &str) -> String {
    with("2026-11-22T12:10:00Z", at)
}

fn issued(at: &str) -> String {
    with("IssueInstant=\"2026-11-22T12:00:00Z\"", &format!("IssueInstant=\"{at}\""))
}

fn begins(at: &str) -> String {
    with("2026-11-22T11:59:00Z", at)
}

fn session_ends(at: &str) -> String {
    with("2026-11-22T20:00:00Z", at)
}

fn confirmation_ends(at: &str) -> String {
    with("2026-11-22T12:05:00Z", at)
}

fn confirmation_begins(at: &str) -> String {
    let end = "NotOnOrAfter=\"2026-11-22T12:05";
    with(end, &format!("NotBefore=\"{at}\" {end}"))
}

/// One skew away from noon is the first moment that is refused, or the last that is not.
fn bounds() -> Table {
    Table::new("bounds")
        .twins([
            ("the end", ends("2026-11-22T11:59:00.001Z")),
            ("the confirmation's end", confirmation_ends("2026-11-22T11:59:00.001Z")),
            ("the session's end", session_ends("2026-11-22T11:59:00.001Z")),
            ("the age", issued("2026-11-22T11:54:00.001Z")),
            ("the beginning", begins("2026-11-22T12:01:00Z")),
            ("the confirmation's beginning", confirmation_begins("2026-11-22T12:01:00Z")),
            ("the issuing", issued("2026-11-22T12:01:00Z")),
        ])
        .attacks([
            ("the end", ends("2026-11-22T11:59:00Z"), "saml.expired"),
            (
                "the confirmation's end",
                confirmation_ends("2026-11-22T11:59:00Z"),
                "saml.confirmation.expired",
            ),
            ("the session's end", session_ends("2026-11-22T11:59:00Z"), "saml.session-expired"),
            ("the age", issued("2026-11-22T11:54:00Z"), "saml.too-old"),
            ("the beginning", begins("2026-11-22T12:01:00.001Z"), "saml.not-yet-valid"),
            (
                "the confirmation's beginning",
                confirmation_begins("2026-11-22T12:01:00.001Z"),
                "saml.confirmation.not-yet-valid",
            ),
            ("the issuing", issued("2026-11-22T12:01:00.001Z"), "saml.not-yet-issued"),
        ])
}

fn far_away() -> Table {
    Table::new("far away")
        .twin("an end in the year 9999", ends("9999-12-30T00:00:00Z"))
        .twin("a beginning in the year 1", begins("0001-01-01T00:00:00Z"))
        .attacks([
            ("an end in the year 1", ends("0001-01-01T00:00:00Z"), "saml.expired"),
            (
                "a session that ended in the year 1",
                session_ends("0001-01-01T00:00:00Z"),
                "saml.session-expired",
            ),
            ("a beginning in the year 9999", begins("9999-12-30T00:00:00Z"), "saml.not-yet-valid"),
            ("issued in the year 1", issued("0001-01-01T00:00:00Z"), "saml.too-old"),
            ("issued in 1970", issued("1970-01-01T00:00:00Z"), "saml.too-old"),
            ("issued in the year 9999", issued("9999-12-30T00:00:00Z"), "saml.not-yet-issued"),
            ("issued tomorrow, by its zone", issued("2026-11-22T12:00:00-14:00"), "saml.not-yet-issued"),
            ("issued yesterday, by its zone", issued("2026-11-22T12:00:00+14:00"), "saml.too-old"),
            ("an end that is over by its zone", ends("2026-11-22T12:10:00+01:00"), "saml.expired"),
        ])
}

/// What is no `xs:dateTime` with a zone is no time.
fn forms() -> Table {
    let forms = [
        ("nothing", ""),
        ("a word", "never"),
        ("no zone", "2026-11-22T12:10:00"),
        ("a date", "2026-11-22"),
        ("a blank for the T", "2026-11-22 12:10:00Z"),
        ("a small t", "2026-11-22t12:10:00Z"),
        ("the basic form", "20261122T121000Z"),
        ("a Unix time", "1795435800"),
        ("milliseconds since 1970", "1795435800000"),
        ("the form of HTTP", "Sun, 22 Nov 2026 12:10:00 GMT"),
        ("the year 10000", "10000-11-22T12:10:00Z"),
        ("the year 02026", "02026-11-22T12:10:00Z"),
        ("a year before Christ", "-2026-11-22T12:10:00Z"),
        ("a year with a sign", "+2026-11-22T12:10:00Z"),
        ("month 13", "2026-13-22T12:10:00Z"),
        ("31 November", "2026-11-31T12:10:00Z"),
        ("29 February of no leap year", "2026-02-29T12:10:00Z"),
        ("day 0", "2026-11-00T12:10:00Z"),
        ("hour 25", "2026-11-22T25:10:00Z"),
        ("minute 60", "2026-11-22T12:60:00Z"),
        ("second 61", "2026-11-22T12:10:61Z"),
        ("no seconds", "2026-11-22T12:10Z"),
        ("a zone by name", "2026-11-22T12:10:00[Europe/Berlin]"),
        ("a zone and its name", "2026-11-22T12:10:00Z[UTC]"),
        ("a zone of 99 hours", "2026-11-22T12:10:00+99:00"),
        ("two zones", "2026-11-22T12:10:00Z+01:00"),
        ("two times", "2026-11-22T12:10:00Z 2036-11-22T12:10:00Z"),
        ("something behind", "2026-11-22T12:10:00Zx"),
        ("digits of another script", "2026-11-22T12:10:0\u{660}Z"),
        ("a minus of another script", "2026\u{2212}11\u{2212}22T12:10:00Z"),
        ("a duration", "P1D"),
        ("infinity", "INF"),
    ];
    Table::new("forms")
        .twins([
            ("a fraction", ends("2026-11-22T12:10:00.1234567Z")),
            ("another zone", ends("2026-11-22T13:10:00+01:00")),
            ("white space around", ends(" 2026-11-22T12:10:00Z ")),
            ("a leap second", ends("2026-12-31T23:59:60Z")),
        ])
        .attacks(forms.map(|(what, time)| (what, ends(time), UNREADABLE)))
}

/// Every time of the document is read.
fn all_of_them() -> Table {
    let no = "soon";
    Table::new("all of them").twin("readable", honest()).attacks([
        ("the issuing", issued(no), "saml.issue-instant"),
        ("no issuing", with(" IssueInstant=\"2026-11-22T12:00:00Z\"", ""), "saml.issue-instant"),
        ("the beginning", begins(no), "saml.conditions.not-before"),
        ("the beginning, without a zone", begins("2026-11-22T11:59:00"), "saml.conditions.not-before"),
        ("the session's end", session_ends(no), "saml.session-not-on-or-after"),
        ("the confirmation's end", confirmation_ends(no), "saml.confirmation.not-on-or-after"),
        (
            "no confirmation's end",
            with(" NotOnOrAfter=\"2026-11-22T12:05:00Z\"", ""),
            "saml.confirmation.not-on-or-after",
        ),
        ("the confirmation's beginning", confirmation_begins(no), "saml.confirmation.not-before"),
        (
            "the authentication",
            with("AuthnInstant=\"2026-11-22T12:00:00Z\"", "AuthnInstant=\"soon\""),
            "saml.authn-instant",
        ),
        (
            "no authentication's time",
            with("AuthnInstant=\"2026-11-22T12:00:00Z\" ", ""),
            "saml.authn-instant",
        ),
    ])
}

/// The earliest end of several statements counts, and each is read.
fn statements() -> Table {
    let second = |attributes: &str| {
        let statement = format!("<saml:AuthnStatement {attributes}></saml:AuthnStatement>");
        with("<saml:AttributeStatement>", &format!("{statement}<saml:AttributeStatement>"))
    };
    let ends =
        |at: &str| second(&format!("AuthnInstant=\"2026-11-22T12:00:00Z\" SessionNotOnOrAfter=\"{at}\""));
    Table::new("several statements")
        .twin("a second one without an end", second("AuthnInstant=\"2026-11-22T12:00:00Z\""))
        .twin("a second one that ends later", ends("2026-11-22T23:00:00Z"))
        .attacks([
            ("a second one that is over", ends("2026-11-22T11:00:00Z"), "saml.session-expired"),
            ("a second one that is unreadable", ends("x"), "saml.session-not-on-or-after"),
            ("a second one without a time", second("SessionIndex=\"x\""), "saml.authn-instant"),
        ])
}

/// The honest document at other times, beside those that are honest then.
fn late_and_early() -> [Table; 4] {
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let at_hour = |hour: u32| {
        let assertion =
            ASSERTION.replace("T11:", &format!("T{:02}:", hour - 1)).replace("T12:", &format!("T{hour}:"));
        response(&signed(&assertion))
    };
    let at_its_end = noon().plus(Duration::from_secs(300) + SKEW);
    let confirmed = |at: &str| swap(ASSERTION, "2026-11-22T12:05:00Z", at);
    let fresh = swap(
        &confirmed("2026-11-22T12:10:00Z"),
        "IssueInstant=\"2026-11-22T12:00",
        "IssueInstant=\"2026-11-22T12:05",
    );
    let confirmed = response(&signed(&confirmed("2026-11-22T12:09:00Z")));
    [
        Table::new("two hours later").when(noon().plus(hours(2))).twin("of then", at_hour(14)).attacks([(
            "of noon",
            honest(),
            "saml.expired",
        )]),
        Table::new("two hours earlier")
            .when(noon().minus(hours(2)))
            .twin("of then", at_hour(10))
            .attacks([("of noon", honest(), "saml.not-yet-issued")]),
        Table::new("the moment that the confirmation ends")
            .when(at_its_end)
            .twin("of five minutes later", response(&signed(&fresh)))
            .attacks([
                ("of noon", honest(), "saml.confirmation.expired"),
                ("of noon, confirmed for longer", confirmed, "saml.too-old"),
            ]),
        Table::new("with a skew of five minutes")
            .with(|settings| settings.clock_skew = Duration::from_secs(300))
            .twin("five minutes early", begins("2026-11-22T12:05:00Z"))
            .twin("almost five minutes late", ends("2026-11-22T11:55:01Z"))
            .attacks([
                ("more than five minutes early", begins("2026-11-22T12:05:01Z"), "saml.not-yet-valid"),
                ("five minutes late", ends("2026-11-22T11:55:00Z"), "saml.expired"),
            ]),
    ]
}
