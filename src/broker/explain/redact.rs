//! Takes the person out of a report, so that it can be pasted into a ticket.
//!
//! A value that may be about a person becomes a placeholder with its length; the same value is the
//! same placeholder all over one report, so that equality stays visible. What stays is ours or the
//! provider's: names of checks, entity ids, audiences, addresses, certificates, role ARNs, names of
//! attributes. Every structure is taken apart by name: a new field does not compile until somebody
//! has decided here whether it is about a person.

use super::advice;
use super::report::{
    Access, Action, Answer, Asserted, AssertedRole, Attribute, Certificate, Check, Clause, Document,
    Identity, Obstacle, Part, Policy, Provider, Read, Refused, Report, Role, Rule, Session, Signature,
    Statement, Tag, Token,
};
use crate::arn::{ProviderArn, RoleArn};

/// What rules read that is never about a person: of whole objects, the names of their members.
const IMPERSONAL_READS: [&str; 6] = ["issuer", "provider", "protocol", "time", "attr", "claim"];

/// Condition keys whose values are never about a person.
const IMPERSONAL_KEYS: &[&str] = &[
    "saml:aud",
    "saml:iss",
    "saml:doc",
    "saml:sub_type",
    "saml:namequalifier",
    "aws:currenttime",
    "aws:epochtime",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:tagkeys",
    "aws:userid",
    "sts:durationseconds",
    "sts:transitivetagkeys",
];

/// Claims of a token that are never about a person (RFC 7519 section 4.1, OpenID Connect Core 2).
const IMPERSONAL_CLAIMS: &[&str] = &["iss", "aud", "azp", "exp", "iat", "nbf"];

/// Checks whose expectation repeats an ID of the document.
const EXPECTING_IDS: &[&str] = &["saml.in-response-to", "saml.signature.reference-uri"];

/// How a status begins that SAML itself defines.
const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";

/// Shorter values mean nothing outside of their place, and occur in every sentence.
const SHORTEST_KNOWN: usize = 3;
/// The same for values without a letter, such as a personnel number.
const SHORTEST_NUMBER: usize = 5;

/// Characters of either half of a mail address; the whole has 254 (RFC 5321 4.5.3.1).
const LONGEST_MAIL: usize = 254;

impl Report {
    /// The same report without the person.
    pub fn redacted(mut self) -> Self {
        let mut redactor = Redactor::default();
        let Self {
            version: _,
            at: _,
            answer,
            notes,
            document,
            provider,
            clock: _,
            checks,
            identity,
            rules,
            roles,
        } = &mut self;
        // First whatever has values to learn, then the prose that may repeat them.
        document.iter_mut().for_each(|document| redactor.document(document));
        identity.iter_mut().for_each(|identity| redactor.identity(identity));
        roles.iter_mut().for_each(|role| redactor.session(&mut role.session));
        roles.iter_mut().for_each(|role| redactor.role(role));
        checks.iter_mut().for_each(|check| redactor.check(check));
        rules.iter_mut().for_each(|rule| redactor.rule(rule));
        provider.iter_mut().for_each(|provider| redactor.provider(provider));
        notes.iter_mut().for_each(|note| redactor.prose(note));
        redactor.answer(answer);
        self
    }
}

/// Remembers what it replaced.
#[derive(Default)]
struct Redactor {
    values: Vec<String>,
}

impl Redactor {
    fn placeholder(&mut self, value: &str) -> String {
        let number = self.values.iter().position(|known| known == value).unwrap_or_else(|| {
            self.values.push(value.to_owned());
            self.values.len() - 1
        });
        format!("‹value {}: {} characters›", number + 1, value.chars().count())
    }

    /// A text that may be about a person.
    fn personal(&mut self, text: &mut String) {
        *text = self.placeholder(text);
    }

    /// A text that may repeat a value that is known, or a mail address.
    fn prose(&mut self, text: &mut String) {
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(next) = rest.chars().next() {
            let is_inside = out.ends_with(char::is_alphanumeric);
            let found =
                || self.known_at(rest).into_iter().chain(mail_address_at(rest)).max_by_key(String::len);
            if let Some(value) = if is_inside { None } else { found() } {
                out.push_str(&self.placeholder(&value));
                rest = &rest[value.len()..];
            } else {
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
        *text = out;
    }

    /// The longest known value that `text` begins with, if it ends with a word.
    fn known_at(&self, text: &str) -> Option<String> {
        let stands_here = |value: &&String| {
            let after = text.strip_prefix(value.as_str());
            is_telling(value) && after.is_some_and(|after| !after.starts_with(char::is_alphanumeric))
        };
        self.values.iter().filter(stands_here).max_by_key(|value| value.len()).cloned()
    }

    fn document(&mut self, document: &mut Document) {
        let Document {
            protocol: _,
            bytes: _,
            token,
            response,
            encrypted: _,
            assertion,
            unknown_certificate: _,
        } = document;
        if let Some(token) = token {
            self.token(token);
        }
        for part in [response, assertion].into_iter().flatten() {
            let Part { id, issuer, issued: _, in_response_to, signature } = part;
            id.iter_mut().chain(in_response_to).for_each(|id| self.personal(id));
            issuer.iter_mut().for_each(|issuer| self.prose(issuer));
            if let Some(Signature { algorithm, digest, verified_by: _ }) = signature {
                algorithm.iter_mut().chain(digest).for_each(|uri| self.prose(uri));
            }
        }
    }

    fn token(&mut self, token: &mut Token) {
        let Token {
            algorithm: _,
            key_id,
            signed: _,
            issuer,
            audiences,
            authorized_party,
            issued: _,
            expires: _,
        } = token;
        let texts = key_id.iter_mut().chain(issuer).chain(audiences).chain(authorized_party);
        texts.for_each(|text| self.prose(text));
    }

    fn identity(&mut self, identity: &mut Identity) {
        let Identity { believed: _, subject, subject_type, attributes, ambiguous, asserted } = identity;
        self.personal(subject);
        ambiguous.iter_mut().for_each(|name| self.prose(name));
        for Attribute { name, expressions, values } in attributes {
            if !(subject_type == "sub" && IMPERSONAL_CLAIMS.contains(&name.as_str())) {
                let values = values.iter_mut().filter(|value| !is_pair_of_arns(value));
                values.for_each(|value| self.personal(value));
            }
            self.prose(name);
            expressions.iter_mut().for_each(|expression| self.prose(expression));
        }
        if let Some(asserted) = asserted {
            let Asserted { counts: _, roles, session_name, session_seconds: _, tags, source_identity } =
                asserted;
            session_name.iter_mut().chain(source_identity).for_each(|name| self.personal(name));
            self.tags(tags);
            for AssertedRole { role, provider } in roles {
                [role, provider].into_iter().filter(|arn| !is_arn(arn)).for_each(|arn| self.personal(arn));
            }
        }
        self.prose(subject_type);
    }

    fn tags(&mut self, tags: &mut [Tag]) {
        for Tag { key, value, transitive: _ } in tags {
            self.personal(value);
            self.prose(key);
        }
    }

    fn session(&mut self, session: &mut Session) {
        let Session { name, source_identity, tags, seconds: _, limited_by: _, limits: _, expires: _ } =
            session;
        name.iter_mut().chain(source_identity).for_each(|name| self.personal(name));
        self.tags(tags);
    }

    /// But for its session, which was seen before.
    fn role(&mut self, role: &mut Role) {
        let Role { role: _, offered_by, refused, session: _, actions, access, made_by: _ } = role;
        self.prose(offered_by);
        refused.iter_mut().for_each(|refused| self.refused(refused));
        for Action { action: _, allowed: _, statements } in actions {
            self.statements(statements);
        }
        if let Some(access) = access {
            let Access { action: _, resource, allowed: _, decision: _, because: _, policies } = access;
            self.prose(resource);
            for Policy { kind: _, policy: _, statements } in policies {
                self.statements(statements);
            }
        }
    }

    fn statements(&mut self, statements: &mut [Statement]) {
        for Statement { index: _, sid: _, effect: _, applies: _, obstacles } in statements {
            obstacles.iter_mut().for_each(|obstacle| self.obstacle(obstacle));
        }
    }

    fn obstacle(&mut self, obstacle: &mut Obstacle) {
        let Obstacle { element: _, operator: _, key, wanted, actual, undecided: _ } = obstacle;
        let values = wanted.iter_mut().chain(actual);
        let is_impersonal =
            |key: &String| IMPERSONAL_KEYS.iter().any(|known| known.eq_ignore_ascii_case(key));
        match key {
            Some(key) if !is_impersonal(key) => values.for_each(|value| self.personal(value)),
            _ => values.for_each(|value| self.prose(value)),
        }
    }

    fn check(&mut self, check: &mut Check) {
        let Check { check, outcome: _, expected, seen, advice: _ } = check;
        self.seen(check, seen);
        if EXPECTING_IDS.contains(&check.as_str()) { self.personal(expected) } else { self.prose(expected) }
    }

    fn seen(&mut self, check: &str, seen: &mut String) {
        if advice::is_impersonal(check) {
            return self.prose(seen);
        }
        // The codes of a status come first; what follows is the provider's own prose.
        let is_standard = |word: &&str| check == "saml.status" && word.starts_with(STATUS);
        let standard = seen.split_inclusive(' ').take_while(is_standard).map(str::len).sum();
        self.personal_from(seen, standard);
    }

    fn personal_from(&mut self, text: &mut String, start: usize) {
        let mut rest = text.split_off(start);
        if !rest.is_empty() {
            self.personal(&mut rest);
            text.push_str(&rest);
        }
    }

    fn rule(&mut self, rule: &mut Rule) {
        let Rule { rule, provider: _, when, outcome: _, failed_in: _, reason, clauses, roles: _ } = rule;
        self.prose(rule);
        self.prose(when);
        reason.iter_mut().for_each(|reason| self.reason(reason));
        for Clause { clause, holds: _, reason, reads } in clauses {
            self.prose(clause);
            reason.iter_mut().for_each(|reason| self.reason(reason));
            for Read { name, values } in reads {
                self.prose(name);
                match IMPERSONAL_READS.contains(&name.as_str()) {
                    true => values.iter_mut().for_each(|value| self.prose(value)),
                    false => values.iter_mut().for_each(|value| self.personal(value)),
                }
            }
        }
    }

    /// What failed stands first; what follows may show the values that it failed with.
    fn reason(&mut self, reason: &mut String) {
        let values = reason.find([':', '\'', '"', '(']).unwrap_or(reason.len());
        let colon = if reason[values..].starts_with(": ") { 2 } else { 0 };
        self.personal_from(reason, values + colon);
    }

    fn provider(&mut self, provider: &mut Provider) {
        let Provider {
            name: _,
            arn: _,
            issuer: _,
            keys: _,
            metadata_confirmed: _,
            metadata_valid_until: _,
            metadata_troubles,
            certificates,
        } = provider;
        metadata_troubles.iter_mut().for_each(|trouble| self.prose(trouble));
        for Certificate { subject, fingerprint: _, not_after: _, expired: _, signed: _ } in certificates {
            self.prose(subject);
        }
    }

    fn answer(&mut self, answer: &mut Answer) {
        let Answer { granted: _, roles: _, may: _, refused } = answer;
        refused.iter_mut().for_each(|refused| self.refused(refused));
    }

    fn refused(&mut self, refused: &mut Refused) {
        let Refused { by, reason, seen, advice: _ } = refused;
        seen.iter_mut().for_each(|seen| self.seen(by, seen));
        if EXPECTING_IDS.contains(&by.as_str()) { self.personal(reason) } else { self.prose(reason) }
    }
}

/// Whether a value would tell something where it occurs in prose.
fn is_telling(value: &str) -> bool {
    let has_letters = value.chars().any(char::is_alphabetic);
    value.chars().count() >= if has_letters { SHORTEST_KNOWN } else { SHORTEST_NUMBER }
}

/// What looks like a mail address at the start of `text`.
fn mail_address_at(text: &str) -> Option<String> {
    let part = |text: &str| -> String {
        let fits = |c: &char| c.is_alphanumeric() || "._%+-".contains(*c);
        text.chars().take(LONGEST_MAIL).take_while(fits).collect()
    };
    let local = part(text);
    let host = part(text[local.len()..].strip_prefix('@')?);
    let host = host.trim_end_matches('.');
    (!local.is_empty() && host.contains('.')).then(|| format!("{local}@{host}"))
}

fn is_arn(text: &str) -> bool {
    text.parse::<RoleArn>().is_ok() || text.parse::<ProviderArn>().is_ok()
}

/// Whether it is a value of AWS's `Role` attribute, which names nobody.
fn is_pair_of_arns(value: &str) -> bool {
    value.split_once(',').is_some_and(|(one, other)| is_arn(one.trim()) && is_arn(other.trim()))
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
