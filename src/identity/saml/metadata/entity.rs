//! From the `EntityDescriptor` of one identity provider to what is used of it.

use super::{Metadata, MetadataError, ResponseLocation, duration};
use crate::clock::Moment;
use crate::identity::saml::keys::{Keys, Unusable};
use crate::identity::saml::names::{DSIG, METADATA, PROTOCOL};
use crate::identity::saml::sp::binding::{Binding, Endpoint};
use crate::identity::saml::xml::Element;
use crate::identity::saml::xml::chars;
use crate::identity::shortened;

/// Keys of one provider (facts 2.4), and as many certificates that can't be used. Each key may
/// cost a signature check.
const MAX_KEYS: usize = 10;

/// Characters of an entity id (SAML Metadata 2.2.1).
const LONGEST_ENTITY_ID: usize = 1024;

/// Reads `entity` as of `at`. What stands around it bounds its validity too.
pub(super) fn read(entity: Element<'_, '_>, at: Moment) -> Result<Metadata, MetadataError> {
    let entity_id = id(entity).ok_or(MetadataError::NoEntityId)?;
    let role = identity_provider(entity).ok_or(MetadataError::NoIdentityProvider)?;
    let mut warnings = Vec::new();
    let (mut valid_until, mut cache_duration) = (None, None);
    let mut around = Some(role);
    while let Some(element) = around {
        valid_until = least(valid_until, moment_until(element)?);
        if let Some(text) = element.attribute("cacheDuration") {
            let read = duration::parse(text.trim_ascii());
            if read.is_none() {
                let text = shortened(text.to_owned());
                warnings.push(format!("cacheDuration {text:?} is not an xs:duration, and is ignored"));
            }
            cache_duration = least(cache_duration, read);
        }
        around = element.parent();
    }
    if let Some(until) = valid_until.filter(|until| *until <= at) {
        return Err(MetadataError::Expired(until));
    }
    let (sso_redirect, sso_post) =
        (login_endpoint(role, Binding::Redirect), login_endpoint(role, Binding::Post));
    if sso_redirect.is_none() && sso_post.is_none() {
        return Err(MetadataError::NoLoginUrl);
    }
    let keys = signing_keys(role, &mut warnings)?;
    Ok(Metadata {
        entity_id: entity_id.to_owned(),
        keys,
        sso_redirect,
        sso_post,
        slo_redirect: logout_service(role, Binding::Redirect),
        slo_post: logout_service(role, Binding::Post),
        want_authn_requests_signed: matches!(role.attribute("WantAuthnRequestsSigned"), Some("true" | "1")),
        valid_until,
        cache_duration,
        warnings,
    })
}

/// The entity's id, if it is one.
pub(super) fn id<'t>(entity: Element<'t, '_>) -> Option<&'t str> {
    let id = entity.attribute("entityID")?;
    (1..=LONGEST_ENTITY_ID).contains(&id.chars().count()).then_some(id)
}

/// Its first role as an identity provider that speaks SAML 2.0.
pub(super) fn identity_provider<'t, 'x>(entity: Element<'t, 'x>) -> Option<Element<'t, 'x>> {
    entity.children_named(METADATA, "IDPSSODescriptor").find(|role| {
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
    })
}

fn moment_until(element: Element<'_, '_>) -> Result<Option<Moment>, MetadataError> {
    let Some(text) = element.attribute("validUntil") else { return Ok(None) };
    let until =
        Moment::parse_rfc3339(text).ok_or_else(|| MetadataError::BadTime(shortened(text.to_owned())))?;
    Ok(Some(until))
}

/// The smaller of those that are there.
fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn login_endpoint(role: Element<'_, '_>, binding: Binding) -> Option<Endpoint> {
    let mut services = services(role, "SingleSignOnService", binding);
    services.find_map(|service| Endpoint::at(service.attribute("Location")?))
}

/// A service whose `ResponseLocation` is no address could not be answered: it is passed over.
fn logout_service(role: Element<'_, '_>, binding: Binding) -> Option<ResponseLocation> {
    services(role, "SingleLogoutService", binding).find_map(|service| {
        let requests = Endpoint::at(service.attribute("Location")?)?;
        let responses = match service.attribute("ResponseLocation") {
            Some(location) => Endpoint::at(location)?,
            None => requests.clone(),
        };
        Some(ResponseLocation { binding, requests, responses })
    })
}

/// The children of `role` called `name` that speak `binding`.
fn services<'t, 'x>(
    role: Element<'t, 'x>,
    name: &'static str,
    binding: Binding,
) -> impl Iterator<Item = Element<'t, 'x>> {
    let speaks = move |service: &Element<'_, '_>| service.attribute("Binding") == Some(binding.uri());
    role.children_named(METADATA, name).filter(speaks)
}

/// Every certificate of every descriptor whose use is signing or unspecified. One that can't be
/// used is a warning as long as another can: providers list keys that only others understand.
fn signing_keys(role: Element<'_, '_>, warnings: &mut Vec<String>) -> Result<Keys, MetadataError> {
    let (mut keys, mut skipped) = (Keys::default(), Vec::new());
    let listed = role
        .children_named(METADATA, "KeyDescriptor")
        .filter(|descriptor| matches!(descriptor.attribute("use"), None | Some("signing")))
        .flat_map(|descriptor| descriptor.children_named(DSIG, "KeyInfo"))
        .flat_map(|info| info.children_named(DSIG, "X509Data"))
        .flat_map(|data| data.children_named(DSIG, "X509Certificate"));
    for (index, certificate) in listed.enumerate() {
        let der = certificate.text().and_then(chars::base64);
        let added = der.ok_or_else(|| Unusable("not base64".to_owned())).and_then(|der| keys.add(&der));
        if let Err(Unusable(reason)) = added {
            skipped.push(format!("signing certificate {} is {}", index + 1, shortened(reason)));
        }
        if keys.len() > MAX_KEYS || skipped.len() > MAX_KEYS {
            return Err(MetadataError::TooManyKeys);
        }
    }
    match (keys.len(), skipped.is_empty()) {
        (0, true) => Err(MetadataError::NoKeys),
        (0, false) => Err(MetadataError::NoUsableKey(skipped.join("; "))),
        _ => {
            warnings.extend(skipped.into_iter().map(|skipped| format!("{skipped}, and is passed over")));
            Ok(keys)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::MetadataTerms;
    use super::*;

    /// An identity provider with these endpoints.
    fn with(attributes: &str, endpoints: &[[&str; 3]]) -> Result<Metadata, MetadataError> {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let certificate = base64_simd::STANDARD.encode_to_string(certificate.der());
        let endpoints: String = endpoints
            .iter()
            .map(|[name, binding, locations]| {
                format!("<{name} Binding='urn:oasis:names:tc:SAML:2.0:bindings:{binding}' {locations}/>")
            })
            .collect();
        let xml = format!(
            "<EntityDescriptor xmlns='{METADATA}' entityID='urn:idp'><IDPSSODescriptor {attributes} \
             protocolSupportEnumeration='urn:x {PROTOCOL}'><KeyDescriptor use='signing'><KeyInfo xmlns='{DSIG}'>\
             <X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>\
             {endpoints}</IDPSSODescriptor></EntityDescriptor>"
        );
        Metadata::read(xml.as_bytes(), &MetadataTerms::default(), Moment::from_unix(0))
    }

    #[test]
    fn endpoints_by_binding() {
        let login = "SingleSignOnService";
        let logout = "SingleLogoutService";
        let metadata = with(
            "WantAuthnRequestsSigned='1'",
            &[
                [logout, "SOAP", "Location='https://idp/soap'"],
                [logout, "HTTP-Redirect", "Location='https://idp/out' ResponseLocation='https://idp/done'"],
                [logout, "HTTP-POST", "Location='https://idp/a' ResponseLocation='javascript:b'"],
                [logout, "HTTP-POST", "Location='https://idp/out'"],
                [login, "HTTP-POST", "Location='javascript:a'"],
                [login, "HTTP-POST", "Location='https://idp/in'"],
                [login, "HTTP-POST", "Location='https://idp/second'"],
            ],
        );
        let metadata = metadata.unwrap();
        let url = |text: &str| Endpoint::at(text).unwrap();
        assert_eq!((metadata.sso_redirect, metadata.sso_post), (None, Some(url("https://idp/in"))));
        let at = |binding, requests, responses| {
            Some(ResponseLocation { binding, requests: url(requests), responses: url(responses) })
        };
        assert_eq!(metadata.slo_redirect, at(Binding::Redirect, "https://idp/out", "https://idp/done"));
        assert_eq!(metadata.slo_post, at(Binding::Post, "https://idp/out", "https://idp/out"));
        assert!(metadata.want_authn_requests_signed);

        let metadata = with("", &[[login, "HTTP-Redirect", "Location='https://idp/in'"]]).unwrap();
        assert_eq!((metadata.sso_redirect, metadata.sso_post), (Some(url("https://idp/in")), None));
        assert_eq!((metadata.slo_redirect, metadata.slo_post), (None, None));
        assert!(!metadata.want_authn_requests_signed);
        let nowhere = with("", &[[login, "SOAP", "Location='https://idp/in'"]]);
        assert_eq!(nowhere.unwrap_err(), MetadataError::NoLoginUrl);
    }
}
