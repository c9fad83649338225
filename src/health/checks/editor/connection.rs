//! One connection to a peer, kept between the runs of the check, and what went wrong with it.

use std::time::{Duration, Instant};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::protocol::{Heard, Protocol, Question};
use crate::health::checks::framing::{self, FramingError};
use crate::sync::{Mutex, MutexGuard, lock};

/// Messages that a peer may send before its answer: what has gathered since the last run. A game that prints ten lines in each
/// of its 60 frames a second has Godot send 3 000 in five seconds.
const MAX_ASIDES: usize = 4096;

/// A peer, and the connection to it if there is one.
///
/// It never says that it leaves: the farewells that the protocols know would end a server that others share, or what is being
/// debugged.
#[derive(Debug)]
pub(super) struct Peer {
    protocol: Protocol,
    address: String,
    /// A mutex is enough: it is held to take and to put.
    kept: Mutex<Option<Connection>>,
}

/// Between two messages in both directions, whenever no [`Peer::ask`] is at work on it.
#[derive(Debug)]
struct Connection {
    stream: BufReader<TcpStream>,
    /// The number of the last message of ours that has one.
    number: u64,
}

impl Peer {
    pub(super) fn new(protocol: Protocol, address: String) -> Self {
        Self { protocol, address, kept: Mutex::new(None) }
    }

    pub(super) fn name(&self) -> &'static str {
        self.protocol.name()
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// How long the peer took to answer; else where in the dialogue something went wrong, and what.
    pub(super) async fn round_trip(&self, patience: Duration) -> Result<Duration, String> {
        let mut step = "connect";
        match timeout(patience, self.ask(&mut step)).await {
            Ok(Ok(took)) => Ok(took),
            Ok(Err(Trouble::Gone(why) | Trouble::Wrong(why))) => Err(format!("{step}: {why}")),
            Err(_) => Err(format!("{step}: no answer within {} ms", patience.as_millis())),
        }
    }

    async fn ask(&self, step: &mut &'static str) -> Result<Duration, Trouble> {
        // Taken out, and put back only once it is between two messages again: whatever else happens to this future, being
        // dropped included, closes the connection, and the next run opens another.
        let kept = self.kept().take();
        if let Some(connection) = kept {
            match self.ask_over(connection, Question::Alive, step).await {
                // It was closed while nobody looked. The peer may have been started anew, and is asked anew.
                Err(Trouble::Gone(_)) => *step = "connect",
                told => return told,
            }
        }
        let connection = Connection::open(&self.address).await.map_err(|cause| Trouble::Gone(cause.to_string()))?;
        self.ask_over(connection, Question::Initialize, step).await
    }

    /// Asks, and keeps the connection if there is an answer.
    async fn ask_over(
        &self,
        mut connection: Connection,
        question: Question,
        step: &mut &'static str,
    ) -> Result<Duration, Trouble> {
        *step = self.protocol.question(question);
        let asked = Instant::now();
        connection.ask(self.protocol, question).await?;
        let took = asked.elapsed();
        if let (Question::Initialize, Some(message)) = (question, self.protocol.initialized()) {
            connection.send(&message).await?;
        }
        *self.kept() = Some(connection);
        Ok(took)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Connection>> {
        lock(&self.kept)
    }
}

/// What is wrong with a connection.
enum Trouble {
    /// The peer has left, between two messages.
    Gone(String),
    /// What the peer says is not what it should.
    Wrong(String),
}

impl From<FramingError> for Trouble {
    fn from(cause: FramingError) -> Self {
        match cause {
            FramingError::Closed | FramingError::Broken { .. } => Self::Gone(cause.to_string()),
            _ => Self::Wrong(cause.to_string()),
        }
    }
}

impl Connection {
    async fn open(address: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        // What is asked after `initialized` must not wait for its acknowledgement.
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), number: 0 })
    }

    /// Sends a request, and reads until its answer has come.
    async fn ask(&mut self, protocol: Protocol, question: Question) -> Result<(), Trouble> {
        self.number += 1;
        let asked = self.number;
        self.send(&protocol.request(question, asked)).await?;
        for _ in 0..MAX_ASIDES {
            let body = framing::read(&mut self.stream).await?;
            match protocol.hear(&body, question, asked, self.number + 1).map_err(Trouble::Wrong)? {
                Heard::Answer => return Ok(()),
                Heard::Aside => {}
                Heard::Asked(refusal) => {
                    self.number += 1;
                    self.send(&refusal).await?;
                }
            }
        }
        Err(Trouble::Wrong(format!("{MAX_ASIDES} other messages came, and no answer")))
    }

    async fn send(&mut self, message: &[u8]) -> Result<(), Trouble> {
        self.stream.write_all(&framing::framed(message)).await.map_err(|cause| Trouble::Gone(cause.to_string()))
    }
}
