//! Ending what AWS gave: the policy that its console attaches as `AWSRevokeOlderSessions` (facts 1.6).

use serde_json::{Value, json};

use super::{UpstreamKind, UpstreamRole};
use crate::clock::Moment;

/// What to attach to a role of an upstream, so that sessions of it end there.
#[derive(Debug, Clone, PartialEq)]
pub struct EndThere {
    /// The upstream's name.
    pub upstream: String,
    /// The ARN of the role there.
    pub role: String,
    /// Whether it ends what was named alone; else every older session of the role.
    pub is_exact: bool,
    /// The policy: it denies everything to sessions that were issued up to a time.
    pub policy: Value,
}

impl UpstreamRole {
    /// What ends its sessions that were issued up to `issued_before`, or those under one source identity; nothing
    /// where the STS knows no such policies.
    pub fn end(
        &self,
        issued_before: Moment,
        source_identity: Option<&str>,
        is_exact: bool,
    ) -> Option<EndThere> {
        if self.sts.settings.kind != UpstreamKind::Aws {
            return None;
        }
        let mut condition = json!({"DateLessThanEquals": {"aws:TokenIssueTime": issued_before.to_rfc3339()}});
        if let Some(name) = source_identity {
            condition["StringEquals"] = json!({"aws:SourceIdentity": name});
        }
        let statement = json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition});
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        Some(EndThere { upstream: self.sts.name().to_owned(), role: self.role.clone(), is_exact, policy })
    }
}
