//! What an explanation says of the document, its provider and the person.

use serde::Serialize;

use super::Tag;

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// `saml` or `oidc`
    pub protocol: &'static str,
    /// Its size: of a response when decoded, of a token as sent.
    pub bytes: Option<usize>,
    /// The token, where it is one; then what follows is empty.
    pub token: Option<Token>,
    /// The envelope.
    pub response: Option<Part>,
    /// Whether the assertion came encrypted.
    pub encrypted: bool,
    /// The assertion, if it could be looked into.
    pub assertion: Option<Part>,
    /// SHA-256 of a certificate that the signature names and the metadata does not have.
    pub unknown_certificate: Option<String>,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// `alg`
    pub algorithm: Option<String>,
    /// `kid`
    pub key_id: Option<String>,
    /// Whether a key of the provider's signed it.
    pub signed: bool,
    /// `iss`
    pub issuer: Option<String>,
    /// `aud`
    pub audiences: Vec<String>,
    /// `azp`
    pub authorized_party: Option<String>,
    /// `iat`
    pub issued: Option<String>,
    /// `exp`
    pub expires: Option<String>,
}

/// A response or an assertion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// `ID`
    pub id: Option<String>,
    /// `Issuer`
    pub issuer: Option<String>,
    /// `IssueInstant`
    pub issued: Option<String>,
    /// The request that it answers.
    pub in_response_to: Option<String>,
    /// The signature in it.
    pub signature: Option<Signature>,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// URI of the signature algorithm.
    pub algorithm: Option<String>,
    /// URI of the digest algorithm.
    pub digest: Option<String>,
    /// SHA-256 of the provider's certificate that it holds by; `None`: it does not hold, or was not
    /// come to.
    pub verified_by: Option<String>,
}

/// An identity provider as configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// Its name in the configuration.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its entity id, which is `None` before its metadata was ever fetched; or the issuer of its tokens.
    pub issuer: Option<String>,
    /// The ids of the keys that verify its tokens.
    pub keys: Vec<String>,
    /// When the address of its metadata was last seen to have what is here; `None` for a file.
    pub metadata_confirmed: Option<String>,
    /// Until when its metadata may be used.
    pub metadata_valid_until: Option<String>,
    /// What somebody should look at.
    pub metadata_troubles: Vec<String>,
    /// The certificates of its metadata.
    pub certificates: Vec<Certificate>,
}

/// A certificate of the metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// Its subject.
    pub subject: String,
    /// SHA-256 in hexadecimal.
    pub fingerprint: String,
    /// Its last moment.
    pub not_after: String,
    /// Whether that is over. Its key counts all the same: the metadata says which keys count.
    pub expired: bool,
    /// What is signed by its key: `Response`, `Assertion`.
    pub signed: Vec<String>,
}

/// What can be said about the provider's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clock {
    /// When the document says that it was issued.
    pub issued: String,
    /// How long ago that is in milliseconds; negative where it is still to come.
    pub milliseconds_ago: i64,
    /// What that means, in words.
    pub meaning: String,
}

/// What the signed part says of the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Whether the whole document was believed; else this is what it says, and no rule saw it.
    pub believed: bool,
    /// `NameID`, or `sub`.
    pub subject: String,
    /// Its format; `sub` of a token.
    pub subject_type: String,
    /// The attributes, by name.
    pub attributes: Vec<Attribute>,
    /// What could mean several of them: a rule that asks for it fails.
    pub ambiguous: Vec<String>,
    /// Those that AWS defines, as they are understood; `None` where one is malformed.
    pub asserted: Option<Asserted>,
}

/// An attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// How rules may name it: by its name, then by its short names.
    pub expressions: Vec<String>,
    /// Its values; of a claim that is neither a text nor a list of texts, its JSON.
    pub values: Vec<String>,
}

/// What the provider says about roles and sessions itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asserted {
    /// Whether its roles, tags and source identity count (`assert_roles`).
    pub counts: bool,
    /// `Role`: pairs of a role and its provider.
    pub roles: Vec<AssertedRole>,
    /// `RoleSessionName`, which counts where no rule sets one.
    pub session_name: Option<String>,
    /// `SessionDuration`, which always counts.
    pub session_seconds: Option<u64>,
    /// `PrincipalTag:*`
    pub tags: Vec<Tag>,
    /// `SourceIdentity`
    pub source_identity: Option<String>,
}

/// A pair of the `Role` attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssertedRole {
    /// The role.
    pub role: String,
    /// The provider.
    pub provider: String,
}
