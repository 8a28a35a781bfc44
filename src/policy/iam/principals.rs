//! Who a statement speaks of: its `Principal` or `NotPrincipal` (facts 5.1).
//!
//! Values are compared whole: there are no partial wildcards. A signed caller is known by several
//! names, from its own ARN to its account; the one that a statement uses decides what its `Allow` is
//! worth ([`Naming`]).

use super::caller::{AwsCaller, Caller};
use super::document::Effect;
use crate::arn::{AccountId, ProviderArn, is_name_byte};

/// The principals of one statement.
#[derive(Debug, Clone, Default)]
pub(super) struct Principals {
    /// Whether it speaks of everybody but these.
    negated: bool,
    /// `"Principal": "*"` or `{"AWS": "*"}`.
    pub(super) anyone: bool,
    federated: Vec<String>,
    services: Vec<String>,
    accounts: Vec<Account>,
    arns: Vec<String>,
}

/// Before whom a `NotPrincipal` leaves out.
const EXCEPT: &str = "everybody but ";

/// `111122223333`, or its root ARN.
#[derive(Debug, Clone)]
struct Account {
    id: AccountId,
    /// That of the ARN; an id alone is of any.
    partition: Option<String>,
}

/// How a statement names a signed caller, from what its `Allow` is worth least to what it is worth
/// most (facts 5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Naming {
    /// By its account, which passes the decision on to that account's own policies.
    Account,
    /// By the ARN of its role, or as one of everybody: in the same account nothing else need allow it,
    /// and boundary and session policy limit it still.
    Role,
    /// By its own ARN, as a provider or as a service: nothing but a deny limits it in the same account.
    Itself,
}

impl Principals {
    /// `"Principal": "*"`.
    pub(super) fn everybody() -> Self {
        Self { anyone: true, ..Self::default() }
    }

    /// `NotPrincipal`: everybody but these.
    pub(super) fn everybody_else(self) -> Self {
        Self { negated: true, ..self }
    }

    /// The federated ones.
    pub(super) fn federated(&self) -> impl Iterator<Item = &str> {
        self.federated.iter().map(String::as_str)
    }

    pub(super) fn rename_federated(&mut self, called: &dyn Fn(&str) -> Option<String>) {
        for name in &mut self.federated {
            if let Some(other) = called(name) {
                *name = other;
            }
        }
    }

    /// The federated ones, where there are no others.
    pub(super) fn only_federated(&self) -> impl Iterator<Item = &str> {
        let others = self.services.len() + self.accounts.len() + self.arns.len();
        self.federated().filter(move |_| !self.anyone && others == 0)
    }

    /// Those that sign their requests, for people.
    pub(super) fn callers(&self) -> Vec<String> {
        let others = |name: &String| self.federated.contains(name) || self.services.contains(name);
        let bare = |name: &String| name.trim_start_matches(EXCEPT).to_owned();
        self.named().into_iter().filter(|name| !others(&bare(name))).collect()
    }

    /// Whom it speaks of, for people.
    pub(super) fn named(&self) -> Vec<String> {
        let accounts = self.accounts.iter().map(|account| match &account.partition {
            Some(partition) => format!("arn:{partition}:iam::{}:root", account.id),
            None => account.id.to_string(),
        });
        let anyone = self.anyone.then(|| "*".to_owned());
        let others = [&self.federated, &self.services, &self.arns].into_iter().flatten().cloned();
        let named = anyone.into_iter().chain(others).chain(accounts);
        if self.negated { named.map(|name| format!("{EXCEPT}{name}")).collect() } else { named.collect() }
    }

    /// Takes in one principal of a document.
    pub(super) fn add(&mut self, kind: &str, value: &str) -> Result<(), String> {
        let is_whole = !value.contains(['*', '?']);
        let invalid = || format!("Invalid principal in policy: {kind:?}:{value:?}");
        match kind {
            "AWS" if value == "*" => self.anyone = true,
            "AWS" => match account(value) {
                Some(account) => self.accounts.push(account),
                None if is_whole && is_principal_arn(value) => self.arns.push(value.to_owned()),
                None => return Err(invalid()),
            },
            "Federated" if is_whole && is_federated_principal(value) => self.federated.push(value.to_owned()),
            "Federated" => {
                return Err("Federated principals must be valid domain names or SAML metadata ARNs".into());
            }
            "Service" if is_whole && value.contains('.') => self.services.push(value.to_owned()),
            "Service" => return Err(invalid()),
            _ => return Err(format!("{kind:?} is not one of AWS, Federated, Service")),
        }
        Ok(())
    }

    /// Whether a statement of this effect speaks of `caller`.
    pub(super) fn include(&self, caller: Caller<'_>, effect: Effect) -> bool {
        if self.negated { !self.excepts(caller) } else { self.naming(caller, effect).is_some() }
    }

    /// How it names `caller`, by the worthiest of its names. A federated caller is authorised by its own
    /// provider alone: `AWS: *` does not authorise it (facts 2.6), nor a service, but a deny of everybody
    /// is a deny of them too.
    pub(super) fn naming(&self, caller: Caller<'_>, effect: Effect) -> Option<Naming> {
        let everybody_denied = self.anyone && effect == Effect::Deny;
        match caller {
            Caller::Federated(provider) => {
                (names(&self.federated, provider) || everybody_denied).then_some(Naming::Itself)
            }
            Caller::Service(service) => {
                (names(&self.services, service) || everybody_denied).then_some(Naming::Itself)
            }
            Caller::Aws(aws) => self.naming_of(&aws),
            Caller::Attached => None,
        }
    }

    fn naming_of(&self, caller: &AwsCaller<'_>) -> Option<Naming> {
        if names(&self.arns, caller.arn) {
            Some(Naming::Itself)
        } else if self.anyone || caller.role.is_some_and(|role| names(&self.arns, role)) {
            Some(Naming::Role)
        } else {
            self.names_account(caller).then_some(Naming::Account)
        }
    }

    fn names_account(&self, caller: &AwsCaller<'_>) -> bool {
        let partition = caller.arn.split(':').nth(1);
        let is_it = |account: &Account| {
            account.id == caller.account
                && account.partition.as_deref().is_none_or(|named| Some(named) == partition)
        };
        self.accounts.iter().any(is_it)
    }

    /// Whether `NotPrincipal` leaves `caller` out: it must list each of its names, the account's too, as
    /// AWS has it for users and sessions; and it leaves nobody out who has a permissions boundary (IAM User
    /// Guide, NotPrincipal).
    fn excepts(&self, caller: Caller<'_>) -> bool {
        match caller {
            Caller::Aws(aws) => {
                let by_role = aws.role.is_none_or(|role| names(&self.arns, role));
                let is_listed = names(&self.arns, aws.arn) && by_role && self.names_account(&aws);
                is_listed && !aws.has_boundary
            }
            Caller::Federated(_) | Caller::Service(_) => self.naming(caller, Effect::Allow).is_some(),
            Caller::Attached => false,
        }
    }
}

fn names(known: &[String], name: &str) -> bool {
    known.iter().any(|known| known == name)
}

fn account(text: &str) -> Option<Account> {
    if let Ok(id) = text.parse() {
        return Some(Account { id, partition: None });
    }
    let (partition, "iam", id, "root") = arn_parts(text)? else { return None };
    Some(Account { id, partition: Some(partition.to_owned()) })
}

/// The ARN of a user, a role, a role session or a federated user. Groups are never principals.
fn is_principal_arn(text: &str) -> bool {
    let Some((_, service, _, resource)) = arn_parts(text) else { return false };
    let Some((kind, name)) = resource.split_once('/') else { return false };
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(is_name_byte);
    match (service, kind) {
        ("iam", "user" | "role") => {
            let (path, name) = name.rsplit_once('/').unwrap_or(("", name));
            path.bytes().all(|b| b.is_ascii_graphic()) && is_name(name)
        }
        ("sts", "assumed-role") => {
            name.split_once('/').is_some_and(|(role, session)| is_name(role) && is_name(session))
        }
        ("sts", "federated-user") => is_name(name),
        _ => false,
    }
}

/// Partition, service, account and resource of an ARN without a region.
fn arn_parts(text: &str) -> Option<(&str, &str, AccountId, &str)> {
    let mut parts = text.splitn(6, ':');
    let ("arn", partition, service, "") = (parts.next()?, parts.next()?, parts.next()?, parts.next()?) else {
        return None;
    };
    Some((partition, service, parts.next()?.parse().ok()?, parts.next()?))
}

/// A provider ARN, or the bare domain of a built-in provider.
fn is_federated_principal(text: &str) -> bool {
    let is_domain = !text.contains([':', '/'])
        && text.contains('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    is_domain || text.parse::<ProviderArn>().is_ok()
}
