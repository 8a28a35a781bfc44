//! Our side of a SAML provider, as it is configured: each fault with its place, and its twin.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use rolegate::clock::Moment;
use rolegate::config;

use super::fixture::{ATTACKER, HONEST, Key, metadata, noon, swap};

/// Where the settings under test begin, counted in lines.
const LINE: usize = 9;

/// What `check` says about a SAML provider with these settings: nothing, or faults.
struct World {
    folder: tempfile::TempDir,
    metadata: String,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder, metadata: metadata(&[&HONEST]) };
        for (name, key) in [("one.pem", &*HONEST), ("two.pem", &*ATTACKER)] {
            world.put(name, &key.pem(), 0o600);
        }
        world
    }

    fn put(&self, name: &str, text: &str, mode: u32) {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn says_at(&self, settings: &str, at: Moment) -> String {
        let text = format!(
            "public_url = \"https://broker.example.com\"\n[[account]]\nid = \"111122223333\"\n[[provider]]\n\
             kind = \"saml\"\nname = \"corp\"\naccount = \"111122223333\"\nmetadata = {{ file = \"idp.xml\" }}\n\
             {settings}\n"
        );
        fs::write(self.path().join("idp.xml"), &self.metadata).unwrap();
        fs::write(self.path().join("rolegate.toml"), text).unwrap();
        let told = match config::load(&self.path().join("rolegate.toml"), at) {
            Ok(loaded) => loaded.warnings.to_string(),
            Err(faults) => faults.to_string(),
        };
        told.replace(&format!("{}/", self.path().display()), "")
    }

    /// Asserts that there is nothing to say.
    #[track_caller]
    fn bears(&self, settings: &str) {
        assert_eq!(self.says_at(settings, noon()), "0 error(s), 0 warning(s)", "{settings}");
    }

    /// Asserts that there is this one thing to say, at the value of the last setting.
    #[track_caller]
    fn faults(&self, settings: &str, expected: &str) {
        let told = self.says_at(settings, noon());
        let (line, last) = settings.lines().enumerate().last().unwrap();
        let column = last.find('=').unwrap() + 3;
        let expected = format!("rolegate.toml:{}:{column}: {expected}\n", LINE + line);
        assert!(told.starts_with(&expected), "{settings}: expected {expected}{told}");
        assert_eq!(told.matches("  help: ").count(), 1, "{told}");
    }
}

#[test]
fn keys_that_can_be_used() {
    let world = World::new();
    for settings in [
        "",
        "keys = []",
        "keys = [{ file = \"one.pem\" }]",
        "keys = [{ file = \"one.pem\" }, { file = \"two.pem\" }]",
        "keys = [{ file = \"one.pem\" }]\nsign_requests = true",
        "keys = [{ file = \"one.pem\" }]\nsign_requests = false",
        "sign_requests = false",
    ] {
        world.bears(settings);
    }
}

#[test]
fn keys_that_can_not() {
    let world = World::new();
    let pem = HONEST.pem();
    let (private, certificate) = pem.split_once("-----BEGIN CERTIFICATE").unwrap();
    world.put("other.pem", &format!("-----BEGIN CERTIFICATE{certificate}{}", ATTACKER.pem()), 0o600);
    world.put("bare.pem", private, 0o600);
    world.put(
        "odd.pem",
        &format!("{private}{}", ATTACKER.pem().split_once("-----END PRIVATE KEY-----").unwrap().1),
        0o600,
    );
    world.put("empty.pem", "", 0o600);
    world.put("words.pem", "no key at all", 0o600);
    let elliptic = Key::of(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap());
    world.put("elliptic.pem", &elliptic.pem(), 0o600);
    for (keys, fault) in [
        ("{ file = \"none.pem\" }", "can't read none.pem: No such file or directory (os error 2)"),
        ("{ env = \"ROLEGATE_TEST_NO_SUCH\" }", "the environment variable ROLEGATE_TEST_NO_SUCH is not set"),
        ("{ file = \"empty.pem\" }", "the secret is empty"),
        ("{ file = \"words.pem\" }", "words.pem: it holds 0 private keys instead of one"),
        ("{ file = \"bare.pem\" }", "bare.pem: it holds 0 certificates instead of one, that of the key"),
        ("{ file = \"other.pem\" }", "other.pem: it holds 2 certificates instead of one, that of the key"),
        ("{ file = \"odd.pem\" }", "odd.pem: its certificate belongs to another private key"),
        ("{ file = \"one.pem\" }, { file = \"one.pem\" }", "both keys are the same"),
        (
            "{ file = \"one.pem\" }, { file = \"two.pem\" }, { file = \"one.pem\" }",
            "there are 3 keys, and at most two can be in use: the current one and the next",
        ),
    ] {
        world.faults(&format!("keys = [{keys}]"), &format!("error: {fault}"));
    }
    let told = world.says_at("keys = [{ file = \"elliptic.pem\" }]", noon());
    assert!(
        told.contains("error: elliptic.pem: its private key is not an RSA key of 2048 to 8192 bits"),
        "{told}"
    );
}

#[test]
fn a_key_that_others_can_read_is_warned_of() {
    let world = World::new();
    for mode in [0o640, 0o604, 0o622] {
        world.put("one.pem", &HONEST.pem(), mode);
        let fault = format!("warning: one.pem holds a private key, and others may read it (mode {mode:o})");
        world.faults("keys = [{ file = \"one.pem\" }]", &fault);
    }
    world.put("one.pem", &HONEST.pem(), 0o400);
    world.bears("keys = [{ file = \"one.pem\" }]");
}

#[test]
fn a_certificate_that_has_ended_is_warned_of() {
    let world = World::new();
    let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let mut certificate = CertificateParams::default();
    certificate.not_after = rcgen::date_time_ymd(2026, 11, 23);
    let certificate = certificate.self_signed(&pair).unwrap().pem();
    world.put("one.pem", &format!("{}{certificate}", pair.serialize_pem()), 0o600);
    let settings = "keys = [{ file = \"one.pem\" }]";
    world.bears(settings);
    let told = world.says_at(settings, noon().plus(Duration::from_secs(12 * 3600)));
    let warning = "rolegate.toml:9:8: warning: the certificate in one.pem ended at 2026-11-23T00:00:00Z\n";
    assert!(told.starts_with(warning), "{told}");
}

#[test]
fn signing_needs_a_key() {
    let world = World::new();
    world.faults("sign_requests = true", "error: login requests can't be signed: the provider has no keys");
    world.faults(
        "keys = []\nsign_requests = true",
        "error: login requests can't be signed: the provider has no keys",
    );
    world.bears("keys = [{ file = \"one.pem\" }]\nsign_requests = true");
}

#[test]
fn encryption_needs_a_key() {
    let world = World::new();
    world.faults(
        "encryption = \"required\"",
        "error: nothing can be encrypted to us: the provider has no keys",
    );
    world.bears("encryption = \"allowed\"");
    world.bears("keys = [{ file = \"one.pem\" }]\nencryption = \"required\"");
}

#[test]
fn a_provider_that_wants_signatures_is_listened_to() {
    let mut world = World::new();
    world.metadata = swap(&world.metadata, "protocolS", "WantAuthnRequestsSigned=\"true\" protocolS");
    let warning = "warning: the identity provider wants signed login requests (WantAuthnRequestsSigned), and ours \
                   are not signed";
    assert!(world.says_at("", noon()).contains(warning));
    world.faults("keys = [{ file = \"one.pem\" }]\nsign_requests = false", warning);
    world.bears("keys = [{ file = \"one.pem\" }]");
}

#[test]
fn a_sign_in_anew_wants_signed_requests() {
    let world = World::new();
    let warning = "warning: force_authn is asked for by requests without a signature, which can be changed on their way";
    world.faults("force_authn = true", warning);
    world.faults("keys = [{ file = \"one.pem\" }]\nsign_requests = false\nforce_authn = true", warning);
    world.bears("keys = [{ file = \"one.pem\" }]\nforce_authn = true");
}

#[test]
fn the_binding_must_be_offered() {
    let mut world = World::new();
    world.bears("request_binding = \"redirect\"");
    world.faults(
        "request_binding = \"post\"",
        "error: the identity provider's metadata offers no sign-in by HTTP-POST",
    );
    world
        .faults("request_binding = \"soap\"", "error: unknown variant `soap`, expected `redirect` or `post`");
    world.metadata = swap(&world.metadata, "bindings:HTTP-Redirect", "bindings:HTTP-POST");
    world.bears("");
    world.bears("request_binding = \"post\"");
    world.faults(
        "request_binding = \"redirect\"",
        "error: the identity provider's metadata offers no sign-in by HTTP-Redirect",
    );
}

#[test]
fn what_is_asked_for_is_named_by_uris() {
    let world = World::new();
    let password = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
    world.bears(&format!("authn_contexts = [\"{password}\", \"https://refeds.org/profile/mfa\"]"));
    world.bears("name_id_format = \"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\"");
    world.faults("authn_contexts = [\"\"]", "error: \"\" is not a URI");
    world.faults("authn_contexts = [\"two words\"]", "error: \"two words\" is not a URI");
    world.faults("name_id_format = \"\"", "error: \"\" is not a URI");
}
