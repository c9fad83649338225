//! The debug adapter and the language server that the demo's health looks at: two of its own, or those of an editor.

mod session;
mod small_server;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tachograph::health::checks::DapLspCheck;

use session::Protocol;
use small_server::SmallServer;

/// The two.
pub(crate) struct Editor {
    debug_adapter: Watched,
    language_server: Watched,
}

enum Watched {
    /// A small one of the demo's own.
    Own(SmallServer),
    /// Somebody else's, at this address.
    Foreign(String),
}

/// How one of the demo's own is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// It answers.
    #[default]
    Up,
    /// It accepts connections and never answers.
    Silent,
    /// Nobody listens there.
    Down,
}

/// The modes of both; none for one that is not the demo's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Modes {
    pub(crate) debug_adapter: Option<Mode>,
    pub(crate) language_server: Option<Mode>,
}

impl Editor {
    /// Starts a small server for each of the two that is not given.
    pub(crate) async fn start(debug_adapter: Option<&str>, language_server: Option<&str>) -> Result<Self, String> {
        Ok(Self {
            debug_adapter: Watched::start(Protocol::DebugAdapter, debug_adapter).await?,
            language_server: Watched::start(Protocol::LanguageServer, language_server).await?,
        })
    }

    /// The check of the two.
    pub(crate) fn check(&self, patience: Duration) -> DapLspCheck {
        DapLspCheck::new(self.debug_adapter.address(), self.language_server.address()).with_patience(patience)
    }

    /// Whether the modes can be set: those of the demo's own can.
    pub(crate) fn accepts(&self, modes: Modes) -> Result<(), String> {
        for (watched, mode, field, option) in [
            (&self.debug_adapter, modes.debug_adapter, "debug_adapter", "--debug-adapter"),
            (&self.language_server, modes.language_server, "language_server", "--language-server"),
        ] {
            if let (Watched::Foreign(address), Some(_)) = (watched, mode) {
                return Err(format!("{field} cannot be set: {option} {address} is watched, which is not the demo's own"));
            }
        }
        Ok(())
    }

    /// Sets both; what is left out is up. Each is tried, whatever becomes of the other.
    pub(crate) async fn set(&self, modes: Modes) -> Result<(), String> {
        let debug_adapter = self.debug_adapter.set(modes.debug_adapter).await;
        let language_server = self.language_server.set(modes.language_server).await;
        debug_adapter.and(language_server)
    }

    pub(crate) async fn modes(&self) -> Modes {
        Modes { debug_adapter: self.debug_adapter.mode().await, language_server: self.language_server.mode().await }
    }
}

impl Watched {
    async fn start(protocol: Protocol, foreign: Option<&str>) -> Result<Self, String> {
        match foreign {
            Some(address) => Ok(Self::Foreign(address.to_owned())),
            None => SmallServer::start(protocol).await.map(Self::Own),
        }
    }

    fn address(&self) -> String {
        match self {
            Self::Own(server) => server.address().to_string(),
            Self::Foreign(address) => address.clone(),
        }
    }

    async fn set(&self, mode: Option<Mode>) -> Result<(), String> {
        match self {
            Self::Own(server) => server.set(mode.unwrap_or_default()).await,
            Self::Foreign(_) => Ok(()),
        }
    }

    async fn mode(&self) -> Option<Mode> {
        match self {
            Self::Own(server) => Some(server.mode().await),
            Self::Foreign(_) => None,
        }
    }
}
