//! A small debug adapter or language server, that can be made to fall silent or to stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tachograph::health::checks::framing;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Mode;
use super::session::{Protocol, Session};

/// Connections that are served at once: the check's own, and some of the curious. Any more are closed.
const MAX_CONNECTIONS: usize = 16;
/// How long a connection may be silent: those who have gone without a word must not take the places of others.
const IDLE: Duration = Duration::from_secs(60);
/// After an accept that failed, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// It listens until it is dropped.
pub(super) struct SmallServer {
    protocol: Protocol,
    /// Of its first start; it comes back to the same.
    address: SocketAddr,
    silent: watch::Sender<bool>,
    /// Empty while it is down. Locked for as long as a mode is being set.
    task: Mutex<JoinSet<()>>,
}

impl SmallServer {
    /// Starts one on a free port of the loopback.
    pub(super) async fn start(protocol: Protocol) -> Result<Self, String> {
        let failed = |cause| format!("the demo's {} cannot listen: {cause}", protocol.name());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let server = Self { protocol, address, silent: watch::Sender::new(false), task: Mutex::default() };
        server.listen(&mut *server.task.lock().await, listener);
        tracing::debug!(%address, "the demo's {} listens", protocol.name());
        Ok(server)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) async fn mode(&self) -> Mode {
        match (self.task.lock().await.is_empty(), *self.silent.borrow()) {
            (true, _) => Mode::Down,
            (false, true) => Mode::Silent,
            (false, false) => Mode::Up,
        }
    }

    /// It is in that mode when this returns.
    pub(super) async fn set(&self, mode: Mode) -> Result<(), String> {
        let mut task = self.task.lock().await;
        if mode == Mode::Down {
            // Taken out first, so that it counts as down even if this future is dropped while the task ends.
            std::mem::take(&mut *task).shutdown().await;
            return Ok(());
        }
        self.silent.send_replace(mode == Mode::Silent);
        if task.is_empty() {
            let listener = TcpListener::bind(self.address).await.map_err(|cause| {
                format!("the {} stays down, it cannot listen on {} again: {cause}", self.protocol.name(), self.address)
            })?;
            self.listen(&mut task, listener);
        }
        Ok(())
    }

    fn listen(&self, task: &mut JoinSet<()>, listener: TcpListener) {
        let (protocol, silent) = (self.protocol, self.silent.subscribe());
        task.spawn(async move {
            // Dropped with this task, and with them the connections.
            let mut connections = JoinSet::new();
            let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
            loop {
                while connections.try_join_next().is_some() {}
                let stream = match listener.accept().await {
                    Ok((stream, _)) => stream,
                    Err(cause) => {
                        tracing::debug!(%cause, "the demo's {} could not accept", protocol.name());
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                };
                if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                    let silent = silent.clone();
                    connections.spawn(async move {
                        let left = converse(stream, protocol, &silent).await;
                        tracing::debug!(?left, "a client of the demo's {} has gone", protocol.name());
                        drop(place);
                    });
                }
            }
        });
    }
}

/// Serves one client until it leaves, or says something that is no message.
async fn converse(stream: TcpStream, protocol: Protocol, silent: &watch::Receiver<bool>) -> Result<(), framing::FramingError> {
    let broken = |cause| framing::FramingError::Broken { cause };
    let mut stream = BufReader::new(stream);
    let mut session = Session::new(protocol);
    loop {
        let body = timeout(IDLE, framing::read(&mut stream)).await.map_err(|late| broken(late.into()))??;
        if *silent.borrow() {
            continue;
        }
        let Some(messages) = session.answer(&body) else {
            return Ok(());
        };
        // In one piece: a second small write would wait until the first is acknowledged.
        let bytes: Vec<u8> = messages.iter().flat_map(|message| framing::framed(message.to_string().as_bytes())).collect();
        stream.write_all(&bytes).await.map_err(broken)?;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    /// A client that has its answer; none if the server closes the connection.
    async fn client(address: SocketAddr) -> Option<BufReader<TcpStream>> {
        let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        // A request to either of the two.
        let request = br#"{"seq":1,"type":"request","command":"initialize","id":1,"method":"initialize"}"#;
        stream.write_all(&framing::framed(request)).await.ok()?;
        framing::read(&mut stream).await.ok().map(|_| stream)
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_is_not_waited_for_for_ever() {
        let server = SmallServer::start(Protocol::DebugAdapter).await.unwrap();
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "it is closed");
    }

    #[tokio::test]
    async fn only_so_many_clients_are_served_and_the_place_of_one_that_leaves_is_free() {
        let server = SmallServer::start(Protocol::DebugAdapter).await.unwrap();
        let mut clients = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            clients.push(client(server.address()).await.expect("there is a place"));
        }
        assert!(client(server.address()).await.is_none());
        drop(clients.pop());
        while client(server.address()).await.is_none() {}
    }

    #[tokio::test]
    async fn one_that_is_down_has_left_its_clients() {
        let server = SmallServer::start(Protocol::LanguageServer).await.unwrap();
        let mut client = client(server.address()).await.expect("it answers");
        server.set(Mode::Down).await.unwrap();
        assert_eq!(server.mode().await, Mode::Down);
        assert!(!matches!(client.read(&mut [0]).await, Ok(1..)));
        assert!(TcpStream::connect(server.address()).await.is_err());
        server.set(Mode::Silent).await.unwrap();
        assert_eq!(server.mode().await, Mode::Silent);
    }
}
