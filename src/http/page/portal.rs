//! The portal's pages for somebody who is signed in: their roles, and credentials to copy.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Allowed, render, saying_where_from};
use crate::arn::RoleArn;
use crate::clock::Moment;
use crate::issuer::TemporaryCredentials;

/// Finds while one types, where a browser runs scripts.
const FIND: &str = include_str!("../pages/find.js");
/// Copies what stands beside a button, and counts down.
const COPY: &str = include_str!("../pages/copy.js");

/// A person's roles.
#[derive(Template)]
#[template(path = "roles_page.html")]
pub(in crate::http) struct RolesPage {
    pub(in crate::http) person: String,
    pub(in crate::http) search: String,
    pub(in crate::http) page: usize,
    pub(in crate::http) found: usize,
    pub(in crate::http) total: usize,
    pub(in crate::http) favourites: Vec<RoleRow>,
    pub(in crate::http) recent: Vec<RoleRow>,
    pub(in crate::http) rows: Vec<RoleRow>,
    /// Such as `Page 2 of 9`, where there are several.
    pub(in crate::http) place: Option<String>,
    pub(in crate::http) previous: Option<String>,
    pub(in crate::http) next: Option<String>,
    /// The role whose console is open.
    pub(in crate::http) console: Option<String>,
    /// Whether the person sees where those in charge go to.
    pub(in crate::http) is_in_charge: bool,
    pub(in crate::http) until: String,
    pub(in crate::http) until_machine: String,
}

impl RolesPage {
    /// The parts of the list that have something in them.
    fn parts(&self) -> Vec<(&'static str, &[RoleRow])> {
        let all = if self.search.is_empty() { "All roles" } else { "Found" };
        let parts = [("Favourites", &self.favourites), ("Recent", &self.recent), (all, &self.rows)];
        parts.into_iter().filter(|(_, rows)| !rows.is_empty()).map(|(name, rows)| (name, &rows[..])).collect()
    }

    const fn script(&self) -> &'static str {
        FIND
    }
}

/// A role in the list.
pub(in crate::http) struct RoleRow {
    pub(in crate::http) arn: String,
    pub(in crate::http) name: String,
    pub(in crate::http) account: String,
    pub(in crate::http) description: Option<String>,
    pub(in crate::http) is_favourite: bool,
    /// Whether the provider may have to ask the person again.
    pub(in crate::http) wants_fresh: bool,
}

/// Credentials to copy.
#[derive(Template)]
#[template(path = "credentials.html")]
pub(in crate::http) struct CredentialsPage {
    arn: String,
    role: String,
    account: String,
    ways: Vec<Way>,
    until: String,
    until_machine: String,
    minutes: u64,
}

/// Credentials as one shell or file wants them.
struct Way {
    id: &'static str,
    name: &'static str,
    hint: &'static str,
    text: String,
}

impl CredentialsPage {
    pub(in crate::http) fn new(
        given: &TemporaryCredentials,
        role: &RoleArn,
        account: String,
        at: Moment,
    ) -> Self {
        let values = [
            ("AWS_ACCESS_KEY_ID", given.access_key_id()),
            ("AWS_SECRET_ACCESS_KEY", given.secret_access_key().expose().as_str()),
            ("AWS_SESSION_TOKEN", given.session_token().expose().as_str()),
        ];
        let lines =
            |line: &dyn Fn(&str, &str) -> String| values.map(|(name, value)| line(name, value)).join("\n");
        let profile = profile_name(&account, role.name());
        let in_file = lines(&|name, value| format!("{} = {value}", name.to_lowercase()));
        let ways = vec![
            Way {
                id: "sh",
                name: "bash, zsh",
                hint: "Paste it into a terminal.",
                text: lines(&|name, value| format!("export {name}='{value}'")),
            },
            Way {
                id: "fish",
                name: "fish",
                hint: "Paste it into a terminal.",
                text: lines(&|name, value| format!("set -gx {name} '{value}'")),
            },
            Way {
                id: "powershell",
                name: "PowerShell",
                hint: "Paste it into a terminal.",
                text: lines(&|name, value| format!("$Env:{name} = '{value}'")),
            },
            Way {
                id: "profile",
                name: "A profile",
                hint: "Add it to ~/.aws/credentials, and name the profile with --profile.",
                text: format!("[{profile}]\n{in_file}"),
            },
        ];
        let minutes = given.expires().since(at).as_secs().div_ceil(60);
        let (arn, role) = (role.to_string(), role.name().to_owned());
        let (until, until_machine) = (given.expires().for_people(), given.expires().to_rfc3339());
        Self { arn, role, account, ways, until, until_machine, minutes }
    }

    const fn script(&self) -> &'static str {
        COPY
    }
}

/// A name that needs no quotes.
fn profile_name(account: &str, role: &str) -> String {
    let plain = |text: &str| -> String {
        text.chars().map(|each| if each.is_ascii_alphanumeric() { each } else { '-' }).collect()
    };
    format!("{}-{}", plain(account), plain(role))
}

/// `origins` are those that a console may be at, `leads_to` is where its sign-out goes on to.
pub(in crate::http) fn roles(
    request: &HttpRequest,
    view: &RolesPage,
    origins: &[String],
    leads_to: Option<&str>,
) -> HttpResponse {
    let leads_to = leads_to.map(|origin| format!("{origin} https:"));
    let forms: Vec<&str> = origins.iter().map(String::as_str).chain(leads_to.as_deref()).collect();
    let allowed = Allowed { forms: &forms.join(" "), script: FIND, connects: true };
    saying_where_from(render(request, StatusCode::OK, view, &allowed))
}

/// `leads_to` is where its sign-out goes on to.
pub(in crate::http) fn credentials(
    request: &HttpRequest,
    view: &CredentialsPage,
    leads_to: Option<&str>,
) -> HttpResponse {
    let forms = leads_to.map_or_else(String::new, |origin| format!("{origin} https:"));
    let allowed = Allowed { forms: &forms, script: COPY, connects: false };
    saying_where_from(render(request, StatusCode::OK, view, &allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_needs_no_quotes() {
        assert_eq!(profile_name("prod (111122223333)", "Deploy+Ops"), "prod--111122223333--Deploy-Ops");
        assert_eq!(profile_name("prod", "Deploy"), "prod-Deploy");
    }
}
