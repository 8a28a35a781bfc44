//! Signature wrapping: a genuine assertion or response is present in each of these, and so is
//! something else that a reader might take for it. The positions are those of "On Breaking SAML"
//! (2012), each for the three ways in which a provider may sign.

use rolegate::identity::saml::Accept;

use super::fixture::{
    ASSERTION, ATTACKER, Signing, enveloped, evil, honest, honest_twice, response, signed, signed_whole, swap,
};
use super::suite::{Table, hold};

#[test]
fn is_refused() {
    hold(&tables());
}

pub(super) fn tables() -> Vec<Table> {
    let responses_count = Accept { signed_response: true, ..Accept::default() };
    vec![
        Table::new("the assertion signed")
            .twin("the genuine", honest())
            .attacks(positions(&Genuine::signed())),
        Table::new("both signed").twin("the genuine", honest_twice()).attacks(positions(&Genuine::twice())),
        Table::new("the response signed")
            .accepting(responses_count)
            .twin("the genuine", signed_whole(&response(ASSERTION)))
            .attacks(positions(&Genuine::whole())),
        replaced(),
        other_roots(),
        foreign_signatures(),
    ]
}

/// What an attacker has in hands.
struct Genuine {
    /// The response, as it was sent.
    whole: String,
    /// Its assertion, as it was sent.
    assertion: String,
    /// The signature that vouches for the person.
    signature: String,
    /// The signature of the response, if there is one.
    around: String,
}

impl Genuine {
    fn signed() -> Self {
        let signature = Signing::of("_a").sign(ASSERTION);
        Self { whole: honest(), assertion: signed(ASSERTION), signature, around: String::new() }
    }

    fn twice() -> Self {
        let around = Signing::of("_r").sign(&honest());
        Self { whole: honest_twice(), around, ..Self::signed() }
    }

    fn whole() -> Self {
        let around = Signing::of("_r").sign(&response(ASSERTION));
        Self {
            whole: signed_whole(&response(ASSERTION)),
            assertion: ASSERTION.to_owned(),
            signature: around.clone(),
            around,
        }
    }

    /// The response with something else for its assertion.
    fn around(&self, content: &str) -> String {
        let response = response(content);
        if self.around.is_empty() { response } else { enveloped(&response, &self.around) }
    }
}

/// `signature` with something behind its value.
fn holding(signature: &str, content: &str) -> String {
    swap(signature, "</ds:Signature>", &format!("{content}</ds:Signature>"))
}

fn in_object(content: &str) -> String {
    format!("<ds:Object>{content}</ds:Object>")
}

fn positions(genuine: &Genuine) -> Vec<(&'static str, String, &'static str)> {
    let Genuine { whole, assertion, signature, .. } = genuine;
    let evil_response = |signature: &str| {
        swap(&enveloped(&response(&evil()), signature), "ID=\"_r\"", "ID=\"_evil_response\"")
    };
    let around = |content: &str| genuine.around(content);
    let extended = |extension: &str, content: &str| {
        let extensions = format!("<samlp:Extensions>{extension}</samlp:Extensions><samlp:Status>");
        swap(&around(content), "<samlp:Status>", &extensions)
    };
    let bare = ASSERTION;
    vec![
        ("1: the response in its signature", evil_response(&holding(signature, whole)), RESPONSE_PLACE),
        ("1: in an Object", evil_response(&holding(signature, &in_object(whole))), RESPONSE_PLACE),
        (
            "2: the response before its signature",
            evil_response(&format!("{whole}{signature}")),
            RESPONSE_PLACE,
        ),
        (
            "2: the response behind its signature",
            evil_response(&format!("{signature}{whole}")),
            RESPONSE_PLACE,
        ),
        ("3: evil before genuine", around(&format!("{}{assertion}", evil())), COUNT),
        ("3: evil behind genuine", around(&format!("{assertion}{}", evil())), COUNT),
        (
            "4: genuine within evil",
            around(&swap(&evil(), "</saml:Assertion>", &format!("{assertion}</saml:Assertion>"))),
            PLACE,
        ),
        (
            "4: evil within genuine",
            around(&swap(assertion, "</saml:Assertion>", &format!("{}</saml:Assertion>", evil()))),
            PLACE,
        ),
        ("5: evil takes the signature", around(&format!("{}{bare}", enveloped(&evil(), signature))), COUNT),
        ("5: in the other order", around(&format!("{bare}{}", enveloped(&evil(), signature))), COUNT),
        (
            "6: genuine within the signature of evil",
            around(&enveloped(&evil(), &holding(signature, bare))),
            PLACE,
        ),
        ("7: evil in Extensions", extended(&evil(), assertion), PLACE),
        ("7: genuine in Extensions", extended(assertion, &evil()), PLACE),
        (
            "8: genuine in an Object",
            around(&enveloped(&evil(), &holding(signature, &in_object(bare)))),
            PLACE,
        ),
        ("8: evil in an Object", around(&enveloped(bare, &holding(signature, &in_object(&evil())))), PLACE),
    ]
}

const COUNT: &str = "saml.structure.assertion-count";
const PLACE: &str = "saml.structure.assertion-place";
const RESPONSE_PLACE: &str = "saml.structure.response-place";

/// Evil alone, with the genuine signature of an assertion or of a response.
fn replaced() -> Table {
    let digest = "saml.signature.digest";
    let uri = "saml.signature.reference-uri";
    let as_genuine = swap(&evil(), "ID=\"_evil\"", "ID=\"_a\"");
    let (one, whole) = (Genuine::signed(), Genuine::whole());
    Table::new("evil alone")
        .accepting(Accept { signed_response: true, ..Accept::default() })
        .twins([("the assertion signed", &one.whole), ("the response signed", &whole.whole)])
        .attacks([
            ("with the assertion's signature", response(&enveloped(&evil(), &one.signature)), uri),
            ("and its ID", response(&enveloped(&as_genuine, &one.signature)), digest),
            ("in a response with that signature", enveloped(&response(&evil()), &one.signature), uri),
            ("with the response's signature", response(&enveloped(&evil(), &whole.signature)), uri),
            ("in its response", whole.around(&evil()), digest),
            ("in its response, with the genuine ID", whole.around(&as_genuine), digest),
            ("in its response, renamed", swap(&whole.around(&evil()), "ID=\"_r\"", "ID=\"_x\""), uri),
        ])
}

fn other_roots() -> Table {
    let document = honest();
    let within = |before: &str, after: &str| format!("{before}{document}{after}");
    let samlp = "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"";
    let soap = "xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"";
    let renamed = |name: &str| document.replace("samlp:Response", name);
    Table::new("another root").twin("the genuine", &document).attacks([
        ("an envelope", within(&format!("<s:Envelope {soap}><s:Body>"), "</s:Body></s:Envelope>"), ROOT),
        ("a list", within("<Responses>", "</Responses>"), ROOT),
        (
            "an ArtifactResponse",
            within(&format!("<samlp:ArtifactResponse {samlp} Version=\"2.0\">"), "</samlp:ArtifactResponse>"),
            ROOT,
        ),
        (
            "a Response",
            within(
                &format!("<samlp:Response {samlp} ID=\"_o\" Version=\"2.0\">"),
                "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status></samlp:Response>",
            ),
            RESPONSE_PLACE,
        ),
        ("a LogoutResponse", renamed("samlp:LogoutResponse"), ROOT),
        ("an AuthnRequest", renamed("samlp:AuthnRequest"), ROOT),
        ("a response in lower case", renamed("samlp:response"), ROOT),
        ("a bare assertion", signed(ASSERTION), ROOT),
        ("the response behind an assertion", format!("{}{document}", signed(ASSERTION)), "saml.xml.root"),
        ("a second response behind", within("", &response(&evil())), "saml.xml.root"),
        ("a second response before", format!("{}{document}", response(&evil())), "saml.xml.root"),
    ])
}

const ROOT: &str = "saml.structure.root";

/// The provider's own signature on one of the two, somebody else's on the other.
fn foreign_signatures() -> Table {
    let by_attacker = |id: &str, text: &str| Signing { key: &ATTACKER, ..Signing::of(id) }.sign(text);
    let evil_signed = enveloped(&evil(), &by_attacker("_evil", &evil()));
    let evil_whole = response(&evil_signed);
    let cloned = enveloped(ASSERTION, &by_attacker("_a", ASSERTION));
    Table::new("two signers")
        .accepting(Accept { signed_response: true, ..Accept::default() })
        .twin("the genuine", honest_twice())
        .attacks([
            (
                "a genuine response around a foreign assertion",
                signed_whole(&response(&cloned)),
                "saml.signature.value",
            ),
            (
                "a foreign response around a genuine assertion",
                enveloped(&honest(), &by_attacker("_r", &honest())),
                "saml.signature.value",
            ),
            ("both foreign", enveloped(&evil_whole, &by_attacker("_r", &evil_whole)), "saml.signature.value"),
            ("the assertion alone foreign", evil_whole, "saml.signature.value"),
            (
                "a genuine response signature over another response",
                enveloped(&response(&evil()), &Signing::of("_r").sign(&honest())),
                "saml.signature.digest",
            ),
        ])
}
