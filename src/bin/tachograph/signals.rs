//! The signals that end a server, of which the first lets it finish and the second does not, and the one that has it read its files anew.

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

/// The signals by which a terminal says that it is gone, and an administrator that files have changed. Only a server that has such files waits
/// for them: any other one shall end with its terminal.
pub(crate) struct Hangups(#[cfg(unix)] tokio::signal::unix::Signal);

impl Hangups {
    #[cfg(unix)]
    pub(crate) fn new() -> Result<Self, String> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::hangup()).map(Self).map_err(|cause| format!("signals cannot be waited for: {cause}"))
    }

    #[cfg(not(unix))]
    pub(crate) fn new() -> Result<Self, String> {
        Ok(Self())
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if self.0.recv().await.is_some() {
            return;
        }
        std::future::pending().await
    }
}

/// Calls `reload` after each of the signals, on a thread that may wait.
pub(crate) fn reload_at(hangups: Option<Hangups>, reload: impl Fn() + Send + Sync + 'static) {
    let Some(mut hangups) = hangups else { return };
    let reload = std::sync::Arc::new(reload);
    tokio::spawn(async move {
        loop {
            hangups.next().await;
            let reload = std::sync::Arc::clone(&reload);
            if let Err(cause) = tokio::task::spawn_blocking(move || reload()).await {
                tracing::error!(%cause, "the files were not read again, this is a bug of the server");
            }
        }
    });
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
