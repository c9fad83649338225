//! The signals that end a server: the first lets it finish, the second does not.

use tokio::sync::watch;

/// Waits for signals from its making on, so that none is missed while a server starts.
pub(crate) struct Signals(Sources);

/// How many signals have come.
#[derive(Clone)]
pub(crate) struct Seen(watch::Receiver<u32>);

impl Signals {
    pub(crate) fn new() -> Result<Self, String> {
        Sources::new().map(Self).map_err(|cause| format!("signals cannot be waited for: {cause}"))
    }

    /// Counts those that come, and says so.
    pub(crate) fn count(mut self) -> Seen {
        let (seen, count) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                self.0.next().await;
                tracing::info!("a signal came: the requests in flight may finish, a second signal ends them");
                seen.send_modify(|seen: &mut u32| *seen = seen.saturating_add(1));
            }
        });
        Seen(count)
    }
}

impl Seen {
    /// Is ready once that many signals have come.
    pub(crate) fn have_come(&self, times: u32) -> impl Future<Output = ()> + Send + use<> {
        let mut seen = self.0.clone();
        async move {
            seen.wait_for(|seen| *seen >= times).await.expect("the count of signals never ends");
        }
    }
}

/// Where they come from.
struct Sources {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// Comes with a write beyond the largest size that a file may have, and would end the process. As long as it is waited for,
    /// the write fails instead.
    #[cfg(unix)]
    _file_size: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Sources {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let file_size = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            _file_size: signal(file_size)?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            Some(()) = self.interrupt.recv() => {}
            Some(()) = self.terminate.recv() => {}
            else => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
impl Sources {
    fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
