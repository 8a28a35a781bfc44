//! Figures: printed, and filed in `target/speed.json`, where each benchmark replaces its own.

// Each benchmark is a crate of its own and uses its part.
#![allow(dead_code, unreachable_pub)]

use serde_json::{Map, Value, json};

/// Median microseconds of both sides.
#[derive(Clone, Copy)]
pub struct Figure {
    /// What is measured.
    pub ours: f64,
    /// The floor, or the same work by others.
    pub floor: f64,
}

/// What a figure should be.
pub enum Goal {
    /// At most so many times the bare RSA check.
    Ratio(f64),
    /// At most so many microseconds, whatever the floor.
    Micros(f64),
    /// At least so many times less than samael.
    TimesLess(f64),
}

/// One entry of `target/speed.json`.
pub struct Entry {
    name: &'static str,
    written: Value,
}

impl Entry {
    /// A figure against its floor.
    pub fn new(name: &'static str, Figure { ours, floor }: Figure, goal: &Goal) -> Self {
        let (value, unit, wanted, met) = match goal {
            Goal::Ratio(most) => {
                (ours / floor, "x", format!("<= {most} x the bare RSA check"), ours / floor <= *most)
            }
            Goal::Micros(most) => (ours, "us", format!("<= {most} us"), ours <= *most),
            Goal::TimesLess(least) => {
                (floor / ours, "x", format!(">= {least} x less CPU than samael"), floor / ours >= *least)
            }
        };
        let written = json!({"value": value, "unit": unit, "floor": floor, "ratio": ours / floor,
                             "goal": wanted, "met": met, "command": "cargo bench"});
        println!("{name:32} {value:8.2} {unit:2}  ({ours:.1} us; floor {floor:.1} us)  {wanted}: {met}");
        Self { name, written }
    }

    /// How long a hostile document was looked at before it was refused, and how many bytes were
    /// held at one time to do so, of the `most` that may be.
    pub fn refused(name: &'static str, micros: f64, held: u64, most: u64) -> Self {
        const MOST_MICROS: f64 = 5000.0;
        let met = micros <= MOST_MICROS && held <= most;
        let wanted = format!("<= {MOST_MICROS} us, <= {most} bytes held");
        let written = json!({"value": micros, "unit": "us", "floor": null, "ratio": null, "held": held,
                             "goal": wanted, "met": met, "command": "cargo bench"});
        println!("{name:32} {micros:8.2} us  ({held} bytes held)  {wanted}: {met}");
        Self { name, written }
    }
}

/// Files the entries under their names.
pub fn file(entries: Vec<Entry>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/target/speed.json");
    let earlier = std::fs::read_to_string(path).ok();
    let mut all: Map<String, Value> =
        earlier.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    all.extend(entries.into_iter().map(|entry| (entry.name.to_owned(), entry.written)));
    std::fs::write(path, format!("{:#}\n", Value::Object(all))).unwrap();
}

/// The middle of the figures.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// CPU time of this thread so far: what other programs do at the same time counts less.
pub fn cpu_micros() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
}
