//! Any bytes in pieces of any size, read as framed messages: each message and the end of them is what an oracle finds that has all
//! bytes at hand and looks for the ends of heads first; and a message that was read and is framed again is read as the same.
//!
//! The first byte of an input is the size of the pieces.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tachograph::health::checks::framing;
use tokio::io::BufReader;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));

/// The body of the first message and what comes after it; none if there is no such message.
fn naive(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(4).take(4093).position(|window| window == b"\r\n\r\n")?;
    let mut length = None;
    let mut rest = &bytes[..end + 2];
    while !rest.is_empty() {
        let line_end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = rest[..line_end].strip_suffix(b"\r")?;
        let colon = line.iter().position(|byte| *byte == b':')?;
        if !line[..colon].iter().any(u8::is_ascii_graphic) {
            return None;
        }
        if line[..colon].eq_ignore_ascii_case(b"content-length") {
            let digits = str::from_utf8(line[colon + 1..].trim_ascii()).ok()?;
            // What `parse` takes beside digits.
            if digits.starts_with('+') || length.is_some() {
                return None;
            }
            length = Some(digits.parse::<usize>().ok()?);
        }
        rest = &rest[line_end + 1..];
    }
    let length = length.filter(|length| *length <= 1024 * 1024)?;
    bytes[end + 4..].split_at_checked(length)
}

fuzz_target!(|input: &[u8]| {
    let Some((&piece, mut bytes)) = input.split_first() else { return };
    RUNTIME.block_on(async {
        let mut stream = BufReader::with_capacity(usize::from(piece).max(1), bytes);
        loop {
            let message = framing::read(&mut stream).await;
            let Some((body, rest)) = naive(bytes) else {
                let error = message.expect_err("the oracle finds no message");
                assert!(error.to_string().len() < 1_000);
                assert_eq!(bytes.is_empty(), matches!(error, framing::FramingError::Closed));
                break;
            };
            assert_eq!(message.expect("the oracle finds a message"), body);
            let again = framing::framed(body);
            assert_eq!(framing::read(&mut &again[..]).await.expect("we framed it"), body);
            bytes = rest;
        }
    });
});
