//! Bearer tokens: whether a request brings one that is known, told in constant time.

use std::fmt;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use subtle::{Choice, ConstantTimeEq};

use super::respond::{Response, error, retry_after};

/// The longest token that may be set; longer guesses are wrong without further reading.
const LONGEST: usize = 256;

/// A bearer token: 1 to 256 of the characters that RFC 6750 has for one. `Debug` does not show it.
///
/// # Examples
///
/// ```
/// use tachograph::server::header::AUTHORIZATION;
/// use tachograph::server::{HeaderMap, Token, Unauthorized};
///
/// let token = Token::new("correct-horse-battery-staple")?;
/// let mut headers = HeaderMap::new();
/// assert_eq!(token.check(&headers), Err(Unauthorized::MissingToken));
/// headers.insert(AUTHORIZATION, "Bearer guess".parse()?);
/// assert_eq!(token.check(&headers), Err(Unauthorized::WrongToken));
/// headers.insert(AUTHORIZATION, "Bearer correct-horse-battery-staple".parse()?);
/// assert_eq!(token.check(&headers), Ok(()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Token(Padded);

impl Token {
    /// The value of the label `result` under which a request is counted in `auth_attempts_total` that brings a token that is
    /// known.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(tachograph::server::Token::SUCCESS, "success");
    /// ```
    pub const SUCCESS: &'static str = "success";

    /// Takes a token that somebody has chosen.
    ///
    /// # Errors
    ///
    /// When no header could carry it, or it is longer than 256 characters.
    pub fn new(token: &str) -> Result<Self, TokenError> {
        let fits = token.len() <= LONGEST && is_token(token.as_bytes());
        fits.then(|| Self(Padded::new(token.as_bytes()))).ok_or(TokenError)
    }

    /// Finds out whether these headers bring this token.
    ///
    /// # Errors
    ///
    /// When they do not. What [`Unauthorized`] makes of it is the answer to that request.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Unauthorized> {
        Self::identify(headers, [((), self)])
    }

    /// Finds out whose token these headers bring, of all that are known. All of them are compared, also after a match, each in
    /// the same time wherever it differs.
    ///
    /// # Errors
    ///
    /// When it is nobody's.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::server::header::AUTHORIZATION;
    /// use tachograph::server::{HeaderMap, Token};
    ///
    /// let known = [("old", Token::new("first")?), ("new", Token::new("second")?)];
    /// let headers = HeaderMap::from_iter([(AUTHORIZATION, "Bearer second".parse()?)]);
    /// assert_eq!(Token::identify(&headers, known.iter().map(|(name, token)| (*name, token))), Ok("new"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn identify<'a, T>(headers: &HeaderMap, known: impl IntoIterator<Item = (T, &'a Self)>) -> Result<T, Unauthorized> {
        let mut fields = headers.get_all(AUTHORIZATION).iter();
        let field = fields.next().ok_or(Unauthorized::MissingToken)?;
        let brought = match bearer(field.as_bytes()) {
            Some(token) if fields.next().is_none() => Padded::new(token),
            _ => return Err(Unauthorized::MalformedHeader),
        };
        let mut holder = Err(Unauthorized::WrongToken);
        for (candidate, token) in known {
            if bool::from(token.0.equals(&brought)) {
                holder = Ok(candidate);
            }
        }
        holder
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The text is no token: choose 1 to 256 letters, digits or `-._~+/=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenError;

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the token must be 1 to {LONGEST} letters, digits or -._~+/=, choose another")
    }
}

impl std::error::Error for TokenError {}

/// Why a request is not let in. It makes the answer, 401 with the challenge of RFC 6750, or 429.
///
/// # Examples
///
/// ```
/// use tachograph::server::{Response, StatusCode, Unauthorized, header};
///
/// let labels = ["missing_token", "malformed_header", "wrong_token", "too_many_failures"];
/// assert_eq!(Unauthorized::ALL.map(Unauthorized::label), labels);
/// let response = Response::from(Unauthorized::MissingToken);
/// assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
/// assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer realm=\"tachograph\"");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unauthorized {
    /// It has no `Authorization`: send `Authorization: Bearer TOKEN`.
    MissingToken,
    /// Its `Authorization` is not one `Bearer TOKEN`: send that.
    MalformedHeader,
    /// Its token is nobody's: send the one that the server was started with.
    WrongToken,
    /// Its address has failed too often to be heard, see [`FailureLimit`](super::FailureLimit): wait.
    TooManyFailures {
        /// Until when.
        wait: Duration,
    },
}

impl Unauthorized {
    /// Each of them.
    pub const ALL: [Self; 4] =
        [Self::MissingToken, Self::MalformedHeader, Self::WrongToken, Self::TooManyFailures { wait: Duration::ZERO }];

    /// The value of the label `result` under which it is counted in `auth_attempts_total`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::MissingToken => "missing_token",
            Self::MalformedHeader => "malformed_header",
            Self::WrongToken => "wrong_token",
            Self::TooManyFailures { .. } => "too_many_failures",
        }
    }

    /// What would be let in; none where nothing is now.
    fn challenge(self) -> Option<&'static str> {
        match self {
            Self::MissingToken => Some("Bearer realm=\"tachograph\""),
            Self::MalformedHeader => Some("Bearer realm=\"tachograph\", error=\"invalid_request\""),
            Self::WrongToken => Some("Bearer realm=\"tachograph\", error=\"invalid_token\""),
            Self::TooManyFailures { .. } => None,
        }
    }

    /// The same answer with other words.
    pub(super) fn answer(self, told: &str) -> Response {
        if let Self::TooManyFailures { wait } = self {
            return retry_after(error(StatusCode::TOO_MANY_REQUESTS, told), wait.as_millis().div_ceil(1_000) as u64);
        }
        let mut refusal = error(StatusCode::UNAUTHORIZED, told);
        if let Some(challenge) = self.challenge() {
            refusal.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        refusal
    }
}

impl fmt::Display for Unauthorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingToken => "a token is needed, send Authorization: Bearer TOKEN",
            Self::MalformedHeader => "the Authorization header is malformed, send Authorization: Bearer TOKEN",
            Self::WrongToken => "the token is wrong, send the one that the server was started with",
            Self::TooManyFailures { .. } => "too many tokens from this address were wrong, wait as long as Retry-After says",
        })
    }
}

impl std::error::Error for Unauthorized {}

impl From<Unauthorized> for Response {
    fn from(refused: Unauthorized) -> Self {
        refused.answer(&refused.to_string())
    }
}

/// A token, padded to one length for all: comparing two takes the same time wherever they differ.
#[derive(Clone)]
struct Padded {
    bytes: [u8; LONGEST],
    /// Of the token itself, also where it did not fit.
    length: u64,
}

impl Padded {
    /// The time it takes follows the length of `token`, which its sender knows anyway.
    fn new(token: &[u8]) -> Self {
        let mut bytes = [0; LONGEST];
        let kept = token.len().min(LONGEST);
        bytes[..kept].copy_from_slice(&token[..kept]);
        Self { bytes, length: token.len() as u64 }
    }

    fn equals(&self, other: &Self) -> Choice {
        self.bytes.ct_eq(&other.bytes) & self.length.ct_eq(&other.length)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn identified(fields: &[&[u8]]) -> Result<&'static str, Unauthorized> {
        let tokens = [("short", Token::new("secret").unwrap()), ("long", Token::new(&"l".repeat(LONGEST)).unwrap())];
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(field).unwrap());
        }
        Token::identify(&headers, tokens.iter().map(|(holder, token)| (*holder, token)))
    }

    #[test]
    fn each_header_has_its_outcome() {
        let long = |extra: usize| format!("Bearer {}", "l".repeat(LONGEST + extra));
        assert_eq!(identified(&[]), Err(Unauthorized::MissingToken));
        assert_eq!(identified(&[b"Bearer secret"]), Ok("short"));
        assert_eq!(identified(&[b"bearer  secret "]), Ok("short"));
        assert_eq!(identified(&[long(0).as_bytes()]), Ok("long"));
        let too_long = long(1);
        let wrong = [&b"Bearer secre"[..], b"Bearer secrets", b"Bearer Secret", b"Bearer =", too_long.as_bytes()];
        for field in wrong {
            assert_eq!(identified(&[field]), Err(Unauthorized::WrongToken));
        }
        let malformed = [&b""[..], b"Bearer", b"Bearer ", b"secret", b"Basic c2VjcmV0", b"Bearer se cret", b"Bearer s\xe9cret"];
        for field in malformed {
            assert_eq!(identified(&[field]), Err(Unauthorized::MalformedHeader));
        }
        assert_eq!(identified(&[b"Bearer secret", b"Bearer secret"]), Err(Unauthorized::MalformedHeader));
    }

    #[test]
    fn where_no_token_is_known_all_are_wrong() {
        let mut headers = HeaderMap::new();
        assert_eq!(Token::identify::<()>(&headers, []), Err(Unauthorized::MissingToken));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer guess"));
        assert_eq!(Token::identify::<()>(&headers, []), Err(Unauthorized::WrongToken));
    }

    #[test]
    fn a_token_that_ends_in_padding_is_another_token() {
        let equal = |one: &[u8], other: &[u8]| bool::from(Padded::new(one).equals(&Padded::new(other)));
        assert!(equal(b"a", b"a"));
        assert!(!equal(b"a", b"a\0"));
        assert!(!equal(b"", b"\0"));
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_refused() {
        for token in ["", "two words", "naïve", "a\0", &"x".repeat(LONGEST + 1)] {
            assert_eq!(Token::new(token).err(), Some(TokenError), "{token:?}");
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        assert_eq!(format!("{:?}", Token::new("secret")), "Ok(Token(..))");
    }

    #[test]
    fn each_refusal_is_a_401_with_its_challenge_or_a_429_with_its_end() {
        for refused in Unauthorized::ALL {
            let answer = Response::from(refused);
            let challenge = answer.headers().get(WWW_AUTHENTICATE).map(|field| field.to_str().unwrap());
            assert_eq!(challenge, refused.challenge());
            assert_eq!(answer.status() == StatusCode::UNAUTHORIZED, challenge.is_some());
        }
        let waiting = |milliseconds| {
            let answer = Response::from(Unauthorized::TooManyFailures { wait: Duration::from_millis(milliseconds) });
            assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
            answer.headers()["retry-after"].to_str().unwrap().to_owned()
        };
        assert_eq!([0, 1, 1_000, 1_001, 59_999].map(waiting), ["1", "1", "1", "2", "60"]);
    }
}
