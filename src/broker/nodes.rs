//! Whether the nodes that share a store are one broker: the same keys, the same configuration, the same time.
//!
//! Each says every few seconds what it has, sealed with its ring, and looks at what the others say. What differs for a
//! while is shouted; `/readyz` and a gauge tell it at once.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Broker;
use crate::clock::Moment;
use crate::entropy;
use crate::seal::Purpose;
use crate::store::NodeNote;
use crate::telemetry;

/// How often each says what it has.
const EVERY: Duration = Duration::from_secs(5);
/// How long that can be believed.
const BELIEVED: Duration = Duration::from_secs(20);
/// How long something may differ before it is shouted: while files are on their way, it does.
const PATIENCE: Duration = Duration::from_secs(30);
/// How far a clock may be ahead. Tokens and assertions are judged by the clock of whoever gets them.
const SKEW: Duration = Duration::from_secs(5);

/// What a node says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Said {
    version: String,
    keys: Vec<String>,
    revision: [u8; 32],
    at: Moment,
}

/// The other nodes, as they were last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherNodes {
    /// How many there are.
    pub count: usize,
    /// What differs, and at whom.
    pub differences: Vec<String>,
    /// Since when something does.
    pub since: Option<Moment>,
}

impl Broker {
    /// What is known of other nodes on the same store, for `/readyz`; nothing where there can't be any.
    pub fn other_nodes(&self) -> Option<OtherNodes> {
        self.other_nodes.load().as_deref().cloned()
    }

    /// Says what this node has and looks at what others say, until the store is for one node only.
    pub async fn compare_with_others(&self) {
        let Ok(node) = entropy::bytes::<8>(self.parts.entropy.as_ref()) else { return };
        let mut every = tokio::time::interval(EVERY);
        let mut shouted = false;
        loop {
            every.tick().await;
            let at = self.parts.clock.now();
            let Some(note) = self.note(node, at) else { continue };
            let others = match self.parts.store.exchange(note, at).await {
                Ok(Some(others)) => others,
                Ok(None) => return,
                Err(_) => continue, // Whoever needs the store tells.
            };
            let seen = self.look_at(&others, at);
            telemetry::show_nodes(seen.count, seen.differences.len());
            let lasts = seen.since.is_some_and(|since| at.since(since) >= PATIENCE);
            if lasts && !shouted {
                tracing::error!(differences = ?seen.differences, "nodes that share a store are not the same");
            } else if shouted && seen.since.is_none() {
                tracing::info!(count = seen.count, "the nodes are the same again");
            }
            shouted = lasts || (shouted && seen.since.is_some());
            self.other_nodes.store(Some(seen.into()));
        }
    }

    fn said(&self, at: Moment) -> Said {
        let revision = self.snapshot.revision.0;
        Said { version: env!("CARGO_PKG_VERSION").into(), keys: self.parts.ring.names(), revision, at }
    }

    fn note(&self, node: [u8; 8], at: Moment) -> Option<NodeNote> {
        let body = postcard::to_allocvec(&self.said(at)).ok()?;
        let entropy = self.parts.entropy.as_ref();
        let sealed = self.parts.ring.seal_at(&node, Purpose::NodeNote, &body, entropy).ok()?;
        Some(NodeNote { node, sealed, until: at.plus(BELIEVED) })
    }

    fn look_at(&self, others: &[NodeNote], at: Moment) -> OtherNodes {
        let ours = self.said(at);
        let mut differences: Vec<_> = others
            .iter()
            .flat_map(|note| {
                let node: String = note.node[..4].iter().map(|byte| format!("{byte:02x}")).collect();
                let differ = match self.parts.ring.open_at(&note.node, Purpose::NodeNote, &note.sealed) {
                    // One of another version may say it in a way of its own.
                    Ok(body) => {
                        postcard::from_bytes(&body).map_or(Vec::new(), |theirs| differ(&ours, &theirs))
                    }
                    Err(_) => vec!["seals with a key that is not in this node's ring".to_owned()],
                };
                differ.into_iter().map(move |what| format!("node {node} {what}"))
            })
            .collect();
        differences.sort();
        let before = self.other_nodes.load().as_ref().and_then(|seen| seen.since);
        let since = (!differences.is_empty()).then(|| before.unwrap_or(at));
        OtherNodes { count: others.len(), differences, since }
    }
}

/// What `theirs` has otherwise than `ours`.
fn differ(ours: &Said, theirs: &Said) -> Vec<String> {
    let mut differ = Vec::new();
    let [our_keys, their_keys] = [ours, theirs].map(|said| said.keys.iter().collect::<BTreeSet<_>>());
    if our_keys != their_keys {
        let only = |one: &BTreeSet<&String>, other: &BTreeSet<&String>| {
            let names: Vec<_> = one.difference(other).map(|name| name.as_str()).collect();
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        };
        let (more, fewer) = (only(&their_keys, &our_keys), only(&our_keys, &their_keys));
        differ.push(format!("has another key ring: more are {more}, missing are {fewer}"));
    }
    // What one version writes of a configuration, another may write otherwise.
    if ours.version == theirs.version && ours.revision != theirs.revision {
        let [ours, theirs] = [ours, theirs].map(|said| crate::config::Revision(said.revision).short());
        differ.push(format!("has configuration {theirs}, and this one has {ours}"));
    }
    let ahead = theirs.at.since(ours.at);
    if ahead > SKEW {
        differ.push(format!("has a clock that is {} s ahead of this one's", ahead.as_secs()));
    }
    differ
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_told() {
        let at = Moment::from_unix(1_800_000_000);
        let said = |keys: &[&str], revision: u8, ahead: u64| Said {
            version: "1".into(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            revision: [revision; 32],
            at: at.plus(Duration::from_secs(ahead)),
        };
        let ours = said(&["a", "b"], 1, 0);
        assert_eq!(differ(&ours, &said(&["a", "b"], 1, 5)), Vec::<String>::new());
        assert_eq!(
            differ(&ours, &said(&["b", "c"], 2, 6)),
            [
                "has another key ring: more are c, missing are a",
                "has configuration 02020202, and this one has 01010101",
                "has a clock that is 6 s ahead of this one's",
            ]
        );
        assert_eq!(
            differ(&ours, &said(&["a"], 1, 0)),
            ["has another key ring: more are none, missing are b"]
        );
        let newer = Said { version: "2".into(), ..said(&["a", "b"], 2, 0) };
        assert_eq!(differ(&ours, &newer), Vec::<String>::new(), "another version's configuration");
    }
}
