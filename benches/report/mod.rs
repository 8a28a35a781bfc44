//! What benchmarks share: medians, and `target/speed.json`, where each replaces its own.

use serde_json::{Map, Value};

/// Files entries of `target/speed.json` under their names.
pub(crate) fn file(entries: Vec<(&'static str, Value)>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/target/speed.json");
    let earlier = std::fs::read_to_string(path).ok();
    let mut all: Map<String, Value> =
        earlier.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    all.extend(entries.into_iter().map(|(name, entry)| (name.to_owned(), entry)));
    std::fs::write(path, format!("{:#}\n", Value::Object(all))).unwrap();
}

/// The middle of the figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
