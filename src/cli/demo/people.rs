//! The three people of the demo, as its identity provider knows them.
//!
//! One list of attributes serves both protocols: SAML sends it as attributes, OpenID Connect as
//! claims. The rules in `world/rolegate.toml` read nothing else.

use serde_json::{Map, Value, json};

/// Somebody who can sign in.
#[derive(Debug)]
pub(crate) struct Person {
    /// What stands in URLs, and the `sub` of ID tokens.
    pub(crate) id: &'static str,
    /// The full name.
    pub(crate) name: &'static str,
    /// The address, which is also the `NameID` of assertions.
    pub(crate) email: &'static str,
    /// What one should know about them, in one line.
    pub(crate) about: &'static str,
    /// Name and values of what else the provider says about them.
    attributes: &'static [(&'static str, &'static [&'static str])],
}

/// Everybody who can sign in.
pub(crate) const PEOPLE: [Person; 3] = [ANN, BEN, CLEO];

/// Several roles in two accounts: the role picker's customer.
pub(crate) const ANN: Person = Person {
    id: "ann",
    name: "Ann Keller",
    email: "ann@demo.example",
    about: "Platform engineer. Two roles in account prod, two in account sandbox.",
    attributes: &[
        ("groups", &["platform", "on-call"]),
        ("department", &["engineering"]),
        ("team", &["rocket"]),
    ],
};

/// One role, so he never sees the picker.
pub(crate) const BEN: Person = Person {
    id: "ben",
    name: "Ben Okafor",
    email: "ben@demo.example",
    about: "Auditor. One read-only role in account prod; sees the pages of those in charge at the portal.",
    attributes: &[("groups", &["audit"]), ("department", &["finance"]), ("team", &["controls"])],
};

/// No corporate groups: refused by the company's provider, welcome in the mobile app.
pub(crate) const CLEO: Person = Person {
    id: "cleo",
    name: "Cleo Marin",
    email: "cleo@demo.example",
    about: "Customer of the mobile app. Refused at work, may upload photos from her phone.",
    attributes: &[("plan", &["premium"])],
};

impl Person {
    /// The person called `id`.
    pub(crate) fn find(id: &str) -> Option<&'static Self> {
        static EVERYBODY: [Person; 3] = PEOPLE;
        EVERYBODY.iter().find(|person| person.id == id)
    }

    /// Attributes of an assertion about them.
    pub(crate) fn saml_attributes(&self) -> Vec<(&'static str, Vec<String>)> {
        let own = [("email", self.email), ("displayName", self.name)]
            .map(|(name, value)| (name, vec![value.into()]));
        let listed = self
            .attributes
            .iter()
            .map(|(name, values)| (*name, values.iter().map(|v| (*v).into()).collect()));
        own.into_iter().chain(listed).collect()
    }

    /// Claims of an ID token about them, besides those of the protocol. `groups` is always a
    /// list; everything else is a plain string, as most providers send it.
    pub(crate) fn claims(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        claims.insert("email".into(), json!(self.email));
        claims.insert("email_verified".into(), json!(true));
        claims.insert("name".into(), json!(self.name));
        for (name, values) in self.attributes {
            let value = match values {
                [one] if *name != "groups" => json!(one),
                several => json!(several),
            };
            claims.insert((*name).into(), value);
        }
        claims
    }
}
