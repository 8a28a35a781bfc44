//! What the entries of the lists are called, sound or not: for faults about a name that another
//! entry uses.
//!
//! An entry with a fault of its own is there all the same. Whoever names it is told nothing: one
//! mistake is said once.

use std::collections::HashMap;

/// In how many characters a name may differ from the one that was meant.
const MOST_SLIPS: usize = 3;
/// How many names are listed.
const LISTED: usize = 8;

/// The names of all entries, by the list that they stand in.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<&'static str, Vec<String>>);

/// Whether `text` can stand in links, cookies and paths as it is: 1 to 64 of a-z, 0-9 and -.
pub(super) fn is_word(text: &str) -> bool {
    let fits = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

impl Names {
    /// Adds an entry of `list`.
    pub(super) fn add(&mut self, list: &'static str, name: &str) {
        self.0.entry(list).or_default().push(name.to_owned());
    }

    /// Whether an entry of `list` has this name.
    pub(super) fn has(&self, list: &str, name: &str) -> bool {
        self.of(list).iter().any(|known| known == name)
    }

    /// What to do about `name`, which no entry of `list` has.
    pub(super) fn help(&self, list: &str, name: &str) -> String {
        let known = self.of(list);
        // Of an ARN, only the end is somebody's choice.
        let chosen = name.rsplit(['/', ':']).next().map_or(0, str::len);
        let slips = (chosen / 3).clamp(1, MOST_SLIPS);
        let distances = known.iter().map(|known| (strsim::osa_distance(known, name), known));
        match distances.min().filter(|(distance, _)| *distance <= slips) {
            Some((_, nearest)) => format!("did you mean {nearest:?}?"),
            None if known.is_empty() => format!("add a [[{list}]] of that name"),
            None => {
                let more = if known.len() > LISTED { ", and more" } else { "" };
                let listed: Vec<_> = known.iter().take(LISTED).map(|name| format!("{name:?}")).collect();
                format!("there are {}{more}", listed.join(", "))
            }
        }
    }

    fn of(&self, list: &str) -> &[String] {
        self.0.get(list).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helps_with_the_name_that_was_meant_or_with_all() {
        let mut names = Names::default();
        assert_eq!(names.help("provider", "corp"), "add a [[provider]] of that name");
        for name in ["corp", "mobile"] {
            names.add("provider", name);
        }
        let arn = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
        names.add("role", &arn("Deploy"));
        assert!(names.has("provider", "corp") && !names.has("role", "corp"));
        for (list, name, help) in [
            ("provider", "crop", "did you mean \"corp\"?".to_owned()),
            ("provider", "mobil", "did you mean \"mobile\"?".to_owned()),
            ("provider", "okta", "there are \"corp\", \"mobile\"".to_owned()),
            ("role", &arn("Depoly"), format!("did you mean {:?}?", arn("Deploy"))),
            ("role", &arn("Look"), format!("there are {:?}", arn("Deploy"))),
        ] {
            assert_eq!(names.help(list, name), help, "{name}");
        }
        (0..9).for_each(|number| names.add("many", &number.to_string()));
        let first = "\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\"";
        assert_eq!(names.help("many", "ten"), format!("there are {first}, and more"));
    }
}
