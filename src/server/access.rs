//! Who is let in: the tokens that are known now, and an end to guessing them.
//!
//! [`Tokens`] is written by whoever reads tokens anew, [`FailureLimit`] by each request that brings a wrong one; both are read by the
//! requests that bring any. The failures stand under a std mutex: it is held for a look-up and an addition, by no request without a token.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::HeaderMap;
use super::token::{Token, Unauthorized};

/// How long failures count.
const WINDOW: Duration = Duration::from_secs(60);
/// Failures that an address has in that time by default: more than a client makes that was not told of a new token, and tries each second.
const FAILURES: u32 = 60;
/// Addresses whose failures are known at once; at about 100 bytes each they stay below 2 MB. Whoever has more networks than that can guess as
/// often as the server answers: only a long token helps.
const ADDRESSES: usize = 10_000;

/// The tokens that open the same, each as well as the others: the old and the new one while clients change over. A clone is the same tokens,
/// so that all who ask know of a replacement at once. `Debug` shows how many there are.
///
/// # Examples
///
/// ```
/// use tachograph::server::header::AUTHORIZATION;
/// use tachograph::server::{HeaderMap, Options, Token, Tokens, Unauthorized};
///
/// let tokens = Tokens::from(Token::new("first")?);
/// let options = Options { tokens: tokens.clone(), ..Options::default() };
/// let headers = HeaderMap::from_iter([(AUTHORIZATION, "Bearer second".parse()?)]);
/// assert_eq!(options.tokens.check(&headers), Err(Unauthorized::WrongToken));
///
/// tokens.replace([Token::new("first")?, Token::new("second")?]);
/// assert_eq!(options.tokens.check(&headers), Ok(()));
/// tokens.replace([]);
/// assert!(options.tokens.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Tokens(Arc<ArcSwap<Vec<Token>>>);

impl Tokens {
    /// Makes a set without tokens: it lets nobody in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts others in the place of all that there are, for the requests that come from now on.
    pub fn replace(&self, tokens: impl IntoIterator<Item = Token>) {
        self.0.store(Arc::new(tokens.into_iter().collect()));
    }

    /// Finds out whether these headers bring one of the tokens. All are compared, as by [`Token::identify`].
    ///
    /// # Errors
    ///
    /// When they bring none of them.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Unauthorized> {
        Token::identify(headers, self.0.load().iter().map(|token| ((), token)))
    }

    /// The tokens that there are now: for [`Token::identify`], together with others.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::server::header::AUTHORIZATION;
    /// use tachograph::server::{HeaderMap, Token, Tokens};
    ///
    /// let (users, ours) = (Tokens::from(Token::new("user")?), Token::new("ours")?);
    /// let headers = HeaderMap::from_iter([(AUTHORIZATION, "Bearer user".parse()?)]);
    /// let users = users.current();
    /// let known = users.iter().map(|token| ("user", token)).chain([("we", &ours)]);
    /// assert_eq!(Token::identify(&headers, known), Ok("user"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn current(&self) -> Arc<Vec<Token>> {
        self.0.load_full()
    }

    /// Whether there is none, so that nobody is let in.
    pub fn is_empty(&self) -> bool {
        self.0.load().is_empty()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.0.load().len())
    }
}

impl FromIterator<Token> for Tokens {
    fn from_iter<I: IntoIterator<Item = Token>>(tokens: I) -> Self {
        let all = Self::new();
        all.replace(tokens);
        all
    }
}

impl From<Token> for Tokens {
    fn from(token: Token) -> Self {
        [token].into_iter().collect()
    }
}

/// A limit to failed attempts of an address (IPv6: a network of 64 bits), that is to wrong and malformed tokens. Once an address has failed
/// that often within a minute, all that it brings is refused until the minute is over, the right token too: else a guess could be told
/// from a hit. Requests without a token are no attempts.
///
/// Of 10 000 addresses the failures are known; another one takes the place of the one whose minute began first. A clone is the same limit.
///
/// # Examples
///
/// ```
/// use tachograph::server::{FailureLimit, Response, StatusCode, Unauthorized, header};
///
/// let limit = FailureLimit::per_minute(2);
/// let guesser = "192.0.2.1".parse()?;
/// for _ in 0..2 {
///     assert_eq!(limit.judge::<()>(guesser, Err(Unauthorized::WrongToken)), Err(Unauthorized::WrongToken));
/// }
/// // Now a hit is as good as a miss.
/// let refused = limit.judge(guesser, Ok(())).unwrap_err();
/// assert_eq!(refused.label(), "too_many_failures");
/// let answer = Response::from(refused);
/// assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
/// assert!(answer.headers().contains_key(header::RETRY_AFTER));
/// // Others go on.
/// assert_eq!(limit.judge("192.0.2.2".parse()?, Ok(())), Ok(()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FailureLimit {
    /// 0 is no limit.
    most: u32,
    failures: Arc<Mutex<Failures>>,
}

impl FailureLimit {
    /// Makes a limit of that many failures of an address in a minute; 0 is no limit. The default is 60.
    pub fn per_minute(failures: u32) -> Self {
        Self { most: failures, failures: Arc::new(Mutex::new(Failures::new(ADDRESSES))) }
    }

    /// Makes of what came out of an attempt what is to be done about it: the same, or [`Unauthorized::TooManyFailures`].
    ///
    /// # Errors
    ///
    /// When the attempt failed, or the address has failed too often.
    pub fn judge<T>(&self, from: IpAddr, outcome: Result<T, Unauthorized>) -> Result<T, Unauthorized> {
        if self.most == 0 || matches!(outcome, Err(Unauthorized::MissingToken)) {
            return outcome;
        }
        // A panic under the lock leaves at worst an address without its place in the order, which then is never forgotten.
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match failures.attempt(network(from), outcome.is_err(), self.most, Instant::now()) {
            Some(wait) => Err(Unauthorized::TooManyFailures { wait }),
            None => outcome,
        }
    }
}

impl Default for FailureLimit {
    fn default() -> Self {
        Self::per_minute(FAILURES)
    }
}

impl fmt::Debug for FailureLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailureLimit").field("per_minute", &self.most).finish_non_exhaustive()
    }
}

/// The addresses that have failed in the last minute.
struct Failures {
    /// How often each, and since when.
    known: HashMap<IpAddr, (u32, Instant)>,
    /// The same addresses in the order of their first failures, which is that in which they are forgotten.
    order: VecDeque<IpAddr>,
    capacity: usize,
}

impl Failures {
    fn new(capacity: usize) -> Self {
        Self { known: HashMap::new(), order: VecDeque::new(), capacity }
    }

    /// Counts an attempt if it failed; says how long the address must wait if it had failed too often before.
    fn attempt(&mut self, from: IpAddr, failed: bool, most: u32, now: Instant) -> Option<Duration> {
        self.forget(now);
        if let Some((failures, since)) = self.known.get_mut(&from) {
            if *failures >= most {
                return Some(WINDOW.saturating_sub(now.duration_since(*since)));
            }
            *failures += u32::from(failed);
            return None;
        }
        if failed {
            if self.order.len() >= self.capacity
                && let Some(first) = self.order.pop_front()
            {
                self.known.remove(&first);
            }
            self.known.insert(from, (1, now));
            self.order.push_back(from);
        }
        None
    }

    /// Forgets those whose time is over: each once, so that it costs no more than counting them did.
    fn forget(&mut self, now: Instant) {
        while let Some(first) = self.order.front()
            && self.known.get(first).is_none_or(|(_, since)| now.duration_since(*since) >= WINDOW)
        {
            self.known.remove(first);
            self.order.pop_front();
        }
    }
}

/// The part of an address that stands for a client: an IPv6 client has a whole network of 64 bits to choose from.
///
/// # Examples
///
/// ```
/// use tachograph::server::network;
///
/// assert_eq!(network("2001:db8:1:2::5".parse()?), network("2001:db8:1:2:ffff::9".parse()?));
/// assert_ne!(network("2001:db8:1:2::5".parse()?), network("2001:db8:1:3::5".parse()?));
/// assert_eq!(network("::ffff:10.0.0.1".parse()?), network("10.0.0.1".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    #[test]
    fn an_address_is_let_in_again_after_a_minute_and_not_kept_out_longer_by_trying() {
        let (mut failures, begin) = (Failures::new(10), Instant::now());
        let after = |seconds| begin + Duration::from_secs(seconds);
        for second in [0, 20, 30] {
            assert_eq!(failures.attempt(address(1), true, 3, after(second)), None);
        }
        for (failed, second, wait) in [(true, 30, 30), (false, 31, 29), (true, 59, 1)] {
            assert_eq!(failures.attempt(address(1), failed, 3, after(second)), Some(Duration::from_secs(wait)), "{second}");
        }
        assert_eq!(failures.attempt(address(2), false, 3, after(59)), None, "another one");
        assert_eq!(failures.attempt(address(1), false, 3, after(60)), None);
        assert!(failures.known.is_empty() && failures.order.is_empty());
    }

    #[test]
    fn what_succeeds_takes_no_room_and_wipes_out_no_failure() {
        let (mut failures, now) = (Failures::new(10), Instant::now());
        assert_eq!(failures.attempt(address(1), false, 2, now), None);
        assert!(failures.known.is_empty());
        for failed in [true, false, true] {
            assert_eq!(failures.attempt(address(1), failed, 2, now), None);
        }
        assert!(failures.attempt(address(1), false, 2, now).is_some());
    }

    #[test]
    fn the_table_is_bounded_and_the_oldest_makes_room() {
        let (mut failures, now) = (Failures::new(3), Instant::now());
        for number in 0..100_000 {
            assert_eq!(failures.attempt(address(number), true, 1, now), None);
            assert!(failures.known.len() <= 3 && failures.known.len() == failures.order.len());
        }
        assert!(failures.attempt(address(99_999), false, 1, now).is_some());
        assert_eq!(failures.attempt(address(99_996), false, 1, now), None);
        failures.forget(now + WINDOW);
        assert!(failures.known.is_empty() && failures.order.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let limit = FailureLimit::per_minute(1);
        let judge = |from: &str| limit.judge::<()>(from.parse().unwrap(), Err(Unauthorized::WrongToken)).unwrap_err().label();
        assert_eq!(judge("2001:db8:1:2::5"), "wrong_token");
        assert_eq!(judge("2001:db8:1:2:ffff::9"), "too_many_failures");
        assert_eq!(judge("2001:db8:1:3::5"), "wrong_token");
    }

    #[test]
    fn neither_a_limit_of_zero_nor_a_missing_token_counts() {
        for (limit, refused) in [(0, Unauthorized::WrongToken), (1, Unauthorized::MissingToken)] {
            let limit = FailureLimit::per_minute(limit);
            for _ in 0..100 {
                assert_eq!(limit.judge::<()>(address(1), Err(refused)), Err(refused));
            }
            assert_eq!(limit.judge(address(1), Ok(())), Ok(()));
        }
    }

    #[test]
    fn threads_that_guess_at_once_have_no_more_guesses() {
        let limit = FailureLimit::per_minute(10);
        let guess = || {
            (0..1_000).filter(|_| limit.judge::<()>(address(1), Err(Unauthorized::WrongToken)) == Err(Unauthorized::WrongToken))
        };
        let read: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| guess().count())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(read, 10);
    }

    #[test]
    fn tokens_are_not_shown() {
        let shown =
            format!("{:?}", [Token::new("secret").unwrap(), Token::new("other").unwrap()].into_iter().collect::<Tokens>());
        assert_eq!(shown, "Tokens(2)");
    }
}
