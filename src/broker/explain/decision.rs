//! From an identity to roles: what each rule and each statement said.

use super::Question;
use super::report::{
    Access, Action, Clause, Limit, Obstacle, Policy, Read, Report, Role, Rule, RuleOutcome, Session,
    Statement, Tag,
};
use crate::arn::RoleArn;
use crate::broker::decide::Decide;
use crate::broker::record::offered_by;
use crate::broker::{Ask, Refusal};
use crate::config::Snapshot;
use crate::identity::{FederatedIdentity, SessionPolicies, SessionTag};
use crate::policy::iam::{self, Effect, StatementReview};
use crate::policy::rights::PolicyReview;
use crate::policy::rules::{self, Outcome};
use crate::policy::{ActionReview, AuthorizedSession, Circumstances, LengthLimit, RoleOffer, RuleEffect};

/// Roles whose trust policies are shown statement by statement: more is no explanation.
const IN_DETAIL: usize = 5;

/// What every rule says to `identity`, or every one that is about a role.
pub(super) fn rules(
    snapshot: &Snapshot,
    identity: &FederatedIdentity,
    when: Circumstances,
    about: Option<&RoleArn>,
) -> Vec<Rule> {
    let rules = snapshot.policies.rules();
    // Those that were asked, in the order of all.
    let mut asked = rules.evaluate_all(identity, when).into_iter().peekable();
    rules
        .all()
        .iter()
        .filter_map(|rule| {
            let was_asked = asked.peek().is_some_and(|(next, _)| std::ptr::eq(*next, rule));
            let said = if was_asked { asked.next().map(|(_, outcome)| outcome) } else { None };
            if about.is_some_and(|role| !rule.can_offer(role) && !rule.denies(role)) {
                return None;
            }
            let (outcome, failed_in, reason) = match said {
                None => (RuleOutcome::OtherProvider, None, None),
                Some(Outcome::Fails { field, reason }) if rule.effect() == RuleEffect::Deny => {
                    (RuleOutcome::Denied, Some(field), Some(reason))
                }
                Some(Outcome::Matches(_)) if rule.effect() == RuleEffect::Deny => {
                    (RuleOutcome::Denied, None, None)
                }
                Some(Outcome::Matches(_)) => (RuleOutcome::Matched, None, None),
                Some(Outcome::Declines) => (RuleOutcome::NotMatched, None, None),
                Some(Outcome::PassedOver { by }) => (RuleOutcome::PassedOver, None, Some(by)),
                Some(Outcome::Fails { field, reason }) => (RuleOutcome::Failed, Some(field), Some(reason)),
            };
            let misses = matches!(outcome, RuleOutcome::NotMatched) || failed_in == Some("when");
            let clauses = if misses { rules.clauses(rule, identity, when) } else { Vec::new() };
            Some(Rule {
                rule: rule.name().to_owned(),
                provider: rule.provider().map(str::to_owned),
                when: rule.when().to_owned(),
                outcome,
                failed_in,
                reason,
                clauses: clauses.into_iter().map(clause).collect(),
                roles: match rule.effect() {
                    RuleEffect::Offer => rule.offered_to(identity).map(ToString::to_string).collect(),
                    RuleEffect::Deny => rule.roles().iter().map(ToString::to_string).collect(),
                },
            })
        })
        .collect()
}

fn clause(clause: rules::Clause) -> Clause {
    let read = |rules::Read { name, values }| Read { name, values };
    Clause {
        clause: clause.source,
        holds: clause.holds.as_ref().ok().copied(),
        reason: clause.holds.err(),
        reads: clause.reads.into_iter().map(read).collect(),
    }
}

/// The role that is `wanted`, or all that are offered; and whether any of them can be had.
pub(super) fn roles(
    decide: &Decide<'_>,
    identity: &FederatedIdentity,
    question: &Question<'_>,
    report: &mut Report,
) -> Result<(), Refusal> {
    let wanted = question.role;
    let offered = match wanted {
        Some(role) => vec![role.clone()],
        None => decide.offers(identity).into_iter().map(|offer| offer.role).collect(),
    };
    if offered.is_empty() {
        let (subject, provider) = (identity.subject().to_owned(), decide.provider.name.clone());
        return Err(Refusal::NoRoles { subject, provider });
    }
    if offered.len() > IN_DETAIL {
        report.note(format!("Statements are shown for {IN_DETAIL} roles; ask for one by --role."));
    }
    if let Some(role) = wanted.filter(|role| decide.snapshot.directory.role(role).is_none()) {
        report.note(format!("The configuration has no role {role}."));
    }
    let mut first = None;
    for (number, role) in offered.iter().enumerate() {
        let offer = decide.offer(identity, role)?;
        let (told, refusal) = one(decide, identity, &offer, question, (number < IN_DETAIL, report))?;
        if let Some(access) = &told.access {
            report.answer.may = Some(access.allowed || report.answer.may == Some(true));
        }
        report.answer.roles.extend(refusal.is_none().then(|| told.role.clone()));
        first = first.or(refusal);
        report.roles.push(told);
    }
    report.answer.granted = !report.answer.roles.is_empty();
    match first {
        Some(refusal) if !report.answer.granted => Err(refusal),
        _ => Ok(()),
    }
}

/// One role, and why it is refused if it is.
fn one(
    decide: &Decide<'_>,
    identity: &FederatedIdentity,
    offer: &RoleOffer,
    question: &Question<'_>,
    (in_detail, report): (bool, &Report),
) -> Result<(Role, Option<Refusal>), Refusal> {
    let ask = Ask {
        action: "explain",
        role: &offer.role,
        session_name: question.session_name,
        duration: question.duration,
        policies: SessionPolicies::NONE,
    };
    let (session, access, refusal) = match decide.authorize(identity, offer, &ask) {
        Ok(authorized) => (granted(&authorized), access(decide, &authorized, question)?, None),
        Err(refusal) => (as_it_would_be(identity, offer), None, Some(refusal)),
    };
    let actions = if in_detail { decide.review(identity, offer, &ask) } else { Vec::new() };
    let upstream = decide.snapshot.upstreams.of(&offer.role);
    let role = Role {
        role: offer.role.to_string(),
        offered_by: offered_by(&offer.by).to_owned(),
        made_by: upstream.map(|upstream| format!("upstream {}, as {}", upstream.sts.name(), upstream.role)),
        refused: refusal.as_ref().map(|refusal| report.refused(refusal)),
        session,
        actions: actions.into_iter().map(action).collect(),
        access,
    };
    Ok((role, refusal))
}

/// Whether the session may do what is asked, and what every policy says of it.
fn access(
    decide: &Decide<'_>,
    authorized: &AuthorizedSession,
    question: &Question<'_>,
) -> Result<Option<Access>, Refusal> {
    let Some(wanted) = &question.access else { return Ok(None) };
    let asked = decide.snapshot.policies.ask(authorized.session().into(), wanted, question.at)?;
    let access = asked.decide();
    let policy = |review: PolicyReview| Policy {
        kind: review.layer.name(),
        policy: review.policy,
        statements: review.statements.into_iter().map(statement).collect(),
    };
    Ok(Some(Access {
        action: wanted.action.to_owned(),
        resource: wanted.resource.to_owned(),
        allowed: access.is_allowed(),
        decision: access.word(),
        because: access.because(wanted.action),
        policies: asked.review().into_iter().map(policy).collect(),
    }))
}

fn granted(authorized: &AuthorizedSession) -> Session {
    let (session, length) = (authorized.session(), authorized.length());
    Session {
        name: Some(session.session_name.clone()),
        source_identity: session.source_identity.clone(),
        tags: session.tags.iter().map(tag).collect(),
        seconds: Some(length.granted.as_secs()),
        limited_by: Some(limit_by(length.because)),
        limits: length
            .limits
            .iter()
            .map(|(by, limit)| Limit { by: limit_by(*by), seconds: limit.as_secs() })
            .collect(),
        expires: Some(session.expires.to_rfc3339()),
    }
}

const fn limit_by(limit: LengthLimit) -> &'static str {
    match limit {
        LengthLimit::Asked => "the caller",
        LengthLimit::Rule => "the rule",
        LengthLimit::Default => "the default of one hour",
        LengthLimit::RoleMaximum => "the role's maximum",
        LengthLimit::AssertedDuration => "the assertion's SessionDuration",
        LengthLimit::AssertedEnd => "the assertion's SessionNotOnOrAfter",
    }
}

fn as_it_would_be(identity: &FederatedIdentity, offer: &RoleOffer) -> Session {
    let name = offer.session_name.as_ref().or(identity.asserted().session_name.as_ref());
    Session {
        name: name.cloned(),
        source_identity: offer.source_identity.clone(),
        tags: offer.tags.iter().map(tag).collect(),
        seconds: None,
        limited_by: None,
        limits: Vec::new(),
        expires: None,
    }
}

fn tag(tag: &SessionTag) -> Tag {
    Tag { key: tag.key.clone(), value: tag.value.clone(), transitive: tag.transitive }
}

fn action(review: ActionReview) -> Action {
    Action {
        action: review.action.to_owned(),
        allowed: review.decision.is_allow(),
        statements: review.statements.into_iter().map(statement).collect(),
    }
}

fn statement(review: StatementReview) -> Statement {
    Statement {
        index: review.statement.index,
        sid: review.statement.sid,
        effect: match review.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        },
        applies: review.obstacles.is_empty(),
        obstacles: review.obstacles.into_iter().map(obstacle).collect(),
    }
}

fn obstacle(obstacle: iam::Obstacle) -> Obstacle {
    let (element, wanted) = match obstacle {
        iam::Obstacle::Condition { operator, key, wanted, actual, undecided } => {
            let (operator, key) = (Some(operator), Some(key));
            return Obstacle { element: "Condition", operator, key, wanted, actual, undecided };
        }
        iam::Obstacle::Principal(named) => ("Principal", named),
        iam::Obstacle::Action => ("Action", Vec::new()),
        iam::Obstacle::Resource => ("Resource", Vec::new()),
    };
    Obstacle { element, operator: None, key: None, wanted, actual: Vec::new(), undecided: false }
}
