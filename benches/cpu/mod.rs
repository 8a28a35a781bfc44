//! CPU time of work in this thread.

/// CPU time of this thread so far: what other programs do at the same time counts less.
pub(crate) fn cpu_micros() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
}
