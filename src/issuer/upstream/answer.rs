//! What an STS answers: XML of the Query protocol (facts 1.1, 1.2).

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::clock::Moment;
use crate::secret::Secret;

/// Characters of an upstream's message that are kept.
const LONGEST_MESSAGE: usize = 300;
/// Characters of any value: a session token of AWS has about a thousand, and its size is not bounded.
const LONGEST_VALUE: usize = 16 * 1024;

/// The credentials of an answer.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: Secret<String>,
    pub(super) session_token: Secret<String>,
    pub(super) expires: Moment,
    /// The id and the ARN of the session, if it says them.
    pub(super) assumed: Option<(String, String)>,
}

/// A refusal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: String,
    pub(super) message: String,
}

/// Reads a good answer; the error says what is not as it should be.
pub(super) fn given(body: &[u8]) -> Result<Given, &'static str> {
    let mut values = Values::read(body).ok_or("its answer is no XML that an STS writes")?;
    let mut one = |name| values.take("Credentials", name).ok_or("its answer lacks a part of the credentials");
    let (access_key_id, secret) = (one("AccessKeyId")?, one("SecretAccessKey")?);
    let (token, expires) = (one("SessionToken")?, one("Expiration")?);
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if ![&access_key_id, &secret, &token].into_iter().all(|text| is_word(text)) || access_key_id.len() > 128 {
        return Err("its credentials are none");
    }
    let expires = Moment::parse_rfc3339(&expires).ok_or("the end of its credentials is no time")?;
    let id = values.take("AssumedRoleUser", "AssumedRoleId");
    let arn = values.take("AssumedRoleUser", "Arn");
    Ok(Given {
        access_key_id,
        secret_access_key: Secret::new(secret),
        session_token: Secret::new(token),
        expires,
        assumed: id.zip(arn).filter(|(id, arn)| is_word(id) && is_word(arn)),
    })
}

/// Reads a refusal; nothing where it is none.
pub(super) fn refused(body: &[u8]) -> Option<Refused> {
    let mut values = Values::read(body)?;
    let code = values.take("Error", "Code").filter(|code| code.len() <= 128 && !code.is_empty())?;
    let message = values.take("Error", "Message").unwrap_or_default();
    Some(Refused { code, message: message.chars().take(LONGEST_MESSAGE).collect() })
}

/// The texts of a document, each with its element and the element around it.
struct Values(Vec<(String, String, String)>);

impl Values {
    fn read(body: &[u8]) -> Option<Self> {
        let mut reader = Reader::from_reader(body);
        let (mut open, mut text, mut values) = (Vec::<String>::new(), String::new(), Vec::new());
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    open.push(String::from_utf8(start.local_name().as_ref().to_vec()).ok()?);
                    text.clear();
                }
                Event::Text(part) => text.push_str(&part.decode().ok()?),
                Event::GeneralRef(reference) => text.push(character(&reference.decode().ok()?)?),
                Event::End(_) => {
                    let name = open.pop()?;
                    let around = open.last().cloned().unwrap_or_default();
                    values.push((around, name, std::mem::take(&mut text)));
                }
                Event::Eof => return open.is_empty().then_some(Self(values)),
                Event::Decl(_) | Event::Comment(_) | Event::Empty(_) => {}
                Event::CData(_) | Event::PI(_) | Event::DocType(_) => return None,
            }
            if text.len() > LONGEST_VALUE || open.len() > 16 || values.len() > 256 {
                return None;
            }
        }
    }

    /// The text of the only `name` within an `around`.
    fn take(&mut self, around: &str, name: &str) -> Option<String> {
        let mut found = self.0.iter_mut().filter(|(outer, inner, _)| outer == around && inner == name);
        let (only, another) = (found.next()?, found.next());
        another.is_none().then(|| std::mem::take(&mut only.2).trim().to_owned())
    }
}

/// What a reference stands for: one of XML's own five, or a number.
fn character(reference: &str) -> Option<char> {
    match reference {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        number => {
            let number = number.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = r#"<?xml version="1.0"?>
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
  <AssumedRoleUser><AssumedRoleId>AROA1:ann</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/R/ann</Arn></AssumedRoleUser>
  <Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s+/=&#43;&amp;</SecretAccessKey>
    <SessionToken>
      token
    </SessionToken><Expiration>2026-11-28T07:00:00.000Z</Expiration></Credentials>
  <PackedPolicySize>6</PackedPolicySize></AssumeRoleResult></AssumeRoleResponse>"#;

    #[test]
    fn an_answer_is_read() {
        let read = given(GIVEN.as_bytes()).unwrap();
        assert_eq!(read.access_key_id, "ASIA1");
        assert_eq!(read.secret_access_key.expose(), "s+/=+&");
        assert_eq!(read.session_token.expose(), "token");
        assert_eq!(read.expires.to_rfc3339(), "2026-11-28T07:00:00Z");
        assert_eq!(read.assumed, Some(("AROA1:ann".into(), "arn:aws:sts::1:assumed-role/R/ann".into())));
        let nameless = GIVEN.replace("AROA1:ann", "");
        assert_eq!(given(nameless.as_bytes()).unwrap().assumed, None);
    }

    #[test]
    fn what_is_no_answer_is_none() {
        let lacks = "its answer lacks a part of the credentials";
        let twice = "<SessionToken>t</SessionToken><SessionToken>";
        for (from, to, problem) in [
            ("SecretAccessKey", "Secret", lacks),
            ("<SessionToken>", twice, lacks),
            ("Credentials>", "Others>", lacks),
            ("ASIA1", "", "its credentials are none"),
            ("ASIA1", "AS IA1", "its credentials are none"),
            ("2026-11-28T07:00:00.000Z", "soon", "the end of its credentials is no time"),
            ("&amp;", "&secret;", "its answer is no XML that an STS writes"),
            ("</AssumeRoleResponse>", "", "its answer is no XML that an STS writes"),
            ("<?xml version=\"1.0\"?>", "<!DOCTYPE x>", "its answer is no XML that an STS writes"),
        ] {
            let changed = GIVEN.replace(from, to);
            assert_eq!(given(changed.as_bytes()).err(), Some(problem), "{from} {to}");
        }
        for other in ["", "{}", "<html><body>502</body></html>"] {
            assert!(given(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn a_refusal_is_read() {
        let body = |message: &str| {
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{message}</Message></Error></ErrorResponse>"
            )
        };
        let read = refused(body("no &lt;way&gt;").as_bytes()).unwrap();
        assert_eq!(read, Refused { code: "AccessDenied".into(), message: "no <way>".into() });
        assert_eq!(refused(body(&"x".repeat(400)).as_bytes()).unwrap().message.len(), 300);
        assert_eq!(refused(GIVEN.as_bytes()), None);
        assert_eq!(refused(b"<Error><Code></Code></Error>"), None);
    }
}
