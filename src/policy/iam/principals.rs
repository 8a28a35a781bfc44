//! Who a statement of a trust policy speaks of.

use super::document::Effect;
use super::eval::Caller;
use crate::arn::ProviderArn;

/// The principals of one statement. Values are compared whole: there are no partial wildcards.
/// AWS and service principals are checked and not kept: no caller of theirs is decided on yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Principals {
    /// `"Principal": "*"` or `{"AWS": "*"}`.
    pub(super) anyone: bool,
    federated: Vec<String>,
    /// Whether there are AWS or service principals.
    has_others: bool,
}

impl Principals {
    /// `"Principal": "*"`.
    pub(super) fn everybody() -> Self {
        Self { anyone: true, ..Self::default() }
    }

    /// The federated ones.
    pub(super) fn federated(&self) -> impl Iterator<Item = &str> {
        self.federated.iter().map(String::as_str)
    }

    /// The federated ones, where there are no others.
    pub(super) fn only_federated(&self) -> impl Iterator<Item = &str> {
        self.federated().filter(|_| !self.anyone && !self.has_others)
    }

    /// Takes in one principal of a document.
    pub(super) fn add(&mut self, kind: &str, value: &str) -> Result<(), String> {
        let wildcard = value.contains(['*', '?']);
        let invalid = || format!("Invalid principal in policy: {kind:?}:{value:?}");
        match kind {
            "AWS" if value == "*" => self.anyone = true,
            "AWS" if !wildcard && is_aws_principal(value) => self.has_others = true,
            "Federated" if !wildcard && is_federated_principal(value) => {
                self.federated.push(value.to_owned())
            }
            "Federated" => {
                return Err("Federated principals must be valid domain names or SAML metadata ARNs".into());
            }
            "Service" if !wildcard && value.contains('.') => self.has_others = true,
            "AWS" | "Service" => return Err(invalid()),
            _ => return Err(format!("{kind:?} is not one of AWS, Federated, Service")),
        }
        Ok(())
    }

    /// A federated caller is authorised by its own provider alone, compared whole. `AWS: *`
    /// does not authorise it (facts 2.6), but a deny of everybody is a deny of it too.
    pub(super) fn include(&self, caller: Caller<'_>, effect: Effect) -> bool {
        match caller {
            Caller::Federated(provider) => {
                self.federated.iter().any(|known| known == provider)
                    || (self.anyone && effect == Effect::Deny)
            }
            Caller::Attached => false,
        }
    }
}

fn is_aws_principal(text: &str) -> bool {
    let is_account = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    is_account || (text.starts_with("arn:") && text.split(':').count() >= 6)
}

/// A provider ARN, or the bare domain of a built-in provider.
fn is_federated_principal(text: &str) -> bool {
    let is_domain = !text.contains([':', '/'])
        && text.contains('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    is_domain || text.parse::<ProviderArn>().is_ok()
}
