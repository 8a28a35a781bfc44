//! Where somebody's request comes from, as far as one can tell, in words for people.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Longest name of a program.
const LONGEST: usize = 40;

/// Browsers by what tells them from those that also call themselves like the ones below them.
const BROWSERS: [(&str, &str); 11] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Safari/", "Safari"),
];

/// Systems, in the same way.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// Where a request comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The client's address, if anybody knows it.
    pub address: Option<IpAddr>,
    /// The kind of program, such as `Firefox on Linux`, `aws-cli`; empty if it does not say.
    pub program: String,
}

impl Origin {
    /// By the client's address, and what it calls itself (`User-Agent`). Versions are left out: a program that was
    /// updated is the same.
    pub fn of(address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        Self { address, program: user_agent.map(program).unwrap_or_default() }
    }
}

fn program(user_agent: &str) -> String {
    let named = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| user_agent.contains(part)).map(|(_, name)| *name)
    };
    if user_agent.starts_with("Mozilla/") {
        let browser = named(&BROWSERS).unwrap_or("A browser");
        return match named(&SYSTEMS) {
            Some(system) => format!("{browser} on {system}"),
            None => browser.to_owned(),
        };
    }
    let name = user_agent.split(['/', ' ']).next().unwrap_or_default();
    name.chars().filter(char::is_ascii_graphic).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_apart_and_their_versions_are_not() {
        for (user_agent, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("Mozilla/4.0 (compatible)", "A browser"),
            ("aws-cli/2.22.4 md/awscrt#0.23.1 ua/2.0 os/linux", "aws-cli"),
            ("Boto3/1.35.70", "Boto3"),
            ("<script>alert(1)</script>", "<script>alert(1)<"),
            ("\u{202e}evil", "evil"),
            ("", ""),
        ] {
            assert_eq!(Origin::of(None, Some(user_agent)).program, expected, "{user_agent}");
        }
        assert_eq!(Origin::of(None, None), Origin::default());
    }
}
