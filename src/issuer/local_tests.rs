//! Credentials open to what they were issued for, today's and those of builds before.

use std::time::Duration;

use super::*;
use crate::arn::{RoleArn, RoleId, UserArn, UserId};
use crate::entropy::SystemEntropy;
use crate::identity::{
    Ancestry, FederatedUser, Lifetime, LoginMarks, RoleSession, SessionPolicies, SessionTag, UserSession,
};
use crate::seal::KEY_BYTES;

const NOW: Moment = Moment::from_unix(1_800_000_000);

fn session() -> RoleSession {
    let role: RoleArn = "arn:aws:iam::111122223333:role/eng/Deploy".parse().unwrap();
    RoleSession {
        role_id: RoleId::of_declared(&role),
        role,
        session_name: "ann@example.com".into(),
        provider: Some("arn:aws:iam::111122223333:saml-provider/corp".parse().unwrap()),
        subject: Some("ann".into()),
        assumed_by: None,
        ancestry: Ancestry::default(),
        mfa: None,
        source_identity: Some("ann".into()),
        tags: vec![SessionTag { key: "team".into(), value: "platform".into(), transitive: true }],
        policies: SessionPolicies::default(),
        provider_session_ends: None,
        login: Some(LoginMarks { subject: [1; 16], sessions: vec![[2; 16]], unnamed: None }),
        grant: None,
        issued: NOW,
        expires: NOW.plus(Duration::from_secs(3600)),
    }
}

fn issuer() -> LocalIssuer {
    let entropy = SystemEntropy::new();
    LocalIssuer::new(Arc::new(KeyRing::generate(&entropy).unwrap()), Arc::new(entropy))
}

fn open(issuer: &LocalIssuer, made: &TemporaryCredentials, at: Moment) -> Result<RoleSession, SigV4Error> {
    let token = made.session_token.expose();
    let opened = issuer.open(made.access_key_id.as_str(), Some(token), at)?;
    assert!(opened.secret_access_key.same_as(made.secret_access_key.expose().as_bytes()));
    match opened.session {
        Session::Role(session) => Ok(*session),
        other => panic!("{other:?}"),
    }
}

fn made_by(issuer: &LocalIssuer) -> TemporaryCredentials {
    let session = session();
    issuer.make((&session).into(), session.expires).unwrap()
}

#[test]
fn what_is_issued_opens_to_the_same_session() {
    let issuer = issuer();
    let made = made_by(&issuer);
    assert_eq!(open(&issuer, &made, NOW).unwrap(), session());
    assert_eq!(made.secret_access_key.expose().len(), 40);
    assert!(made.session_token.expose().len() <= 700, "{}", made.session_token.expose().len());
}

#[test]
fn it_ends_with_its_time() {
    let issuer = issuer();
    let made = made_by(&issuer);
    let end = session().expires;
    assert!(open(&issuer, &made, end.minus(Duration::from_millis(1))).is_ok());
    assert!(matches!(open(&issuer, &made, end), Err(SigV4Error::ExpiredToken)));
}

#[test]
fn a_token_belongs_to_one_key_and_one_ring() {
    let issuer = issuer();
    let (one, two) = (made_by(&issuer), made_by(&issuer));
    let token = two.session_token.expose().as_str();
    for (id, token) in
        [(one.access_key_id.as_str(), Some(token)), (one.access_key_id.as_str(), None), ("", Some(token))]
    {
        assert!(matches!(issuer.open(id, token, NOW), Err(SigV4Error::InvalidClientTokenId)), "{id}");
    }
    let stranger = self::issuer();
    assert!(matches!(open(&stranger, &one, NOW), Err(SigV4Error::InvalidClientTokenId)));
    assert!(!one.secret_access_key.same_as(two.secret_access_key.expose().as_bytes()));
}

/// Tokens of every format that a build before may have made, and what they stand for.
mod recorded {
    use super::*;

    /// The key that they were sealed with.
    fn ring() -> KeyRing {
        KeyRing::of(Secret::new([7; KEY_BYTES]))
    }

    fn role_session() -> RoleSession {
        let id = |text: &str| text.parse::<AccessKeyId>().unwrap();
        let first = id("ASIAQWERTYUIOPASDFGH");
        RoleSession {
            assumed_by: Some("arn:aws:iam::111122223333:user/ci/bot".into()),
            ancestry: Ancestry::default().and(first.as_str()),
            mfa: Some(NOW.minus(Duration::from_millis(1500))),
            policies: SessionPolicies {
                inline: Some(r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#.into()),
                managed: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".parse().unwrap()],
            },
            provider_session_ends: Some(NOW.plus(Duration::from_secs(7200))),
            login: Some(LoginMarks {
                subject: [1; 16],
                sessions: vec![[2; 16], [3; 16]],
                unnamed: Some([4; 16]),
            }),
            grant: Some([5; 16]),
            ..session()
        }
    }

    fn least_role_session() -> RoleSession {
        RoleSession {
            provider: None,
            subject: None,
            source_identity: None,
            tags: Vec::new(),
            login: None,
            ..session()
        }
    }

    fn sessions() -> [Session; 4] {
        let user: UserArn = "arn:aws:iam::111122223333:user/ci/bot".parse().unwrap();
        let user_id = UserId::of_declared(&user);
        let lifetime = Lifetime { issued: NOW, expires: NOW.plus(Duration::from_secs(43_200)) };
        let of_user = UserSession {
            user: user.clone(),
            user_id: user_id.clone(),
            lifetime: Some(lifetime),
            mfa: Some(NOW),
        };
        let federated = FederatedUser {
            name: "cleo".into(),
            made_by: user,
            user_id,
            policies: SessionPolicies::default(),
            tags: session().tags,
            lifetime,
        };
        [
            Session::Role(Box::new(role_session())),
            Session::Role(Box::new(least_role_session())),
            Session::User(of_user),
            Session::FederatedUser(Box::new(federated)),
        ]
    }

    /// An access key id, its secret and its token a line, for each of the sessions, in that order.
    const FORMAT_1: &str = include_str!("recorded_tokens/format-1.txt");

    #[test]
    fn tokens_of_a_build_before_open_to_the_same_credentials() {
        let issuer = LocalIssuer::new(Arc::new(ring()), Arc::new(SystemEntropy::new()));
        let mut lines = FORMAT_1.lines();
        for session in sessions() {
            let mut parts = lines.next().unwrap().split(' ');
            let (id, secret, token) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
            let opened = issuer.open(id, Some(token), NOW).unwrap();
            assert_eq!(opened.session, session);
            assert_eq!(opened.secret_access_key.expose(), secret);
        }
        assert_eq!(lines.next(), None);
    }

    /// A change of what is written needs another number, or nodes of two builds can't serve side by side.
    #[test]
    fn what_is_written_is_what_was_recorded() {
        for (session, line) in sessions().iter().zip(FORMAT_1.lines()) {
            let (id, token) = (&line[..20], line.rsplit(' ').next().unwrap());
            let sealed = STANDARD.decode_to_vec(token).unwrap();
            let recorded = ring().open(Purpose::SessionToken, &sealed).unwrap();
            assert_eq!(body_of(id.parse().unwrap(), session.into()).unwrap(), recorded);
        }
    }

    #[test]
    fn other_formats_and_what_follows_a_session_are_refused() {
        for session in sessions() {
            let id = "ASIAQWERTYUIOPASDFGH".parse().unwrap();
            let body = body_of(id, (&session).into()).unwrap();
            assert!(read_body(&body).is_some());
            assert!(read_body(&[&body[..], &[0]].concat()).is_none());
            assert!(read_body(&body[..body.len() - 1]).is_none());
            for format in (0..=u8::MAX).filter(|format| *format != FORMAT) {
                assert!(read_body(&[&[format], &body[1..]].concat()).is_none(), "{format}");
            }
        }
    }
}
