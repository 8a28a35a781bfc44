//! The attack suite: tables of documents with the exact check that refuses each, beside honest
//! twins that are accepted, so that no attack can fail for another reason.
//!
//! Each family stands in a file of its own and gives its tables; what every row must hold stands
//! here, once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rolegate::clock::Moment;
use rolegate::identity::Outcome;
use rolegate::identity::VerifyCode::{self, *};
use rolegate::identity::saml::{Accept, Expect, SamlProvider, SamlSettings, unverified_issuer};
use rolegate::identity::{FederatedIdentity, VerifyError};

use super::fixture::{EXPECTED, HONEST, PROVIDER, base64, metadata, noon, settings};
use super::{
    algorithms, canonical, claims, conditions, confirmation, cross, digests, encodings, encrypted, keys,
    limits, namespaces, places, pollution, references, status, structure, times, transforms, truncation,
    unsigned, wrapping, xml,
};

/// What issue 3 promises.
const PROMISED: usize = 150;
/// Most attacks take a millisecond, without optimization and on a busy machine too. What grows
/// faster than its document takes minutes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of what a refusal says, which goes to the log: nobody may fill a disk with it.
const WORDS: usize = 1500;

type Family = (&'static str, fn() -> Vec<Table>);

const FAMILIES: [Family; 23] = [
    ("wrapping", wrapping::tables),
    ("hiding places", places::tables),
    ("structure", structure::tables),
    ("truncation", truncation::tables),
    ("namespaces", namespaces::tables),
    ("attribute pollution", pollution::tables),
    ("canonicalization", canonical::tables),
    ("transforms", transforms::tables),
    ("digests and values", digests::tables),
    ("references", references::tables),
    ("algorithms", algorithms::tables),
    ("keys", keys::tables),
    ("unsigned", unsigned::tables),
    ("XML", xml::tables),
    ("encodings", encodings::tables),
    ("limits", limits::tables),
    ("encryption", encrypted::tables),
    ("other parties", cross::tables),
    ("conditions", conditions::tables),
    ("times", times::tables),
    ("confirmation", confirmation::tables),
    ("status", status::tables),
    ("claims", claims::tables),
];

/// Documents that are nearly alike, and what one provider makes of them.
pub(crate) struct Table {
    what: &'static str,
    provider: Option<SamlProvider>,
    expect: Expect<'static>,
    at: Moment,
    twins: Vec<(String, String)>,
    attacks: Vec<Attack>,
}

struct Attack {
    what: String,
    posted: String,
    check: &'static str,
}

impl Table {
    /// An empty table: [`PROVIDER`] at noon, asked what its consumer expects.
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, provider: None, expect: EXPECTED, at: noon(), twins: Vec::new(), attacks: Vec::new() }
    }

    /// With another provider.
    pub(crate) fn at(mut self, provider: SamlProvider) -> Self {
        self.provider = Some(provider);
        self
    }

    /// With the honest key and other settings.
    pub(crate) fn with(self, change: impl FnOnce(&mut SamlSettings)) -> Self {
        let mut settings = settings();
        change(&mut settings);
        self.at(SamlProvider::new(settings, metadata(&[&HONEST]).as_bytes(), noon()).unwrap())
    }

    /// With the honest key and one of the laxities.
    pub(crate) fn accepting(self, accept: Accept) -> Self {
        self.with(|settings| settings.accept = accept)
    }

    /// Held against something else.
    pub(crate) fn expecting(self, expect: Expect<'static>) -> Self {
        Self { expect, ..self }
    }

    /// At another time.
    pub(crate) fn when(self, at: Moment) -> Self {
        Self { at, ..self }
    }

    /// An honest document that the attacks are nearest to.
    pub(crate) fn twin(mut self, what: impl Into<String>, document: impl AsRef<[u8]>) -> Self {
        self.twins.push((what.into(), base64(document.as_ref())));
        self
    }

    /// Honest documents that the attacks are nearest to.
    pub(crate) fn twins<W: Into<String>, D: AsRef<[u8]>>(
        self,
        rows: impl IntoIterator<Item = (W, D)>,
    ) -> Self {
        rows.into_iter().fold(self, |table, (what, document)| table.twin(what, document))
    }

    /// Rows of what it is, the document, and the check that refuses it.
    pub(crate) fn attacks<W: Into<String>, D: AsRef<[u8]>>(
        mut self,
        rows: impl IntoIterator<Item = (W, D, &'static str)>,
    ) -> Self {
        let row = |(what, document, check): (W, D, _)| Attack {
            what: what.into(),
            posted: base64(document.as_ref()),
            check,
        };
        self.attacks.extend(rows.into_iter().map(row));
        self
    }

    /// Rows of what is posted as it stands, instead of a document's base64.
    pub(crate) fn posts<W: Into<String>>(
        mut self,
        rows: impl IntoIterator<Item = (W, String, &'static str)>,
    ) -> Self {
        self.attacks.extend(rows.into_iter().map(|(what, posted, check)| Attack {
            what: what.into(),
            posted,
            check,
        }));
        self
    }

    fn provider(&self) -> &SamlProvider {
        self.provider.as_ref().unwrap_or(&PROVIDER)
    }

    fn verify(&self, posted: &str) -> Result<FederatedIdentity, VerifyError> {
        self.provider().verify(posted, self.expect, self.at)
    }

    /// Everything that is not as it should be.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.twins.is_empty() {
            faults.push(format!("{}: no twin", self.what));
        }
        for (what, posted) in &self.twins {
            let seen = self.verify(posted).err().map(|fault| fault.to_string());
            let explained = self.provider().explain(posted, self.expect, self.at);
            let failed = explained.steps.iter().find(|step| step.outcome == Outcome::Failed);
            if let Some(fault) = seen.or_else(|| failed.map(|step| format!("{step:?}"))) {
                faults.push(format!("{}: the twin {what:?} is refused by {fault}", self.what));
            }
        }
        for attack in &self.attacks {
            if let Some(seen) = self.surprise(attack) {
                faults.push(format!("{}: {}: {seen}", self.what, attack.what));
            }
        }
        faults
    }

    /// What an attack does that it should not. `verify` and `explain` give one answer, nobody is
    /// harmed by asking for the issuer, and nothing takes long.
    fn surprise(&self, attack: &Attack) -> Option<String> {
        let _ = unverified_issuer(&attack.posted);
        let start = Instant::now();
        let expected = format!("{} ({:?})", attack.check, code(attack.check));
        let said = |answer: Result<FederatedIdentity, VerifyError>| match answer {
            Ok(identity) => format!("accepted as {:?}", identity.subject()),
            Err(fault) => format!("{} ({:?})", fault.check(), fault.code()),
        };
        let verified = self.verify(&attack.posted);
        let words = verified.as_ref().map_or_else(|fault| fault.expected().len() + fault.seen().len(), |_| 0);
        let verified = said(verified);
        if verified != expected {
            return Some(format!("{verified}, and not {expected}"));
        }
        if words > WORDS {
            return Some(format!("it says {words} bytes about it"));
        }
        let explanation = self.provider().explain(&attack.posted, self.expect, self.at);
        let told = |check| {
            explanation.steps.iter().any(|step| step.outcome == Outcome::Failed && step.check == check)
        };
        if !told(attack.check) {
            return Some(format!("the explanation does not name {}", attack.check));
        }
        let explained = said(explanation.identity);
        if explained != expected {
            return Some(format!("explained as {explained}, and not {expected}"));
        }
        let took = start.elapsed();
        (took > PATIENCE).then(|| format!("it took {took:?}"))
    }
}

/// The code that belongs to a check: clients see no more than it.
fn code(check: &str) -> VerifyCode {
    match check {
        "saml.signature.absent" => Unsigned,
        "saml.signature.algorithm"
        | "saml.signature.digest"
        | "saml.signature.digest-algorithm"
        | "saml.signature.key"
        | "saml.signature.value" => Signature,
        "saml.issuer" | "saml.response-issuer" => Issuer,
        "saml.audience" | "saml.audience.missing" | "saml.destination" | "saml.recipient" => Audience,
        "saml.confirmation.expired" | "saml.expired" | "saml.session-expired" | "saml.too-old" => Expired,
        "saml.confirmation.not-yet-valid" | "saml.not-yet-issued" | "saml.not-yet-valid" => NotYetValid,
        "saml.in-response-to" => Unsolicited,
        "saml.status" => ProviderRefused,
        "saml.attribute.count"
        | "saml.attribute.role"
        | "saml.attribute.session-duration"
        | "saml.attribute.single-value"
        | "saml.attribute.tags"
        | "saml.authn-context" => Claim,
        _ => Malformed,
    }
}

/// Asserts every row of a family.
#[track_caller]
pub(crate) fn hold(tables: &[Table]) {
    let faults: Vec<_> = tables.iter().flat_map(Table::faults).collect();
    let rows: usize = tables.iter().map(|table| table.twins.len() + table.attacks.len()).sum();
    assert!(faults.is_empty(), "{} of {rows} rows:\n{}", faults.len(), faults.join("\n"));
}

/// Counts attacks that differ: in what is posted, or in who is asked.
#[test]
fn there_are_as_many_attacks_as_promised() {
    let mut distinct = BTreeMap::new();
    for (family, tables) in FAMILIES {
        let before = distinct.len();
        for table in tables() {
            // A provider of its own makes another question of the same document.
            let asked =
                table.provider.as_ref().map(|provider| (table.what, format!("{:?}", provider.settings())));
            let asked = format!("{asked:?} {:?} {:?}", table.expect, table.at);
            for attack in table.attacks {
                let name = format!("{}: {}", table.what, attack.what);
                let twin = distinct.insert((asked.clone(), attack.posted), (family, name.clone()));
                let twin = twin.filter(|(other, _)| *other == family);
                assert_eq!(twin, None, "{family}: {name} is the same document");
            }
        }
        println!("{:4} {family}", distinct.len() - before);
    }
    println!("{:4} altogether", distinct.len());
    assert!(distinct.len() >= PROMISED, "{} of {PROMISED}", distinct.len());
}
