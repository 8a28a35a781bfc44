//! Reading the files: TOML to [`Settings`], with the place of every value kept.
//!
//! A file that does not parse, and an entry of the wrong form, are faults beside the others:
//! reading goes on, so that one run shows them all.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::fault::{Faults, SourceFile, Spot};
use super::names::Names;
use super::settings::{
    AccountSettings, ApplicationSettings, ClientSettings, GroupSettings, PolicySettings, ProviderSettings,
    RoleSettings, RuleSettings, SectionSettings, Settings, UpstreamSettings, UserSettings,
};
use crate::identity::hash_of;

/// A configuration larger than this is a mistake.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// An entry and where it stands.
#[derive(Debug)]
pub(super) struct Item<T> {
    /// The entry as written.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

/// Where a table of a file stands, and each of its keys.
#[derive(Debug)]
pub(super) struct Place {
    file: Arc<SourceFile>,
    whole: Range<usize>,
    keys: HashMap<String, Range<usize>>,
}

impl Place {
    /// The value at `key`, written with dots (`login.client_id`), or the table itself.
    pub(super) fn at(&self, key: &str) -> Option<Spot> {
        let range = self.keys.get(key).unwrap_or(&self.whole).clone();
        Some(Spot { file: Arc::clone(&self.file), range })
    }

    /// The narrowest value that holds `text` in quotes. serde forgets where a variant of an entry
    /// with a `kind` was written.
    fn value(&self, text: &str) -> Option<Range<usize>> {
        let quoted = format!("\"{text}\"");
        let holds = |range: &&Range<usize>| {
            self.file.text.get((*range).clone()).is_some_and(|value| value.contains(&quoted))
        };
        self.keys.values().filter(holds).min_by_key(|range| (range.len(), range.start)).cloned()
    }

    /// The value at `key` within an inner table. serde forgets where that stood, too.
    fn inner(&self, key: &str) -> Option<Range<usize>> {
        let is_it = |path: &str| path.rsplit('.').next() == Some(key);
        let found = self.keys.iter().filter(|(path, _)| is_it(path));
        found.map(|(_, range)| range).min_by_key(|range| range.start).cloned()
    }

    /// Notes that this `text` of another file was read because this one names it.
    pub(super) fn note(&self, text: &str) {
        self.file.beside.lock().unwrap_or_else(PoisonError::into_inner).push(hash_of(&[text]));
    }

    /// `path` as seen from the file.
    pub(super) fn resolve(&self, path: &Path) -> PathBuf {
        self.file.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

/// What the files say.
#[derive(Debug)]
pub(super) struct Written {
    /// Everything but the lists, from the main file.
    pub main: Item<Settings>,
    /// `[[account]]` of every file.
    pub accounts: Vec<Item<AccountSettings>>,
    /// `[[provider]]` of every file.
    pub providers: Vec<Item<ProviderSettings>>,
    /// `[[role]]` of every file.
    pub roles: Vec<Item<RoleSettings>>,
    /// `[[upstream]]` of every file.
    pub upstreams: Vec<Item<UpstreamSettings>>,
    /// `[[policy]]` of every file.
    pub policies: Vec<Item<PolicySettings>>,
    /// `[[group]]` of every file.
    pub groups: Vec<Item<GroupSettings>>,
    /// `[[user]]` of every file.
    pub users: Vec<Item<UserSettings>>,
    /// `[[section]]` of every file.
    pub sections: Vec<Item<SectionSettings>>,
    /// `[[rule]]` of every file.
    pub rules: Vec<Item<RuleSettings>>,
    /// `[[client]]` of every file.
    pub clients: Vec<Item<ClientSettings>>,
    /// `[[application]]` of every file.
    pub applications: Vec<Item<ApplicationSettings>>,
    /// What they are called, and so are those that can't be read.
    pub names: Names,
    /// The files, in the order in which they were read.
    pub files: Vec<Arc<SourceFile>>,
}

/// Reads the file at `path` and those it includes. `None` where nothing can be said beyond the
/// faults.
pub(super) fn read(path: &Path, faults: &mut Faults) -> Option<Written> {
    let file = open(path, None, faults)?;
    let mut main = Parsed::of(&file, faults)?;
    let place = main.place();
    let mut lists = Lists::default();
    lists.take(&mut main, faults);
    let settings = main.rest(faults)?;
    let mut files = vec![Arc::clone(&file)];
    for pattern in &settings.include {
        for included in included_files(&place, pattern, faults) {
            let Some(file) = open(&included, place.at("include"), faults) else { continue };
            files.push(Arc::clone(&file));
            if let Some(mut parsed) = Parsed::of(&file, faults) {
                lists.take(&mut parsed, faults);
                parsed.refuse_rest(faults);
            }
        }
    }
    let Lists {
        accounts,
        providers,
        roles,
        upstreams,
        policies,
        groups,
        users,
        sections,
        rules,
        clients,
        applications,
        names,
    } = lists;
    let main = Item { value: settings, place };
    Some(Written {
        main,
        accounts,
        providers,
        roles,
        upstreams,
        policies,
        groups,
        users,
        sections,
        rules,
        clients,
        applications,
        names,
        files,
    })
}

#[derive(Default)]
struct Lists {
    accounts: Vec<Item<AccountSettings>>,
    providers: Vec<Item<ProviderSettings>>,
    roles: Vec<Item<RoleSettings>>,
    upstreams: Vec<Item<UpstreamSettings>>,
    policies: Vec<Item<PolicySettings>>,
    groups: Vec<Item<GroupSettings>>,
    users: Vec<Item<UserSettings>>,
    sections: Vec<Item<SectionSettings>>,
    rules: Vec<Item<RuleSettings>>,
    clients: Vec<Item<ClientSettings>>,
    applications: Vec<Item<ApplicationSettings>>,
    names: Names,
}

impl Lists {
    fn take(&mut self, file: &mut Parsed<'_>, faults: &mut Faults) {
        file.names("provider", "name", &mut self.names);
        file.names("role", "arn", &mut self.names);
        file.names("upstream", "name", &mut self.names);
        file.names("group", "arn", &mut self.names);
        file.names("section", "name", &mut self.names);
        file.list("account", &mut self.accounts, faults);
        file.list("provider", &mut self.providers, faults);
        file.list("role", &mut self.roles, faults);
        file.list("upstream", &mut self.upstreams, faults);
        file.list("policy", &mut self.policies, faults);
        file.list("group", &mut self.groups, faults);
        file.list("user", &mut self.users, faults);
        file.list("section", &mut self.sections, faults);
        file.list("rule", &mut self.rules, faults);
        file.list("client", &mut self.clients, faults);
        file.list("application", &mut self.applications, faults);
    }
}

fn open(path: &Path, named_at: Option<Spot>, faults: &mut Faults) -> Option<Arc<SourceFile>> {
    match read_text(path, LARGEST_FILE) {
        Ok(text) => Some(Arc::new(SourceFile { path: path.to_owned(), text, beside: Mutex::default() })),
        Err(problem) => {
            faults.error(named_at, problem, "name an existing, readable TOML file");
            None
        }
    }
}

/// A file whose TOML is well-formed.
struct Parsed<'t> {
    file: &'t Arc<SourceFile>,
    table: DeTable<'t>,
    whole: Range<usize>,
}

impl<'t> Parsed<'t> {
    fn of(file: &'t Arc<SourceFile>, faults: &mut Faults) -> Option<Self> {
        let (table, errors) = DeTable::parse_recoverable(&file.text);
        for error in &errors {
            let spot = Spot { file: Arc::clone(file), range: error.span().unwrap_or(0..0) };
            faults.error(Some(spot), error.message(), "mend the TOML syntax here");
        }
        let whole = table.span();
        errors.is_empty().then(|| Self { file, table: table.into_inner(), whole })
    }

    fn place(&self) -> Place {
        let mut keys = HashMap::new();
        collect_keys("", &self.table, &mut keys);
        Place { file: Arc::clone(self.file), whole: 0..0, keys }
    }

    /// Adds what the entries of the list `name` have as `key`.
    fn names(&self, name: &'static str, key: &str, into: &mut Names) {
        let Some(DeValue::Array(entries)) = self.table.get(name).map(Spanned::get_ref) else { return };
        let tables = entries.iter().filter_map(|entry| entry.get_ref().as_table());
        let values = tables.filter_map(|table| table.get(key)?.get_ref().as_str());
        values.for_each(|value| into.add(name, value));
    }

    /// Takes the list `name` out of the file, entry by entry.
    fn list<T: DeserializeOwned>(&mut self, name: &str, into: &mut Vec<Item<T>>, faults: &mut Faults) {
        let Some((_, value)) = self.table.remove_entry(name) else { return };
        let range = value.span();
        let DeValue::Array(entries) = value.into_inner() else {
            let spot = Spot { file: Arc::clone(self.file), range };
            faults.error(Some(spot), format!("`{name}` is not a list"), format!("write [[{name}]]"));
            return;
        };
        for entry in entries {
            let mut keys = HashMap::new();
            if let DeValue::Table(table) = entry.get_ref() {
                collect_keys("", table, &mut keys);
            }
            let place = Place { file: Arc::clone(self.file), whole: entry.span(), keys };
            match T::deserialize(ValueDeserializer::from(entry)) {
                Ok(value) => into.push(Item { value, place }),
                Err(error) => report(&error, &place, faults),
            }
        }
    }

    /// What stands beside the lists. A key that is wrong is reported and left out, so that the
    /// rest is looked at as well.
    fn rest(mut self, faults: &mut Faults) -> Option<Settings> {
        let place = self.place();
        loop {
            let table = Spanned::new(self.whole.clone(), DeValue::Table(self.table.clone()));
            let error = match Settings::deserialize(ValueDeserializer::from(table)) {
                Ok(settings) => return Some(settings),
                Err(error) => error,
            };
            report(&error, &place, faults);
            if error.message().contains("missing field `public_url`") {
                let stand_in = DeValue::String("https://broker.invalid".into());
                self.table.insert(Spanned::new(0..0, "public_url".into()), Spanned::new(0..0, stand_in));
                continue;
            }
            let range = error.span()?;
            let mut entries = self.table.iter();
            let culprit = entries.find(|(key, value)| holds(&key.span(), &range) || within(value, &range));
            let culprit = culprit.map(|(key, _)| key.get_ref().to_string());
            self.table.remove(culprit?.as_str())?;
        }
    }

    fn refuse_rest(&self, faults: &mut Faults) {
        for key in self.table.keys() {
            faults.error(
                Some(Spot { file: Arc::clone(self.file), range: key.span() }),
                format!("`{}` can't stand in an included file", key.get_ref()),
                "move it to the main file; included files hold [[account]], [[provider]], [[role]], [[upstream]], [[policy]], [[group]], [[user]], [[section]], [[rule]], [[client]] and [[application]]",
            );
        }
    }
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Whether `range` lies within `value`. A `[section]`'s own span is its header alone.
fn within(value: &Spanned<DeValue<'_>>, range: &Range<usize>) -> bool {
    let inside = |(key, value): (&Spanned<_>, _)| holds(&key.span(), range) || within(value, range);
    holds(&value.span(), range)
        || matches!(value.get_ref(), DeValue::Table(table) if table.iter().any(inside))
}

/// Reads a text file of at most `largest` bytes; the error says what is wrong with it.
pub(super) fn read_text(path: &Path, largest: u64) -> Result<String, String> {
    let shown = path.display();
    let size = fs::metadata(path).map_err(|error| format!("can't read {shown}: {error}"))?.len();
    if size > largest {
        return Err(format!("{shown} has {size} bytes; at most {largest} are read"));
    }
    fs::read_to_string(path).map_err(|error| format!("can't read {shown}: {error}"))
}

/// A serde error at the best place that is known: its own span, else the key that it names.
fn report(error: &toml::de::Error, place: &Place, faults: &mut Faults) {
    if error.message().ends_with("expected `file` or `env`") {
        return report_secret(error, place, faults);
    }
    let word = error.message().split('`').nth(1).unwrap_or_default();
    let named = place.keys.get(word).cloned();
    let quoted = error.message().split('"').nth(1);
    let value = || match error.message() {
        message if message.starts_with("unknown variant") => place.value(word),
        message if message.starts_with("invalid type: string") => place.value(quoted?),
        _ => None,
    };
    let inner = || error.message().starts_with("unknown field").then(|| place.inner(word))?;
    let span = error.span().filter(|span| *span != place.whole);
    let range = named.or_else(value).or(span).or_else(inner).unwrap_or_else(|| place.whole.clone());
    faults.error(
        Some(Spot { file: Arc::clone(&place.file), range }),
        error.message(),
        "`rolegate schema` describes every key",
    );
}

/// Something that stands where a secret is referred to. It may be the secret itself, so neither it nor
/// what follows it on its line is shown.
fn report_secret(error: &toml::de::Error, place: &Place, faults: &mut Faults) {
    let word = error.message().split('`').nth(1).unwrap_or_default();
    let range = place.value(word).or_else(|| error.span()).unwrap_or_else(|| place.whole.clone());
    let SourceFile { path, text, .. } = &*place.file;
    let before = text.get(..range.start).unwrap_or_default();
    let file =
        Arc::new(SourceFile { path: path.clone(), text: format!("{before}…"), beside: Mutex::default() });
    faults.error(
        Some(Spot { file, range: before.len()..before.len() }),
        "a secret can't stand in the configuration itself",
        "write { file = \"…\" } or { env = \"…\" }, and change the secret if this file was shown to anybody",
    );
}

fn collect_keys(prefix: &str, table: &DeTable<'_>, into: &mut HashMap<String, Range<usize>>) {
    for (key, value) in table {
        let path = format!("{prefix}{}", key.get_ref());
        if let DeValue::Table(inner) = value.get_ref() {
            collect_keys(&format!("{path}."), inner, into);
        }
        into.insert(path, if value.span().is_empty() { key.span() } else { value.span() });
    }
}

/// The files that `pattern` names; `*` in the last part matches any run of characters.
fn included_files(place: &Place, pattern: &str, faults: &mut Faults) -> Vec<PathBuf> {
    let path = place.resolve(Path::new(pattern));
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some((before, after)) = name.split_once('*') else { return vec![path] };
    let folder = path.parent().unwrap_or(Path::new("."));
    let matches = |file: &str| {
        file.len() >= before.len() + after.len() && file.starts_with(before) && file.ends_with(after)
    };
    let mut files: Vec<PathBuf> = match fs::read_dir(folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) => {
            let message = format!("can't list {}: {error}", folder.display());
            faults.error(place.at("include"), message, "name an existing folder");
            return Vec::new();
        }
    };
    files.retain(|file| file.file_name().and_then(|name| name.to_str()).is_some_and(matches));
    files.sort();
    if files.is_empty() {
        faults.warning(place.at("include"), format!("{pattern:?} matches no file"), "");
    }
    files
}
