//! The AWS SDK for Rust, as an application uses it. What it does and prints, `test_sdks.py` says.

use std::env;
use std::error::Error;

use aws_config::sts::AssumeRoleProvider;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_sts::Client;
use aws_sdk_sts::error::ProvideErrorMetadata;
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let configuration = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let by_token = WebIdentityTokenCredentialsProvider::builder().build();
    let first = by_token.provide_credentials().await?;
    let renewed = by_token.provide_credentials().await?;

    let next = AssumeRoleProvider::builder(env::var("NEXT_ROLE")?)
        .session_name("next")
        .tags([("team", "red")])
        .configure(&configuration)
        .build_from_provider(renewed.clone())
        .await;
    let chained = next.provide_credentials().await?;

    let vault = client(&configuration, &first).assume_role().role_arn(env::var("VAULT_ROLE")?);
    let refused = match vault.role_session_name("next").send().await {
        Ok(_) => "nothing".to_owned(),
        Err(error) => error.code().unwrap_or("no code").to_owned(),
    };
    let said = json!({
        "first": called(&configuration, &first).await?,
        "renewed": called(&configuration, &renewed).await?,
        "chained": called(&configuration, &chained).await?,
        "refused": refused,
    });
    println!("{said}");
    Ok(())
}

fn client(configuration: &SdkConfig, credentials: &Credentials) -> Client {
    let credentials = SharedCredentialsProvider::new(credentials.clone());
    Client::new(&configuration.to_builder().credentials_provider(credentials).build())
}

async fn called(configuration: &SdkConfig, credentials: &Credentials) -> Result<Value, Box<dyn Error>> {
    let caller = client(configuration, credentials).get_caller_identity().send().await?;
    Ok(json!({ "id": credentials.access_key_id(), "arn": caller.arn() }))
}
