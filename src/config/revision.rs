//! What tells one configuration from another.
//!
//! Nodes that share a store compare it. It covers what decides about requests, as it is written: not where a node listens,
//! what it logs or where it keeps things, not comments, not secrets, and not what is fetched, such as metadata.

use std::fmt::Debug;
use std::sync::PoisonError;

use super::document::{Item, Written};
use crate::identity::hash_of;

/// A configuration's revision, which is the same wherever the same is written, for one version of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision(pub [u8; 32]);

impl Revision {
    /// Enough of it for people: eight hexadecimal digits.
    pub fn short(&self) -> String {
        self.0[..4].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn of(written: &Written) -> Self {
        let Written {
            main,
            accounts,
            providers,
            roles,
            upstreams,
            policies,
            groups,
            users,
            sections,
            rules,
            clients,
            applications,
            names: _,
            files,
        } = written;
        let main = &main.value;
        let mut parts = vec![format!(
            "{:?}",
            (&main.public_url, &main.console, &main.portal, &main.saml, &main.admin.role)
        )];
        for list in [
            shown(accounts),
            shown(providers),
            shown(roles),
            shown(upstreams),
            shown(policies),
            shown(groups),
            shown(users),
            shown(sections),
            shown(rules),
            shown(clients),
            shown(applications),
        ] {
            parts.push(list);
        }
        for file in files {
            parts.push(format!("{:?}", file.beside.lock().unwrap_or_else(PoisonError::into_inner)));
        }
        Self(hash_of(&parts.iter().map(String::as_str).collect::<Vec<_>>()))
    }
}

fn shown<T: Debug>(items: &[Item<T>]) -> String {
    format!("{:?}", items.iter().map(|item| &item.value).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::clock::Moment;
    use crate::config;

    const MAIN: &str = "public_url = \"http://127.0.0.1:8080\"\n";
    const ROLE: &str = "[[account]]\nid = \"111122223333\"\n[[role]]\narn = \"arn:aws:iam::111122223333:role/Dev\"\n\
                        trust_policy = \"trust.json\"\n";
    const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]}"#;

    fn revision(main: &str, trust: &str) -> [u8; 32] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("trust.json"), trust).unwrap();
        let path = folder.path().join("rolegate.toml");
        fs::write(&path, main).unwrap();
        let loaded = config::load(&path, Moment::from_unix(1_800_000_000));
        loaded.unwrap_or_else(|faults| panic!("{faults}")).snapshot.revision.0
    }

    #[test]
    fn what_decides_is_covered_and_nothing_else() {
        let base = revision(&[MAIN, ROLE].concat(), TRUST);
        for same in [
            ["# A comment.\n", MAIN, ROLE].concat(),
            [MAIN, "[listen]\npublic = \"127.0.0.1:9090\"\n[log]\nlevel = \"debug\"\n", ROLE].concat(),
            [MAIN, "[store]\npath = \"elsewhere\"\n[sealing]\nring = \"elsewhere\"\n", ROLE].concat(),
        ] {
            assert_eq!(revision(&same, TRUST), base, "{same}");
        }
        for other in [
            MAIN.to_owned(),
            ["public_url = \"http://127.0.0.1:8081\"\n", ROLE].concat(),
            [MAIN, ROLE, "max_session_duration = \"2h\"\n"].concat(),
        ] {
            assert_ne!(revision(&other, TRUST), base, "{other}");
        }
        let policy = TRUST.replace("Allow", "Deny");
        assert_ne!(revision(&[MAIN, ROLE].concat(), &policy), base, "a policy beside it");
    }
}
