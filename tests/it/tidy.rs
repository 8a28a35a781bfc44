//! The house's rules: which room may import which, and what may not be written at all.
//!
//! The floors are those of `ARCHITECTURE.md`. A room imports rooms on lower floors only; rooms on
//! the same floor do not know each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{ItemUse, UseTree};

/// Every room and its floor. A new room must be given a place here.
const FLOORS: [(&str, u8); 22] = [
    ("clock", 0),
    ("entropy", 0),
    ("network", 0),
    ("secret", 0),
    ("watched_file", 0),
    ("arn", 1),
    ("fetch", 1),
    ("seal", 1),
    ("audit", 10),
    ("identity", 10),
    ("store", 10),
    ("telemetry", 10),
    ("directory", 20),
    ("policy", 20),
    ("console", 30),
    ("issuer", 30),
    ("config", 35),
    ("broker", 40),
    ("http", 50),
    ("app", 60),
    ("cli", 70),
    ("main", 80),
];

/// What a room may not know although it stands lower, or comes from outside.
const NEVER: [(&str, &str); 18] = [
    ("http", "store"),
    ("http", "seal"),
    ("policy", "store"),
    ("policy", "audit"),
    ("policy", "telemetry"),
    ("policy", "entropy"),
    ("policy", "actix_web"),
    ("policy", "tokio"),
    ("identity", "actix_web"),
    ("store", "actix_web"),
    ("directory", "actix_web"),
    ("issuer", "actix_web"),
    ("console", "actix_web"),
    ("config", "actix_web"),
    ("broker", "actix_web"),
    ("broker", "crc32fast"),
    ("broker", "redis"),
    ("config", "redis"),
];

#[test]
fn imports_go_downwards() {
    let mut wrong = Vec::new();
    for (room, file) in sources() {
        for import in imports(&file) {
            if let Some(fault) = fault(&room, &import) {
                wrong.push(format!("{}: {fault}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that the floors forbid:\n{}", wrong.join("\n"));
}

#[test]
fn an_upward_import_is_a_fault() {
    let import = |path: &str| path.split("::").map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(fault("policy", &import("crate::identity::FederatedIdentity")), None);
    assert_eq!(fault("identity", &import("crate::identity::saml")), None);
    for (room, path) in [
        ("identity", "crate::policy::Policies"),
        ("policy", "crate::directory::Role"),
        ("broker", "crate::http::Surface"),
        ("http", "crate::store::Store"),
        ("broker", "actix_web::HttpRequest"),
        ("clock", "crate::nowhere"),
    ] {
        assert!(fault(room, &import(path)).is_some(), "{room} may not import {path}");
    }
}

/// Nothing of the demo provider can be reached from `serve`: only the command `demo` knows it.
#[test]
fn the_demo_is_reached_by_its_command_alone() {
    for (_, file) in sources() {
        let shown = file.display().to_string();
        let may = shown.contains("/cli/demo/") || shown.ends_with("/cli/mod.rs");
        let text = fs::read_to_string(&file).unwrap();
        assert!(may || !text.contains("demo::"), "{shown} names the demo");
    }
}

/// What opens as a remembered identity was one: nobody else can seal such a thing.
#[test]
fn identities_are_remembered_in_one_place() {
    for (_, file) in sources() {
        let shown = file.display().to_string();
        let may = shown.ends_with("/identity/remembered.rs") || shown.ends_with("/src/seal/mod.rs");
        let text = fs::read_to_string(&file).unwrap();
        for purpose in ["RememberedIdentity", "PortalIdentity"] {
            assert!(may || !text.contains(purpose), "{shown} names the purpose");
        }
    }
}

/// Somebody who is described is nobody: what comes of a description is compared, and never given anything.
#[test]
fn identities_are_supposed_in_one_place() {
    for (_, file) in sources() {
        let shown = file.display().to_string();
        let may = shown.contains("/broker/rehearse/");
        let text = fs::read_to_string(&file).unwrap();
        assert!(may || !text.contains(".suppose("), "{shown} supposes somebody");
        assert!(!may || !text.contains("parts"), "{shown} could give something");
    }
}

#[test]
fn every_module_begins_with_its_contract() {
    for (_, file) in sources() {
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! "), "{} does not begin with a module comment", file.display());
    }
}

#[test]
fn nothing_is_left_for_later() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["#[ig", "nore"].concat()];
    for folder in ["src", "tests"] {
        for file in rust_files(&root.join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            for mark in &marks {
                assert!(!text.contains(mark.as_str()), "{}: {mark}", file.display());
            }
        }
    }
}

/// What is wrong with `room` importing `path`; `None` if it may.
fn fault(room: &str, path: &[String]) -> Option<String> {
    let (first, second) = (path.first()?.as_str(), path.get(1).map(String::as_str));
    let target = match (first, second) {
        ("crate", Some(target)) => target,
        ("crate", None) => return None,
        (outside, _) => outside,
    };
    if NEVER.contains(&(room, target)) {
        return Some(format!("`{room}` may never know `{target}`"));
    }
    if first != "crate" || target == room {
        return None;
    }
    match (floor(room), floor(target)) {
        (Some(own), Some(other)) if other < own => None,
        (Some(_), Some(_)) => Some(format!("`{room}` imports `{target}`, which is not on a lower floor")),
        _ => Some(format!("`{target}` has no floor in tests/it/tidy.rs")),
    }
}

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// Every source file and the room that it stands in. `lib.rs` only lists the rooms.
fn sources() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let in_room = |file: PathBuf| {
        let inside = file.strip_prefix(&root).unwrap().to_path_buf();
        let room = inside.components().next().unwrap().as_os_str().to_string_lossy();
        (room.trim_end_matches(".rs").to_owned(), file)
    };
    let files: Vec<_> =
        rust_files(&root).into_iter().filter(|file| !file.ends_with("lib.rs")).map(in_room).collect();
    assert!(files.len() > 50, "the sources were not found");
    files
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}

/// The paths that a file names, in `use` or in place.
fn imports(file: &Path) -> BTreeSet<Vec<String>> {
    let mut paths = Paths::default();
    paths.visit_file(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap());
    paths.0
}

#[derive(Default)]
struct Paths(BTreeSet<Vec<String>>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.tree(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.0.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

impl Paths {
    fn tree(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident)),
            UseTree::Name(name) => {
                self.0.insert(with(&name.ident));
            }
            UseTree::Rename(name) => {
                self.0.insert(with(&name.ident));
            }
            UseTree::Glob(_) => {
                self.0.insert(before.to_vec());
            }
            UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(item, before)),
        }
    }
}
