//! What differs between what a case expects and what came of it, in lines for people.

use std::collections::BTreeMap;

use crate::broker::rehearse::Offer;
use crate::broker::rehearse::{Rehearsed, RehearsedRole};

/// Every difference; none, and the case holds.
pub(super) fn differences(offers: &[Offer], rehearsed: &Rehearsed) -> Vec<String> {
    let mut found = Vec::new();
    for offer in offers {
        match rehearsed.roles.iter().find(|role| role.role.as_str() == offer.role) {
            None => found.push(format!("{} is expected, and no rule offers it", offer.role)),
            Some(role) => of_role(offer, role, &mut found),
        }
    }
    for role in &rehearsed.roles {
        if !offers.iter().any(|offer| offer.role == role.role.as_str()) {
            found.push(format!("{} is offered, and not expected", role.role));
        }
    }
    found
}

fn of_role(offer: &Offer, seen: &RehearsedRole, found: &mut Vec<String>) {
    let mut differs = |what: &str, expected: &str, seen: &str| {
        if expected != seen {
            found.push(format!("{} {what}\n  expected {expected}\n  saw      {seen}", offer.role));
        }
    };
    match (&offer.refused, &seen.session) {
        (Some(expected), Ok(_)) => differs("is granted", &format!("refused by {expected}"), "granted"),
        (Some(expected), Err((check, reason))) if expected != check => {
            differs("is refused", expected, &format!("{check} ({reason})"));
        }
        (None, Err((check, reason))) => differs("is refused", "granted", &format!("{check} ({reason})")),
        _ => {}
    }
    if let Ok((name, length)) = &seen.session {
        offer.session_name.iter().for_each(|expected| differs("session name", expected, name));
        let seconds = length.as_secs().to_string();
        offer.seconds.iter().for_each(|expected| differs("seconds", &expected.to_string(), &seconds));
    }
    if let Some(expected) = &offer.source_identity {
        differs("source identity", expected, seen.source_identity.as_deref().unwrap_or("none"));
    }
    if let Some(expected) = &offer.tags {
        let tags = seen.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect();
        differs("tags", &shown(expected), &shown(&tags));
    }
}

fn shown(tags: &BTreeMap<String, String>) -> String {
    let tags: Vec<_> = tags.iter().map(|(key, value)| format!("{key} = {value:?}")).collect();
    if tags.is_empty() { "none".to_owned() } else { tags.join(", ") }
}
