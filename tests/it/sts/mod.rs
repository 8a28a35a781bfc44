//! Signed calls of the STS API: users and sessions that get credentials by their own; and of services that ask
//! whose they are.

mod assuming;
mod consoles;
mod recorded;
mod revoking;
mod second_factor;
mod session_policies;
mod settings;
pub(crate) mod upstream;
mod users;
mod verify;

use std::fs;
use std::path::{Path, PathBuf};

use crate::oauth::fixture::{ANN_SECRET, BOT_SECRET, SETTINGS};
use crate::oauth::world::{Answer, Keys, World};

/// Beside those of the OAuth tests: two users, and roles that trust their account, one of them on conditions.
const USERS: &str = r#"
[[role]]
arn = "arn:aws:iam::111122223333:role/Start"
trust_policy = "account-trust.json"
policies = ["assuming.json"]
max_session_duration = "4h"
[[role]]
arn = "arn:aws:iam::111122223333:role/Next"
trust_policy = "account-trust.json"
policies = ["assuming.json"]
max_session_duration = "4h"
[[role]]
arn = "arn:aws:iam::111122223333:role/Decoder"
trust_policy = "account-trust.json"
[[role]]
arn = "arn:aws:iam::111122223333:role/Vault"
trust_policy = "vault-trust.json"
[[role]]
arn = "arn:aws:iam::444455556666:role/Partner"
trust_policy = "partner-trust.json"

[[policy]]
arn = "arn:aws:iam::111122223333:policy/limits/Assuming"
document = "assuming.json"
[[policy]]
arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
document = "s3-reading.json"
[[policy]]
arn = "arn:aws:iam::444455556666:policy/Assuming"
document = "assuming.json"

[[group]]
arn = "arn:aws:iam::111122223333:group/people/engineers"
policies = ["assuming.json"]

[[user]]
arn = "arn:aws:iam::111122223333:user/ci/bot"
policies = ["assuming.json"]
[[user.access_key]]
id = "AKIABOTBOTBOTBOTBOTB"
secret = { file = "bot-secret" }
[[user.access_key]]
id = "AKIABOTBOTBOTBOTOLDB"
secret = { file = "bot-secret" }
status = "inactive"

[[user]]
arn = "arn:aws:iam::111122223333:user/ann"
groups = ["arn:aws:iam::111122223333:group/people/engineers"]
mfa = { serial = "arn:aws:iam::111122223333:mfa/ann", secret = { file = "ann-app" } }
[[user.access_key]]
id = "AKIAANNANNANNANNANNA"
secret = { file = "ann-secret" }
"#;

const POLICIES: [(&str, &str); 5] = [
    (
        "account-trust.json",
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:*", "Principal": {"AWS": "111122223333"}}}"#,
    ),
    (
        "vault-trust.json",
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}}"#,
    ),
    (
        "partner-trust.json",
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": "arn:aws:iam::111122223333:user/ci/bot"},
            "Condition": {"StringEquals": {"sts:ExternalId": "contract-7"}}}}"#,
    ),
    (
        "s3-reading.json",
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}}"#,
    ),
    (
        "assuming.json",
        r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], "Resource": "*"},
            {"Effect": "Allow", "Action": ["sts:GetFederationToken", "sts:GetAccessKeyInfo"], "Resource": "*"}]}"#,
    ),
];

const START: &str = "arn:aws:iam::111122223333:role/Start";
const NEXT: &str = "arn:aws:iam::111122223333:role/Next";
const VAULT: &str = "arn:aws:iam::111122223333:role/Vault";
const PARTNER: &str = "arn:aws:iam::444455556666:role/Partner";

fn settings() -> String {
    let mut settings = format!("{SETTINGS}{USERS}");
    for (name, text) in POLICIES {
        settings = settings.replace(name, policy_file(name, text).to_str().unwrap());
    }
    settings
}

/// A policy document on disk. Tests run side by side: a file that is there says the same.
fn policy_file(name: &str, text: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sts-policies");
    fs::create_dir_all(&folder).unwrap();
    let (path, written) =
        (folder.join(name), folder.join(format!("{name}.{:?}", std::thread::current().id())));
    fs::write(&written, text).unwrap();
    fs::rename(&written, &path).unwrap();
    path
}

async fn world() -> World {
    World::configured(&settings()).await
}

fn bot() -> Keys {
    Keys { id: "AKIABOTBOTBOTBOTBOTB".into(), secret: BOT_SECRET.into(), token: None }
}

fn ann() -> Keys {
    Keys { id: "AKIAANNANNANNANNANNA".into(), secret: ANN_SECRET.into(), token: None }
}

/// `AssumeRole`, with these parameters beside.
async fn assume(world: &World, by: &Keys, role: &str, more: &[(&str, &str)]) -> Answer {
    let call = [("Action", "AssumeRole"), ("RoleArn", role), ("RoleSessionName", "night-run")];
    world.signed(by, &[&call[..], more].concat()).await
}

/// The ARN that `GetCallerIdentity` says, or how it is refused.
async fn who(world: &World, keys: &Keys) -> String {
    let answer = world.signed(keys, &[("Action", "GetCallerIdentity")]).await;
    answer.element("Arn").unwrap_or_else(|| answer.sts_refusal())
}
