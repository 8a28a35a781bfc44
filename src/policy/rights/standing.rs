//! Where a caller stands: its names, and the policies that are attached to it.

use std::sync::Arc;

use super::combine::{Applicable, SessionLimit};
use super::{HolderRights, Layer, NamedPolicy, Rights};
use crate::arn::AccountId;
use crate::identity::{Holder, SessionPolicies};
use crate::policy::iam::{AwsCaller, Policy, PolicyKind};

/// A caller, and what its policies are.
pub(in crate::policy) struct Standing<'a> {
    pub(in crate::policy) holder: Holder<'a>,
    arn: String,
    /// Of the role or the user whose rights they are at most.
    rights: Option<&'a HolderRights>,
    service_control: &'a [Vec<Arc<NamedPolicy>>],
    /// Those that came with the session; nothing where there are none.
    of_session: Option<Vec<Arc<NamedPolicy>>>,
}

impl<'a> Standing<'a> {
    pub(in crate::policy) fn of(rights: &'a Rights, holder: Holder<'a>) -> Self {
        let (of_holder, of_session) = match holder {
            Holder::Role(session) => {
                let policies = (!session.policies.is_empty()).then(|| of_session(rights, &session.policies));
                (rights.roles.get(&session.role), policies)
            }
            Holder::User(session) => (rights.users.get(&session.user), None),
            Holder::FederatedUser(session) => {
                (rights.users.get(&session.made_by), Some(of_session(rights, &session.policies)))
            }
        };
        let service_control = rights.service_control.get(&holder.account());
        Self {
            holder,
            arn: holder.arn(),
            rights: of_holder,
            service_control: service_control.map_or(&[], Vec::as_slice),
            of_session,
        }
    }

    /// Its names, as principals name it.
    pub(in crate::policy) fn caller(&self) -> AwsCaller<'_> {
        AwsCaller {
            account: self.holder.account(),
            arn: &self.arn,
            role: match self.holder {
                Holder::Role(session) => Some(session.role.as_str()),
                Holder::User(_) | Holder::FederatedUser(_) => None,
            },
            has_boundary: self.rights.is_some_and(|rights| rights.boundary.is_some()),
        }
    }

    /// Every policy that speaks of what it does to a resource of `account`, whose own policy is `resource`.
    pub(in crate::policy) fn applicable<'p>(
        &'p self,
        resource: Option<&'p Policy>,
        resource_account: AccountId,
    ) -> Applicable<'p> {
        Applicable {
            service_control: self.service_control,
            identity: self.rights.map_or(&[], |rights| rights.identity.as_slice()),
            boundary: self.rights.and_then(|rights| rights.boundary.as_deref()),
            session: self.of_session.as_deref().map_or(SessionLimit::Whole, SessionLimit::To),
            resource,
            resource_account,
        }
    }
}

/// What came with a session. All of it was there when the session was opened; of what is not any more, nobody
/// knows what it denied, so that nothing is allowed.
fn of_session(rights: &Rights, policies: &SessionPolicies) -> Vec<Arc<NamedPolicy>> {
    let inline = policies.inline.as_ref().map(|text| {
        let policy = Policy::parse(PolicyKind::Session, text).ok()?;
        Some(Arc::new(NamedPolicy { name: Layer::Session.name().to_owned(), policy }))
    });
    let managed = policies.managed.iter().map(|arn| rights.managed.get(arn).cloned());
    inline.into_iter().chain(managed).collect::<Option<_>>().unwrap_or_default()
}
