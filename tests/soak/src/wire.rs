//! One connection of a client: HTTP/1.1 over a raw socket, written for these tests so that it shares no code with the server.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// No step of an exchange takes this long unless somebody means it to.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes that are read at once.
const ROOM: usize = 32 * 1024;

/// Bytes that all connections have sent and received.
pub(crate) static SENT: AtomicU64 = AtomicU64::new(0);
pub(crate) static RECEIVED: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Where in the buffer begins what nobody has taken yet.
    taken: usize,
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Names in lower case.
    fields: Vec<(String, String)>,
}

/// An answer, read to its last byte.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

impl Head {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether no further request may be sent.
    pub(crate) fn closes(&self) -> bool {
        self.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let field = |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        let fields = lines.filter(|line| !line.is_empty()).map(field).collect::<Option<_>>()?;
        Some(Self { status, fields })
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        Self::open_with(address, None).await
    }

    /// The same with little room for what comes: the server notices soon when nobody reads.
    pub(crate) async fn open_narrow(address: SocketAddr) -> io::Result<Self> {
        Self::open_with(address, Some(4 * 1024)).await
    }

    async fn open_with(address: SocketAddr, room: Option<u32>) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(room) = room {
            socket.set_recv_buffer_size(room)?;
        }
        let stream = within(socket.connect(address)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(ROOM), taken: 0 })
    }

    /// Sends bytes as they are.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        within(self.stream.write_all(bytes)).await?;
        SENT.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Makes the end of this connection a reset, which throws away what the other side has not read.
    pub(crate) fn reset_at_end(&self) -> io::Result<()> {
        self.stream.set_zero_linger()
    }

    /// Reads an answer without keeping its body, and returns the length of that; an answer to HEAD has none whatever its head
    /// says.
    pub(crate) async fn receive_length(&mut self, to_head: bool) -> io::Result<(Head, u64)> {
        let head = self.head().await?;
        let mut length = 0;
        if !to_head {
            self.body(&head, |bytes| length += bytes.len() as u64).await?;
        }
        Ok((head, length))
    }

    /// Reads the head of an answer. A connection that ends before the first byte is `UnexpectedEof`.
    pub(crate) async fn head(&mut self) -> io::Result<Head> {
        let mut searched = 0;
        loop {
            let there = &self.buffer[self.taken..];
            if let Some(at) = there[searched..].windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let end = searched + at + 4;
                let text = str::from_utf8(&there[..end]).map_err(|_| broken("a head that is no text"))?;
                let head = Head::parse(text).ok_or_else(|| broken(&format!("a head that is none: {text:?}")))?;
                self.taken += end;
                if head.status < 200 {
                    searched = 0;
                    continue;
                }
                return Ok(head);
            }
            searched = there.len().saturating_sub(3);
            let empty = there.is_empty();
            if self.fill().await? == 0 {
                return Err(if empty { ErrorKind::UnexpectedEof.into() } else { broken("cut off in the head") });
            }
        }
    }

    /// Reads the body of an answer and hands it out as it comes.
    pub(crate) async fn body(&mut self, head: &Head, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        if head.field("transfer-encoding") == Some("chunked") {
            loop {
                let size = self.chunk_size().await?;
                self.exactly(size, &mut take).await?;
                if !self.line().await?.is_empty() {
                    return Err(broken("no end of a chunk"));
                }
                if size == 0 {
                    return Ok(());
                }
            }
        }
        let length = match head.field("content-length") {
            Some(length) => length.parse().map_err(|_| broken("a length that is no number"))?,
            None if head.status == 304 || head.status == 204 => 0,
            None => return Err(broken("neither a length nor chunks")),
        };
        self.exactly(length, &mut take).await
    }

    /// The size of the next chunk of a stream.
    pub(crate) async fn chunk_size(&mut self) -> io::Result<usize> {
        let line = self.line().await?;
        usize::from_str_radix(&line, 16).map_err(|_| broken(&format!("a size of a chunk that is none: {line:?}")))
    }

    /// Takes what there is of a body, at most `most` bytes: for who reads slowly. The length that it took.
    pub(crate) async fn some(&mut self, most: usize) -> io::Result<usize> {
        if self.taken == self.buffer.len() && self.fill_at_most(most).await? == 0 {
            return Err(broken("cut off"));
        }
        let length = most.min(self.buffer.len() - self.taken);
        self.taken += length;
        Ok(length)
    }

    /// Waits until the server ends the connection, and returns how many bytes it sent before.
    pub(crate) async fn rest(&mut self) -> io::Result<usize> {
        let mut length = self.buffer.len() - self.taken;
        loop {
            self.taken = self.buffer.len();
            match self.fill().await? {
                0 => return Ok(length),
                bytes => length += bytes,
            }
        }
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            let there = &self.buffer[self.taken..];
            if let Some(at) = there.windows(2).position(|bytes| bytes == b"\r\n") {
                let line = str::from_utf8(&there[..at]).map_err(|_| broken("a line that is no text"))?.to_owned();
                self.taken += at + 2;
                return Ok(line);
            }
            if there.len() > 1_024 || self.fill().await? == 0 {
                return Err(broken("cut off in a line"));
            }
        }
    }

    pub(crate) async fn exactly(&mut self, length: usize, take: &mut impl FnMut(&[u8])) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            let there = &self.buffer[self.taken..];
            if there.is_empty() {
                if self.fill().await? == 0 {
                    return Err(broken("cut off in the body"));
                }
                continue;
            }
            let now = left.min(there.len());
            take(&there[..now]);
            self.taken += now;
            left -= now;
        }
        Ok(())
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.fill_at_most(ROOM).await
    }

    async fn fill_at_most(&mut self, most: usize) -> io::Result<usize> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.reserve(most);
        let read = within((&mut self.stream).take(most as u64).read_buf(&mut self.buffer)).await?;
        RECEIVED.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

async fn within<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, step).await.unwrap_or_else(|_| Err(io::Error::new(ErrorKind::TimedOut, "nothing for a minute")))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Answers with those bytes, a few at a time, whatever it is asked.
    async fn answering(bytes: &'static [u8]) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for part in bytes.chunks(3) {
                stream.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        Connection::open(address).await.unwrap()
    }

    async fn receive(connection: &mut Connection) -> io::Result<Answer> {
        let (head, mut body) = (connection.head().await?, Vec::new());
        connection.body(&head, |bytes| body.extend_from_slice(bytes)).await?;
        Ok(Answer { head, body })
    }

    #[tokio::test]
    async fn answers_come_one_after_the_other() {
        let mut connection = answering(
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\n\
              Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\
              Content-Length: 9\r\nConnection: close\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
        )
        .await;
        let first = receive(&mut connection).await.unwrap();
        assert_eq!((first.head.status, &*first.body, first.head.closes()), (200, &b"hello"[..], false));
        assert_eq!(receive(&mut connection).await.unwrap().body, b"abc0123456789");
        let (head, length) = connection.receive_length(true).await.unwrap();
        assert_eq!((head.status, length, head.closes()), (200, 0, true));
        assert_eq!(connection.receive_length(false).await.unwrap().1, 0);
        assert_eq!(connection.head().await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn what_breaks_off_is_told() {
        for bytes in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"[..],
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
        ] {
            let mut connection = answering(bytes).await;
            assert_eq!(receive(&mut connection).await.unwrap_err().kind(), ErrorKind::InvalidData);
        }
    }
}
