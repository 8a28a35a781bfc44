//! A report for people.

use super::paper::{Paper, Tone};
use super::{
    Access, Action, Asserted, Check, CheckOutcome, Clause, Document, Identity, Obstacle, Part, Provider,
    Refused, Report, Role, Rule, RuleOutcome, Statement, Tag, Token,
};

/// Where labels and values of facts stand.
const FACT: (usize, usize) = (2, 17);
/// Where names of attributes and their values stand.
const NAMED: (usize, usize) = (2, 26);
/// Where outcomes stand, and what they are of.
const OUTCOME: (usize, usize) = (2, 12);
/// Where names of checks end and what they saw begins.
const SEEN: usize = 44;
/// Where what belongs to a role stands.
const OF_ROLE: (usize, usize) = (12, 26);

/// Writes `report` on `paper`.
pub fn render(report: &Report, mut paper: Paper) -> String {
    if let Some(document) = &report.document {
        write_document(&mut paper, document);
    }
    if let Some(provider) = &report.provider {
        write_provider(&mut paper, provider);
    }
    paper.heading("Time");
    paper.entry(FACT, (Tone::Plain, "decided for"), &report.at);
    if let Some(clock) = &report.clock {
        paper.entry(FACT, (Tone::Plain, "issued"), &clock.issued);
        paper.entry(FACT, (Tone::Plain, "difference"), &clock.meaning);
    }
    section(&mut paper, "Checks", &report.checks, write_check);
    if let Some(identity) = &report.identity {
        write_identity(&mut paper, identity);
    }
    section(&mut paper, "Rules", &report.rules, write_rule);
    section(&mut paper, "Roles", &report.roles, write_role);
    section(&mut paper, "Notes", &report.notes, |paper, note| paper.entry((2, 4), (Tone::Plain, "-"), note));
    write_answer(&mut paper, report);
    paper.into_text()
}

fn section<T>(paper: &mut Paper, name: &str, items: &[T], write: impl Fn(&mut Paper, &T)) {
    if !items.is_empty() {
        paper.heading(name);
        items.iter().for_each(|item| write(paper, item));
    }
}

fn write_document(paper: &mut Paper, document: &Document) {
    paper.heading("Document (what it says of itself)");
    if let Some(bytes) = document.bytes {
        paper.entry(FACT, (Tone::Plain, "size"), &format!("{bytes} bytes"));
    }
    if let Some(token) = &document.token {
        write_token(paper, token);
    }
    let parts = [("Response", &document.response), ("Assertion", &document.assertion)];
    for (name, part) in parts {
        let encrypted = if name == "Assertion" && document.encrypted { "encrypted; " } else { "" };
        match part {
            Some(part) => write_part(paper, name, part, encrypted),
            None if encrypted.is_empty() => {}
            None => paper.entry(FACT, (Tone::Plain, name), "encrypted"),
        }
    }
    if let Some(fingerprint) = &document.unknown_certificate {
        let value = format!("SHA-256 {fingerprint}, which the metadata does not have");
        paper.entry(FACT, (Tone::Odd, "certificate"), &value);
    }
}

fn write_token(paper: &mut Paper, token: &Token) {
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    paper.entry(FACT, (Tone::Plain, "issuer"), &known(&token.issuer));
    paper.entry(FACT, (Tone::Plain, "audience"), &token.audiences.join(", "));
    if let Some(party) = &token.authorized_party {
        paper.entry(FACT, (Tone::Plain, "azp"), party);
    }
    let times = format!("{} to {}", known(&token.issued), known(&token.expires));
    paper.entry(FACT, (Tone::Plain, "valid"), &times);
    let key = token.key_id.as_ref().map_or_else(|| "an unnamed key".to_owned(), |id| format!("the key {id}"));
    let holds = if token.signed { "and the signature holds" } else { "unverified" };
    paper.entry(FACT, (Tone::Plain, "signed"), &format!("by {key}, {}: {holds}", known(&token.algorithm)));
}

fn write_part(paper: &mut Paper, name: &str, part: &Part, encrypted: &str) {
    let id = part.id.as_deref().unwrap_or("none");
    let answers = part.in_response_to.as_deref().map(|id| format!(", answers {id}"));
    paper.entry(FACT, (Tone::Plain, name), &format!("{encrypted}ID {id}{}", answers.unwrap_or_default()));
    let issuer = part.issuer.as_deref().unwrap_or("nobody");
    let issued = part.issued.as_deref().unwrap_or("an unknown time");
    paper.line(FACT.1, &format!("issued by {issuer} at {issued}"));
    let signed = match &part.signature {
        None => "not signed".to_owned(),
        Some(signature) => {
            let short = |uri: &Option<String>| {
                let uri = uri.as_deref().unwrap_or("an unknown algorithm");
                uri.rsplit_once('#').map_or(uri, |(_, name)| name).to_owned()
            };
            let holds =
                if signature.verified_by.is_some() { "and the signature holds" } else { "unverified" };
            format!("signed by {}, digest {}: {holds}", short(&signature.algorithm), short(&signature.digest))
        }
    };
    paper.line(FACT.1, &signed);
}

fn write_provider(paper: &mut Paper, provider: &Provider) {
    paper.heading("Provider");
    paper.entry(FACT, (Tone::Plain, &provider.name), &provider.arn);
    let label = if provider.arn.contains(":oidc-provider/") { "issuer" } else { "entity id" };
    paper.entry(FACT, (Tone::Plain, label), provider.issuer.as_deref().unwrap_or("not known yet"));
    if !provider.keys.is_empty() {
        paper.entry(FACT, (Tone::Plain, "keys"), &provider.keys.join(", "));
    }
    let confirmed = provider.metadata_confirmed.as_ref().map(|at| format!("as of {at}"));
    let valid = provider.metadata_valid_until.as_ref().map(|until| format!("valid until {until}"));
    let metadata: Vec<_> = confirmed.into_iter().chain(valid).collect();
    if !metadata.is_empty() {
        paper.entry(FACT, (Tone::Plain, "metadata"), &metadata.join(", "));
    }
    for trouble in &provider.metadata_troubles {
        paper.entry(FACT, (Tone::Odd, "look at"), trouble);
    }
    for certificate in &provider.certificates {
        paper.entry(FACT, (Tone::Plain, "certificate"), &certificate.subject);
        paper.line(FACT.1, &format!("SHA-256 {}", certificate.fingerprint));
        let over = if certificate.expired { "expired, its key counts all the same: " } else { "" };
        let signed = if certificate.signed.is_empty() {
            "signed nothing here".to_owned()
        } else {
            format!("signed the {}", certificate.signed.join(" and the "))
        };
        paper.line(FACT.1, &format!("{over}until {}; {signed}", certificate.not_after));
    }
}

fn write_check(paper: &mut Paper, check: &Check) {
    let (tone, label) = match check.outcome {
        CheckOutcome::Passed => (Tone::Good, "ok"),
        CheckOutcome::Failed => (Tone::Bad, "REFUSED"),
        CheckOutcome::Waived => (Tone::Odd, "waived"),
    };
    if check.outcome == CheckOutcome::Passed {
        let name = format!("{:<width$}", check.check, width = SEEN - OUTCOME.1 - 1);
        paper.entry(OUTCOME, (tone, label), &format!("{name} {}", check.seen));
        if check.expected != check.seen {
            paper.line(OUTCOME.1 + 2, &format!("expected {}", check.expected));
        }
        return;
    }
    paper.entry(OUTCOME, (tone, label), &check.check);
    let below = (OUTCOME.1, OUTCOME.1 + 10);
    paper.entry(below, (Tone::Plain, "saw"), &check.seen);
    paper.entry(below, (Tone::Plain, "expected"), &check.expected);
    if let Some(advice) = &check.advice {
        paper.entry(below, (Tone::Plain, "next"), advice);
    }
}

fn write_identity(paper: &mut Paper, identity: &Identity) {
    paper.heading(if identity.believed {
        "Identity (what the rules see)"
    } else {
        "Identity (signed, but refused: no rule sees it)"
    });
    let subject = format!("{} ({})", identity.subject, identity.subject_type);
    paper.entry(FACT, (Tone::Plain, "subject"), &subject);
    for attribute in &identity.attributes {
        let mut values = attribute.values.iter();
        let first = values.next().map_or("(no value)", |value| value);
        if let Some((last, others)) = attribute.expressions.split_last() {
            others.iter().for_each(|other| paper.entry(NAMED, (Tone::Plain, other), ""));
            paper.entry(NAMED, (Tone::Plain, last), first);
        }
        values.for_each(|value| paper.line(NAMED.1, value));
    }
    for name in &identity.ambiguous {
        let meaning = "could be several of these: a rule that asks for it fails";
        paper.entry(NAMED, (Tone::Odd, name), meaning);
    }
    if let Some(asserted) = &identity.asserted {
        write_asserted(paper, asserted);
    }
}

fn write_asserted(paper: &mut Paper, asserted: &Asserted) {
    let mut said = Vec::new();
    said.extend(asserted.roles.iter().map(|pair| ("Role", format!("{} by {}", pair.role, pair.provider))));
    said.extend(asserted.session_name.iter().map(|name| ("RoleSessionName", name.clone())));
    said.extend(asserted.session_seconds.iter().map(|s| ("SessionDuration", format!("{s} s"))));
    said.extend(asserted.tags.iter().map(|tag| ("PrincipalTag", tag_text(tag))));
    said.extend(asserted.source_identity.iter().map(|name| ("SourceIdentity", name.clone())));
    if said.is_empty() {
        return;
    }
    paper.heading("AWS attributes, as understood");
    for (name, value) in said {
        paper.entry(NAMED, (Tone::Plain, name), &value);
    }
    if !asserted.counts {
        paper.line(2, "Without assert_roles, its roles, tags and source identity do not count.");
    }
}

fn write_rule(paper: &mut Paper, rule: &Rule) {
    let (tone, label) = match rule.outcome {
        RuleOutcome::Matched => (Tone::Good, "matched"),
        RuleOutcome::NotMatched => (Tone::Plain, "no"),
        RuleOutcome::OtherProvider => (Tone::Plain, "not asked"),
        RuleOutcome::Failed => (Tone::Bad, "FAILED"),
        RuleOutcome::PassedOver => (Tone::Plain, "too late"),
        RuleOutcome::Denied => (Tone::Bad, "DENIES"),
    };
    paper.entry(OUTCOME, (tone, label), &rule.rule);
    let below = (OUTCOME.1, OUTCOME.1 + 10);
    if rule.outcome == RuleOutcome::OtherProvider {
        let provider = rule.provider.as_deref().unwrap_or("another");
        paper.entry(below, (Tone::Plain, "is for"), &format!("provider {provider}"));
        return;
    }
    paper.entry(below, (Tone::Plain, "when"), &rule.when);
    if let (Some(field), Some(reason)) = (rule.failed_in, &rule.reason) {
        paper.entry(below, (Tone::Plain, "failed in"), &format!("{field}: {reason}"));
    }
    if let (RuleOutcome::PassedOver, Some(by)) = (rule.outcome, &rule.reason) {
        paper.entry(below, (Tone::Plain, "after"), &format!("{by}, which came first and counts"));
    }
    // One part is the whole, which was shown.
    let is_whole = rule.clauses.len() == 1;
    rule.clauses.iter().for_each(|clause| write_clause(paper, clause, is_whole));
    let label = match rule.outcome {
        RuleOutcome::Matched => "offers",
        RuleOutcome::Denied => "denies",
        _ => return,
    };
    rule.roles.iter().for_each(|role| paper.entry(below, (Tone::Plain, label), role));
    if rule.roles.is_empty() {
        paper.entry(below, (Tone::Plain, label), "every role");
    }
}

fn write_clause(paper: &mut Paper, clause: &Clause, is_whole: bool) {
    let below = (OUTCOME.1, OUTCOME.1 + 10);
    if !is_whole {
        let said = match clause.holds {
            Some(true) => (Tone::Good, "true"),
            Some(false) => (Tone::Bad, "FALSE"),
            None => (Tone::Bad, "FAILED"),
        };
        paper.entry(below, said, &clause.clause);
    }
    for read in &clause.reads {
        let values = if read.values.is_empty() { "nothing".to_owned() } else { read.values.join(", ") };
        let seen = format!("{}: {values}", read.name);
        if is_whole {
            paper.entry(below, (Tone::Plain, "saw"), &seen)
        } else {
            paper.line(below.1 + 2, &seen)
        }
    }
}

fn write_role(paper: &mut Paper, role: &Role) {
    let (tone, label) = if role.refused.is_some() { (Tone::Bad, "REFUSED") } else { (Tone::Good, "granted") };
    paper.entry(OUTCOME, (tone, label), &role.role);
    let session = &role.session;
    paper.entry(OF_ROLE, (Tone::Plain, "offered by"), &role.offered_by);
    paper.entry(OF_ROLE, (Tone::Plain, "session name"), session.name.as_deref().unwrap_or("none"));
    if let Some(source_identity) = &session.source_identity {
        paper.entry(OF_ROLE, (Tone::Plain, "source id"), source_identity);
    }
    for tag in &session.tags {
        paper.entry(OF_ROLE, (Tone::Plain, "tag"), &tag_text(tag));
    }
    if let (Some(seconds), Some(by), Some(end)) = (session.seconds, session.limited_by, &session.expires) {
        let lasts = format!("{seconds} s, until {end}, by {by}");
        paper.entry(OF_ROLE, (Tone::Plain, "lasts"), &lasts);
        // Where nobody asked for more, the others are of no interest.
        if session.limits.first().is_some_and(|wished| wished.seconds > seconds || wished.by == "the caller")
        {
            let limits = session.limits.iter().map(|limit| format!("{} s by {}", limit.seconds, limit.by));
            let least = limits.collect::<Vec<_>>().join(", ");
            paper.entry(OF_ROLE, (Tone::Plain, "the least of"), &least);
        }
    }
    if let Some(made_by) = &role.made_by {
        paper.entry(OF_ROLE, (Tone::Plain, "made by"), made_by);
    }
    if let Some(refused) = &role.refused {
        write_refused(paper, OF_ROLE, refused);
    }
    role.actions.iter().for_each(|action| write_action(paper, action));
    role.access.iter().for_each(|access| write_access(paper, access));
}

fn tag_text(tag: &Tag) -> String {
    format!("{} = {}{}", tag.key, tag.value, if tag.transitive { " (transitive)" } else { "" })
}

fn write_action(paper: &mut Paper, action: &Action) {
    let said = if action.allowed { (Tone::Good, "allowed") } else { (Tone::Bad, "REFUSED") };
    paper.entry((OF_ROLE.0, OF_ROLE.0 + 10), said, &action.action);
    for statement in &action.statements {
        write_statement(paper, statement);
    }
}

fn write_access(paper: &mut Paper, access: &Access) {
    let said = if access.allowed { (Tone::Good, "may") } else { (Tone::Bad, "MAY NOT") };
    let wanted = format!("{} on {}", access.action, access.resource);
    paper.entry((OF_ROLE.0, OF_ROLE.0 + 10), said, &wanted);
    if let Some(because) = &access.because {
        paper.line(22, because);
    }
    for policy in &access.policies {
        paper.line(22, &format!("{} ({})", policy.policy, policy.kind));
        policy.statements.iter().for_each(|statement| write_statement(paper, statement));
    }
}

fn write_statement(paper: &mut Paper, statement: &Statement) {
    let sid = statement.sid.as_deref().map(|sid| format!(" {sid}")).unwrap_or_default();
    let applies = if statement.applies { "applies" } else { "does not apply" };
    let (index, effect) = (statement.index, statement.effect);
    paper.line(22, &format!("Statement[{index}]{sid}: {effect} {applies}"));
    for obstacle in &statement.obstacles {
        write_obstacle(paper, obstacle);
    }
}

fn write_obstacle(paper: &mut Paper, obstacle: &Obstacle) {
    let words = |values: &[String]| values.join(" or ");
    match (&obstacle.operator, &obstacle.key) {
        (Some(operator), Some(key)) => {
            paper.line(24, &format!("{} {operator} {key}", obstacle.element));
            let actual = match (obstacle.undecided, obstacle.actual.is_empty()) {
                (true, _) => "several values where one is expected: nobody can tell which counts".to_owned(),
                (false, true) => "absent".to_owned(),
                (false, false) => obstacle.actual.join(", "),
            };
            paper.entry((26, 34), (Tone::Plain, "wanted"), &words(&obstacle.wanted));
            paper.entry((26, 34), (Tone::Plain, "saw"), &actual);
        }
        _ if obstacle.wanted.is_empty() => {
            paper.line(24, &format!("its {} is another", obstacle.element));
        }
        _ => paper.line(24, &format!("its {} is {}", obstacle.element, words(&obstacle.wanted))),
    }
}

fn write_refused(paper: &mut Paper, place: (usize, usize), refused: &Refused) {
    paper.entry(place, (Tone::Plain, "refused by"), &refused.by);
    paper.entry(place, (Tone::Plain, "because"), &refused.reason);
    if let Some(seen) = &refused.seen {
        paper.entry(place, (Tone::Plain, "saw"), seen);
    }
    paper.entry(place, (Tone::Plain, "next"), &refused.advice);
}

fn write_answer(paper: &mut Paper, report: &Report) {
    paper.heading("Answer");
    let answer = &report.answer;
    for role in &answer.roles {
        paper.entry(OUTCOME, (Tone::Good, "GRANTED"), role);
    }
    if answer.may == Some(false) {
        let reason = "but what was asked by --action, which no session of it may do: see Roles";
        paper.entry(OUTCOME, (Tone::Bad, "REFUSED"), reason);
    }
    if let Some(refused) = &answer.refused {
        paper.entry(OUTCOME, (Tone::Bad, "REFUSED"), &format!("by {}: {}", refused.by, refused.reason));
        if let Some(seen) = &refused.seen {
            paper.entry(OUTCOME, (Tone::Plain, "saw"), seen);
        }
        paper.entry(OUTCOME, (Tone::Plain, "next"), &refused.advice);
    }
    let failed = report.checks.iter().filter(|check| check.outcome == CheckOutcome::Failed).count();
    if failed > 1 {
        paper.entry(OUTCOME, (Tone::Plain, "and"), &format!("{failed} checks failed in all: see Checks."));
    }
}
