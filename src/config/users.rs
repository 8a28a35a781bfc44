//! `[[user]]` becomes a user of the directory, with its rights and those of each `[[group]]` that it is in.

use std::collections::HashMap;
use std::sync::Arc;

use super::document::{Item, Place, Written};
use super::fault::Faults;
use super::providers::declared_account;
use super::rights::Documents;
use super::secrets::{named, private_secret};
use super::settings::{AccessKeySettings, AccessKeyStatus, MfaSettings, UserSettings};
use crate::arn::{GroupArn, UserArn, UserId, is_long_term_key};
use crate::directory::{AccessKey, Directory, MfaDevice, User};
use crate::identity::TotpSecret;
use crate::policy::rights::{HolderRights, NamedPolicy};

/// Groups of a user (facts 6.3).
const MOST_GROUPS: usize = 10;
/// Access keys of a user (facts 6.3).
const MOST_KEYS: usize = 2;
/// Characters of a secret access key at least; AWS's have 40.
const SHORTEST_SECRET: usize = 40;
/// Characters of a device's serial number (facts 1.5).
const SERIAL: std::ops::RangeInclusive<usize> = 9..=256;

/// Adds the users to `directory`, and gives what they may do.
pub(super) fn fill(
    written: &Written,
    directory: &mut Directory,
    documents: &mut Documents,
    faults: &mut Faults,
) -> HashMap<UserArn, HolderRights> {
    let mut rights = HashMap::new();
    let groups = groups(written, directory, documents, faults);
    for Item { value, place } in &written.users {
        let mut of_user = documents.user(value, place, faults);
        of_user.identity.extend(of_groups(value, &groups, place, written, faults));
        let Some(user) = user(value, place, directory, faults) else { continue };
        rights.insert(user.arn.clone(), of_user);
        let (arn, keys) = (user.arn.to_string(), user.access_keys.len());
        match directory.add_user(user) {
            Ok(()) if keys == 0 => {
                let help = "add [[user.access_key]], or take the user out";
                faults.warning(
                    place.at("arn"),
                    format!("user {arn} has no access key: nobody can be it"),
                    help,
                );
            }
            Ok(()) => {}
            Err(taken) => {
                let help = "keep one of the two";
                faults.error(place.at("arn"), format!("{taken} is declared twice"), help);
            }
        }
    }
    rights
}

type Groups = HashMap<GroupArn, Vec<Arc<NamedPolicy>>>;

/// The policies of each group.
fn groups(
    written: &Written,
    directory: &Directory,
    documents: &mut Documents,
    faults: &mut Faults,
) -> Groups {
    let mut groups = Groups::new();
    for Item { value, place } in &written.groups {
        let policies = documents.group(value, place, faults);
        match value.arn.parse::<GroupArn>() {
            Ok(arn) => {
                declared_account(&arn.account().to_string(), "arn", place, directory, faults);
                if groups.insert(arn, policies).is_some() {
                    let message = format!("group {} is declared twice", value.arn);
                    faults.error(place.at("arn"), message, "keep one of the two");
                }
            }
            Err(error) => faults.error(place.at("arn"), error.to_string(), "write the group's whole ARN"),
        }
    }
    groups
}

/// What the groups of a user let it do.
fn of_groups(
    user: &UserSettings,
    groups: &Groups,
    place: &Place,
    written: &Written,
    faults: &mut Faults,
) -> Vec<Arc<NamedPolicy>> {
    if user.groups.len() > MOST_GROUPS {
        let message = format!("{} groups are more than {MOST_GROUPS}", user.groups.len());
        faults.error(place.at("groups"), message, "put the policies of some into one");
    }
    let account = user.arn.parse::<UserArn>().ok().map(|arn| arn.account());
    let mut policies = Vec::new();
    for name in &user.groups {
        let found = name.parse::<GroupArn>().ok().and_then(|arn| groups.get_key_value(&arn));
        match found {
            Some((arn, _)) if account.is_some_and(|account| account != arn.account()) => {
                let message = format!("{arn} is of another account than the user");
                faults.error(place.at("groups"), message, "a user is in groups of its own account");
            }
            Some((_, of_group)) => policies.extend(of_group.iter().cloned()),
            None if written.names.has("group", name) => {}
            None => {
                let message = format!("there is no group {name}");
                faults.error(place.at("groups"), message, written.names.help("group", name));
            }
        }
    }
    policies
}

fn user(written: &UserSettings, place: &Place, directory: &Directory, faults: &mut Faults) -> Option<User> {
    let arn = match written.arn.parse::<UserArn>() {
        Ok(arn) => Some(arn),
        Err(error) => {
            faults.error(place.at("arn"), error.to_string(), "write the user's whole ARN");
            None
        }
    };
    if let Some(arn) = &arn {
        declared_account(&arn.account().to_string(), "arn", place, directory, faults);
    }
    if written.access_keys.len() > MOST_KEYS {
        let message = format!("{} access keys are more than {MOST_KEYS}", written.access_keys.len());
        faults.error(place.at("access_key"), message, "delete the ones that nothing uses any more");
    }
    let keys: Vec<_> = written.access_keys.iter().map(|key| access_key(key, place, faults)).collect();
    let mfa = match &written.mfa {
        Some(device) => Some(mfa(device, place, faults)?),
        None => None,
    };
    let arn = arn?;
    Some(User {
        id: UserId::of_declared(&arn),
        arn,
        access_keys: keys.into_iter().collect::<Option<_>>()?,
        mfa,
    })
}

fn access_key(written: &AccessKeySettings, place: &Place, faults: &mut Faults) -> Option<AccessKey> {
    let fits = is_long_term_key(&written.id);
    if !fits {
        let message = format!("{:?} is not the id of a long-term access key", written.id);
        faults.error(place.at("access_key"), message, "write AKIA and 16 of A to Z and 2 to 7");
    }
    let secret = private_secret(&written.secret, "a user's secret", "access_key", place, faults)?;
    let length = secret.expose().len();
    if length < SHORTEST_SECRET || !secret.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        let name = named(&written.secret, place);
        let message =
            format!("the secret in {name} is not of {SHORTEST_SECRET} or more visible ASCII characters");
        faults.error(place.at("access_key"), message, "make one: openssl rand -base64 30");
        return None;
    }
    fits.then(|| AccessKey {
        id: written.id.clone(),
        secret,
        is_active: written.status == AccessKeyStatus::Active,
    })
}

fn mfa(written: &MfaSettings, place: &Place, faults: &mut Faults) -> Option<MfaDevice> {
    let fits = SERIAL.contains(&written.serial.len())
        && written.serial.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=/:,.@-".contains(&byte));
    if !fits {
        let message = format!("{:?} can't be the serial number of a device", written.serial);
        faults.error(place.at("mfa.serial"), message, "write arn:aws:iam::{account}:mfa/{name}");
    }
    let text = private_secret(&written.secret, "a user's secret", "mfa.secret", place, faults)?;
    let secret = TotpSecret::from_base32(text.expose());
    if secret.is_none() {
        let name = named(&written.secret, place);
        let message = format!("the secret in {name} is not base32 of 16 characters or more");
        faults.error(place.at("mfa.secret"), message, "write it as the authenticator app was handed it");
    }
    secret.filter(|_| fits).map(|secret| MfaDevice { serial: written.serial.clone(), secret })
}
