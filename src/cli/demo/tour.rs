//! What `rolegate demo` prints: where things are, and what to try.

use super::people::PEOPLE;
use super::world::World;

/// The tour through `world`.
pub(crate) fn text(world: &World) -> String {
    let people: String =
        PEOPLE.iter().map(|person| format!("    {:<11} {}\n", person.name, person.about)).collect();
    TOUR.replace("@PEOPLE@", &people)
        .replace("@BROKER@", &world.public_url())
        .replace("@BROKER_QUOTED@", &quoted(&world.public_url()))
        .replace("@IDP@", &world.issuer())
        .replace("@OPERATIONS@", &format!("http://{}", world.operations))
        .replace("@FOLDER@", &world.folder.display().to_string())
}

/// An origin as a query value.
fn quoted(origin: &str) -> String {
    url::form_urlencoded::byte_serialize(origin.as_bytes()).collect()
}

const TOUR: &str = r#"
Rolegate is running. Nothing here leaves this machine.

  In the browser
    @BROKER@/portal   sign in here: the broker
    @IDP@          or here: the demo identity provider
    @BROKER@/go/deploy   a link to a role (Ann's)
    @BROKER@/portal/admin   for those in charge: sign in as Ben

  People (there are no passwords)
@PEOPLE@
  In a shell: Ann's SAML response becomes credentials
    export AWS_DEFAULT_REGION=us-east-1
    read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN <<< "$(
      aws sts assume-role-with-saml --no-sign-request --endpoint-url @BROKER@ \
        --role-arn arn:aws:iam::111122223333:role/eng/Deploy \
        --principal-arn arn:aws:iam::111122223333:saml-provider/corp \
        --saml-assertion "$(curl -s @IDP@/saml-response/ann)" \
        --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text)"
    export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
    aws sts get-caller-identity --endpoint-url @BROKER@

  Those credentials become a console sign-in (open the address it prints)
    token=$(curl -sG @BROKER@/federation -d Action=getSigninToken --data-urlencode "Session={
      \"sessionId\":\"$AWS_ACCESS_KEY_ID\",\"sessionKey\":\"$AWS_SECRET_ACCESS_KEY\",
      \"sessionToken\":\"$AWS_SESSION_TOKEN\"}" | sed 's/.*"SigninToken" *: *"\([^"]*\)".*/\1/')
    echo "@BROKER@/federation?Action=login&Destination=@BROKER_QUOTED@%2Fconsole&SigninToken=$token"

  Cleo's phone: an ID token becomes credentials
    aws sts assume-role-with-web-identity --no-sign-request --endpoint-url @BROKER@ \
      --role-arn arn:aws:iam::111122223333:role/app/PhotoUploader --role-session-name cleo-phone \
      --web-identity-token "$(curl -s '@IDP@/token/cleo?client=mobile-app')"

  The same at the token endpoint, with a refresh token (or, with audience=https://photos.demo.example
  instead of the last line, a JSON Web Token that @BROKER@/.well-known/jwks.json verifies)
    curl -s @BROKER@/oauth2/token -d client_id=mobile-app \
      -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange \
      -d subject_token="$(curl -s '@IDP@/token/cleo?client=mobile-app')" \
      -d subject_token_type=urn:ietf:params:oauth:token-type:id_token \
      -d role=arn:aws:iam::111122223333:role/app/PhotoUploader -d role_session_name=cleo-phone \
      -d requested_token_type=urn:rolegate:params:oauth:token-type:aws-credentials

  A command line without a browser: open the address that the first answer prints, sign in, approve, then ask
    begun=$(curl -s @BROKER@/oauth2/device_authorization -d client_id=demo-cli \
      -d requested_token_type=urn:rolegate:params:oauth:token-type:aws-credentials); echo "$begun"
    curl -s @BROKER@/oauth2/token -d client_id=demo-cli \
      -d grant_type=urn:ietf:params:oauth:grant-type:device_code \
      -d device_code="$(sed 's/.*"device_code":"\([^"]*\)".*/\1/' <<< "$begun")"

  Refused, and rightly: Ben is no engineer
    aws sts assume-role-with-saml --no-sign-request --endpoint-url @BROKER@ \
      --role-arn arn:aws:iam::111122223333:role/eng/Deploy \
      --principal-arn arn:aws:iam::111122223333:saml-provider/corp \
      --saml-assertion "$(curl -s @IDP@/saml-response/ben)"

  Ann signs out at her provider (on the console page there is a button), and they are good no more
    curl -sL -o /dev/null -d person=ann @IDP@/saml/end
    aws sts get-caller-identity --endpoint-url @BROKER@

  Behind the scenes
    @FOLDER@/rolegate.toml   the configuration, with its policies beside it
    @OPERATIONS@/readyz   health; /metrics for numbers

  Ctrl-C stops it. `rolegate demo --once` walks all of this by itself.

"#;

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn nothing_is_left_to_fill_in() {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let world = World { folder: "var/demo".into(), public: at(1), idp: at(2), operations: at(3) };
        let text = text(&world);
        assert!(!text.contains('@'), "{text}");
        assert!(text.contains("Destination=http%3A%2F%2F127.0.0.1%3A1%2Fconsole"), "{text}");
        assert!(text.contains("Ann Keller") && text.contains("http://127.0.0.1:2/saml-response/ann"));
    }
}
