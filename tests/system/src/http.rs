//! A small blocking HTTP/1.1 client, written for these tests so that it shares no code with the server under test.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No answer takes this long.
const TIMEOUT: Duration = Duration::from_secs(20);

/// An answer, read to its last byte.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case, in the order of the answer.
    pub headers: Vec<(String, String)>,
    /// The body, decoded if it came in chunks.
    pub body: String,
}

impl Response {
    /// The first header of that name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One connection that is kept alive between requests.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    ///
    /// When the connection ends before the answer does.
    pub fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Response> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        self.send(&format!("{head}\r\n{body}"))?;
        self.receive()
    }

    /// Sends bytes as they are, for requests that stay unfinished for a while.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub fn send(&mut self, text: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(text.as_bytes())
    }

    /// Reads one answer. A connection that ends before the first byte is `UnexpectedEof`, one that ends later
    /// `InvalidData`.
    ///
    /// # Errors
    ///
    /// When the connection ends first or the answer is no HTTP.
    pub fn receive(&mut self) -> io::Result<Response> {
        if self.stream.fill_buf()?.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed without an answer"));
        }
        let status_line = self.line()?;
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| broken(format_args!("no status in {status_line:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| broken(format_args!("header {line:?}")))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = Response { status, headers, body: String::new() };
        let body = if response.header("transfer-encoding") == Some("chunked") {
            self.chunks()?
        } else {
            // An interim answer (1xx) has neither a length nor a body.
            let length = response.header("content-length").unwrap_or("0");
            self.exactly(length.parse().map_err(|_| broken(format_args!("length {length:?}")))?)?
        };
        response.body = String::from_utf8(body).map_err(|error| broken(format_args!("{error}")))?;
        Ok(response)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let line = line.strip_suffix("\r\n").ok_or_else(|| broken(format_args!("cut off after {line:?}")))?;
        Ok(line.to_owned())
    }

    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).map_err(|error| broken(format_args!("body cut off: {error}")))?;
        Ok(bytes)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = self.line()?;
            let size = usize::from_str_radix(&size, 16).map_err(|_| broken(format_args!("chunk size {size:?}")))?;
            body.extend(self.exactly(size)?);
            if !self.line()?.is_empty() {
                return Err(broken(format_args!("no end of chunk")));
            }
            if size == 0 {
                return Ok(body);
            }
        }
    }
}

fn broken(what: fmt::Arguments<'_>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

/// Sends a request without headers or body over a connection of its own.
///
/// # Errors
///
/// As [`Connection::open`] and [`Connection::request`].
pub fn get(address: SocketAddr, path: &str) -> io::Result<Response> {
    Connection::open(address)?.request("GET", path, &[("connection", "close")], "")
}
