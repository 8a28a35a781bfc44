//! What a rule sees of an identity.
//!
//! | name | value |
//! |---|---|
//! | `subject`, `issuer` | as the provider said them |
//! | `provider` | the provider's name in the configuration |
//! | `protocol` | `"saml"` or `"oidc"` |
//! | `attr` | attributes by name, each a list of strings; an absent one is an empty list |
//! | `groups` | `attr.groups` |
//! | `claim` | OIDC: every claim as sent; SAML: empty |
//! | `authn` | how and when the provider says that the person signed in: `methods`, `context`, `time` |
//! | `source_ip` | where the call comes from; absent where nobody knows |
//! | `time` | seconds since 1970 |
//!
//! `attr` finds an attribute by its short name too ([`FederatedIdentity::aliases`]). A short name
//! that could mean several is an error, whether a rule asks for what is there or for what is not.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use cel::ExecutionError;
use cel::common::traits::{Container, Indexer, Sizer};
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt, MAP_TYPE, Type,
};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use serde_json::Value as Json;

use crate::identity::{Authentication, FederatedIdentity, Protocol};
use crate::policy::Circumstances;

/// The variables of one evaluation. Nothing is copied from the identity but the spines of lists that some
/// rule asks for, once for all rules, and of the claims if one asks for any.
pub(super) struct View<'a> {
    identity: &'a FederatedIdentity,
    when: Circumstances,
    attributes: OnceLock<Attributes<'a>>,
    claims: OnceLock<CelMap<'a>>,
}

impl<'a> View<'a> {
    /// `identity` as rules see it.
    pub(super) const fn new(identity: &'a FederatedIdentity, when: Circumstances) -> Self {
        Self { identity, when, attributes: OnceLock::new(), claims: OnceLock::new() }
    }

    fn attributes(&self) -> &Attributes<'a> {
        self.attributes.get_or_init(|| Attributes::of(self.identity))
    }

    fn claims(&self) -> &CelMap<'a> {
        self.claims.get_or_init(|| {
            let claims = self.identity.claims().into_iter().flatten();
            object(claims.map(|(name, value)| (name.as_str(), value)))
        })
    }
}

impl VariableResolver for View<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let text = |text: &'b str| Some(CowVal::owned(CelString::from(text)));
        match variable {
            "subject" => text(self.identity.subject()),
            "issuer" => text(self.identity.issuer()),
            "provider" => text(self.identity.provider_name()),
            "protocol" => text(match self.identity.protocol() {
                Protocol::Saml => "saml",
                Protocol::Oidc => "oidc",
            }),
            "attr" => Some(CowVal::Borrowed(self.attributes())),
            "groups" => self.attributes().list("groups").ok().map(|list| CowVal::Borrowed(list)),
            "claim" => Some(CowVal::Borrowed(self.claims())),
            "authn" => Some(CowVal::owned(authentication(&self.identity.authentication()))),
            "source_ip" => {
                let address = self.when.source_ip?.to_canonical().to_string();
                Some(CowVal::owned(CelString::from(address)))
            }
            "time" => Some(CowVal::owned(CelInt::from(self.when.at.unix()))),
            _ => None,
        }
    }
}

/// A map of lists in which an absent key is an empty list.
#[derive(Debug, Clone)]
struct Attributes<'a> {
    /// By name.
    lists: Vec<(&'a str, Attribute<'a>)>,
    aliases: &'a BTreeMap<String, Option<String>>,
    absent: CelList<'a>,
}

/// An attribute's values, and their list as soon as a rule asks.
#[derive(Debug, Clone)]
struct Attribute<'a> {
    values: &'a [String],
    list: OnceLock<CelList<'a>>,
}

impl<'a> Attribute<'a> {
    fn list(&self) -> &CelList<'a> {
        self.list.get_or_init(|| {
            let values = self.values.iter().map(|value| boxed(CelString::from(value.as_str())));
            CelList::from(values.collect::<Vec<_>>())
        })
    }
}

impl<'a> Attributes<'a> {
    fn of(identity: &'a FederatedIdentity) -> Self {
        let lists = identity
            .attributes()
            .iter()
            .map(|(name, values)| (name.as_str(), Attribute { values, list: OnceLock::new() }));
        Self { lists: lists.collect(), aliases: identity.aliases(), absent: CelList::from(Vec::new()) }
    }

    fn list(&self, name: &str) -> Result<&CelList<'a>, ExecutionError> {
        Ok(self.find(name)?.map_or(&self.absent, Attribute::list))
    }

    fn named(&self, name: &str) -> Option<&Attribute<'a>> {
        let place = self.lists.binary_search_by_key(&name, |(name, _)| name).ok()?;
        Some(&self.lists[place].1)
    }

    fn find(&self, name: &str) -> Result<Option<&Attribute<'a>>, ExecutionError> {
        match (self.named(name), self.aliases.get(name)) {
            (None, Some(Some(meant))) => Ok(self.named(meant)),
            (None, Some(None)) => Err(ExecutionError::FunctionError {
                function: "attr".to_owned(),
                message: format!("{name:?} could be several attributes of this person; use the full name"),
            }),
            (found, _) => Ok(found),
        }
    }
}

impl Val for Attributes<'_> {
    fn get_type(&self) -> &Type {
        <Self as Val>::cel_type()
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }
}

impl Container for Attributes<'_> {
    fn contains(&self, name: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(self.find(attribute_name(name)?)?.is_some())
    }
}

impl Indexer for Attributes<'_> {
    fn get<'b, 'v>(&'b self, name: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        Ok(CowVal::Borrowed(self.list(attribute_name(name)?)?))
    }

    fn steal<'v>(self: Box<Self>, name: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(name).map(CowVal::into_owned)
    }
}

impl Sizer for Attributes<'_> {
    fn size(&self) -> CelInt {
        CelInt::from(i64::try_from(self.lists.len()).unwrap_or(i64::MAX))
    }
}

/// What is not known is not there; of methods there is a list in any case.
fn authentication<'a>(said: &Authentication<'_>) -> CelMap<'a> {
    let methods = said.methods.iter().map(|method| boxed(CelString::from((*method).to_owned())));
    let mut known =
        HashMap::from([(CelMapKey::from("methods"), boxed(CelList::from(methods.collect::<Vec<_>>())))]);
    if let Some(context) = said.context {
        known.insert(CelMapKey::from("context"), boxed(CelString::from(context.to_owned())));
    }
    if let Some(at) = said.at {
        known.insert(CelMapKey::from("time"), boxed(CelInt::from(at.unix())));
    }
    CelMap::from(known)
}

fn attribute_name(name: &dyn Val) -> Result<&str, ExecutionError> {
    name.downcast_ref::<CelString<'_>>().map(CelString::inner).ok_or_else(|| ExecutionError::UnexpectedType {
        got: name.get_type().name().to_owned(),
        want: "string".to_owned(),
    })
}

fn boxed<'a>(value: impl Val + 'a) -> Box<dyn Val + 'a> {
    Box::new(value)
}

fn json(value: &Json) -> Box<dyn Val + '_> {
    match value {
        Json::Null => boxed(CelNull),
        Json::Bool(value) => boxed(CelBool::from(*value)),
        Json::String(text) => boxed(CelString::from(text.as_str())),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => boxed(CelInt::from(value)),
            (None, Some(value)) => boxed(CelUInt::from(value)),
            (None, None) => boxed(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        Json::Array(items) => boxed(CelList::from(items.iter().map(json).collect::<Vec<_>>())),
        Json::Object(entries) => boxed(object(entries.iter().map(|(name, value)| (name.as_str(), value)))),
    }
}

fn object<'a>(entries: impl Iterator<Item = (&'a str, &'a Json)>) -> CelMap<'a> {
    let entries: HashMap<CelMapKey<'a>, Box<dyn Val + 'a>> =
        entries.map(|(name, value)| (CelMapKey::from(name), json(value))).collect();
    CelMap::from(entries)
}
