//! How often is pushed, how much waits, and for how long.

use std::fmt;
use std::time::Duration;

use crate::registry::RegisterError;

/// Times and bounds of a pusher.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tachograph::push::Options;
///
/// // A batch job: its end is what counts, and may take as long as it must.
/// let options = Options { shutdown_timeout: Duration::from_secs(60), ..Options::default() };
/// assert_eq!(options.interval, Duration::from_secs(15));
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// How often a snapshot is taken and pushed. 15 s by default.
    pub interval: Duration,
    /// How long a request may take, answer included. 10 s by default.
    pub timeout: Duration,
    /// The pause after a first failed request; it doubles with each further one. 1 s by default. Each pause is cut at random by up to its half.
    pub shortest_pause: Duration,
    /// The longest such pause. 30 s by default. Where a receiver asks for another one (`Retry-After`), that is kept, up to 10 minutes.
    pub longest_pause: Duration,
    /// The most samples (data points) in a request. 2 000 by default, as Prometheus sends.
    pub max_samples: usize,
    /// How many snapshots may wait, as the requests that they have become; beyond it the oldest is given up. 40 by default: ten minutes.
    pub queue_snapshots: usize,
    /// How many bytes of such requests may wait, beside the one that is on its way. 32 MiB by default.
    pub queue_bytes: usize,
    /// How long the end may take, in which the last snapshot and all that waits is sent. 5 s by default.
    pub shutdown_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(15),
            timeout: Duration::from_secs(10),
            shortest_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            max_samples: 2_000,
            queue_snapshots: 40,
            queue_bytes: 32 << 20,
            shutdown_timeout: Duration::from_secs(5),
        }
    }
}

impl Options {
    pub(super) fn check(&self) -> Result<(), PushError> {
        let wrong = [
            (self.interval.is_zero(), "the interval is 0"),
            (self.timeout.is_zero(), "the timeout is 0"),
            (self.shortest_pause.is_zero(), "the shortest pause is 0"),
            (self.longest_pause < self.shortest_pause, "the longest pause is shorter than the shortest"),
            (self.max_samples == 0, "a request may have no sample"),
            (self.queue_snapshots == 0, "the queue has no room"),
            (self.queue_bytes == 0, "the queue has no room"),
        ];
        match wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
            Some((_, why)) => Err(PushError::Options(why)),
            None => Ok(()),
        }
    }
}

/// Why nothing is pushed.
#[derive(Debug)]
#[non_exhaustive]
pub enum PushError {
    /// The options contradict themselves or leave no room: change them.
    Options(&'static str),
    /// A label or an attribute that all series shall carry cannot stand there: rename it.
    Label {
        /// Its name.
        label: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The pusher's own metrics could not be registered, `tachograph_push_*`.
    Register(RegisterError),
    /// The system gives no thread, or no means to wait for a network.
    Start(std::io::Error),
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(why) => write!(f, "the options of the push are refused: {why}"),
            Self::Label { label, why } => write!(f, "label {label:?} of the push is refused: {why}"),
            Self::Register(_) => f.write_str("the metrics of the push could not be registered"),
            Self::Start(_) => f.write_str("the thread that pushes could not be started"),
        }
    }
}

impl std::error::Error for PushError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Register(cause) => Some(cause),
            Self::Start(cause) => Some(cause),
            Self::Options(_) | Self::Label { .. } => None,
        }
    }
}

impl From<RegisterError> for PushError {
    fn from(cause: RegisterError) -> Self {
        Self::Register(cause)
    }
}
