//! Why somebody else's STS gave nothing.

/// Why somebody else's STS gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamFault {
    /// It refuses.
    #[error("the upstream {upstream} refused with {code}: {message}")]
    Refused {
        /// Its name in the configuration.
        upstream: String,
        /// Its code, such as `AccessDenied`.
        code: String,
        /// Its words, cut to what a log line bears.
        message: String,
    },
    /// It has too much to do.
    #[error("the upstream {upstream} is too busy: {code}")]
    Throttled {
        /// Its name in the configuration.
        upstream: String,
        /// Its code, such as `Throttling`.
        code: String,
    },
    /// It can't be reached, or does not answer as an STS does.
    #[error("the upstream {upstream} could not be asked: {problem}")]
    Unavailable {
        /// Its name in the configuration.
        upstream: String,
        /// What happened.
        problem: String,
    },
    /// It would give more than was decided, or less than a caller counts on.
    #[error("the upstream {upstream} is not asked: {reason}")]
    Unfit {
        /// Its name in the configuration.
        upstream: String,
        /// Why.
        reason: &'static str,
    },
}
