//! `/portal/admin`: the pages of those in charge. Whether somebody is, is asked with each request.
//!
//! `sessions` shows and ends what is open for people, `examine` explains documents and compares configurations; this file
//! lets people in, and shows how the broker and its providers do.

mod examine;
mod sessions;

use actix_web::{HttpRequest, HttpResponse, web};

use super::browser::{in_browser, is_from_here, noted, remembering};
use super::cookies::with_cookies;
use super::page::{self, AdminPage, CertificateView, DependencyView};
use super::portal::{self, see_other};
use super::{Surface, get_or_head, health};
use crate::broker::{InCharge, NotInCharge, RequestContext};
use crate::clock::Moment;
use crate::directory::Verifier;

/// Where they are.
pub(super) const PATH: &str = "/portal/admin";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource(PATH).route(get_or_head().to(overview)));
    sessions::routes(config);
    examine::routes(config);
}

/// Lets somebody in charge do `work`; everybody else is told why not. Forms must come from our own pages.
async fn by_those_in_charge(
    request: &HttpRequest,
    surface: &Surface,
    is_form: bool,
    work: impl AsyncFnOnce(&RequestContext<'_>, &InCharge<'_>) -> HttpResponse,
) -> HttpResponse {
    let context = surface.context(request);
    if is_form && !is_from_here(request, &context.snapshot().public_url) {
        return page::foreign(request, "Use the forms of the page itself.");
    }
    let here = match in_browser(request, &context).await {
        Ok(here) => here,
        Err(failure) => return page::failure(request, &failure),
    };
    let Some(person) = &here.person else { return see_other(portal::PATH) };
    let mut response = match context.in_charge(person).await {
        Ok(by) => work(&context, &by).await,
        Err(NotInCharge::Off) => return page::not_found(request),
        Err(NotInCharge::Refused(failure)) => return page::failure(request, &failure),
        Err(NotInCharge::SignInAgain(start)) => {
            let response = page::again(request, &start.outbound);
            return remembering(request, response, start, context.snapshot().is_https);
        }
    };
    with_cookies(&mut response, noted(&context, &here).await);
    response
}

async fn overview(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    by_those_in_charge(&request, &surface, false, async |context, _| {
        let store = context.store_answers().await;
        let dependencies = health::dependencies(context, &surface.broker, store.as_ref().err());
        let shown = dependencies.into_iter().map(|each| DependencyView {
            name: each.name,
            state: each.state,
            detail: each.detail,
            means: each.means,
        });
        let revision = context.snapshot().revision.short();
        let view = AdminPage { dependencies: shown.collect(), certificates: certificates(context), revision };
        page::admin(&request, &view)
    })
    .await
}

/// The certificates that providers sign with, those that end first, first.
fn certificates(context: &RequestContext<'_>) -> Vec<CertificateView> {
    let providers = context.snapshot().directory.providers().iter();
    let saml = providers.filter_map(|provider| match &provider.verifier {
        Verifier::Saml(saml) => Some((provider, saml.provider.metadata_state(context.at()))),
        Verifier::Oidc(_) => None,
    });
    let mut all: Vec<(Moment, CertificateView)> = Vec::new();
    for (provider, state) in saml {
        for certificate in state.certificates {
            let ends = certificate.not_after;
            let view = CertificateView {
                provider: provider.name.clone(),
                fingerprint: certificate.fingerprint,
                ends: ends.for_people(),
                ends_machine: ends.to_rfc3339(),
                days: ends.since(context.at()).as_secs() / 86_400,
            };
            all.push((ends, view));
        }
    }
    all.sort_by_key(|(ends, _)| *ends);
    all.into_iter().map(|(_, view)| view).collect()
}
