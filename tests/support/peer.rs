//! Debug adapters and language servers of every temper. Their framing shares no code with the library's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What a peer does when a message has come.
pub(crate) enum Reaction {
    Says(Vec<u8>),
    Closes(Vec<u8>),
}

/// Called with how many messages have come on the connection before, and the message.
type Temper = dyn Fn(usize, &Value) -> Reaction + Send + Sync;

/// A peer that listens until it is dropped.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    task: JoinSet<()>,
}

impl Peer {
    pub(crate) async fn start(temper: impl Fn(usize, &Value) -> Reaction + Send + Sync + 'static) -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), temper).await
    }

    pub(crate) async fn start_at(
        address: SocketAddr,
        temper: impl Fn(usize, &Value) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let mut task = JoinSet::new();
        let (counting, temper) = (Arc::clone(&accepted), Arc::new(temper) as Arc<Temper>);
        task.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counting.fetch_add(1, Ordering::Relaxed);
                let temper = Arc::clone(&temper);
                connections.spawn(async move { converse(stream, &*temper).await });
            }
        });
        Self { address, accepted, task }
    }

    /// Connections that it has accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Stops it, so that nobody listens there any more.
    pub(crate) async fn stop(mut self) -> SocketAddr {
        self.task.shutdown().await;
        self.address
    }
}

/// Ends without a word when the other side does.
async fn converse(mut stream: TcpStream, temper: &Temper) -> Option<()> {
    for before in 0.. {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let length =
            str::from_utf8(&head).unwrap().trim().strip_prefix("Content-Length: ").expect("one field, as Godot needs it");
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).await.ok()?;
        let reaction = temper(before, &serde_json::from_slice(&body).expect("JSON"));
        let (Reaction::Says(bytes) | Reaction::Closes(bytes)) = &reaction;
        stream.write_all(bytes).await.ok()?;
        if let Reaction::Closes(_) = reaction {
            return None;
        }
    }
    None
}

pub(crate) fn message(body: &str) -> Vec<u8> {
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The answer of a peer that is well: nothing to what is no request.
pub(crate) fn answer(request: &Value) -> Vec<u8> {
    let body = if request["type"] == "request" {
        let known = ["initialize", "threads"].iter().any(|known| request["command"] == *known);
        json!({ "seq": 1, "type": "response", "request_seq": request["seq"], "command": request["command"], "success": known })
    } else if request["method"] == "initialize" {
        json!({ "jsonrpc": "2.0", "id": request["id"], "result": { "capabilities": {} } })
    } else if request["method"].is_string() && request["id"].is_number() {
        json!({ "jsonrpc": "2.0", "id": request["id"], "error": { "code": -32601, "message": "no such method" } })
    } else {
        return Vec::new();
    };
    message(&body.to_string())
}

/// A peer that is well.
pub(crate) fn well(_: usize, request: &Value) -> Reaction {
    Reaction::Says(answer(request))
}
