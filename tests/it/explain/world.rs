//! A configuration on disk for the people of `saml::fixture`, and the command run on it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use aws_lc_rs::digest;
use tempfile::TempDir;

use crate::saml::fixture::{ASSERTION, HONEST, Key, Signing, base64, enveloped, metadata, response, swap};

/// When the assertion is fresh.
pub(super) const FRESH: &str = "2026-11-22T12:00:30Z";
pub(super) const DEPLOY: &str = "arn:aws:iam::111122223333:role/eng/Deploy";
pub(super) const LOOK: &str = "arn:aws:iam::111122223333:role/Look";

const CONFIGURATION: &str = r#"public_url = "https://broker.example.com"

[[account]]
id = "111122223333"

[[provider]]
kind = "saml"
name = "corp"
account = "111122223333"
metadata = { file = "corp.xml" }
audiences = ["https://broker.example.com", "urn:amazon:webservices"]

[[provider]]
kind = "oidc"
name = "mobile"
account = "111122223333"
issuer = "https://accounts.example.com"
client_ids = ["app"]

[[role]]
arn = "arn:aws:iam::111122223333:role/eng/Deploy"
trust_policy = "deploy.json"

[[role]]
arn = "arn:aws:iam::111122223333:role/Look"
trust_policy = "look.json"

[[rule]]
name = "platform deploys"
provider = "corp"
when = '"platform" in groups && attr.department[0] == "engineering"'
roles = ["arn:aws:iam::111122223333:role/eng/Deploy"]
session_name = 'attr.mail[0]'
source_identity = 'subject'
tags = { team = 'attr.team[0]' }

[[rule]]
name = "contractors look"
when = '"contractors" in groups'
roles = ["arn:aws:iam::111122223333:role/Look"]
session_name = 'subject'

[[rule]]
name = "desks look"
provider = "corp"
when = 'attr.desk[0] == "7"'
roles = ["arn:aws:iam::111122223333:role/Look"]

[[rule]]
name = "apps look"
provider = "mobile"
when = 'true'
roles = ["arn:aws:iam::111122223333:role/Look"]
"#;

/// A role that everybody of `corp` may assume whose assertion was for our own address.
const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [
  {"Sid": "Corp", "Effect": "Allow",
   "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/corp"},
   "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"],
   "Condition": {"StringEquals": {"saml:aud": "https://broker.example.com/saml/corp/acs"}}}]}"#;

/// Ann's attributes, in the order that rules see them.
const ATTRIBUTES: &[(&str, &[&str])] = &[
    ("department", &["engineering"]),
    ("displayName", &["Ann Keller"]),
    ("groups", &["staff", "platform"]),
    ("mail", &["ann.keller@corp.example"]),
    ("team", &["rocket"]),
];

/// A folder with a configuration that grants Ann a role.
pub(super) struct World {
    folder: TempDir,
}

impl World {
    pub(super) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        world.write("rolegate.toml", CONFIGURATION);
        world.write("corp.xml", &metadata(&[&HONEST]));
        world.write("deploy.json", TRUST);
        world.write("look.json", TRUST);
        world
    }

    pub(super) fn write(&self, name: &str, content: &str) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Changes the configuration in one place.
    pub(super) fn configured(self, from: &str, to: &str) -> Self {
        self.write("rolegate.toml", &swap(CONFIGURATION, from, to));
        self
    }

    /// The names of everything in the folder.
    pub(super) fn files(&self) -> BTreeSet<OsString> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }

    /// Runs `explain` with the document in a file, as of [`FRESH`] unless the arguments say when.
    pub(super) fn explain(&self, document: &str, arguments: &[&str]) -> Told {
        self.write("response.txt", &base64(document.as_bytes()));
        self.run("response.txt", "", arguments)
    }

    /// Runs `explain` on this file, with `input` on its standard input.
    pub(super) fn run(&self, file: &str, input: &str, arguments: &[&str]) -> Told {
        self.run_on("--saml", file, input, arguments)
    }

    /// The same with another option than `--saml`.
    pub(super) fn run_on(&self, option: &str, file: &str, input: &str, arguments: &[&str]) -> Told {
        let at: &[&str] = if arguments.contains(&"--at") { &[] } else { &["--at", FRESH] };
        let mut child = Command::new(env!("CARGO_BIN_EXE_rolegate"))
            .current_dir(self.folder.path())
            .args(["explain", "--config", "rolegate.toml", option, file])
            .args(at)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Bad usage is found before anything is read.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Told::from(child.wait_with_output().unwrap())
    }
}

/// What the command printed, and its exit code.
pub(super) struct Told {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Told {
    /// What stands below a heading, up to the next empty line.
    #[track_caller]
    pub(super) fn section(&self, heading: &str) -> &str {
        let (_, rest) =
            self.out.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("{}", self.out));
        rest.split_once("\n\n").map_or(rest, |(section, _)| section)
    }

    /// The checks that failed, with all that is said of them.
    pub(super) fn refusals(&self) -> String {
        let mut is_refused = false;
        let mut said = String::new();
        for line in self.section("Checks").lines() {
            if !line.starts_with("   ") {
                is_refused = line.starts_with("  REFUSED ");
            }
            if is_refused {
                said.push_str(line);
                said.push('\n');
            }
        }
        said
    }
}

/// Ann's assertion, unsigned.
pub(super) fn ann() -> String {
    let attribute = |(name, values): &(&str, &[&str])| {
        let value = |value: &&str| format!("<saml:AttributeValue>{value}</saml:AttributeValue>");
        let values: String = values.iter().map(value).collect();
        format!("<saml:Attribute Name=\"{name}\">{values}</saml:Attribute>")
    };
    let attributes: String = ATTRIBUTES.iter().map(attribute).collect();
    let (before, rest) = ASSERTION.split_once("<saml:AttributeStatement>").unwrap();
    let (_, after) = rest.split_once("</saml:AttributeStatement>").unwrap();
    let dressed = format!("{before}<saml:AttributeStatement>{attributes}</saml:AttributeStatement>{after}");
    swap(&dressed, ">ann<", ">ann-7f3a<")
}

/// A response around an assertion that is signed by `key`, which names its certificate.
pub(super) fn signed_by(key: &Key, assertion: &str) -> String {
    let signature = Signing { key, ..Signing::of("_a") }.sign(assertion);
    let certificate = format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
        base64(&key.certificate)
    );
    let signature = swap(&signature, "</ds:Signature>", &format!("{certificate}</ds:Signature>"));
    response(&enveloped(assertion, &signature))
}

/// Ann's response after one change before it was signed.
pub(super) fn ann_with(from: &str, to: &str) -> String {
    signed_by(&HONEST, &swap(&ann(), from, to))
}

/// SHA-256 of a key's certificate.
pub(super) fn fingerprint(key: &Key) -> String {
    let hash = digest::digest(&digest::SHA256, &key.certificate);
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
