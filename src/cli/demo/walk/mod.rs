//! `demo --once`: every flow once, over real HTTP, and one refusal of each kind.
//!
//! One line a step. Key ids, ARNs and codes are shown; secrets, tokens and assertions are not.

mod browser;
mod console;
mod device;
mod logout;
mod oauth;
mod portal;
mod refusals;
mod sts;

use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;

use self::sts::{Credentials, Sts};
use super::DemoError;
use super::idp::{Idp, MOBILE_CLIENT};
use super::people::{ANN, CLEO};
use super::world::World;
use crate::clock::{Clock, Moment};

/// The company's provider.
const CORP: &str = "arn:aws:iam::111122223333:saml-provider/corp";
/// Ann's.
const DEPLOY: &str = "arn:aws:iam::111122223333:role/eng/Deploy";
/// The mobile app's.
const PHOTO_UPLOADER: &str = "arn:aws:iam::111122223333:role/app/PhotoUploader";

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a step gives: what to show, or what went wrong.
type Outcome = Result<String, String>;

/// Walks through `world`; says whether each step gave what it must.
pub(crate) async fn walk(world: &World, idp: &Idp, clock: &dyn Clock) -> Result<bool, DemoError> {
    let http = Client::builder().redirect(Policy::none()).no_proxy().timeout(PATIENCE).build()?;
    let sts = Sts::new(http.clone(), &world.public_url()).map_err(DemoError::Broker)?;
    let mut walk = Walk { world, idp, clock, http, sts, steps: 0, failed: 0 };
    walk.health().await;
    let credentials = walk.credentials().await;
    match &credentials {
        Some(credentials) => console::sign_in(&mut walk, credentials).await,
        None => walk.tell("console sign-in", Err("there are no credentials to sign in with".into())),
    }
    oauth::exchanges(&mut walk).await;
    device::sign_in(&mut walk).await;
    console::browsers(&mut walk).await;
    portal::visits(&mut walk).await;
    refusals::assertions(&mut walk).await;
    refusals::tokens(&mut walk).await;
    refusals::requests(&mut walk).await;
    refusals::roles(&mut walk).await;
    if let Some(credentials) = &credentials {
        refusals::credentials(&mut walk, credentials).await;
        logout::both_ways(&mut walk, credentials).await;
    }
    logout::by_openid_connect(&mut walk).await;
    println!("\n{} steps, {} failed", walk.steps, walk.failed);
    Ok(walk.failed == 0)
}

/// A walk on its way.
struct Walk<'a> {
    world: &'a World,
    idp: &'a Idp,
    clock: &'a dyn Clock,
    http: Client,
    sts: Sts,
    steps: usize,
    failed: usize,
}

impl Walk<'_> {
    /// Reports a step.
    fn tell(&mut self, what: &str, outcome: Outcome) {
        self.steps += 1;
        match outcome {
            Ok(result) => println!("ok    {what:<58} → {result}"),
            Err(reason) => {
                self.failed += 1;
                println!("FAIL  {what:<58} → {reason}");
            }
        }
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }

    /// `path` at the broker.
    fn at_broker(&self, path: &str) -> String {
        format!("{}{path}", self.world.public_url())
    }

    async fn health(&mut self) {
        for path in ["/healthz", "/readyz"] {
            let outcome = self.status(&format!("http://{}{path}", self.world.operations)).await;
            self.tell(&format!("GET {path}"), outcome.and_then(|status| expect(status == 200, status)));
        }
    }

    /// Both calls that give credentials, each checked by asking whose they are.
    async fn credentials(&mut self) -> Option<Credentials> {
        let saml = self.by_saml().await;
        let saml = self.told("AssumeRoleWithSAML: Ann, role Deploy", saml);
        if let Some(credentials) = &saml {
            let caller = self.caller_of(credentials, "assumed-role/Deploy/ann@demo.example").await;
            self.tell("GetCallerIdentity with them", caller);
        }
        let oidc = self.by_web_identity().await;
        if let Some(credentials) = self.told("AssumeRoleWithWebIdentity: Cleo, role PhotoUploader", oidc) {
            let caller = self.caller_of(&credentials, "assumed-role/PhotoUploader/cleo-phone").await;
            self.tell("GetCallerIdentity with them", caller);
        }
        saml
    }

    fn told(&mut self, what: &str, result: Result<Credentials, String>) -> Option<Credentials> {
        let shown = |credentials: &Credentials| credentials.access_key_id.clone();
        self.tell(what, result.as_ref().map(shown).map_err(Clone::clone));
        result.ok()
    }

    async fn by_saml(&self) -> Result<Credentials, String> {
        let response = self.idp.saml_response(&ANN, None).map_err(|error| error.to_string())?;
        self.sts.with_saml(DEPLOY, CORP, &response).await?.credentials()
    }

    async fn by_web_identity(&self) -> Result<Credentials, String> {
        let token = self.idp.id_token(&CLEO, MOBILE_CLIENT, self.now()).map_err(|error| error.to_string())?;
        self.sts.with_web_identity(PHOTO_UPLOADER, "cleo-phone", &token).await?.credentials()
    }

    /// Asks whose `credentials` are: the answer must be the ARN they came with.
    async fn caller_of(&self, credentials: &Credentials, wanted: &str) -> Outcome {
        let answer = self.sts.caller(credentials, self.now()).await?;
        let arn = answer.field("Arn").ok_or_else(|| answer.refusal())?;
        expect(arn == credentials.arn && arn.ends_with(wanted), arn)
    }

    async fn status(&self, url: &str) -> Result<u16, String> {
        let answer = self.http.get(url).send().await.map_err(|error| error.without_url().to_string())?;
        Ok(answer.status().as_u16())
    }
}

/// `seen` as the outcome: good if `met`.
fn expect(met: bool, seen: impl ToString) -> Outcome {
    if met { Ok(seen.to_string()) } else { Err(seen.to_string()) }
}
