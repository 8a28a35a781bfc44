//! Algorithms and shapes that are refused before any key is touched. Every document is an
//! honest one, changed in one place.

use super::*;

#[test]
fn algorithms_that_are_not_allowed() {
    let honest = OURS.encrypted(&Encryption::default());
    accepted("the twin of all", &honest);
    let parameter = |parameter: &str| swap(&honest, "mgf1p\"></", &format!("mgf1p\">{parameter}</"));
    let in_1_1 = |parameter: &str| parameter_of_1_1(&honest, parameter);
    let md5 = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#md5\"/>";
    let sha1 = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha1\"/>";
    for (what, document, expected) in [
        (
            "triple DES",
            swap(&honest, AES_256_GCM, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc"),
            "saml.encryption.algorithm",
        ),
        (
            "AES-192-CBC",
            swap(&honest, AES_256_GCM, "http://www.w3.org/2001/04/xmlenc#aes192-cbc"),
            "saml.encryption.algorithm",
        ),
        (
            "no algorithm",
            swap(&honest, &format!(" Algorithm=\"{AES_256_GCM}\""), ""),
            "saml.encryption.algorithm",
        ),
        (
            "RSA 1.5",
            swap(&honest, RSA_OAEP_MGF1P, "http://www.w3.org/2001/04/xmlenc#rsa-1_5"),
            "saml.encryption.key-transport",
        ),
        (
            "AES key wrap",
            swap(&honest, RSA_OAEP_MGF1P, "http://www.w3.org/2001/04/xmlenc#kw-aes256"),
            "saml.encryption.key-transport",
        ),
        (
            "no key transport",
            swap(&honest, &format!(" Algorithm=\"{RSA_OAEP_MGF1P}\""), ""),
            "saml.encryption.key-transport",
        ),
        ("SHA-256 with MGF1-SHA-1", parameter(DIGEST_SHA256), "saml.encryption.oaep"),
        ("SHA-256 with MGF1-SHA-1 by 1.1", in_1_1(DIGEST_SHA256), "saml.encryption.oaep"),
        ("SHA-1 with MGF1-SHA-256", in_1_1(MASK_SHA256), "saml.encryption.oaep"),
        (
            "a mask where it is no parameter",
            parameter(&[DIGEST_SHA256, MASK_SHA256].concat()),
            "saml.encryption.oaep",
        ),
        ("MD5", parameter(md5), "saml.encryption.oaep"),
        ("a label", parameter("<xenc:OAEPparams>bGFiZWw=</xenc:OAEPparams>"), "saml.encryption.oaep-params"),
        ("two digests", parameter(&sha1.repeat(2)), "saml.encryption.structure"),
        ("a digest without algorithm", parameter("<ds:DigestMethod/>"), "saml.encryption.structure"),
        (
            "a digest with parameters",
            parameter(&sha1.replace("/>", "><x/></ds:DigestMethod>")),
            "saml.encryption.structure",
        ),
        ("an unknown parameter", parameter("<xenc:KeySize>2048</xenc:KeySize>"), "saml.encryption.structure"),
        ("text for a parameter", parameter("sha1"), "saml.encryption.structure"),
        (
            "another key size",
            swap(&honest, "gcm\">", "gcm\"><xenc:KeySize>128</xenc:KeySize>"),
            "saml.encryption.key-size",
        ),
        (
            "two key sizes",
            swap(&honest, "gcm\">", &format!("gcm\">{}", "<xenc:KeySize>256</xenc:KeySize>".repeat(2))),
            "saml.encryption.structure",
        ),
        (
            "a parameter of the cipher",
            swap(
                &honest,
                "gcm\">",
                &format!("gcm\">{md5}").replace(
                    "<ds:DigestMethod",
                    "<ds:DigestMethod xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"",
                ),
            ),
            "saml.encryption.structure",
        ),
    ] {
        check(what, &document, expected);
    }
}

#[test]
fn shapes_that_are_not_known() {
    let honest = OURS.encrypted(&Encryption::default());
    let beside = OURS.encrypted(&Encryption { place: Place::Beside, ..Encryption::default() });
    let referred = OURS.encrypted(&Encryption { place: Place::Referred, ..Encryption::default() });
    for twin in [&honest, &beside, &referred] {
        accepted("the twin", twin);
    }
    let at_end = |text: &str| swap(&honest, "</xenc:EncryptedData>", &format!("{text}</xenc:EncryptedData>"));
    let (_, rest) = honest.split_once("<xenc:EncryptedData").unwrap();
    let (data, _) = rest.split_once("</saml:EncryptedAssertion>").unwrap();
    let data = format!("<xenc:EncryptedData{data}");
    let another = encrypt::encrypted_key(&OURS.public, &Encryption::default());
    let more = |count: usize| {
        swap(
            &beside,
            "</saml:EncryptedAssertion>",
            &format!("{}</saml:EncryptedAssertion>", another.repeat(count)),
        )
    };
    accepted("two keys", &more(1));
    let fetch = "<xenc:CipherReference URI=\"https://evil.example.com/\"/>";
    let wrap_info = |text: &str| swap(&honest, "<xenc:EncryptedKey", &format!("{text}<xenc:EncryptedKey"));
    let (value_at, value_end) = ("<xenc:CipherValue>", "</xenc:CipherValue>");
    let key_method =
        format!("<xenc:EncryptionMethod Algorithm=\"{RSA_OAEP_MGF1P}\"></xenc:EncryptionMethod>");
    let in_key = |text: &str| swap(&honest, &key_method, &format!("{key_method}{text}"));
    for (what, document, expected) in [
        (
            "nothing",
            "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>".to_owned(),
            "saml.encryption.structure",
        ),
        (
            "two EncryptedData",
            swap(&honest, "</saml:EncryptedAssertion>", &format!("{data}</saml:EncryptedAssertion>")),
            "saml.encryption.data-count",
        ),
        ("data within the data", at_end(&data), "saml.encryption.place"),
        (
            "data within the key info of the key",
            in_key(&format!("<ds:KeyInfo>{data}</ds:KeyInfo>")),
            "saml.encryption.place",
        ),
        (
            "a key within the key info of the key",
            in_key(&format!("<ds:KeyInfo>{another}</ds:KeyInfo>")),
            "saml.encryption.place",
        ),
        (
            "a key within what is not read",
            wrap_info(&format!("<ds:X509Data>{another}</ds:X509Data>")),
            "saml.encryption.place",
        ),
        (
            "the key before the data",
            swap(&beside, "<xenc:EncryptedData ", &format!("{another}<xenc:EncryptedData ")),
            "saml.encryption.structure",
        ),
        (
            "text beside the data",
            swap(&honest, "<xenc:EncryptedData ", "text<xenc:EncryptedData "),
            "saml.encryption.structure",
        ),
        (
            "an assertion beside the data",
            swap(&honest, "</saml:EncryptedAssertion>", &format!("{ASSERTION}</saml:EncryptedAssertion>")),
            "saml.encryption.structure",
        ),
        (
            "no method",
            swap(
                &honest,
                &format!("<xenc:EncryptionMethod Algorithm=\"{AES_256_GCM}\"></xenc:EncryptionMethod>"),
                "",
            ),
            "saml.encryption.structure",
        ),
        ("no method of the key", swap(&honest, &key_method, ""), "saml.encryption.structure"),
        (
            "no cipher data",
            swap(&with_data(&honest, b""), &cipher_data(b""), ""),
            "saml.encryption.structure",
        ),
        (
            "two cipher values",
            swap(&honest, value_end, &format!("{value_end}<xenc:CipherValue/>")),
            "saml.encryption.structure",
        ),
        ("properties", at_end("<xenc:EncryptionProperties/>"), "saml.encryption.structure"),
        ("text in the data", at_end("text"), "saml.encryption.structure"),
        (
            "a reference instead of the data",
            with_data(&honest, b"").replacen("<xenc:CipherValue></xenc:CipherValue>", fetch, 1),
            "saml.encryption.reference",
        ),
        (
            "a reference instead of the key",
            with_key(&honest, b"").replacen("<xenc:CipherValue></xenc:CipherValue>", fetch, 1),
            "saml.encryption.reference",
        ),
        (
            "a reference where nothing is read",
            wrap_info(&format!("<ds:X509Data>{fetch}</ds:X509Data>")),
            "saml.encryption.reference",
        ),
        ("no base64", swap(&honest, value_at, &format!("{value_at}!")), "saml.encryption.base64"),
        (
            "an element in the value",
            swap(&honest, value_at, &format!("{value_at}<x/>")),
            "saml.encryption.structure",
        ),
        ("content", swap(&honest, "#Element", "#Content"), "saml.encryption.type"),
        (
            "another type of the key",
            swap(&honest, " Id=\"_k\"", " Id=\"_k\" Type=\"http://www.w3.org/2001/04/xmlenc#Element\""),
            "saml.encryption.type",
        ),
        ("HTML", swap(&honest, " Type=", " MimeType=\"text/html\" Type="), "saml.encryption.mime-type"),
        (
            "an encoding",
            swap(&honest, " Type=", " Encoding=\"http://www.w3.org/2000/09/xmldsig#base64\" Type="),
            "saml.encryption.encoding",
        ),
        (
            "an encoding of the key",
            swap(&honest, " Id=\"_k\"", " Encoding=\"http://www.w3.org/2000/09/xmldsig#base64\""),
            "saml.encryption.encoding",
        ),
        ("an unknown attribute", swap(&honest, " Type=", " Kind=\"x\" Type="), "saml.encryption.attribute"),
        (
            "a prefixed attribute",
            swap(&honest, " Type=", " xmlns:y=\"u:y\" y:Type=\"x\" Type="),
            "saml.encryption.attribute",
        ),
        ("no key", swap(&beside, &another_of(&beside), ""), "saml.encryption.key-missing"),
        ("three keys", more(2), "saml.encryption.key-count"),
        ("a key agreement", wrap_info("<xenc:AgreementMethod Algorithm=\"x\"/>"), "saml.encryption.key-info"),
        ("a key in clear", wrap_info("<ds:KeyValue/>"), "saml.encryption.key-info"),
        ("text for a key", wrap_info("text"), "saml.encryption.key-info"),
        (
            "a key from elsewhere",
            swap(&referred, "\"#_k\"", "\"https://evil.example.com/#_k\""),
            "saml.encryption.key-reference",
        ),
        ("a key that is not there", swap(&referred, "\"#_k\"", "\"#_l\""), "saml.encryption.key-reference"),
        ("a key without a name", swap(&referred, "\"#_k\"", "\"#\""), "saml.encryption.key-reference"),
        (
            "a key by an expression",
            swap(&referred, "\"#_k\"", "\"#xpointer(id('_k'))\""),
            "saml.encryption.key-reference",
        ),
        (
            "a key of another type",
            swap(&referred, "\"#_k\"", "\"#_k\" Type=\"http://www.w3.org/2009/xmlenc11#DerivedKey\""),
            "saml.encryption.key-reference",
        ),
        (
            "a key by way of a transform",
            swap(&referred, "</ds:RetrievalMethod>", "<ds:Transforms/></ds:RetrievalMethod>"),
            "saml.encryption.key-reference",
        ),
    ] {
        check(what, &document, expected);
    }
}

/// The one key beside the data.
fn another_of(document: &str) -> String {
    let (_, rest) = document.split_once("<xenc:EncryptedKey").unwrap();
    let (key, _) = rest.split_once("</xenc:EncryptedKey>").unwrap();
    format!("<xenc:EncryptedKey{key}</xenc:EncryptedKey>")
}
