//! The tokens that a server is given: on the command line, in the environment, in a file. The file can be read again while the server runs.
//!
//! Nothing that is said here holds a token, or a part of one.

use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use tachograph::server::{Token, Tokens};

/// Bytes of a file of tokens; whoever names a larger one has named another.
const MOST_BYTES: u64 = 64 * 1024;
/// Tokens of a server. Each is compared for each request that brings one.
const MOST_TOKENS: usize = 100;

/// Where the tokens come from.
#[derive(Clone, Debug)]
pub(crate) struct TokenSource {
    /// Those of the command line, else the one of the environment.
    given: Vec<Token>,
    file: Option<PathBuf>,
}

impl TokenSource {
    /// Takes what the options say; `place` is where `given` was chosen.
    pub(crate) fn new(given: &[String], file: Option<&Path>, place: &str) -> Result<Self, String> {
        let given: Result<_, _> = given.iter().map(|token| Token::new(token)).collect();
        let given = given.map_err(|cause| format!("{cause} with {place}"))?;
        Ok(Self { given, file: file.map(Path::to_owned) })
    }

    /// Whether somebody has chosen a token.
    pub(crate) fn is_given(&self) -> bool {
        self.file.is_some() || !self.given.is_empty()
    }

    /// Whether reading again can find others.
    pub(crate) fn may_change(&self) -> bool {
        self.file.is_some()
    }

    /// Reads the tokens of all places.
    pub(crate) fn read(&self) -> Result<Vec<Token>, String> {
        let mut tokens = self.given.clone();
        if let Some(path) = &self.file {
            tokens.extend(tokens_of(&text_of(path)?).map_err(|told| format!("{} {told}", path.display()))?);
        }
        if tokens.len() > MOST_TOKENS {
            return Err(format!("there are {} tokens, and {MOST_TOKENS} at most may be; take the old ones out", tokens.len()));
        }
        Ok(tokens)
    }

    /// Reads them again; when that fails, those that there are stay. The log says what came of it.
    pub(crate) fn reload(&self, tokens: &Tokens) {
        match self.read() {
            Ok(read) => {
                let count = read.len();
                tokens.replace(read);
                tracing::info!(tokens = count, "the tokens were read again");
            }
            Err(cause) => tracing::error!(cause, "the tokens were not read again, the old ones stay"),
        }
    }
}

/// Refuses an address that others than this machine may reach, unless somebody has chosen a token or said that a random one will do.
pub(crate) fn check_address(listen: SocketAddr, given: bool, random_allowed: bool) -> Result<(), String> {
    if given || random_allowed || is_loopback(listen.ip()) {
        return Ok(());
    }
    Err(format!(
        "{listen} can be reached from other machines, and no token was chosen: choose one with --token-file or TACHOGRAPH_TOKEN, listen on \
         127.0.0.1, or have a random one made and written to standard error with --allow-random-token"
    ))
}

/// Whether this machine alone can reach an address.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// The lines of a file of tokens that hold one, with their numbers.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// Reads a file of tokens, and warns if its owner is not the only one who can.
pub(crate) fn text_of(path: &Path) -> Result<String, String> {
    let cannot = |cause: std::io::Error| format!("cannot read the token from {}: {cause}", path.display());
    let file = File::open(path).map_err(cannot)?;
    if others_can_read(&file) {
        tracing::warn!(path = %path.display(), "other users can read the tokens, take that away with chmod go-r");
    }
    let mut text = String::new();
    file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(cannot)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(format!("{} has more than {MOST_BYTES} bytes, which is no file of tokens", path.display()));
    }
    Ok(text)
}

fn tokens_of(text: &str) -> Result<Vec<Token>, String> {
    let tokens: Result<Vec<_>, _> = lines(text)
        .map(|(number, line)| Token::new(line).map_err(|cause| format!("has a line {number} that is no token: {cause}")))
        .collect();
    match tokens {
        Ok(tokens) if tokens.is_empty() => Err("has no token, write one a line".to_owned()),
        tokens => tokens,
    }
}

#[cfg(unix)]
fn others_can_read(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    // A pipe's mode says nothing: it has no name by which others could open it.
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn others_can_read(_file: &File) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_token_a_line_beside_remarks_and_empty_lines() {
        let text = "# of the old client\n first \r\n\n\t# of the new one\nsecond";
        assert_eq!(lines(text).collect::<Vec<_>>(), [(2, "first"), (5, "second")]);
        assert_eq!(tokens_of(text).map(|tokens| tokens.len()), Ok(2));
    }

    #[test]
    fn what_is_no_file_of_tokens_is_told_without_its_content() {
        for (text, part) in
            [("", "has no token"), ("# none\n", "has no token"), ("ok\nse cret\n", "line 2"), ("s\u{e9}cret", "line 1")]
        {
            let told = tokens_of(text).unwrap_err();
            assert!(told.contains(part) && !told.contains("cret"), "{text:?}: {told}");
        }
        let told = TokenSource::new(&["se cret".to_owned()], None, "--token").unwrap_err();
        assert!(told.ends_with("with --token") && !told.contains("cret"), "{told}");
    }

    #[test]
    fn tokens_of_all_places_count_up_to_a_bound() {
        let given = |count: usize| TokenSource::new(&vec!["x".to_owned(); count], None, "--token").unwrap();
        assert!(!given(0).is_given() && given(1).is_given() && !given(1).may_change());
        assert_eq!(given(MOST_TOKENS).read().map(|tokens| tokens.len()), Ok(MOST_TOKENS));
        assert!(given(MOST_TOKENS + 1).read().unwrap_err().contains("take the old ones out"));
        assert_eq!(format!("{:?}", given(1)), "TokenSource { given: [Token(..)], file: None }");
    }

    #[test]
    fn only_loopback_is_open_to_a_random_token_unless_it_is_allowed() {
        let check = |listen: &str, given, allowed| check_address(listen.parse().unwrap(), given, allowed);
        for loopback in ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert_eq!(check(loopback, false, false), Ok(()), "{loopback}");
        }
        for public in ["0.0.0.0:80", "[::]:80", "192.0.2.1:80", "[2001:db8::1]:80", "[::ffff:192.0.2.1]:80"] {
            let told = check(public, false, false).unwrap_err();
            assert!(told.contains("--token-file") && told.contains("--allow-random-token"), "{told}");
            assert_eq!((check(public, true, false), check(public, false, true)), (Ok(()), Ok(())), "{public}");
        }
    }
}
