//! Our metadata (SAML Metadata 2.0): what introduces us to an identity provider.
//!
//! It says the same to everybody, so it is no secret and needs no login. The plain form never
//! expires, because it is often saved and forgotten, and an end that nobody signed protects
//! nobody. The signed form is for providers that fetch it again: it ends, so that an old one with
//! a key that was withdrawn can't be played back for ever.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

use super::binding::Binding;
use super::keys::{SigningFailed, SpKey};
use super::sign::{Canonical, attribute, text};
use crate::clock::Moment;
use crate::identity::saml::SamlSettings;
use crate::identity::saml::names::{DSIG, METADATA, PERSISTENT, POST_BINDING, PROTOCOL, XMLENC11};

/// How long the signed form is good for, from the start of the day. Federations refresh daily
/// and are told to bear an outage of a week.
const SIGNED_LIFE: Duration = Duration::from_secs(14 * 86_400);
/// What contents may be encrypted by (XML Encryption 1.1, 5.2).
const CIPHERS: [&str; 2] =
    ["http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2009/xmlenc11#aes128-gcm"];
/// What their keys may be encrypted by: RSA-OAEP with one hash, for digest and mask alike
/// (XML Encryption 1.1, 5.5.2). Both are spelled out, because a provider that fills in what is
/// missing may take two hashes, and `encryption` can't open that.
const KEY_TRANSPORTS: [(&str, &str, Option<&str>); 2] = [
    (
        "http://www.w3.org/2009/xmlenc11#rsa-oaep",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        Some("http://www.w3.org/2009/xmlenc11#mgf1sha256"),
    ),
    ("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2000/09/xmldsig#sha1", None),
];

/// The plain form.
pub(crate) fn plain(settings: &SamlSettings) -> String {
    document(&descriptor(settings, "", "").unsigned())
}

/// The signed form as of the day of `at`: the same all day long.
pub(crate) fn signed(settings: &SamlSettings, key: &SpKey, at: Moment) -> Result<String, SigningFailed> {
    let day = Moment::from_unix(at.unix() - at.unix().rem_euclid(86_400));
    let end = format!(" validUntil=\"{}\"", day.plus(SIGNED_LIFE));
    let content = descriptor(settings, "", &end).unsigned();
    let hash = digest(&SHA256, content.as_bytes());
    let id: String = hash.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(document(&descriptor(settings, &format!("_{id}"), &end).signed(key)?))
}

fn document(root: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{root}\n")
}

/// The `EntityDescriptor`, with an `ID` unless it is empty. A signature would be its first child.
fn descriptor(settings: &SamlSettings, id: &str, valid_until: &str) -> Canonical {
    let sp = &settings.sp;
    let id_attribute = if id.is_empty() { String::new() } else { format!(" ID=\"{id}\"") };
    let head = format!(
        "<md:EntityDescriptor xmlns:md=\"{METADATA}\"{id_attribute} cacheDuration=\"P1D\" entityID=\"{}\"\
         {valid_until}>",
        attribute(&settings.entity_id),
    );
    let format = sp.name_id_format.as_deref().unwrap_or(PERSISTENT);
    let tail = format!(
        "\n  <md:SPSSODescriptor AuthnRequestsSigned=\"{}\" WantAssertionsSigned=\"true\" \
         protocolSupportEnumeration=\"{PROTOCOL}\">{}{}\n    \
         <md:NameIDFormat>{}</md:NameIDFormat>{}\n  </md:SPSSODescriptor>\n</md:EntityDescriptor>",
        sp.sign_requests,
        keys(settings),
        logout_services(settings),
        text(format),
        consumers(settings),
    );
    Canonical { id: id.to_owned(), head, tail }
}

/// Each key for each use, so that a provider that looks for one of them finds it.
fn keys(settings: &SamlSettings) -> String {
    let method = |uri: &str, parameters: &str| {
        format!("\n      <md:EncryptionMethod Algorithm=\"{uri}\">{parameters}</md:EncryptionMethod>")
    };
    let transport = |(uri, digest, mask): &(&str, &str, Option<&str>)| {
        let digest =
            format!("<ds:DigestMethod xmlns:ds=\"{DSIG}\" Algorithm=\"{digest}\"></ds:DigestMethod>");
        let mask = mask.map(|mask| {
            format!("<xenc11:MGF xmlns:xenc11=\"{XMLENC11}\" Algorithm=\"{mask}\"></xenc11:MGF>")
        });
        method(uri, &(digest + &mask.unwrap_or_default()))
    };
    let ciphers = CIPHERS.iter().map(|uri| method(uri, ""));
    let methods: String = ciphers.chain(KEY_TRANSPORTS.iter().map(transport)).collect();
    let descriptor = |used: &str, methods: &str, key: &SpKey| {
        format!(
            "\n    <md:KeyDescriptor use=\"{used}\">\n      <ds:KeyInfo xmlns:ds=\"{DSIG}\"><ds:X509Data>\
             <ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>{methods}\n    \
             </md:KeyDescriptor>",
            base64_simd::STANDARD.encode_to_string(key.certificate()),
        )
    };
    let signing = settings.sp.keys.iter().map(|key| descriptor("signing", "", key));
    let encryption = settings.sp.keys.iter().map(|key| descriptor("encryption", &methods, key));
    signing.chain(encryption).collect()
}

/// Logout messages must be signed (SAML Profiles 4.4.3.1), so there is none without a key.
fn logout_services(settings: &SamlSettings) -> String {
    let Some(url) = settings.sp.slo_url.as_deref().filter(|_| !settings.sp.keys.is_empty()) else {
        return String::new();
    };
    let service = |binding: Binding| {
        let (binding, url) = (binding.uri(), attribute(url));
        format!(
            "\n    <md:SingleLogoutService Binding=\"{binding}\" Location=\"{url}\"></md:SingleLogoutService>"
        )
    };
    service(Binding::Redirect) + &service(Binding::Post)
}

fn consumers(settings: &SamlSettings) -> String {
    let service = |(index, url): (usize, &String)| {
        let default = if index == 0 { " isDefault=\"true\"" } else { "" };
        format!(
            "\n    <md:AssertionConsumerService Binding=\"{POST_BINDING}\" Location=\"{}\" \
             index=\"{index}\"{default}></md:AssertionConsumerService>",
            attribute(url),
        )
    };
    settings.recipients.iter().enumerate().map(service).collect()
}
