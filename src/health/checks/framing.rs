//! Messages as the Debug Adapter Protocol and the Language Server Protocol frame them: a head of `Name: value` lines, of
//! which `Content-Length` counts the bytes of the body, an empty line, the body.
//!
//! What is read is another's word: a head of four kilobytes and a body of a megabyte are taken, and what is no framing is
//! refused for a reason. After an error the stream stands anywhere, and is of no use any more; so it is when a reading was
//! given up.
//!
//! # Examples
//!
//! ```
//! use tachograph::health::checks::framing;
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! assert_eq!(framing::framed(b"{}"), b"Content-Length: 2\r\n\r\n{}");
//!
//! let mut stream: &[u8] = b"Content-Length: 2\r\n\r\n{}Content-Length: 2147483648\r\n\r\n";
//! assert_eq!(framing::read(&mut stream).await.unwrap(), b"{}");
//! let error = framing::read(&mut stream).await.unwrap_err();
//! assert_eq!(error.to_string(), "a body of 2147483648 bytes is announced, 1048576 are the most");
//! # });
//! ```

use std::{fmt, io};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The longest head: those of the protocols have two lines at most.
const MAX_HEAD: usize = 4 * 1024;
/// The longest body: what a server sends unasked, such as Godot's list of its classes, is to fit too.
const MAX_BODY: u64 = 1024 * 1024;
/// Characters of a bad line that an error repeats.
const TOLD: usize = 60;

/// Why no message can be read. The stream is of no use any more.
#[derive(Debug)]
#[non_exhaustive]
pub enum FramingError {
    /// The stream ended, between two messages: the peer has closed it.
    Closed,
    /// The stream ended within a message: the peer has broken off.
    Cut,
    /// The stream broke: see the cause.
    Broken {
        /// What the system says.
        cause: io::Error,
    },
    /// The head has no end in its first 4 096 bytes: the peer speaks another protocol.
    LongHead,
    /// A line of the head is none: it ends in no `\r\n`, or has no name and colon. The peer speaks another protocol.
    NoField {
        /// The beginning of the line.
        line: String,
    },
    /// The head tells no length: the peer speaks another protocol.
    NoLength,
    /// The head tells two lengths, and either may be a lie.
    TwoLengths,
    /// The length is no whole number.
    BadLength {
        /// The beginning of what stands there.
        value: String,
    },
    /// The body has more than a megabyte.
    LongBody {
        /// Its length in bytes, as announced; one beyond 64 bits is told as the highest number.
        length: u64,
    },
}

/// Reads the body of the next message.
///
/// # Errors
///
/// [`FramingError`] when there is no such message.
pub async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> Result<Vec<u8>, FramingError> {
    let length = read_head(stream).await?;
    if length > MAX_BODY {
        return Err(FramingError::LongBody { length });
    }
    let mut body = Vec::new();
    // Grows as the bytes come, so that an announcement alone takes no memory.
    let read = stream.take(length).read_to_end(&mut body).await.map_err(|cause| FramingError::Broken { cause })?;
    if (read as u64) < length {
        return Err(FramingError::Cut);
    }
    Ok(body)
}

/// Returns the body as a message with its head.
pub fn framed(body: &[u8]) -> Vec<u8> {
    // Spelt as in the protocols: Godot's servers do not look at the name, they take what comes after 16 bytes for the length.
    let mut message = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    message.extend_from_slice(body);
    message
}

/// Reads a head to its end, and returns the length that it announces.
async fn read_head(stream: &mut (impl AsyncBufRead + Unpin)) -> Result<u64, FramingError> {
    let mut length = None;
    let mut left = MAX_HEAD;
    let mut line = Vec::new();
    loop {
        line.clear();
        let bounded = &mut (&mut *stream).take(left as u64);
        bounded.read_until(b'\n', &mut line).await.map_err(|cause| FramingError::Broken { cause })?;
        let at_start = left == MAX_HEAD;
        left -= line.len();
        let Some(field) = line.strip_suffix(b"\n") else {
            return Err(match left {
                0 => FramingError::LongHead,
                _ if at_start && line.is_empty() => FramingError::Closed,
                _ => FramingError::Cut,
            });
        };
        let Some(field) = field.strip_suffix(b"\r") else {
            return Err(FramingError::NoField { line: told(field) });
        };
        if field.is_empty() {
            return length.ok_or(FramingError::NoLength);
        }
        let colon = field.iter().position(|byte| *byte == b':');
        let Some(colon) = colon.filter(|colon| field[..*colon].iter().any(u8::is_ascii_graphic)) else {
            return Err(FramingError::NoField { line: told(field) });
        };
        let (name, value) = (&field[..colon], field[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"Content-Length") && length.replace(number(value)?).is_some() {
            return Err(FramingError::TwoLengths);
        }
    }
}

/// Digits only: what `parse` takes beside them, a sign, no sender means.
fn number(value: &[u8]) -> Result<u64, FramingError> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(FramingError::BadLength { value: told(value) });
    }
    let digit = |number: u64, digit: &u8| number.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Ok(value.iter().fold(0, digit))
}

/// The beginning of a text that may hold anything.
fn told(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(TOLD * 4)]).chars().take(TOLD).collect()
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the peer closed the connection"),
            Self::Cut => f.write_str("the connection ended within a message"),
            Self::Broken { cause } => cause.fmt(f),
            Self::LongHead => write!(f, "a head of more than {MAX_HEAD} bytes came"),
            Self::NoField { line } => write!(f, "a head has the line {line:?}, which is no field of one"),
            Self::NoLength => f.write_str("a head without Content-Length came"),
            Self::TwoLengths => f.write_str("a head with two Content-Lengths came"),
            Self::BadLength { value } => write!(f, "a head has Content-Length {value:?}, which is no number"),
            Self::LongBody { length } => write!(f, "a body of {length} bytes is announced, {MAX_BODY} are the most"),
        }
    }
}

impl std::error::Error for FramingError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Broken { cause } => Some(cause),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::BufReader;

    use super::*;

    /// Reads one message that comes in pieces of so many bytes; also what is left of the bytes.
    fn read_one(bytes: &[u8], piece: usize) -> (Result<Vec<u8>, FramingError>, Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut stream = BufReader::with_capacity(piece, bytes);
            let message = read(&mut stream).await;
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            (message, rest)
        })
    }

    /// The oracle has all bytes at hand, and looks for the end of the head first. None is what no message can be made of.
    fn naive(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let end = bytes.windows(4).take(4093).position(|window| window == b"\r\n\r\n")?;
        let mut lengths = Vec::new();
        for line in bytes[..end].split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':')?);
            if !name.iter().any(|byte| (b'!'..=b'~').contains(byte)) {
                return None;
            }
            if name.eq_ignore_ascii_case(b"content-length") {
                lengths.push(String::from_utf8(value[1..].to_vec()).ok()?);
            }
        }
        // Each line but the last, whose end is in the empty line's, must have ended in both.
        if bytes[..end].split(|byte| *byte == b'\n').rev().skip(1).any(|line| line.last() != Some(&b'\r')) {
            return None;
        }
        let [length] = &lengths[..] else { return None };
        let length = length.trim_matches([' ', '\t', '\n', '\r', '\x0c']);
        let length: usize = length.chars().all(|digit| digit.is_ascii_digit()).then(|| length.parse().ok())??;
        let body = bytes[end + 4..].get(..length).filter(|body| body.len() <= 1_048_576)?;
        Some((body.to_vec(), bytes[end + 4 + length..].to_vec()))
    }

    #[test]
    fn what_is_no_message_is_told_why() {
        let long = [&b"X: "[..], &[b'x'; 5_000], b"\r\n\r\n"].concat();
        for (bytes, expected) in [
            (&b""[..], "the peer closed the connection"),
            (b"C", "the connection ended within a message"),
            (b"Content-Length: 1\r\n", "the connection ended within a message"),
            (b"Content-Length: 1\r\n\r\n", "the connection ended within a message"),
            (b"Content-Length: 3\r\n\r\n{}", "the connection ended within a message"),
            (b"\r\n", "a head without Content-Length came"),
            (b"Content-Type: application/json\r\n\r\n{}", "a head without Content-Length came"),
            (
                b"HTTP/1.1 400 Bad Request\r\n\r\n",
                r#"a head has the line "HTTP/1.1 400 Bad Request", which is no field of one"#,
            ),
            (b"Content-Length: 2\n\n{}", r#"a head has the line "Content-Length: 2", which is no field of one"#),
            (b": 2\r\n\r\n", r#"a head has the line ": 2", which is no field of one"#),
            (b"\xff\0\r\n\r\n", "a head has the line \"\u{fffd}\\0\", which is no field of one"),
            (b"Content-Length: 2\r\ncontent-length: 2\r\n\r\n{}", "a head with two Content-Lengths came"),
            (b"Content-Length:\r\n\r\n", r#"a head has Content-Length "", which is no number"#),
            (b"Content-Length: +2\r\n\r\n{}", r#"a head has Content-Length "+2", which is no number"#),
            (b"Content-Length: -2\r\n\r\n{}", r#"a head has Content-Length "-2", which is no number"#),
            (b"Content-Length: 2 2\r\n\r\n{}", r#"a head has Content-Length "2 2", which is no number"#),
            (b"Content-Length: 0x2\r\n\r\n{}", r#"a head has Content-Length "0x2", which is no number"#),
            (b"Content-Length: 1048577\r\n\r\n", "a body of 1048577 bytes is announced, 1048576 are the most"),
            (
                b"Content-Length: 99999999999999999999\r\n\r\n",
                "a body of 18446744073709551615 bytes is announced, 1048576 are the most",
            ),
            (&long, "a head of more than 4096 bytes came"),
            (&[b'\n'; 5_000], r#"a head has the line "", which is no field of one"#),
        ] {
            for piece in [1, 3, 8192] {
                let told = read_one(bytes, piece).0.unwrap_err().to_string();
                assert_eq!(told, expected, "{:?}", String::from_utf8_lossy(bytes));
            }
            assert_eq!(naive(bytes), None);
        }
    }

    #[test]
    fn an_error_repeats_the_beginning_of_a_line_only() {
        let line = ["ß".repeat(1_000).as_bytes(), b"\r\n\r\n"].concat();
        assert_eq!(
            read_one(&line, 100).0.unwrap_err().to_string(),
            format!("a head has the line \"{}\", which is no field of one", "ß".repeat(60))
        );
    }

    #[test]
    fn the_longest_head_and_body_are_taken() {
        let head = |padding: usize| format!("Content-Length: 1048576\r\nX: {}\r\n\r\n", "x".repeat(padding));
        let padding = MAX_HEAD - head(0).len();
        let bytes = [head(padding).as_bytes(), &vec![b' '; 1_048_576]].concat();
        assert_eq!(read_one(&bytes, 1_000).0.unwrap().len(), 1_048_576);
        assert!(naive(&bytes).is_some());
        let bytes = [head(padding + 1).as_bytes(), &vec![b' '; 1_048_576]].concat();
        assert!(matches!(read_one(&bytes, 1_000).0, Err(FramingError::LongHead)));
        assert_eq!(naive(&bytes), None);
    }

    fn fields() -> impl Strategy<Value = String> {
        let name = prop::sample::select(&["Content-Length", "content-LENGTH", "X", " ", "Content-Length "]);
        let field = (name, "[ \t]?[0-9]{0,2}[ \t]?").prop_map(|(name, value)| format!("{name}:{value}"));
        let field = prop_oneof![4 => field, 1 => "[ -~\r\n]{0,12}"];
        prop::collection::vec((field, prop_oneof![9 => Just("\r\n"), 1 => Just("\n")]), 0..4)
            .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect())
    }

    proptest! {
        #[test]
        fn what_is_framed_is_read(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..5),
            piece in 1usize..99,
        ) {
            let mut bytes: Vec<u8> = bodies.iter().flat_map(|body| framed(body)).collect();
            for body in bodies {
                let (message, rest) = read_one(&bytes, piece);
                prop_assert_eq!(message.unwrap(), body);
                bytes = rest;
            }
            prop_assert!(matches!(read_one(&bytes, piece).0, Err(FramingError::Closed)));
        }

        #[test]
        fn heads_are_read_as_the_naive_reader_does(fields in fields(), body in "[a-z]{0,30}", piece in 1usize..99) {
            let bytes = format!("{fields}\r\n{body}").into_bytes();
            let (message, rest) = read_one(&bytes, piece);
            prop_assert_eq!(message.ok().map(|message| (message, rest)), naive(&bytes));
        }
    }
}
