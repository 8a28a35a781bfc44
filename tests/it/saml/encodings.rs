//! Bytes that are no text, text that claims to be encoded otherwise, and base64 that is none.

use rolegate::identity::saml::unverified_issuer;

use super::fixture::{EXPECTED, PROVIDER, base64, honest, noon, swap};
use super::suite::{Table, hold};

#[test]
fn are_utf_8_in_base64() {
    hold(&tables());
}

const ENCODING: &str = "saml.xml.encoding";
const CHARACTER: &str = "saml.xml.character";
const BASE64: &str = "saml.base64";

pub(super) fn tables() -> Vec<Table> {
    vec![encoded(), declared(), posted()]
}

/// The honest document with these bytes for the name.
fn named(name: &[u8]) -> Vec<u8> {
    let document = honest();
    let (before, behind) = document.split_once(">ann<").unwrap();
    [before.as_bytes(), b">", name, b"<", behind.as_bytes()].concat()
}

fn encoded() -> Table {
    let document = honest();
    let little: Vec<u8> = document.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = document.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let wide: Vec<u8> = document.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    let marked = |mark: &[u8], text: &[u8]| [mark, text].concat();
    // What EBCDIC (037) has for `<?xml`.
    let ebcdic = [0x4c, 0x6f, 0xa7, 0x94, 0x93, 0x40];
    let seven = document.replace('<', "+ADw-").replace('>', "+AD4-");
    Table::new("encodings")
        .twin("UTF-8", named(b"ann"))
        .twin("UTF-8 with its mark", marked(b"\xef\xbb\xbf", document.as_bytes()))
        .attacks([
            ("UTF-16", little.clone(), CHARACTER),
            ("UTF-16 with a mark", marked(b"\xff\xfe", &little), ENCODING),
            ("UTF-16, big end first", big.clone(), CHARACTER),
            ("UTF-16, big end first, with a mark", marked(b"\xfe\xff", &big), ENCODING),
            ("UTF-32", wide.clone(), CHARACTER),
            ("UTF-32 with a mark", marked(b"\xff\xfe\0\0", &wide), ENCODING),
            ("UTF-7", seven.into_bytes(), "saml.xml.root"),
            ("UTF-7 with a mark", marked(b"+/v8-", document.as_bytes()), "saml.xml.root"),
            ("EBCDIC", ebcdic.to_vec(), ENCODING),
            ("Latin-1", named(b"ann\xe9"), ENCODING),
            ("an overlong <", named(b"ann\xc0\xbcx\xc0\xbe"), ENCODING),
            ("an overlong NUL", named(b"ann\xc0\x80"), ENCODING),
            ("an overlong slash", named(b"ann\xe0\x80\xaf"), ENCODING),
            ("a surrogate", named(b"ann\xed\xa0\x80"), ENCODING),
            ("beyond Unicode", named(b"ann\xf4\x90\x80\x80"), ENCODING),
            ("five bytes", named(b"ann\xf8\x88\x80\x80\x80"), ENCODING),
            ("half a character", named(b"ann\xe2\x82"), ENCODING),
            ("a stray tail", named(b"ann\x80"), ENCODING),
            ("no character", named(b"ann\xff"), ENCODING),
            ("NUL", named(b"ann\0"), CHARACTER),
            ("a mark of two bytes", marked(b"\xef\xbb", document.as_bytes()), ENCODING),
        ])
}

fn declared() -> Table {
    let document = honest();
    let with = |declaration: &str| format!("{declaration}{document}");
    let version = "saml.xml.version";
    let markup = "saml.xml.markup";
    Table::new("declarations")
        .twins([
            ("UTF-8", with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")),
            ("utf-8 in single quotes", with("<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n")),
            ("nothing of the encoding", with("<?xml version = \"1.0\"?>")),
            ("standing with others", with("<?xml version=\"1.0\" standalone=\"no\"?>")),
        ])
        .attacks([
            ("UTF-16", with("<?xml version=\"1.0\" encoding=\"UTF-16\"?>"), ENCODING),
            ("UTF-7", with("<?xml version=\"1.0\" encoding=\"UTF-7\"?>"), ENCODING),
            ("Latin-1", with("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>"), ENCODING),
            ("ASCII", with("<?xml version=\"1.0\" encoding=\"US-ASCII\"?>"), ENCODING),
            ("EBCDIC", with("<?xml version=\"1.0\" encoding=\"IBM037\"?>"), ENCODING),
            ("Shift_JIS", with("<?xml version=\"1.0\" encoding=\"Shift_JIS\"?>"), ENCODING),
            ("UTF8 without its dash", with("<?xml version=\"1.0\" encoding=\"UTF8\"?>"), ENCODING),
            ("nothing", with("<?xml version=\"1.0\" encoding=\"\"?>"), ENCODING),
            ("XML 1.1", with("<?xml version=\"1.1\"?>"), version),
            ("XML 2.0", with("<?xml version=\"2.0\"?>"), version),
            ("no version", with("<?xml encoding=\"UTF-8\"?>"), version),
            ("the encoding first", with("<?xml encoding=\"UTF-8\" version=\"1.0\"?>"), version),
            ("an encoding without quotes", with("<?xml version=\"1.0\" encoding=UTF-8?>"), ENCODING),
            ("two encodings", with("<?xml version=\"1.0\" encoding=\"UTF-8\" encoding=\"UTF-7\"?>"), markup),
            (
                "an encoding within another word",
                with("<?xml version=\"1.0\" x=\"encoding='UTF-8'\" encoding=\"UTF-7\"?>"),
                ENCODING,
            ),
            ("a version within another word", with("<?xml x=\"version='1.0'\" version=\"1.1\"?>"), version),
            ("standing in doubt", with("<?xml version=\"1.0\" standalone=\"maybe\"?>"), markup),
            ("something else", with("<?xml version=\"1.0\" x=\"y\"?>"), markup),
            ("markup", with("<?xml version=\"1.0\" <x/>?>"), markup),
            ("no blank", with("<?xml version=\"1.0\"encoding=\"UTF-8\"?>"), ENCODING),
            ("no end", "<?xml version=\"1.0\"".to_owned(), markup),
            (
                "a declaration of another name",
                with("<?XML version=\"1.0\"?>"),
                "saml.xml.processing-instruction",
            ),
        ])
}

fn posted() -> Table {
    let document = honest();
    let good = base64(document.as_bytes());
    let standard = |at: usize, inserted: &str| [&good[..at], inserted, &good[at..]].concat();
    let deflated = base64(&miniz_oxide::deflate::compress_to_vec(document.as_bytes(), 6));
    let zlib = base64(&miniz_oxide::deflate::compress_to_vec_zlib(document.as_bytes(), 6));
    let needs_padding = document.clone() + &" ".repeat(4 - document.len() % 3);
    let padded = base64(needs_padding.as_bytes());
    assert!(padded.ends_with("=="));
    let even = document.clone() + &" ".repeat(document.len() % 2);
    let unpadded = padded.trim_end_matches('=').to_owned();
    let text = |text: &str| text.to_owned();
    Table::new("base64").twin("as it should be", &document).twin("with padding", needs_padding).posts([
        ("no padding", unpadded.clone(), BASE64),
        ("half the padding", format!("{unpadded}{}", "=".repeat(3)), BASE64),
        ("padding within", standard(8, "="), BASE64),
        ("padding first", format!("={good}"), BASE64),
        ("text behind the padding", format!("{padded}QUFB"), BASE64),
        ("bits behind the end", text("aGl="), BASE64),
        ("the URL alphabet", text("PGE-PC9hPg__"), BASE64),
        ("one character", text("A"), BASE64),
        ("a character that is none", standard(100, "*"), BASE64),
        ("a dot", standard(100, "."), BASE64),
        ("NUL", standard(100, "\0"), BASE64),
        ("a blank of Unicode", standard(100, "\u{a0}"), BASE64),
        ("a vertical tab", standard(100, "\u{b}"), BASE64),
        ("letters of full width", text("\u{ff30}\u{ff27}\u{ff21}\u{ff0f}"), BASE64),
        ("percent-encoded", good.replace('=', "%3D").replacen('P', "%50", 1), BASE64),
        ("a data URL", format!("data:text/xml;base64,{good}"), BASE64),
        ("armoured", format!("-----BEGIN SAML-----\n{good}\n-----END SAML-----"), BASE64),
        ("the document itself", document.clone(), BASE64),
        ("twice encoded", base64(good.as_bytes()), "saml.xml.root"),
        ("deflated, as for the Redirect binding", deflated, ENCODING),
        ("deflated by zlib", zlib, ENCODING),
        ("hexadecimal", even.bytes().map(|b| format!("{b:02x}")).collect(), ENCODING),
        ("nothing", String::new(), "saml.xml.root"),
        ("white space", text(" \r\n"), "saml.xml.root"),
    ])
}

/// Base64 may be broken into lines; the rest of it is the same for whoever asks for the issuer.
#[test]
fn are_the_same_for_whoever_asks() {
    let lines: String = base64(honest().as_bytes())
        .as_bytes()
        .chunks(76)
        .map(|line| format!("{}\r\n", str::from_utf8(line).unwrap()))
        .collect();
    assert!(PROVIDER.verify(&lines, EXPECTED, noon()).is_ok());
    assert!(unverified_issuer(&lines).is_ok());
    for bad in ["*", "PGE-", "aGl=", ""] {
        let verified = PROVIDER.verify(bad, EXPECTED, noon()).unwrap_err();
        assert_eq!(unverified_issuer(bad).unwrap_err(), verified, "{bad}");
    }
    let doctype = base64(swap(&honest(), "<samlp:Status>", "<!DOCTYPE x><samlp:Status>").as_bytes());
    assert_eq!(unverified_issuer(&doctype).unwrap_err().check(), "saml.xml.doctype");
}
