//! Bearer tokens: who a request comes from, told in constant time.

use subtle::{Choice, ConstantTimeEq};
use tachograph::server::HeaderMap;
use tachograph::server::header::AUTHORIZATION;

/// The longest token that is known; longer guesses are wrong without further reading.
const MAX_TOKEN_BYTES: usize = 256;
/// Random bytes of a token that we make ourselves.
const RANDOM_BYTES: usize = 24;

/// Whoever holds a valid token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The user's own token; the only one that opens `/demo/*`.
    User,
    /// The traffic generator's clients that behave.
    Traffic,
    /// The traffic generator's client that runs into its limit.
    Burst,
}

/// The outcome of an authentication; [`Outcome::label`] is how it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success(Holder),
    MissingToken,
    MalformedHeader,
    WrongToken,
}

impl Outcome {
    /// Every outcome, so that each can be counted from the start.
    pub(crate) const LABELS: [&str; 4] = ["success", "missing_token", "malformed_header", "wrong_token"];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Success(_) => Self::LABELS[0],
            Self::MissingToken => Self::LABELS[1],
            Self::MalformedHeader => Self::LABELS[2],
            Self::WrongToken => Self::LABELS[3],
        }
    }

    pub(crate) fn holder(self) -> Option<Holder> {
        match self {
            Self::Success(holder) => Some(holder),
            Self::MissingToken | Self::MalformedHeader | Self::WrongToken => None,
        }
    }
}

/// A token, padded to one length for all: comparing two takes the same time wherever they differ.
#[derive(Clone)]
struct Padded {
    bytes: [u8; MAX_TOKEN_BYTES],
    /// Of the token itself, also where it did not fit.
    length: u64,
}

impl Padded {
    /// The time it takes follows the length of `token`, which its sender knows anyway.
    fn new(token: &[u8]) -> Self {
        let mut bytes = [0; MAX_TOKEN_BYTES];
        let kept = token.len().min(MAX_TOKEN_BYTES);
        bytes[..kept].copy_from_slice(&token[..kept]);
        Self { bytes, length: token.len() as u64 }
    }

    fn equals(&self, other: &Self) -> Choice {
        self.bytes.ct_eq(&other.bytes) & self.length.ct_eq(&other.length)
    }
}

/// The tokens that are known.
pub(crate) struct Tokens(Vec<(Holder, Padded)>);

impl Tokens {
    pub(crate) fn new(tokens: &[(Holder, &str)]) -> Self {
        Self(tokens.iter().map(|(holder, token)| (*holder, Padded::new(token.as_bytes()))).collect())
    }

    /// Finds out who sends these headers. All tokens are compared, also after a match.
    pub(crate) fn identify(&self, headers: &HeaderMap) -> Outcome {
        let mut fields = headers.get_all(AUTHORIZATION).iter();
        let Some(field) = fields.next() else {
            return Outcome::MissingToken;
        };
        let token = match bearer(field.as_bytes()) {
            Some(token) if fields.next().is_none() => Padded::new(token),
            _ => return Outcome::MalformedHeader,
        };
        let mut outcome = Outcome::WrongToken;
        for (holder, known) in &self.0 {
            if bool::from(known.equals(&token)) {
                outcome = Outcome::Success(*holder);
            }
        }
        outcome
    }
}

/// Takes the token out of `Bearer TOKEN`.
fn bearer(field: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = field.split_at_checked("Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && is_token(token)).then_some(token)
}

/// Whether these are the characters of a bearer token (RFC 6750).
fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte))
}

/// Checks a token that the user has chosen.
pub(crate) fn check(token: &str) -> Result<(), String> {
    if is_token(token.as_bytes()) && token.len() <= MAX_TOKEN_BYTES {
        return Ok(());
    }
    Err(format!(
        "the token must be 1 to {MAX_TOKEN_BYTES} letters, digits or -._~+/=, choose another with --token or TACHOGRAPH_TOKEN"
    ))
}

/// Makes a token that nobody can guess.
pub(crate) fn random() -> Result<String, String> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(|cause| format!("no random token could be made: {cause}, choose one with --token"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(fields: &[&[u8]]) -> Outcome {
        let long = "l".repeat(MAX_TOKEN_BYTES);
        let tokens = Tokens::new(&[(Holder::User, "secret"), (Holder::Traffic, &long)]);
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(AUTHORIZATION, tachograph::server::header::HeaderValue::from_bytes(field).unwrap());
        }
        tokens.identify(&headers)
    }

    #[test]
    fn each_header_has_its_outcome() {
        let long = |extra: usize| format!("Bearer {}", "l".repeat(MAX_TOKEN_BYTES + extra));
        assert_eq!(outcome(&[]), Outcome::MissingToken);
        assert_eq!(outcome(&[b"Bearer secret"]), Outcome::Success(Holder::User));
        assert_eq!(outcome(&[b"bearer  secret "]), Outcome::Success(Holder::User));
        assert_eq!(outcome(&[long(0).as_bytes()]), Outcome::Success(Holder::Traffic));
        let too_long = long(1);
        let wrong = [&b"Bearer secre"[..], b"Bearer secrets", b"Bearer Secret", b"Bearer =", too_long.as_bytes()];
        for field in wrong {
            assert_eq!(outcome(&[field]), Outcome::WrongToken);
        }
        let malformed = [&b""[..], b"Bearer", b"Bearer ", b"secret", b"Basic c2VjcmV0", b"Bearer se cret", b"Bearer s\xe9cret"];
        for field in malformed {
            assert_eq!(outcome(&[field]), Outcome::MalformedHeader);
        }
        assert_eq!(outcome(&[b"Bearer secret", b"Bearer secret"]), Outcome::MalformedHeader);
    }

    #[test]
    fn a_token_that_ends_in_padding_is_another_token() {
        let equal = |one: &[u8], other: &[u8]| bool::from(Padded::new(one).equals(&Padded::new(other)));
        assert!(equal(b"a", b"a"));
        assert!(!equal(b"a", b"a\0"));
        assert!(!equal(b"", b"\0"));
    }

    #[test]
    fn a_random_token_is_a_token_and_new_each_time() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert_eq!(check(&one), Ok(()));
        assert_ne!(one, other);
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_refused() {
        for token in ["", "two words", "naïve", &"x".repeat(MAX_TOKEN_BYTES + 1)] {
            assert!(check(token).is_err(), "{token:?}");
        }
    }
}
