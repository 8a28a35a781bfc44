//! The namespaces and URIs of SAML 2.0, XML signatures and XML encryption that this verifier knows.

/// SAML Core: assertions.
pub(super) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// SAML Core: protocol messages.
pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// SAML Metadata.
pub(super) const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// XML-DSig 1.1.
pub(super) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Exclusive XML canonicalization 1.0, both the algorithm and the namespace of its parameters.
pub(super) const EXCLUSIVE_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The transform that leaves the signature out of what it signs (XML-DSig 6.6.4).
pub(super) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// What the prefix `xml` is always bound to.
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The only top-level status that grants anything (SAML Core 3.2.2.2).
pub(super) const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
/// A failure that is the answering side's (SAML Core 3.2.2.2).
pub(super) const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
/// Below another code: the logout did not reach everybody (SAML Core 3.2.2.2).
pub(super) const PARTIAL_LOGOUT: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";
/// The one confirmation method of the browser profile (SAML Profiles 3.3).
pub(super) const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// A name that is the same at every sign-in, and means nothing elsewhere (SAML Core 8.3.7).
pub(super) const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
/// The binding a login request leaves by (SAML Bindings 3.4).
pub(super) const REDIRECT_BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// The binding a response comes by, and a request may leave by (SAML Bindings 3.5).
pub(super) const POST_BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
/// What we sign with (RFC 6931, 2.3.2). Every provider takes it.
pub(super) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
/// What we digest with (XML Encryption 1.1, 5.8.2).
pub(super) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
/// XML Encryption 1.0, and most of 1.1.
pub(super) const XMLENC: &str = "http://www.w3.org/2001/04/xmlenc#";
/// What XML Encryption 1.1 adds.
pub(super) const XMLENC11: &str = "http://www.w3.org/2009/xmlenc11#";
