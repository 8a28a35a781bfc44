//! `/portal/why`: why one does not see a role.

use actix_web::{HttpRequest, HttpResponse, web};

use super::browser::{in_browser, noted};
use super::page::{self, ClauseView, RuleView, WhyPage};
use super::portal::{self, LONGEST_SEARCH, see_other};
use super::{Surface, cookies, form, get_or_head};
use crate::arn::RoleArn;
use crate::broker::explain::{Clause, Rule, RuleOutcome};
use crate::broker::{RequestContext, Verdict};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/portal/why", get_or_head().to(why));
}

async fn why(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let here = match in_browser(&request, &context).await {
        Ok(here) => here,
        Err(failure) => return page::failure(&request, &failure),
    };
    let Some(person) = &here.person else { return see_other(portal::PATH) };
    let mut fields = form::fields(request.query_string().as_bytes());
    let asked = fields.find(|(name, _)| name == "role").map(|(_, value)| value.into_owned());
    let role: String = asked.unwrap_or_default().trim().chars().take(LONGEST_SEARCH).collect();
    let answered = (!role.is_empty()).then(|| context.why_not(person, &role));
    let provider = context.snapshot().directory.provider_by_arn(person.provider());
    let view = WhyPage {
        person: person.subject().to_owned(),
        provider: provider.map_or_else(|| person.provider().to_string(), |provider| provider.label.clone()),
        told: person.attributes().map(|(name, values)| (name.clone(), values.clone())).collect(),
        verdict: answered.as_ref().map(|answered| verdict(&context, &answered.verdict)),
        rules: answered.iter().flat_map(|answered| answered.rules.iter().map(rule)).collect(),
        has_more_rules: answered.is_some_and(|answered| answered.has_more_rules),
        role,
    };
    let mut response = page::why(&request, &view, context.sign_out_leads_to(&here).as_deref());
    cookies::with_cookies(&mut response, noted(&context, &here).await);
    response
}

fn verdict(context: &RequestContext<'_>, verdict: &Verdict) -> String {
    let named = |role: &RoleArn| format!("{} in {}", role.name(), portal::account_of(context, role));
    match verdict {
        Verdict::Theirs(role) => format!("{} is yours. You find it among your roles.", named(role)),
        Verdict::AfterSignIn(role) => {
            format!("{} is yours once you sign in again: open it, and you are asked to.", named(role))
        }
        Verdict::NotTrusted(role) => format!(
            "A rule offers you {}, but the role itself does not let you have it. Ask your administrator to look at its \
             trust policy.",
            named(role)
        ),
        Verdict::Unfit(role) => format!(
            "A rule offers you {}, but with a session name, tags or a duration that it can't have. Ask your administrator to \
             look at the rule.",
            named(role)
        ),
        Verdict::NotOffered => {
            "No rule offers you a role of this name, or there is none. Compare what your identity provider \
             says of you with what you expect, and show it to your administrator."
                .to_owned()
        }
    }
}

fn rule(rule: &Rule) -> RuleView {
    let outcome = match rule.outcome {
        RuleOutcome::Matched => "It offers you the role.",
        RuleOutcome::NotMatched => "Its condition does not hold for you.",
        RuleOutcome::OtherProvider => "It is for people of another identity provider.",
        RuleOutcome::Failed => "It could not be evaluated. Tell your administrator.",
        RuleOutcome::PassedOver => "A rule before it decided already.",
        RuleOutcome::Denied => "It takes the role away from you.",
    };
    let clause = |clause: &Clause| ClauseView {
        text: clause.clause.clone(),
        holds: clause.holds,
        reads: clause.reads.iter().map(|read| (read.name.clone(), read.values.join(", "))).collect(),
    };
    RuleView { name: rule.rule.clone(), outcome, clauses: rule.clauses.iter().map(clause).collect() }
}
