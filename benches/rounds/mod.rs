//! Rounds that alternate between the sides, so that a machine that drifts drifts for all of them.

use crate::cpu::cpu_micros;
use crate::report::median;

/// How many there are.
pub(crate) const ROUNDS: usize = 31;
/// How often a side works in each.
pub(crate) const EACH: u32 = 200;

/// Median microseconds of each side.
pub(crate) fn alternate<const SIDES: usize>(sides: [&dyn Fn(); SIDES]) -> [f64; SIDES] {
    let round = |work: &dyn Fn()| {
        let started = cpu_micros();
        (0..EACH).for_each(|_| work());
        (cpu_micros() - started) / f64::from(EACH)
    };
    let rounds: Vec<_> = (0..ROUNDS).map(|_| sides.map(round)).collect();
    std::array::from_fn(|side| median(rounds.iter().map(|round| round[side]).collect()))
}
