//! What is known about a request: condition keys and their values.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::slice;

/// Condition keys and values of one request (facts 5.5). Key names are compared without regard
/// to case, tag keys after the `/` included (facts 5.2). A key without a value is an absent key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestContext<'a> {
    /// By key. A vector, because it is made for each request and seldom asked for more than a few.
    values: Vec<(Cow<'a, str>, Values<'a>)>,
    undecided: BTreeSet<Cow<'a, str>>,
}

/// How many keys a request seldom goes beyond.
const USUAL_KEYS: usize = 24;

/// At least one. Most keys have one, and a request has dozens of keys.
#[derive(Debug, Clone)]
enum Values<'a> {
    One(Cow<'a, str>),
    List(Vec<Cow<'a, str>>),
}

impl<'a> Values<'a> {
    fn as_slice(&self) -> &[Cow<'a, str>] {
        match self {
            Self::One(value) => slice::from_ref(value),
            Self::List(values) => values,
        }
    }
}

impl PartialEq for Values<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Values<'_> {}

impl<'a> RequestContext<'a> {
    /// A request of which nothing is known.
    pub fn new() -> Self {
        Self { values: Vec::with_capacity(USUAL_KEYS), undecided: BTreeSet::new() }
    }

    /// Says that `key` has the one value `value`.
    pub fn set(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        self.insert(key.into(), Values::One(value.into()));
    }

    /// Says that `key` has `values`; none of them, and the key stays absent.
    pub fn set_all<V: Into<Cow<'a, str>>>(
        &mut self,
        key: impl Into<Cow<'a, str>>,
        values: impl IntoIterator<Item = V>,
    ) {
        let values: Vec<_> = values.into_iter().map(Into::into).collect();
        if !values.is_empty() {
            self.insert(key.into(), Values::List(values));
        }
    }

    fn insert(&mut self, key: Cow<'a, str>, values: Values<'a>) {
        let key = folded(key);
        match self.find(&key) {
            Ok(place) => self.values[place].1 = values,
            Err(place) => self.values.insert(place, (key, values)),
        }
    }

    /// The place of a key that is in lower case already, or where it would be.
    fn find(&self, folded_key: &str) -> Result<usize, usize> {
        self.values.binary_search_by(|(key, _)| key.as_ref().cmp(folded_key))
    }

    /// Says that `key` should have one value and was given several, so that nobody can tell which
    /// counts. No statement that allows may rest on it, and every statement that denies and
    /// asks about it applies: to call such a key absent would please whoever is denied by it.
    pub fn set_undecided(&mut self, key: impl Into<Cow<'a, str>>) {
        self.undecided.insert(folded(key.into()));
    }

    /// Whether nobody can tell the value of a key that is in lower case already.
    pub(super) fn is_undecided(&self, folded_key: &str) -> bool {
        self.undecided.contains(folded_key)
    }

    /// The values of a key that is in lower case already; empty when the key is absent.
    pub(super) fn get(&self, folded_key: &str) -> &[Cow<'a, str>] {
        self.find(folded_key).map_or(&[], |place| self.values[place].1.as_slice())
    }

    /// The value of a key that has exactly one: all that a policy variable may use (facts 5.3).
    pub(super) fn single(&self, folded_key: &str) -> Option<&str> {
        match self.get(folded_key) {
            [value] => Some(value),
            _ => None,
        }
    }

    /// Every key that has values, in lower case, with them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Cow<'a, str>])> {
        self.values.iter().map(|(key, values)| (key.as_ref(), values.as_slice()))
    }
}

/// The form in which key names are compared.
pub(super) fn folded(key: Cow<'_, str>) -> Cow<'_, str> {
    if key.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        key
    } else {
        Cow::Owned(key.to_lowercase())
    }
}
