//! `rolegate test`, as an administrator runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const DEPLOY: &str = "arn:aws:iam::111122223333:role/eng/Deploy";
const UPLOADER: &str = "arn:aws:iam::111122223333:role/app/PhotoUploader";

/// What the command said about the shipped configuration.
struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

fn told(output: Output) -> Told {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Told { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn run(folder: &Path, arguments: &[&str]) -> Told {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/rolegate.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rolegate"));
    command.current_dir(folder).args(["test", "--config"]).arg(config).args(arguments);
    told(command.output().unwrap())
}

/// Runs these cases; with a folder, in which `cases.toml` is.
fn cases(text: &str, more: &[&str]) -> (Told, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cases.toml"), text).unwrap();
    let told = run(folder.path(), &[&["cases.toml"], more].concat());
    (told, folder)
}

/// A case about Ann, whose team is rocket, with these lines in the end.
fn ann(lines: &str) -> String {
    format!(
        "[[case]]\nname = \"ann\"\nprovider = \"corp\"\nsubject = \"ann-7f3a\"\n\
         attributes = {{ groups = [\"platform\"], department = \"engineering\", email = \"ann@example.com\", \
         team = \"rocket\" }}\n{lines}"
    )
}

fn offered(lines: &str) -> String {
    ann(&format!("[[case.offers]]\nrole = \"{DEPLOY}\"\n{lines}"))
}

#[test]
fn the_shipped_rules_are_tested_wholly() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let told = run(root, &["config/tests"]);
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.err);
    let end = "\nrules that a case matches: 2 of 2\nstatements of trust policies that apply in a case: 2 of 2\n\
               5 cases, 0 failed\n";
    assert!(told.out.ends_with(end), "{}", told.out);
}

#[test]
fn each_difference_is_shown_with_both_sides() {
    for (case, expected) in [
        (offered("tags = { team = \"rocket\" }\nseconds = 3600"), ""),
        (
            offered("tags = { team = \"moon\", stage = \"one\" }"),
            "DEPLOY tags\n  expected stage = \"one\", team = \"moon\"\n  saw      team = \"rocket\"\n",
        ),
        (offered("tags = {}"), "DEPLOY tags\n  expected none\n  saw      team = \"rocket\"\n"),
        (
            offered("session_name = \"bob\""),
            "DEPLOY session name\n  expected bob\n  saw      ann@example.com\n",
        ),
        (
            offered("source_identity = \"bob-7f3a\""),
            "DEPLOY source identity\n  expected bob-7f3a\n  saw      ann-7f3a\n",
        ),
        (offered("seconds = 900"), "DEPLOY seconds\n  expected 900\n  saw      3600\n"),
        (
            offered("refused = \"policy.denied\""),
            "DEPLOY is granted\n  expected refused by policy.denied\n  saw      granted\n",
        ),
        (ann("offers = []"), "DEPLOY is offered, and not expected\n"),
        (
            offered(&format!("[[case.offers]]\nrole = \"{UPLOADER}\"")),
            "UPLOADER is expected, and no rule offers it\n",
        ),
    ] {
        let (told, _folder) = cases(&case, &[]);
        let (code, word) = if expected.is_empty() { (0, "ok   ") } else { (1, "FAIL ") };
        let lines = expected.replace("DEPLOY", DEPLOY).replace("UPLOADER", UPLOADER);
        let lines: String = lines.lines().map(|line| format!("      {line}\n")).collect();
        let shown = format!("{word} cases.toml: ann\n{lines}\nrules that a case matches: 1 of 2\n");
        assert!(told.out.starts_with(&shown), "expected {shown}\nsaw {}{}", told.out, told.err);
        assert_eq!(told.code, Some(code));
        assert!(told.out.contains("      none matches  app users upload photos\n"), "{}", told.out);
        assert!(told.out.contains(&format!("      none applies  {UPLOADER} Statement[0]")), "{}", told.out);
    }
}

/// A token's caller names the session; without a name the role is offered and not granted.
#[test]
fn what_is_offered_may_be_refused() {
    let cleo = |lines: &str| {
        format!(
            "[[case]]\nname = \"cleo\"\nprovider = \"mobile\"\nsubject = \"cleo\"\n\
             claims = {{ email_verified = true }}\n{lines}[[case.offers]]\nrole = \"{UPLOADER}\"\n"
        )
    };
    for (case, expected) in [
        (cleo("session_name = \"phone\"\n"), ""),
        (cleo("") + "refused = \"policy.session-name\"\n", ""),
        (cleo(""), "is refused\n        expected granted\n        saw      policy.session-name (there is no"),
        (cleo("") + "refused = \"policy.denied\"\n", "is refused\n        expected policy.denied\n"),
    ] {
        let (told, _folder) = cases(&case, &[]);
        assert_eq!(told.code, Some(i32::from(!expected.is_empty())), "{}{}", told.out, told.err);
        assert!(told.out.contains(expected), "expected {expected}\nsaw {}", told.out);
    }
}

#[test]
fn build_servers_read_it() {
    let (told, folder) =
        cases(&ann("offers = []").replace("\"ann\"", "'a <b> \"&\"'"), &["--junit", "out.xml"]);
    assert_eq!(told.code, Some(1), "{}", told.err);
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuite name=\"rolegate\" tests=\"1\" failures=\"1\">\n  \
         <testcase classname=\"cases.toml\" name=\"a &lt;b&gt; &quot;&amp;&quot;\"><failure>{DEPLOY} is offered, and \
         not expected</failure></testcase>\n</testsuite>\n"
    );
    assert_eq!(fs::read_to_string(folder.path().join("out.xml")).unwrap(), expected);
}

#[test]
fn a_case_that_is_none_is_exit_code_2() {
    for (text, problem) in [
        ("", "cases.toml has no [[case]]"),
        (&ann(""), "cases.toml: ann: it does not say what is offered: write offers = [] for nothing"),
        (&ann("offers = []\ncolour = 1"), "unknown field `colour`"),
        (
            &ann("offers = []").replace("corp", "crop"),
            "cases.toml: ann: there is no provider called \"crop\"",
        ),
        (&ann("offers = [{ role = \"Deploy\" }]"), "\"Deploy\" is not a role ARN"),
        (
            &ann("offers = [{ role = \"arn:aws:iam::111122223333:role/Gone\" }]"),
            "there is no role arn:aws:iam::111122223333:role/Gone",
        ),
        (&ann("offers = []\nat = \"today\""), "\"today\" is no time with its zone"),
        (
            &ann("offers = []").replace("corp", "mobile"),
            "a SAML provider says attributes, one of OpenID Connect says claims",
        ),
        (
            "[[case]]\nname = \"x\"\nprovider = \"mobile\"\nsubject = \"x\"\nclaims = { aud = \"other\" }\noffers = []",
            "nobody can be described so: oidc.audience: expected ios-app, android-app, saw other",
        ),
        (
            "[[case]]\nname = \"x\"\nprovider = \"corp\"\nsubject = \" \"\noffers = []",
            "nobody can be described so: saml.name-id: expected text, saw none",
        ),
    ] {
        let (told, _folder) = cases(text, &[]);
        assert_eq!((told.code, told.out.as_str()), (Some(2), ""), "{text}");
        assert!(told.err.contains(problem), "{problem} is missing in {}", told.err);
    }
    let folder = tempfile::tempdir().unwrap();
    let told = run(folder.path(), &["gone.toml"]);
    assert_eq!(told.code, Some(2));
    assert!(told.err.starts_with("can't read gone.toml: "), "{}", told.err);
    assert_eq!(run(folder.path(), &["."]).err, ". has no *.toml in it\n");
}
