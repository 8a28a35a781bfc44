//! How the claims of an OIDC provider are read: `group_overage` and `attributes`.

use super::document::Place;
use super::fault::Faults;
use super::settings::{ClaimPath, GroupOverageSetting, OidcProviderSettings};
use crate::fetch::Reach;
use crate::identity::oidc::{AttributePaths, ClaimSettings, GraphUrl, GroupOverage};

/// More attributes than that are a mistake; each costs every token a look.
const MOST_ATTRIBUTES: usize = 32;
/// Members of one path.
const DEEPEST: usize = 8;

/// The settings of `written`; `None` where they have a fault.
pub(super) fn settings(
    written: &OidcProviderSettings,
    place: &Place,
    faults: &mut Faults,
) -> Option<ClaimSettings> {
    let (group_overage, attributes) = (overage(written, place, faults), paths(written, place, faults));
    Some(ClaimSettings { group_overage: group_overage?, attributes: attributes? })
}

fn overage(written: &OidcProviderSettings, place: &Place, faults: &mut Faults) -> Option<GroupOverage> {
    let address = match &written.group_overage {
        GroupOverageSetting::Refuse => return Some(GroupOverage::Refuse),
        GroupOverageSetting::Ignore => {
            let message =
                format!("provider {}: who is in too many groups counts as being in none", written.name);
            let help = "leave it only where no rule and no policy asks who is not in a group";
            faults.warning(place.at("group_overage"), message, help);
            return Some(GroupOverage::Ignore);
        }
        GroupOverageSetting::Graph(address) => address,
    };
    if written.login.is_none() {
        let message = "there is no login, so there is no access token to ask Microsoft Graph with";
        faults.error(place.at("group_overage"), message, "add `login`, or write refuse or ignore");
    }
    let graph = GraphUrl::parse(address, Reach { private: false, loopback: written.allow_loopback_http });
    if graph.is_none() {
        let message = format!("{address:?} is not an address of Microsoft Graph");
        let help = format!("write one of {}", GraphUrl::clouds().join(", "));
        faults.error(place.at("group_overage"), message, help);
    }
    graph.map(GroupOverage::Graph)
}

fn paths(written: &OidcProviderSettings, place: &Place, faults: &mut Faults) -> Option<AttributePaths> {
    if written.attributes.len() > MOST_ATTRIBUTES {
        let message = format!("{} attributes are more than {MOST_ATTRIBUTES}", written.attributes.len());
        faults.error(place.at("attributes"), message, "lift those that rules look at");
        return None;
    }
    let mut paths = Vec::new();
    for (name, path) in &written.attributes {
        let members: Vec<String> = match path {
            ClaimPath::Dotted(path) => path.split('.').map(str::to_owned).collect(),
            ClaimPath::Members(members) => members.clone(),
        };
        let is_path = (1..=DEEPEST).contains(&members.len()) && !members.iter().any(String::is_empty);
        if name.is_empty() || !is_path {
            let message = format!("{name:?} has no path of 1 to {DEEPEST} members that are not empty");
            let help = "write { groups = \"realm_access.roles\" }, or a list where a name has dots";
            faults.error(place.at("attributes"), message, help);
        } else {
            paths.push((name.clone(), members));
        }
    }
    (paths.len() == written.attributes.len()).then(|| AttributePaths::new(paths))
}
