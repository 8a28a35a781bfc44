//! `policies`, `permissions_boundary` and `service_control_policies` become the rights of roles and users,
//! `[[policy]]` what a session may be limited to.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::{Item, Place, read_text};
use super::fault::Faults;
use super::providers::declared_account;
use super::settings::{AccountSettings, GroupSettings, PolicySettings, RoleSettings, UserSettings};
use crate::arn::{AccountId, PolicyArn};
use crate::directory::Directory;
use crate::policy::iam::{Policy, PolicyFault, PolicyKind};
use crate::policy::rights::{HolderRights, NamedPolicy};

/// AWS's own bound on a policy document (facts 5.7).
const LARGEST_POLICY: u64 = 131_072;

/// Policy documents, each read and compiled once, however many roles share it.
#[derive(Default)]
pub(super) struct Documents {
    read: HashMap<(PathBuf, PolicyKind), Option<Arc<NamedPolicy>>>,
}

impl Documents {
    /// What the sessions of a role may do at most.
    pub(super) fn role(&mut self, role: &RoleSettings, place: &Place, faults: &mut Faults) -> HolderRights {
        self.rights(&role.policies, role.permissions_boundary.as_ref(), place, faults)
    }

    /// What a user may do at most.
    pub(super) fn user(&mut self, user: &UserSettings, place: &Place, faults: &mut Faults) -> HolderRights {
        self.rights(&user.policies, user.permissions_boundary.as_ref(), place, faults)
    }

    /// What the members of a group may do.
    pub(super) fn group(
        &mut self,
        group: &GroupSettings,
        place: &Place,
        faults: &mut Faults,
    ) -> Vec<Arc<NamedPolicy>> {
        self.rights(&group.policies, None, place, faults).identity
    }

    fn rights(
        &mut self,
        policies: &[PathBuf],
        boundary: Option<&PathBuf>,
        place: &Place,
        faults: &mut Faults,
    ) -> HolderRights {
        let mut read = |kind, file: &PathBuf, key| self.policy(kind, file, place, key, faults);
        let identity = policies.iter();
        let identity = identity.filter_map(|file| read(PolicyKind::Identity, file, "policies")).collect();
        let boundary = boundary.and_then(|file| read(PolicyKind::Boundary, file, "permissions_boundary"));
        HolderRights { identity, boundary }
    }

    /// What callers may limit a session to.
    pub(super) fn managed(
        &mut self,
        policies: &[Item<PolicySettings>],
        directory: &Directory,
        faults: &mut Faults,
    ) -> HashMap<PolicyArn, Arc<NamedPolicy>> {
        let mut managed = HashMap::new();
        for Item { value, place } in policies {
            let text = read_policy(&value.document, place, "document", faults);
            let policy = text.and_then(|text| {
                let parsed = Policy::parse(PolicyKind::Managed, &text);
                sound(parsed, &value.document, place, "document", faults)
            });
            let arn = match value.arn.parse::<PolicyArn>() {
                Ok(arn) => arn,
                Err(error) => {
                    faults.error(place.at("arn"), error.to_string(), "write the policy's whole ARN");
                    continue;
                }
            };
            if let Some(account) = arn.account() {
                declared_account(&account.to_string(), "arn", place, directory, faults);
            }
            let Some(policy) = policy else { continue };
            let named = NamedPolicy { name: value.arn.clone(), policy };
            if managed.insert(arn, Arc::new(named)).is_some() {
                let message = format!("policy {} is declared twice", value.arn);
                faults.error(place.at("arn"), message, "keep one of the two");
            }
        }
        managed
    }

    /// What limits whole accounts.
    pub(super) fn service_control(
        &mut self,
        accounts: &[Item<AccountSettings>],
        faults: &mut Faults,
    ) -> HashMap<AccountId, Vec<Vec<Arc<NamedPolicy>>>> {
        const KEY: &str = "service_control_policies";
        let mut limits = HashMap::new();
        for Item { value, place } in accounts {
            let levels = &value.service_control_policies;
            if levels.iter().any(Vec::is_empty) {
                let help = "name a policy that allows, or take the level out";
                faults.error(place.at(KEY), "a level without a policy allows nothing", help);
            }
            let mut read = |file: &PathBuf| self.policy(PolicyKind::ServiceControl, file, place, KEY, faults);
            let levels: Vec<Vec<_>> =
                levels.iter().map(|level| level.iter().filter_map(&mut read).collect()).collect();
            if let Ok(id) = value.id.parse() {
                limits.insert(id, levels);
            }
        }
        limits
    }

    fn policy(
        &mut self,
        kind: PolicyKind,
        file: &Path,
        place: &Place,
        key: &str,
        faults: &mut Faults,
    ) -> Option<Arc<NamedPolicy>> {
        let read = self.read.entry((place.resolve(file), kind)).or_insert_with(|| {
            let text = read_policy(file, place, key, faults)?;
            let policy = sound(Policy::parse(kind, &text), file, place, key, faults)?;
            Some(Arc::new(NamedPolicy { name: file.display().to_string(), policy }))
        });
        read.clone()
    }
}

/// The text of a policy document.
pub(super) fn read_policy(file: &Path, place: &Place, key: &str, faults: &mut Faults) -> Option<String> {
    match read_text(&place.resolve(file), LARGEST_POLICY) {
        Ok(text) => {
            place.note(&text);
            Some(text)
        }
        Err(problem) => {
            faults.error(place.at(key), problem, "name an IAM policy in JSON");
            None
        }
    }
}

/// The policy, if it is one.
pub(super) fn sound<T>(
    parsed: Result<T, Vec<PolicyFault>>,
    file: &Path,
    place: &Place,
    key: &str,
    faults: &mut Faults,
) -> Option<T> {
    match parsed {
        Ok(policy) => Some(policy),
        Err(problems) => {
            for problem in problems {
                let message = format!("{} is not a valid policy: {problem}", file.display());
                faults.error(place.at(key), message, "mend the policy document there");
            }
            None
        }
    }
}
