//! Where a sign-in may land, and where it leads back to.

use url::Url;

/// Longest address that is looked at.
const LONGEST: usize = 2048;

/// Where a sign-in may land.
#[derive(Debug, Clone)]
pub struct Destinations {
    home: Url,
    origins: Vec<url::Origin>,
    issuers: Vec<url::Origin>,
}

/// A place that a sign-in may not land on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the destination {seen:?} is not allowed; allowed are {allowed}")]
pub struct DestinationRefused {
    seen: String,
    allowed: String,
}

impl DestinationRefused {
    /// That `seen` is no page of `allowed`.
    pub fn new(seen: &str, allowed: String) -> Self {
        Self { seen: seen.chars().take(200).collect(), allowed }
    }
}

impl Destinations {
    /// The broker's own console below `public_url`, and every page of the `further` origins. Whoever comes from a page of the
    /// `issuers` may be led back there.
    pub fn new(public_url: &Url, further: &[Url], issuers: &[Url]) -> Option<Self> {
        let home = public_url.join("console").ok()?;
        let origins = std::iter::once(&home).chain(further).map(Url::origin).collect();
        let issuers = issuers.iter().map(Url::origin).collect();
        Some(Self { home, origins, issuers })
    }

    /// The page that somebody is led back to, if `asked` is one of an issuer's.
    pub fn lead_back(&self, asked: &str) -> Option<String> {
        let url = plain_url(asked)?;
        self.issuers.contains(&url.origin()).then(|| url.to_string())
    }

    /// The page to land on. Without a wish, the broker's own console.
    ///
    /// The URL is judged and returned in the form that browsers see, as the URL standard parses
    /// it, so that what was checked is where the browser goes.
    pub fn land_on(&self, asked: Option<&str>) -> Result<String, DestinationRefused> {
        let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
            return Ok(self.home.to_string());
        };
        self.allowed(asked)
            .map(|url| url.to_string())
            .ok_or_else(|| DestinationRefused::new(asked, self.origins().join(", ")))
    }

    /// The origins that a sign-in may land on.
    pub fn origins(&self) -> Vec<String> {
        self.origins.iter().map(url::Origin::ascii_serialization).collect()
    }

    fn allowed(&self, asked: &str) -> Option<Url> {
        let url = plain_url(asked)?;
        // Of our own pages, those that only show something: no sign-in may end in another one, or
        // in a sign-out.
        let shows = url.origin() != self.home.origin() || matches!(url.path(), "/console" | "/portal");
        (shows && self.origins.contains(&url.origin())).then_some(url)
    }
}

/// A page of the web, in the form that browsers see.
fn plain_url(text: &str) -> Option<Url> {
    let url = Some(text).filter(|text| text.len() <= LONGEST).and_then(|text| Url::parse(text).ok())?;
    let is_plain =
        matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none();
    is_plain.then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destinations() -> Destinations {
        let public = Url::parse("https://broker.example.com/").unwrap();
        let page = |text| Url::parse(text).unwrap();
        let issuers = [page("https://intranet.example.com")];
        Destinations::new(&public, &[page("https://console.example.com")], &issuers).unwrap()
    }

    #[test]
    fn lands_at_home_without_a_wish() {
        assert_eq!(destinations().land_on(None).unwrap(), "https://broker.example.com/console");
        assert_eq!(destinations().land_on(Some("")).unwrap(), "https://broker.example.com/console");
    }

    #[test]
    fn lands_on_allowed_origins_only() {
        let destinations = destinations();
        for good in ["https://broker.example.com/console?x=1", "https://console.example.com/s3#top"] {
            assert_eq!(destinations.land_on(Some(good)).unwrap(), good);
        }
        for bad in [
            "https://evil.example/",
            "https://broker.example.com/federation?Action=logout",
            "https://broker.example.com/console/../federation?Action=logout",
            "//evil.example/",
            "/console",
            "http://console.example.com/",
            "https://console.example.com:8443/",
            "https://console.example.com.evil.example/",
            "https://console.example.com@evil.example/",
            "https://ann@console.example.com/",
            "https:\\\\evil.example\\console.example.com",
            "javascript:alert(1)//https://console.example.com",
            "data:text/html,x",
        ] {
            assert!(destinations.land_on(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn leads_back_to_issuers_only() {
        let destinations = destinations();
        let page = "https://intranet.example.com/consoles?of=ann";
        assert_eq!(destinations.lead_back(page).as_deref(), Some(page));
        for bad in [
            "Example.org",
            "https://console.example.com/",
            "https://intranet.example.com.evil.example/",
            "https://ann@intranet.example.com/",
            "javascript:alert(1)",
            "",
        ] {
            assert_eq!(destinations.lead_back(bad), None, "{bad}");
        }
        assert!(destinations.land_on(Some(page)).is_err(), "and nobody lands there");
    }
}
