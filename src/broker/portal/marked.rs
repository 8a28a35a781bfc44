//! What people mark among their roles: favourites, and those that they chose last.
//!
//! The store keeps it for a year after the last change. It is a convenience: without it, nothing is marked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Person;
use crate::arn::RoleArn;
use crate::broker::{Failure, RequestContext};
use crate::entropy::NoEntropy;
use crate::identity::hash_of;
use crate::seal::Purpose;
use crate::store::ValueKey;

/// Favourites of one person.
const MOST_FAVOURITES: usize = 50;
/// Roles that were chosen last.
const MOST_RECENT: usize = 5;
/// How long it is kept.
const KEPT_FOR: Duration = Duration::from_secs(366 * 24 * 3600);

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// In the order in which they were marked.
    pub favourites: Vec<RoleArn>,
    /// The last one first.
    pub recent: Vec<RoleArn>,
}

impl Marked {
    /// Marks `role` as a favourite, or takes the mark away.
    fn toggle(&mut self, role: &RoleArn) {
        let before = self.favourites.len();
        self.favourites.retain(|favourite| favourite != role);
        if self.favourites.len() == before {
            self.favourites.push(role.clone());
            let surplus = self.favourites.len().saturating_sub(MOST_FAVOURITES);
            self.favourites.drain(..surplus);
        }
    }

    fn chose(&mut self, role: &RoleArn) {
        self.recent.retain(|recent| recent != role);
        self.recent.insert(0, role.clone());
        self.recent.truncate(MOST_RECENT);
    }
}

impl RequestContext<'_> {
    /// What `person` marked. Where the store does not answer, nothing, and the log says so.
    pub async fn marked(&self, person: &Person) -> Marked {
        let key = key_of(person);
        let kept = self.parts.store.kept(key, self.at).await.unwrap_or_else(|fault| {
            tracing::warn!(%fault, "nobody knows what a person marked");
            None
        });
        let opened =
            kept.and_then(|sealed| self.parts.ring.open_at(&key, Purpose::StoredRecord, &sealed).ok());
        opened.and_then(|body| postcard::from_bytes(&body).ok()).unwrap_or_default()
    }

    /// Marks `role` as a favourite of `person`, or takes the mark away.
    pub async fn toggle_favourite(&self, person: &Person, role: &RoleArn) -> Result<(), Failure> {
        let mut marked = self.marked(person).await;
        marked.toggle(role);
        self.mark(person, &marked).await
    }

    /// Remembers that `person` chose `role`; where that fails, the log says so.
    pub async fn remember_choice(&self, person: &Person, role: &RoleArn) {
        let mut marked = self.marked(person).await;
        if marked.recent.first() == Some(role) {
            return;
        }
        marked.chose(role);
        if let Err(failure) = self.mark(person, &marked).await {
            tracing::warn!(%failure, "it is not remembered which role a person chose");
        }
    }

    async fn mark(&self, person: &Person, marked: &Marked) -> Result<(), Failure> {
        let key = key_of(person);
        let body = postcard::to_allocvec(marked).map_err(|_| NoEntropy)?;
        let entropy = self.parts.entropy.as_ref();
        let sealed = self.parts.ring.seal_at(&key, Purpose::StoredRecord, &body, entropy)?;
        Ok(self.parts.store.keep(key, sealed, self.at.plus(KEPT_FOR), self.at).await?)
    }
}

fn key_of(person: &Person) -> ValueKey {
    hash_of(&["rolegate/marked", person.identity.provider().as_str(), person.identity.subject()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(number: usize) -> RoleArn {
        format!("arn:aws:iam::111122223333:role/R{number}").parse().unwrap()
    }

    #[test]
    fn a_favourite_is_marked_and_unmarked_and_the_oldest_goes() {
        let mut marked = Marked::default();
        (0..51).for_each(|number| marked.toggle(&role(number)));
        assert_eq!((marked.favourites.len(), &marked.favourites[0]), (50, &role(1)));
        marked.toggle(&role(7));
        assert!(marked.favourites.len() == 49 && !marked.favourites.contains(&role(7)));
    }

    #[test]
    fn the_last_choice_comes_first_and_once() {
        let mut marked = Marked::default();
        [1, 2, 3, 1, 4, 5, 6].iter().for_each(|number| marked.chose(&role(*number)));
        assert_eq!(marked.recent, [6, 5, 4, 1, 3].map(role));
    }
}
