//! Finds where a request's head ends, and what hyper does not tell of it: whether it has a `Content-Length` beside a transfer coding.
//!
//! It reads lines alone, as hyper does: they end with a line feed, and a head ends with an empty one; empty lines before a head are none
//! of it. What a request means is hyper's to say.

/// How the field begins, in lower case.
const LENGTH: &[u8] = b"content-length:";

/// What is known of the bytes since the last head.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    /// The first bytes of the line that has not ended, as many as the field needs.
    line: [u8; LENGTH.len()],
    /// Bytes of that line.
    line_bytes: usize,
    /// Lines that have ended, without empty ones before a head.
    pub(super) lines: usize,
    /// All bytes.
    pub(super) bytes: usize,
    /// Bytes of the head's first line, as far as it has come.
    pub(super) first_line: usize,
    /// Whether a line began like the field `Content-Length`.
    pub(super) length_told: bool,
    /// Whether the last line that ended was empty, and none has begun.
    ends_with_empty_line: bool,
}

impl Scan {
    /// Whether a head has begun, and not ended.
    pub(super) fn has_begun(&self) -> bool {
        self.lines > 0 || !self.is_empty_line()
    }

    /// Whether nothing follows a head that ended, or the empty lines before one.
    pub(super) fn is_between(&self) -> bool {
        self.bytes == 0 || self.ends_with_empty_line
    }

    /// What follows is another head, or more empty lines before it: all of these count among the bytes.
    pub(super) fn begin_anew(&mut self) {
        *self = Self { bytes: self.bytes, ..Self::default() };
    }

    /// Reads on, to the end of the head at most. Tells how many bytes that were, and whether the head has ended.
    pub(super) fn read(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                self.extend(rest);
                at = bytes.len();
                break;
            };
            self.extend(&rest[..end]);
            at += end + 1;
            if self.end_line() {
                self.bytes += at;
                return (at, true);
            }
        }
        self.bytes += at;
        (at, false)
    }

    fn extend(&mut self, part: &[u8]) {
        if let Some(room) = self.line.get_mut(self.line_bytes..) {
            let fits = room.len().min(part.len());
            room[..fits].copy_from_slice(&part[..fits]);
        }
        self.line_bytes += part.len();
        if self.lines == 0 {
            self.first_line = self.line_bytes;
        }
        self.ends_with_empty_line &= part.is_empty();
    }

    /// Whether the line so far is none, or would be with a line feed.
    fn is_empty_line(&self) -> bool {
        self.line_bytes == 0 || (self.line_bytes == 1 && self.line[0] == b'\r')
    }

    /// Ends a line. Whether the head ends with it.
    fn end_line(&mut self) -> bool {
        let is_empty = self.is_empty_line();
        let ends_head = is_empty && self.lines > 0;
        if !is_empty {
            self.lines += 1;
            self.length_told |= self.line_bytes >= LENGTH.len() && self.line.eq_ignore_ascii_case(LENGTH);
        }
        self.line_bytes = 0;
        self.ends_with_empty_line = is_empty;
        ends_head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads in pieces of a length, and tells where the head ends, and what is known then.
    fn read(text: &str, piece: usize) -> (Option<usize>, Scan) {
        let mut scan = Scan::default();
        let mut at = 0;
        for piece in text.as_bytes().chunks(piece) {
            let (read, ended) = scan.read(piece);
            at += read;
            if ended {
                return (Some(at), scan);
            }
            assert_eq!(read, piece.len());
        }
        (None, scan)
    }

    fn everywhere(text: &str, check: impl Fn(Option<usize>, Scan)) {
        for piece in 1..=text.len() {
            let (end, scan) = read(text, piece);
            check(end, scan);
        }
    }

    #[test]
    fn a_head_ends_with_an_empty_line_however_it_comes() {
        for (head, rest) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", ""),
            ("GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"),
            ("GET / HTTP/1.1\nHost: a\n\n", "body"),
            ("GET / HTTP/1.1\nHost: a\n\r\n", "\r\n"),
            ("\r\n\n\r\nGET / HTTP/1.1\r\n\r\n", "\r\n\r\n"),
        ] {
            everywhere(&format!("{head}{rest}"), |end, scan| {
                assert_eq!((end, scan.bytes), (Some(head.len()), head.len()), "{head:?}");
                assert!(scan.is_between() && !scan.length_told);
            });
        }
    }

    #[test]
    fn what_is_no_head_has_no_end() {
        for (text, begun) in [
            ("\r\n\r\n\n\n\r\n", false),
            ("\r", false),
            ("\n\r", false),
            ("GET / HTTP/1.1\r\nHost: a\r\n", true),
            ("G", true),
            ("\rG", true),
        ] {
            everywhere(text, |end, scan| assert_eq!((end, scan.has_begun()), (None, begun), "{text:?}"));
        }
    }

    #[test]
    fn the_length_is_seen_in_any_case_and_place_and_nothing_else_is_taken_for_it() {
        for (field, told) in [
            ("Content-Length: 5", true),
            ("content-length:5", true),
            ("CONTENT-LENGTH:", true),
            ("X: Content-Length: 5", false),
            (" Content-Length: 5", false),
            ("Content-Lengt: 5", false),
            ("Content-Length", false),
            ("Content-Length-Of-It: 5", false),
        ] {
            for head in [format!("GET / HTTP/1.1\r\n{field}\r\n\r\n"), format!("GET / HTTP/1.1\nA: b\n{field}\nC: d\n\n")] {
                everywhere(&head, |end, scan| assert_eq!((end, scan.length_told), (Some(head.len()), told), "{head:?}"));
            }
        }
    }

    #[test]
    fn the_first_line_is_measured() {
        let mut scan = Scan::default();
        scan.read(b"\r\nGET /");
        assert_eq!(scan.first_line, 5);
        scan.read(b"abc HTTP/1.1\r\nHost: somewhere else\r\n");
        assert_eq!(scan.first_line, 18);
    }
}
