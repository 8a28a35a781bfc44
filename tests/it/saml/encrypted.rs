//! Encrypted assertions as a way in: decrypting proves nothing, because anybody can encrypt to
//! us. What is allowed in a ciphertext at all is seen at `identity::saml::encryption`.

use std::sync::LazyLock;

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256};
use rolegate::identity::saml::{SamlProvider, SamlSettings, SpKeys};

use super::encrypt::{
    AES_128_CBC, AES_256_CBC, AES_256_GCM, Encryption, Place, cipher_data, encrypt, encrypted_key, sealed,
};
use super::fixture::{
    ASSERTION, ATTACKER, HONEST, Key, Signing, enveloped, evil, honest, metadata, noon, response, settings,
    signed, signed_whole, swap, with,
};
use super::suite::{Table, hold};

#[test]
fn are_believed_by_their_signature_alone() {
    hold(&tables());
}

const ABSENT: &str = "saml.signature.absent";
const VALUE: &str = "saml.signature.value";
const DIGEST: &str = "saml.signature.digest";
const COUNT: &str = "saml.structure.assertion-count";
const PLACE: &str = "saml.structure.assertion-place";
const FAILED: &str = "saml.encryption.failed";
const CONTENT: &str = "saml.encryption.content";

pub(super) fn tables() -> Vec<Table> {
    vec![
        signatures(),
        wrapped(),
        plaintexts(),
        ciphertexts(),
        keys(),
        where_it_is_required(),
        where_a_signed_response_counts(),
        cbc(),
    ]
}

/// Our key.
static OURS: LazyLock<Key> = LazyLock::new(Key::rsa);

fn provider(change: impl FnOnce(&mut SamlSettings)) -> SamlProvider {
    let mut settings = settings();
    settings.sp.keys = SpKeys::new(vec![OURS.ours()]).unwrap();
    change(&mut settings);
    SamlProvider::new(settings, metadata(&[&HONEST]).as_bytes(), noon()).unwrap()
}

fn to_us(assertion: &str) -> String {
    encrypt(assertion, &OURS.recipient(), &Encryption::default())
}

fn by(cipher: &str, assertion: &str) -> String {
    encrypt(assertion, &OURS.recipient(), &Encryption { cipher, ..Encryption::default() })
}

/// The evil assertion, signed by the attacker.
fn evil_signed() -> String {
    enveloped(&evil(), &Signing { key: &ATTACKER, ..Signing::of("_evil") }.sign(&evil()))
}

fn signatures() -> Table {
    let genuine = signed(ASSERTION);
    let as_genuine = swap(&evil(), "_evil", "_a");
    let uri = "saml.signature.reference-uri";
    let rows = [
        ("unsigned", ASSERTION.to_owned(), ABSENT),
        ("evil", evil(), ABSENT),
        ("evil, signed by another", evil_signed(), VALUE),
        ("changed", swap(&genuine, ">ann<", ">admin<"), DIGEST),
        ("evil with the genuine signature", enveloped(&evil(), &Signing::of("_a").sign(ASSERTION)), uri),
        ("evil, called like genuine", enveloped(&as_genuine, &Signing::of("_a").sign(ASSERTION)), DIGEST),
        (
            "signed over the response",
            enveloped(ASSERTION, &Signing::of("_r").sign(&response(ASSERTION))),
            uri,
        ),
    ];
    let alone = rows.clone().map(|(what, plain, check)| (what.to_owned(), response(&to_us(&plain)), check));
    let in_signed = rows.map(|(what, plain, check)| {
        (format!("{what}, in a signed response"), signed_whole(&response(&to_us(&plain))), check)
    });
    let in_foreign = |plain: &str| {
        let document = response(&to_us(plain));
        enveloped(&document, &Signing { key: &ATTACKER, ..Signing::of("_r") }.sign(&document))
    };
    Table::new("signatures within")
        .at(provider(|_| {}))
        .twin("signed", response(&to_us(&genuine)))
        .twin("signed, in a signed response", signed_whole(&response(&to_us(&genuine))))
        .attacks(alone)
        .attacks(in_signed)
        .attacks([
            ("genuine, in a response signed by another", in_foreign(&genuine), VALUE),
            ("evil, in a response signed by another", in_foreign(&evil()), VALUE),
        ])
}

/// Two assertions, one of them genuine, at least one encrypted.
fn wrapped() -> Table {
    let (clear, closed) = (signed(ASSERTION), to_us(&signed(ASSERTION)));
    let evil_closed = to_us(&evil()).replace("\"_k\"", "\"_key\"");
    let of = |parts: &[&str]| response(&parts.concat());
    let advice = |content: &str| {
        let advice = format!("<saml:Advice>{content}</saml:Advice><saml:AuthnStatement");
        signed(&swap(ASSERTION, "<saml:AuthnStatement", &advice))
    };
    let detail = |content: &str, body: &str| {
        let detail = format!("<samlp:StatusDetail>{content}</samlp:StatusDetail></samlp:Status>");
        swap(&response(body), "</samlp:Status>", &detail)
    };
    let within = |content: &str| {
        swap(&closed, "</saml:EncryptedAssertion>", &format!("{content}</saml:EncryptedAssertion>"))
    };
    Table::new("beside a genuine one")
        .at(provider(|_| {}))
        .twins([("in clear", of(&[&clear])), ("encrypted", of(&[&closed]))])
        .attacks([
            ("encrypted twice", of(&[&closed, &closed]), COUNT),
            ("in clear and encrypted", of(&[&clear, &closed]), COUNT),
            ("encrypted and in clear", of(&[&closed, &clear]), COUNT),
            ("evil in clear, then encrypted", of(&[&evil(), &closed]), COUNT),
            ("encrypted, then evil in clear", of(&[&closed, &evil()]), COUNT),
            ("evil encrypted, then encrypted", of(&[&evil_closed, &closed]), COUNT),
            ("encrypted, then evil encrypted", of(&[&closed, &evil_closed]), COUNT),
            ("evil encrypted, then in clear", of(&[&evil_closed, &clear]), COUNT),
            ("in clear, then evil encrypted", of(&[&clear, &evil_closed]), COUNT),
            ("evil in clear within the encrypted", of(&[&within(&evil())]), PLACE),
            ("evil encrypted within the encrypted", of(&[&within(&evil_closed)]), PLACE),
            ("encrypted within StatusDetail", detail(&closed, &clear), PLACE),
            ("evil in clear within StatusDetail", detail(&evil(), &closed), PLACE),
            ("encrypted as advice", of(&[&advice(&evil_closed)]), PLACE),
            ("two in a signed response", signed_whole(&of(&[&closed, &evil_closed])), COUNT),
            (
                "one in the signature of the response",
                swap(
                    &signed_whole(&of(&[&closed])),
                    "</ds:SignatureValue>",
                    &format!("</ds:SignatureValue><ds:KeyInfo>{evil_closed}</ds:KeyInfo>"),
                ),
                PLACE,
            ),
            ("two EncryptedData", of(&[&within(data(&evil_closed))]), "saml.encryption.data-count"),
            (
                "the evil data first",
                of(&[&swap(&closed, data(&closed), &[data(&evil_closed), data(&closed)].concat())]),
                "saml.encryption.data-count",
            ),
        ])
}

/// The `xenc:EncryptedData` of an encrypted assertion.
fn data(encrypted: &str) -> &str {
    let end = "</xenc:EncryptedData>";
    &encrypted[encrypted.find("<xenc:EncryptedData").unwrap()..encrypted.find(end).unwrap() + end.len()]
}

fn plaintexts() -> Table {
    let genuine = signed(ASSERTION);
    let of = |plain: &str| response(&to_us(plain));
    let put = |before: &str, text: &str| swap(&genuine, before, &format!("{text}{before}"));
    let around = swap(&evil(), "</saml:Assertion>", &format!("{genuine}</saml:Assertion>"));
    let signature = Signing::of("_a").sign(ASSERTION);
    let object = format!("<ds:Object>{ASSERTION}</ds:Object></ds:Signature>");
    let in_object = enveloped(&evil(), &swap(&signature, "</ds:Signature>", &object));
    let id = |text: &str| swap(&genuine, "<saml:Subject>", &format!("<saml:Subject {text}>"));
    Table::new("plaintexts").at(provider(|_| {})).twin("a signed assertion", of(&genuine)).attacks([
        ("genuine within evil", of(&around), PLACE),
        ("genuine in an Object of evil", of(&in_object), PLACE),
        ("evil beside genuine", of(&format!("{genuine}{}", evil())), "saml.xml.root"),
        ("evil before genuine", of(&format!("{}{genuine}", evil())), "saml.xml.root"),
        ("a response", of(&honest()), CONTENT),
        ("a signed response", of(&signed_whole(&response(ASSERTION))), CONTENT),
        ("encrypted again", of(&to_us(&genuine)), CONTENT),
        (
            "encrypted again, in evil",
            of(&swap(&evil(), "</saml:Assertion>", &format!("{}</saml:Assertion>", to_us(&genuine)))),
            PLACE,
        ),
        ("text", of("ann"), "saml.xml.root"),
        ("a signature", of(&signature), CONTENT),
        ("a comment in the name", of(&put("</saml:NameID>", "<!-- -->")), "saml.xml.comment"),
        ("CDATA in the name", of(&put("</saml:NameID>", "<![CDATA[]]>")), "saml.xml.cdata"),
        ("an instruction", of(&put("<saml:Subject>", "<?x y?>")), "saml.xml.processing-instruction"),
        (
            "a document type",
            of(&format!("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{genuine}")),
            "saml.xml.doctype",
        ),
        ("an entity", of(&put("</saml:NameID>", "&e;")), "saml.xml.entity"),
        ("10,000 levels", of(&put("<saml:Subject>", &"<x>".repeat(10_000))), "saml.xml.depth"),
        (
            "20,000 attributes",
            of(&swap(&genuine, "<saml:Subject>", &format!("<saml:Subject {}>", "a='' ".repeat(20_000)))),
            "saml.xml.attributes",
        ),
        (
            "another encoding",
            of(&format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{genuine}")),
            "saml.xml.encoding",
        ),
        ("an ID twice", of(&id("ID=\"_a\"")), "saml.structure.id-unique"),
        ("an Id twice", of(&id("Id=\"_a\"")), "saml.structure.id-unique"),
        ("an xml:id", of(&id("xml:id=\"_x\"")), "saml.structure.id-namespace"),
        ("no ID", of(&swap(&genuine, "ID=\"_a\" ", "")), "saml.structure.id"),
        (
            "another version",
            of(&signed(&swap(ASSERTION, "Version=\"2.0\"", "Version=\"1.1\""))),
            "saml.structure.version",
        ),
        (
            "an encrypted name",
            of(&put("<saml:SubjectConfirmation ", "<saml:EncryptedID></saml:EncryptedID>")),
            "saml.encrypted",
        ),
        (
            "the namespace of the document around it",
            of(&swap(&genuine, " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", "")),
            "saml.xml.namespace",
        ),
        (
            "another recipient",
            of(&signed(&swap(ASSERTION, "Recipient=\"https://broker", "Recipient=\"https://other"))),
            "saml.recipient",
        ),
        (
            "another audience",
            of(&signed(&swap(ASSERTION, "<saml:Audience>https://broker", "<saml:Audience>https://other"))),
            "saml.audience",
        ),
        (
            "another issuer",
            of(&signed(&swap(ASSERTION, "<saml:Issuer>https://idp", "<saml:Issuer>https://other"))),
            "saml.issuer",
        ),
        (
            "another answer",
            of(&signed(&swap(ASSERTION, "\"_request\"", "\"_other\""))),
            "saml.in-response-to",
        ),
        ("expired", of(&signed(&swap(ASSERTION, "2026-11-22T12:10", "2026-11-22T11:10"))), "saml.expired"),
    ])
}

fn ciphertexts() -> Table {
    let genuine = signed(ASSERTION);
    let document = response(&to_us(&genuine));
    let octets = sealed(AES_256_GCM, genuine.as_bytes());
    let of = |octets: &[u8]| {
        swap(&document, &cipher_data(&sealed(AES_256_GCM, genuine.as_bytes())), &cipher_data(octets))
    };
    let flipped = |at: usize| {
        let mut octets = octets.clone();
        octets[at] ^= 1;
        of(&octets)
    };
    let last = octets.len() - 1;
    let structure = "saml.encryption.structure";
    let reference = |uri: &str| {
        swap(
            &document,
            &cipher_data(&octets),
            &format!("<xenc:CipherData><xenc:CipherReference URI=\"{uri}\"/></xenc:CipherData>"),
        )
    };
    let kind = |kind: &str| swap(&document, "http://www.w3.org/2001/04/xmlenc#Element", kind);
    Table::new("ciphertexts").at(provider(|_| {})).twin("genuine", of(&octets)).attacks([
        ("a bit of the vector", flipped(0), FAILED),
        ("a bit of the text", flipped(12), FAILED),
        ("a bit of the tag", flipped(last), FAILED),
        ("a byte less", of(&octets[..last]), FAILED),
        ("a byte more", of(&[&octets[..], &[0]].concat()), FAILED),
        ("a tag of 12 bytes", of(&octets[..octets.len() - 4]), FAILED),
        ("vector and tag alone", of(&octets[..28]), "saml.encryption.length"),
        ("nothing", of(&[]), "saml.encryption.length"),
        ("zeros", of(&[0; 1000]), FAILED),
        ("in clear", of(genuine.as_bytes()), FAILED),
        ("by CBC, called GCM", of(&sealed(AES_256_CBC, genuine.as_bytes())), FAILED),
        ("called 128 bits", document.replacen("aes256-gcm", "aes128-gcm", 1), FAILED),
        (
            "by triple DES",
            document.replacen(AES_256_GCM, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc", 1),
            "saml.encryption.algorithm",
        ),
        (
            "by nothing",
            document.replacen(AES_256_GCM, "http://www.w3.org/2001/04/xmlenc#null", 1),
            "saml.encryption.algorithm",
        ),
        (
            "not base64",
            swap(
                &document,
                "</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>",
                "*</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>",
            ),
            "saml.encryption.base64",
        ),
        ("from HTTP", reference("http://169.254.169.254/"), "saml.encryption.reference"),
        ("from a file", reference("file:///dev/zero"), "saml.encryption.reference"),
        ("from here", reference("#_r"), "saml.encryption.reference"),
        ("of an element's content", kind("http://www.w3.org/2001/04/xmlenc#Content"), "saml.encryption.type"),
        ("of something unknown", kind("urn:x"), "saml.encryption.type"),
        (
            "of a compressed type",
            swap(&document, "<xenc:EncryptedData ", "<xenc:EncryptedData MimeType=\"application/gzip\" "),
            "saml.encryption.mime-type",
        ),
        (
            "encoded once more",
            swap(
                &document,
                "<xenc:EncryptedData ",
                "<xenc:EncryptedData Encoding=\"http://www.w3.org/2000/09/xmldsig#base64\" ",
            ),
            "saml.encryption.encoding",
        ),
        (
            "with properties",
            swap(&document, "</xenc:EncryptedData>", "<xenc:EncryptionProperties/></xenc:EncryptedData>"),
            structure,
        ),
        (
            "empty",
            response("<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>"),
            structure,
        ),
    ])
}

fn keys() -> Table {
    let genuine = signed(ASSERTION);
    let to = |key: &Key| response(&encrypt(&genuine, &key.recipient(), &Encryption::default()));
    let how = |how: Encryption<'static>| response(&encrypt(&genuine, &OURS.recipient(), &how));
    let document = to(&OURS);
    let referred = how(Encryption { place: Place::Referred, ..Encryption::default() });
    let beside = how(Encryption { place: Place::Beside, ..Encryption::default() });
    let more = |count: usize| {
        let keys = encrypted_key(&ATTACKER.recipient(), &Encryption::default()).replace("\"_k\"", "\"_K\"");
        let keys: String = (0..count).map(|n| keys.replace("\"_K\"", &format!("\"_k{n}\""))).collect();
        swap(&beside, "</saml:EncryptedAssertion>", &format!("{keys}</saml:EncryptedAssertion>"))
    };
    let sha256 = "<ds:DigestMethod xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>";
    let agreement = "<xenc:AgreementMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#ECDH-ES\"></xenc:AgreementMethod><xenc:EncryptedKey";
    let mgf = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
    Table::new("keys")
        .at(provider(|_| {}))
        .twins([("to us", document.clone()), ("referred to", referred.clone())])
        .twin("to others, too", more(1))
        .attacks([
            ("to another service", to(&ATTACKER), FAILED),
            ("to the provider itself", to(&HONEST), FAILED),
            ("wrapped by SHA-256, called SHA-1", how(Encryption { oaep: &OAEP_SHA256_MGF1SHA256, ..Encryption::default() }), FAILED),
            ("wrapped by SHA-1, called SHA-256", how(Encryption { oaep: &OAEP_SHA1_MGF1SHA1, parameters: sha256.to_owned(), ..Encryption::default() }), "saml.encryption.oaep"),
            ("RSA 1.5", document.replacen(mgf, "http://www.w3.org/2001/04/xmlenc#rsa-1_5", 1), "saml.encryption.key-transport"),
            ("a key wrapped by a key", document.replacen(mgf, "http://www.w3.org/2001/04/xmlenc#kw-aes256", 1), "saml.encryption.key-transport"),
            ("a label", how(Encryption { parameters: "<xenc:OAEPparams>bGFiZWw=</xenc:OAEPparams>".to_owned(), ..Encryption::default() }), "saml.encryption.oaep-params"),
            ("three keys", more(2), "saml.encryption.key-count"),
            ("an agreement", swap(&document, "<xenc:EncryptedKey", agreement), "saml.encryption.key-info"),
            ("a key in another place", referred.replacen("URI=\"#_k\"", "URI=\"#_other\"", 1), "saml.encryption.key-reference"),
            ("a key from HTTP", referred.replacen("URI=\"#_k\"", "URI=\"http://example.com/\"", 1), "saml.encryption.key-reference"),
            ("a key from a file", referred.replacen("URI=\"#_k\"", "URI=\"file:///dev/zero\"", 1), "saml.encryption.key-reference"),
            ("the content key in clear", swap(&document, "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">", "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:KeyValue>YSBjb250ZW50IGtleSB0aGF0IGlzIG5vIHNlY3JldC4=</ds:KeyValue>"), "saml.encryption.key-info"),
        ])
}

fn where_it_is_required() -> Table {
    let closed = to_us(&signed(ASSERTION));
    Table::new("where encryption is required")
        .at(provider(|settings| settings.must_be_encrypted = true))
        .twin("encrypted", response(&closed))
        .attacks([
            ("in clear", honest(), "saml.encryption.required"),
            ("in clear, both signed", signed_whole(&honest()), "saml.encryption.required"),
            ("in clear beside", response(&[signed(ASSERTION), closed.clone()].concat()), COUNT),
            (
                "encrypted as advice",
                with(
                    "<saml:AuthnStatement",
                    &format!("<saml:Advice>{closed}</saml:Advice><saml:AuthnStatement"),
                ),
                PLACE,
            ),
            ("evil in clear", response(&evil()), "saml.encryption.required"),
        ])
}

fn where_a_signed_response_counts() -> Table {
    let whole = signed_whole(&response(&to_us(ASSERTION)));
    let replaced = |text: &str| {
        swap(
            &whole,
            &whole[whole.find("<saml:EncryptedA").unwrap()..whole.find("</samlp:Response>").unwrap()],
            text,
        )
    };
    let by_attacker = response(&to_us(&evil()));
    let by_attacker =
        enveloped(&by_attacker, &Signing { key: &ATTACKER, ..Signing::of("_r") }.sign(&by_attacker));
    let without_id = swap(ASSERTION, "ID=\"_a\" ", "");
    let in_whole = |plain: &str| signed_whole(&response(&to_us(plain)));
    Table::new("where a signed response counts")
        .at(provider(|settings| settings.accept.signed_response = true))
        .twins([
            ("the response signed", whole.clone()),
            ("the assertion signed", response(&to_us(&signed(ASSERTION)))),
        ])
        .attacks([
            ("nothing signed", response(&to_us(ASSERTION)), ABSENT),
            ("evil", response(&to_us(&evil())), ABSENT),
            ("evil, signed by another", by_attacker, VALUE),
            ("another ciphertext", replaced(&to_us(&evil())), DIGEST),
            ("the same text encrypted anew", replaced(&to_us(ASSERTION)), DIGEST),
            ("in clear instead", replaced(ASSERTION), DIGEST),
            ("evil in clear instead", replaced(&evil()), DIGEST),
            ("another's signature within", in_whole(&evil_signed()), VALUE),
            ("changed within", in_whole(&swap(&signed(ASSERTION), ">ann<", ">admin<")), DIGEST),
            ("no ID within", in_whole(&without_id), "saml.structure.id"),
            (
                "a comment within",
                in_whole(&swap(ASSERTION, ">ann<", ">ann<!-- -->.evil<")),
                "saml.xml.comment",
            ),
            (
                "an unknown child within",
                in_whole(&swap(ASSERTION, "<saml:Subject>", "<x></x><saml:Subject>")),
                "saml.structure.child",
            ),
        ])
}

/// AES-CBC can be changed by whoever has a ciphertext, so it is opened under a signature only.
fn cbc() -> Table {
    let genuine = signed(ASSERTION);
    let whole = |cipher: &str, plain: &str| signed_whole(&response(&by(cipher, plain)));
    let document = whole(AES_256_CBC, &genuine);
    let octets = sealed(AES_256_CBC, genuine.as_bytes());
    let flipped = |text: &str, at: usize| {
        let mut changed = octets.clone();
        changed[at] ^= 1;
        swap(text, &cipher_data(&octets), &cipher_data(&changed))
    };
    let unsigned = response(&by(AES_256_CBC, &genuine));
    let without = "saml.encryption.cbc-unauthenticated";
    let last = octets.len() - 17;
    Table::new("AES-CBC where it is borne")
        .at(provider(|settings| settings.accept.aes_cbc = true))
        .twins([("256 bits", document.clone()), ("128 bits", whole(AES_128_CBC, &genuine))])
        .attacks([
            ("in an unsigned response", unsigned.clone(), without),
            ("128 bits in an unsigned response", response(&by(AES_128_CBC, &genuine)), without),
            ("a bit of the vector, unsigned", flipped(&unsigned, 0), without),
            ("a bit of the padding, unsigned", flipped(&unsigned, last), without),
            ("a bit of the vector", flipped(&document, 0), DIGEST),
            ("a bit of the padding", flipped(&document, last), DIGEST),
            (
                "a block less",
                swap(&document, &cipher_data(&octets), &cipher_data(&octets[..octets.len() - 16])),
                DIGEST,
            ),
            (
                "signed by another",
                enveloped(&unsigned, &Signing { key: &ATTACKER, ..Signing::of("_r") }.sign(&unsigned)),
                VALUE,
            ),
            (
                "GCM called CBC",
                signed_whole(&response(&to_us(&genuine))).replacen(AES_256_GCM, AES_256_CBC, 1),
                DIGEST,
            ),
            ("unsigned within", whole(AES_256_CBC, ASSERTION), ABSENT),
            (
                "192 bits",
                signed_whole(&response(&by(AES_256_CBC, &genuine).replacen("aes256-cbc", "aes192-cbc", 1))),
                "saml.encryption.algorithm",
            ),
        ])
}
