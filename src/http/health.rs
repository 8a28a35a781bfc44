//! What the broker depends on, how each does, and what that means: for `/readyz` and for those in charge.

use std::time::Duration;

use serde::Serialize;

use crate::broker::{Broker, OtherNodes, Others, RequestContext, RingState};
use crate::clock::Moment;
use crate::directory::{Provider, Verifier};
use crate::identity::oidc::KeyState;
use crate::identity::saml::MetadataState;
use crate::issuer::upstream::UpstreamSts;

/// A thing the broker depends on.
#[derive(Serialize)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// `ok`, `degraded`, `failing` or `unknown`.
    pub(super) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
    pub(super) means: &'static str,
}

/// All of them; `store` is why the store does not write, if it does not.
pub(super) fn dependencies(
    context: &RequestContext<'_>,
    broker: &Broker,
    store: Option<&impl ToString>,
) -> Vec<Dependency> {
    let mut dependencies = vec![Dependency {
        name: format!("store ({})", broker.store_kind()),
        state: if store.is_none() { "ok" } else { "failing" },
        detail: store.map(ToString::to_string),
        means: if store.is_none() {
            "assertions are accepted once"
        } else {
            "SAML sign-in and sign-in tokens are refused with 503, logouts hold until a restart only; OIDC tokens are \
             exchanged without a record"
        },
    }];
    let unheard_for = broker.unheard_for();
    let others = broker.others().map(|others| of_others(others, unheard_for, context.at()));
    dependencies.extend(others);
    dependencies.extend(broker.other_nodes().map(of_nodes));
    dependencies.push(of_ring(broker.ring()));
    dependencies.extend(context.snapshot().upstreams.all().iter().map(|sts| of_upstream(sts)));
    let providers = context.snapshot().directory.providers();
    dependencies.extend(providers.iter().map(|provider| of_provider(provider, context.at())));
    dependencies
}

fn of_others(others: Others, unheard_for: Option<Duration>, at: Moment) -> Dependency {
    let (state, detail, means) = match others {
        Others::Heard => ("ok", None, "what another node revokes ends here at once"),
        Others::Lost { since, reason } => {
            let lasts = at.since(since);
            let detail = format!("for {} s: {reason}", lasts.as_secs());
            if unheard_for.is_some_and(|longest| lasts >= longest) {
                ("failing", Some(detail), "credentials are refused with 503 until they are heard again")
            } else {
                let means =
                    "what another node revokes meanwhile still works here, until they are heard again";
                ("degraded", Some(detail), means)
            }
        }
    };
    Dependency { name: "revocations of other nodes".into(), state, detail, means }
}

fn of_nodes(nodes: OtherNodes) -> Dependency {
    let OtherNodes { count, differences, .. } = nodes;
    let (state, detail, means) = if differences.is_empty() {
        ("ok", format!("{count} more"), "they have the same keys and configuration")
    } else {
        let means = "what one node gives, another may refuse, and they may decide otherwise";
        ("degraded", differences.join("; "), means)
    };
    Dependency { name: "nodes on this store".into(), state, detail: Some(detail), means }
}

fn of_ring(ring: RingState) -> Dependency {
    let (state, means) = match ring.trouble {
        None => ("ok", "its file is followed"),
        Some(_) => ("degraded", "what it held before is in force; new keys are not seen"),
    };
    let detail = ring.trouble.unwrap_or_else(|| format!("{} seals since {}", ring.sealing, ring.since));
    Dependency { name: "key ring".into(), state, detail: Some(detail), means }
}

fn of_upstream(sts: &UpstreamSts) -> Dependency {
    let detail = sts.trouble();
    let (state, means) = match detail {
        None => ("ok", "its credentials are given as they are asked for"),
        Some(_) => {
            ("degraded", "what it gave before is given again while it is good; the rest is refused with 503")
        }
    };
    Dependency { name: format!("upstream {}", sts.name()), state, detail, means }
}

fn of_provider(provider: &Provider, at: Moment) -> Dependency {
    let (state, detail, means) = match &provider.verifier {
        Verifier::Oidc(oidc) => of_keys(oidc.key_state(at)),
        Verifier::Saml(saml) => of_metadata(&saml.provider.metadata_state(at)),
    };
    Dependency { name: format!("provider {}", provider.name), state, detail, means }
}

fn of_keys(state: KeyState) -> (&'static str, Option<String>, &'static str) {
    match state {
        KeyState::Fresh { .. } => ("ok", None, "its tokens are verified with known keys"),
        KeyState::Stale { age, reason } => (
            "degraded",
            Some(format!("not renewed for {} s: {reason}", age.as_secs())),
            "tokens by known keys are accepted; new keys are not seen",
        ),
        KeyState::Missing { reason } => (
            "unknown",
            Some(reason),
            "its tokens are refused until its keys can be fetched, which every token tries",
        ),
    }
}

fn of_metadata(state: &MetadataState) -> (&'static str, Option<String>, &'static str) {
    let detail = (!state.troubles.is_empty()).then(|| state.troubles.join("; "));
    match (state.is_usable, &detail) {
        (true, None) => ("ok", None, "its responses are verified with the keys of its metadata"),
        (true, Some(_)) => {
            ("degraded", detail, "its responses are verified; look at its metadata before they no longer are")
        }
        (false, _) => ("failing", detail, "its responses are refused until there is metadata that is valid"),
    }
}
