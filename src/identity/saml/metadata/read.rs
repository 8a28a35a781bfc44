//! From bytes to the one entity that is meant.

use std::sync::{Mutex, PoisonError};

use super::{Metadata, MetadataError, MetadataTerms, entity};
use crate::clock::Moment;
use crate::identity::saml::facts::Trace;
use crate::identity::saml::names::{DSIG, METADATA};
use crate::identity::saml::signature::Trusted;
use crate::identity::saml::xml::{Element, Limits, Tree, parse, scan};
use crate::identity::saml::{keys::Keys, malformed, structure};
use crate::identity::{VerifyError, shortened};

/// Held while a large document is read: its parsed form takes several times its size, and many
/// providers may come from one federation.
static LARGE: Mutex<()> = Mutex::new(());

/// Nobody has to sign metadata by SHA-1: a provider's `accept` is for what it can't help.
const SHA1: bool = false;

impl Metadata {
    /// Reads a document that fits `terms`, as of `at`. Whether what is no aggregate is of the entity
    /// that is wanted is for `live` to say, which knows who the provider was before.
    pub(super) fn read(xml: &[u8], terms: &MetadataTerms, at: Moment) -> Result<Self, MetadataError> {
        let is_large = xml.len() > scan::METADATA.bytes;
        let _turn = is_large.then(|| LARGE.lock().unwrap_or_else(PoisonError::into_inner));
        let text = scan::scan(xml, terms.limits()).map_err(MetadataError::Unreadable)?;
        match &terms.signers {
            Some(signers) => Self::of_tree(&authenticated(text, signers, terms.limits())?, terms, at),
            None => Self::of_tree(text, terms, at),
        }
    }

    fn of_tree(text: &str, terms: &MetadataTerms, at: Moment) -> Result<Self, MetadataError> {
        let tree = parse(text, terms.limits()).map_err(MetadataError::Unreadable)?;
        let root = tree.root().map_err(MetadataError::Unreadable)?;
        if root.is(METADATA, "EntitiesDescriptor") {
            return entity::read(picked(root, terms.entity.as_deref())?, at);
        }
        if !root.is(METADATA, "EntityDescriptor") {
            return Err(MetadataError::NotMetadata(shortened(root.name().local.to_owned())));
        }
        if text.len() > scan::METADATA.bytes {
            return Err(MetadataError::TooLarge(text.len()));
        }
        entity::read(root, at)
    }
}

/// The canonical bytes of the whole document, which one of `signers` signed. Nothing else of it
/// leaves this function.
fn authenticated(text: &str, signers: &Keys, limits: &Limits) -> Result<String, MetadataError> {
    let tree = parse(text, limits).map_err(MetadataError::Unreadable)?;
    let root = tree.root().map_err(MetadataError::Unreadable)?;
    let checked = in_place(&tree, root).and_then(|()| structure::signature(root, SHA1));
    let signature = checked.map_err(refused)?.ok_or(MetadataError::Unsigned)?;
    let trusted = Trusted { keys: signers, sha1: SHA1, trace: &Trace::off() };
    trusted.verify(&signature).map_err(refused)
}

/// Whether the root's signature, if there is one, stands where the schema wants it, alone, and
/// refers to an ID that nothing else has.
fn in_place(tree: &Tree<'_>, root: Element<'_, '_>) -> Result<(), VerifyError> {
    let mut signatures = root.children_named(DSIG, "Signature");
    let Some(first) = signatures.next() else { return Ok(()) };
    if signatures.next().is_some() {
        return Err(malformed("saml.signature.count", "at most one Signature", "several"));
    }
    if !root.children().next().is_some_and(|child| child.same_as(first)) {
        return Err(malformed("saml.signature.place", "the root's first child", "elsewhere"));
    }
    let id = root.attribute("ID");
    match tree.elements().skip(1).any(|element| id.is_some() && element.attribute("ID") == id) {
        true => Err(malformed("saml.structure.id-unique", "the root's ID once", id.unwrap_or_default())),
        false => Ok(()),
    }
}

fn refused(fault: VerifyError) -> MetadataError {
    let of_c14n = matches!(fault.check(), "saml.signature.canonicalization" | "saml.signature.transforms");
    if of_c14n && fault.seen().contains("xml-c14n") {
        return MetadataError::InclusiveC14n(fault.seen().to_owned());
    }
    MetadataError::Signature(fault)
}

/// The one descriptor of `wanted` in an aggregate.
fn picked<'t, 'x>(group: Element<'t, 'x>, wanted: Option<&str>) -> Result<Element<'t, 'x>, MetadataError> {
    let mut entities = Vec::new();
    collect(group, &mut entities);
    let count = entities.len();
    let Some(wanted) = wanted else {
        let mut providers = entities.iter().filter(|entity| entity::identity_provider(**entity).is_some());
        let example = providers.clone().find_map(|entity| entity::id(*entity)).unwrap_or_default().to_owned();
        return Err(MetadataError::Aggregate { count, providers: providers.by_ref().count(), example });
    };
    let mut found = entities.into_iter().filter(|entity| entity::id(*entity) == Some(wanted));
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(MetadataError::NoSuchEntity { entity: wanted.to_owned(), count }),
        (Some(_), Some(_)) => Err(MetadataError::EntityTwice(wanted.to_owned())),
    }
}

/// Every entity of a group and of the groups in it. Whatever stands in an extension is none.
/// Recursion is bounded by the depth that `scan` allows.
fn collect<'t, 'x>(group: Element<'t, 'x>, entities: &mut Vec<Element<'t, 'x>>) {
    for child in group.children() {
        if child.is(METADATA, "EntityDescriptor") {
            entities.push(child);
        } else if child.is(METADATA, "EntitiesDescriptor") {
            collect(child, entities);
        }
    }
}
