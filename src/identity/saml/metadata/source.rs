//! Where metadata comes from: nowhere (it is given once), a file that is looked at, or a URL.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{
    ACCEPT, ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::{Client, StatusCode};
use url::Url;

use super::{MetadataError, copy};
use crate::clock::Moment;
use crate::fetch::{self, FetchError, Reach, with_causes};
use crate::watched_file::WatchedFile;

/// The registered type (SAML Metadata, appendix A) first; few servers care.
const ACCEPTED: &str = "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5";

/// Metadata that is fetched.
#[derive(Debug, Clone)]
pub struct MetadataUrl {
    /// The address. Its host answers itself: redirects are not followed.
    pub url: Url,
    /// How often it is asked, unless the document wants to be asked more often.
    pub refresh: Duration,
    /// How long an answer may take in all.
    pub patience: Duration,
    /// Whether `http://` is accepted for hosts of this machine: for demonstrations and tests.
    pub allow_loopback_http: bool,
    /// The folder where the last good copy is kept.
    pub copies: PathBuf,
}

impl MetadataUrl {
    /// An operator wrote the address, so it may be anywhere.
    const fn reach(&self) -> Reach {
        Reach { private: true, loopback: self.allow_loopback_http }
    }
}

/// Where a provider's metadata comes from.
#[derive(Debug)]
pub(in crate::identity::saml) enum Source {
    /// It was given, and stays.
    Given,
    /// A file, read again whenever it has changed.
    File(WatchedFile),
    /// An address.
    Url {
        http: Client,
        from: MetadataUrl,
        /// Where the last good copy is kept.
        copy: PathBuf,
        /// What the copy in force was marked with.
        validators: Mutex<Validators>,
    },
}

/// What a server marks a version of a document with (RFC 9110 8.8), to be asked for a newer one.
#[derive(Debug, Clone, Default)]
pub(in crate::identity::saml) struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

/// A document that was fetched and not yet read.
pub(super) struct Document {
    pub(super) xml: Vec<u8>,
    validators: Validators,
}

impl Source {
    /// A file that was not looked at yet.
    pub(super) const fn file(path: PathBuf) -> Self {
        Self::File(WatchedFile::new(path))
    }

    /// An address that the provider `name` may ask: https, or http to this machine where that is allowed.
    pub(super) fn url(name: &str, from: MetadataUrl, http: Client) -> Result<Self, MetadataError> {
        let url = &from.url;
        let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if !is_plain || !fetch::is_permitted(url, from.reach()) {
            // What stands before the host or behind the path may be a secret.
            let shown = format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path());
            return Err(MetadataError::Address(shown));
        }
        let copy = copy::path(&from.copies, name, url);
        Ok(Self::Url { http, from, copy, validators: Mutex::default() })
    }

    /// The document, unless it is the one that was accepted last.
    pub(super) async fn fetch(self: &Arc<Self>, largest: usize) -> Result<Option<Document>, MetadataError> {
        match self.as_ref() {
            Self::Given => Ok(None),
            Self::File(_) => {
                let source = Arc::clone(self);
                let looking = tokio::task::spawn_blocking(move || source.look(largest));
                looking.await.unwrap_or_else(|_| Err(MetadataError::interrupted()))
            }
            Self::Url { http, from, validators, .. } => {
                let known = validators.lock().unwrap_or_else(PoisonError::into_inner).clone();
                ask(http, from, &known, largest).await
            }
        }
    }

    /// A file's content, unless it was read before. What was read and was no good is not read
    /// again until it changes.
    pub(super) fn look(&self, largest: usize) -> Result<Option<Document>, MetadataError> {
        let Self::File(file) = self else { return Ok(None) };
        let xml = file.look(largest).map_err(MetadataError::Unavailable)?;
        Ok(xml.map(|xml| Document { xml, validators: Validators::default() }))
    }

    /// Notes that a document is in force since `at`.
    pub(super) fn accepted(&self, document: Document, at: Moment) {
        let Self::Url { copy: path, validators, .. } = self else { return };
        *validators.lock().unwrap_or_else(PoisonError::into_inner) = document.validators;
        tell(copy::write(path, &document.xml, at), path);
    }

    /// Notes that the source has nothing newer.
    pub(super) fn confirmed(&self, at: Moment) {
        if let Self::Url { copy: path, .. } = self {
            tell(copy::confirm(path, at), path);
        }
    }

    /// Forgets what the copy in force was marked with, so that it is fetched whole.
    pub(super) fn distrust(&self) {
        if let Self::Url { validators, .. } = self {
            *validators.lock().unwrap_or_else(PoisonError::into_inner) = Validators::default();
        }
    }
}

/// A copy that can't be kept is missed at a start only: work goes on.
fn tell(kept: std::io::Result<()>, copy: &Path) {
    if let Err(error) = kept {
        tracing::warn!(copy = %copy.display(), %error, "the last good metadata can't be kept");
    }
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        Self { etag: headers.get(ETAG).cloned(), last_modified: headers.get(LAST_MODIFIED).cloned() }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(ACCEPTED))]);
        headers.extend(self.etag.clone().map(|etag| (IF_NONE_MATCH, etag)));
        headers.extend(self.last_modified.clone().map(|modified| (IF_MODIFIED_SINCE, modified)));
        headers
    }
}

/// A conditional request (RFC 9110 13.1).
async fn ask(
    http: &Client,
    from: &MetadataUrl,
    known: &Validators,
    largest: usize,
) -> Result<Option<Document>, MetadataError> {
    let request = http.get(from.url.clone()).timeout(from.patience).headers(known.headers());
    let request = request.build().map_err(|error| unavailable(error.into()))?;
    let response = fetch::send(http, request, from.reach()).await.map_err(unavailable)?;
    let is_known = known.etag.is_some() || known.last_modified.is_some();
    match response.status() {
        StatusCode::OK => {
            let validators = Validators::of(response.headers());
            let xml = fetch::body(response, largest).await.map_err(unavailable)?;
            Ok(Some(Document { xml, validators }))
        }
        StatusCode::NOT_MODIFIED if is_known => Ok(None),
        moved if moved.is_redirection() && moved != StatusCode::NOT_MODIFIED => {
            let reason =
                format!("status {moved}; write the URL that answers itself, redirects are not followed");
            Err(MetadataError::Unavailable(reason))
        }
        other => Err(unavailable(FetchError::Status(other))),
    }
}

/// The URL stays out of it: a query may be a secret, and the provider's name says which it is.
fn unavailable(error: FetchError) -> MetadataError {
    let error = match error {
        FetchError::Transport(error) => FetchError::Transport(error.without_url()),
        other => other,
    };
    MetadataError::Unavailable(with_causes(&error))
}
