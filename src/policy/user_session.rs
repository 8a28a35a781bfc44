//! Temporary credentials that a user gets for itself or makes for somebody (`GetSessionToken`,
//! `GetFederationToken`; facts 1.5).

use std::time::Duration;

use super::denial::{CallerDenial, Denial};
use super::facts;
use super::iam::RequestContext;
use super::rights::{self, Access, SignedCall, Standing};
use super::{Circumstances, Policies, session, tags};
use crate::clock::Moment;
use crate::identity::{FederatedUser, Holder, Lifetime, Session, SessionPolicies, SessionTag, UserSession};

/// The proof that a user may have these credentials: made by [`Policies`] alone, and never deserialized.
#[derive(Debug, Clone)]
pub struct AuthorizedUserSession {
    session: Session,
    lifetime: Lifetime,
}

impl AuthorizedUserSession {
    /// What the credentials stand for.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Since when and until when.
    pub const fn lifetime(&self) -> Lifetime {
        self.lifetime
    }
}

/// Somebody whom a user makes credentials for.
#[derive(Debug, Clone)]
pub struct FederationRequest<'a> {
    /// The user, by a long-term key.
    pub user: &'a UserSession,
    /// `Name`.
    pub name: &'a str,
    /// How long.
    pub duration: Duration,
    /// `Policy` and `PolicyArns`.
    pub policies: &'a SessionPolicies,
    /// `Tags`.
    pub tags: &'a [SessionTag],
}

impl Policies {
    /// Temporary credentials of `user` itself. That needs no permission, and none can be withheld.
    pub fn session_of_user(
        &self,
        user: &UserSession,
        mfa: Option<Moment>,
        duration: Duration,
        at: Moment,
    ) -> AuthorizedUserSession {
        let lifetime = Lifetime { issued: at, expires: at.plus(duration) };
        let session = UserSession { lifetime: Some(lifetime), mfa, ..user.clone() };
        AuthorizedUserSession { session: Session::User(session), lifetime }
    }

    /// Credentials of somebody whom a user names, if it may.
    pub fn federate_user(
        &self,
        ask: &FederationRequest<'_>,
        when: Circumstances,
    ) -> Result<AuthorizedUserSession, Denial> {
        tags::check(ask.tags).map_err(Denial::Tags)?;
        session::packed(ask.tags, ask.policies)?;
        session::session_policies(ask.policies, ask.user.user.account(), &self.rights)?;
        let holder = Holder::User(ask.user);
        let resource = ask.user.user.federated_arn(ask.name);
        let standing = Standing::of(&self.rights, holder);
        let mut context = RequestContext::new();
        rights::of_holder(holder, when.at, &mut context);
        facts::address(when.source_ip, &mut context);
        facts::tags(ask.tags, &mut context);
        let applicable = standing.applicable(None, holder.account());
        let tagged = (!ask.tags.is_empty()).then_some("sts:TagSession");
        for action in [Some("sts:GetFederationToken"), tagged].into_iter().flatten() {
            let call =
                SignedCall { caller: standing.caller(), action, resource: &resource, context: &context };
            let access = applicable.decide(&call);
            if !matches!(access, Access::Allowed(_)) {
                let reason = access.because(action).unwrap_or_default();
                return Err(
                    CallerDenial::NotAllowed { caller: holder.arn(), action, resource, reason }.into()
                );
            }
        }
        let lifetime = Lifetime { issued: when.at, expires: when.at.plus(ask.duration) };
        let session = FederatedUser {
            name: ask.name.to_owned(),
            made_by: ask.user.user.clone(),
            user_id: ask.user.user_id.clone(),
            policies: ask.policies.clone(),
            tags: ask.tags.to_vec(),
            lifetime,
        };
        Ok(AuthorizedUserSession { session: Session::FederatedUser(Box::new(session)), lifetime })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use super::*;
    use crate::arn::{UserArn, UserId};
    use crate::policy::Rules;
    use crate::policy::iam::{Policy, PolicyKind};
    use crate::policy::rights::{AccessQuestion, HolderRights, NamedPolicy, Rights};

    const WHEN: Circumstances = Circumstances::at(Moment::from_unix(1_800_000_000));
    const ALL: &str = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;

    fn bot() -> UserSession {
        let user: UserArn = "arn:aws:iam::111122223333:user/bot".parse().unwrap();
        UserSession { user_id: UserId::of_declared(&user), user, lifetime: None, mfa: None }
    }

    /// The policies of a world in which the user `bot` may do this.
    fn policies(of_user: &str) -> Policies {
        let policy =
            Policy::parse(PolicyKind::Identity, of_user).unwrap_or_else(|faults| panic!("{faults:?}"));
        let identity = vec![Arc::new(NamedPolicy { name: "p".into(), policy })];
        let users = HashMap::from([(bot().user, HolderRights { identity, boundary: None })]);
        let rights = Rights { users, ..Rights::default() };
        Policies::new(Rules::compile(Vec::new()).unwrap(), HashMap::new(), rights)
    }

    fn federated(
        policies: &Policies,
        session_policy: Option<&str>,
        tags: &[SessionTag],
    ) -> Result<Session, Denial> {
        let user = bot();
        let of_session = SessionPolicies { inline: session_policy.map(str::to_owned), managed: Vec::new() };
        let ask = FederationRequest {
            user: &user,
            name: "cleo",
            duration: Duration::from_secs(900),
            policies: &of_session,
            tags,
        };
        policies.federate_user(&ask, WHEN).map(|authorized| authorized.session().clone())
    }

    /// Facts 5.4: the user's policies and the session's must allow; without a session policy nothing is allowed
    /// but what a resource lets the federated user itself do.
    #[test]
    fn somebody_may_do_what_both_policies_allow() {
        let policies = policies(ALL);
        let reads = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}"#;
        let grant = |principal: &str| {
            format!(
                r#"{{"Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {{"AWS": "{principal}"}}}}}}"#
            )
        };
        let (itself, account) =
            (grant("arn:aws:sts::111122223333:federated-user/cleo"), grant("111122223333"));
        for (session_policy, action, resource_policy, allowed) in [
            (Some(reads), "s3:GetObject", None, true),
            (Some(reads), "s3:PutObject", None, false),
            (None, "s3:GetObject", None, false),
            (None, "s3:GetObject", Some(itself.as_str()), true),
            (None, "s3:GetObject", Some(account.as_str()), false),
        ] {
            let session = federated(&policies, session_policy, &[]).unwrap();
            let resource = "arn:aws:s3:::b/k";
            let question = AccessQuestion { action, resource, resource_policy, ..AccessQuestion::default() };
            let asked = policies.ask((&session).into(), &question, WHEN.at).unwrap();
            assert_eq!(
                asked.decide().is_allowed(),
                allowed,
                "{session_policy:?} {action} {resource_policy:?}"
            );
        }
    }

    #[test]
    fn the_user_must_be_allowed_to_make_and_to_tag() {
        let makes = r#"{"Statement": {"Effect": "Allow", "Action": "sts:GetFederationToken",
            "Resource": "arn:aws:sts::111122223333:federated-user/cleo"}}"#;
        let tag = [SessionTag { key: "team".into(), value: "red".into(), transitive: false }];
        let refused = |of_user: &str, tags: &[SessionTag]| match federated(&policies(of_user), None, tags) {
            Ok(_) => None,
            Err(Denial::Caller(denial)) => match *denial {
                CallerDenial::NotAllowed { action, .. } => Some(action),
                other => panic!("{other:?}"),
            },
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(refused(makes, &[]), None);
        assert_eq!(refused(&makes.replace("cleo", "ben"), &[]), Some("sts:GetFederationToken"));
        assert_eq!(refused(makes, &tag), Some("sts:TagSession"));
        assert_eq!(refused(ALL, &tag), None);
    }
}
