//! Where a caller stands: its names, and the policies that are attached to it.

use std::sync::Arc;

use super::combine::{Applicable, SessionLimit};
use super::{HolderRights, NamedPolicy, Rights};
use crate::arn::AccountId;
use crate::identity::Holder;
use crate::policy::iam::{AwsCaller, Policy, PolicyKind};

/// A caller, and what its policies are.
pub(in crate::policy) struct Standing<'a> {
    pub(in crate::policy) holder: Holder<'a>,
    arn: String,
    /// Of the role or the user whose rights they are at most.
    rights: Option<&'a HolderRights>,
    service_control: &'a [Vec<Arc<NamedPolicy>>],
    /// Those that came with the session; nothing where there are none.
    of_session: Option<Vec<Policy>>,
}

impl<'a> Standing<'a> {
    pub(in crate::policy) fn of(rights: &'a Rights, holder: Holder<'a>) -> Self {
        // It was checked when the session was opened; what can't be read any more allows nothing.
        let parse = |text: &String| Policy::parse(PolicyKind::Session, text).into_iter().collect();
        let (of_holder, of_session) = match holder {
            Holder::Role(session) => {
                (rights.roles.get(&session.role), session.session_policy.as_ref().map(parse))
            }
            Holder::User(session) => (rights.users.get(&session.user), None),
            Holder::FederatedUser(session) => (
                rights.users.get(&session.made_by),
                Some(session.session_policy.as_ref().map(parse).unwrap_or_default()),
            ),
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
