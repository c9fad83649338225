//! Bearer tokens: who a request comes from.

use std::net::IpAddr;

use tachograph::server::{FailureLimit, HeaderMap, Token, Tokens, Unauthorized};

/// Random bytes of a token that we make ourselves.
const RANDOM_BYTES: usize = 24;

/// Whoever holds a valid token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// One of the user's own tokens; only these open `/demo/*` and `/debug/*`.
    User,
    /// The traffic generator's clients that behave.
    Traffic,
    /// The traffic generator's client that runs into its limit.
    Burst,
}

/// The outcome of an authentication.
pub(crate) type Outcome = Result<Holder, Unauthorized>;

/// Every outcome, as it is counted.
pub(crate) fn labels() -> impl Iterator<Item = &'static str> {
    [Token::SUCCESS].into_iter().chain(Unauthorized::ALL.map(Unauthorized::label))
}

/// How an outcome is counted.
pub(crate) fn label(outcome: Outcome) -> &'static str {
    outcome.map_or_else(Unauthorized::label, |_| Token::SUCCESS)
}

/// Everybody who is known.
pub(crate) struct Holders {
    /// The user's, which may be replaced.
    pub(crate) user: Tokens,
    /// Ours, of this run.
    pub(crate) own: Vec<(Holder, Token)>,
    /// The one that `/debug` and `/health` count in too.
    pub(crate) failures: FailureLimit,
}

impl Holders {
    /// Finds out who sends these headers from there.
    pub(crate) fn identify(&self, from: IpAddr, headers: &HeaderMap) -> Outcome {
        let user = self.user.current();
        let own = self.own.iter().map(|(holder, token)| (*holder, token));
        self.failures.judge(from, Token::identify(headers, user.iter().map(|token| (Holder::User, token)).chain(own)))
    }
}

/// Makes a token that nobody can guess.
pub(crate) fn random() -> Result<String, String> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(|cause| format!("no random token could be made: {cause}, choose one with --token"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tachograph::server::header::{AUTHORIZATION, HeaderValue};

    use super::*;

    #[test]
    fn each_token_has_its_holder_and_its_outcome_a_label() {
        let holders = Holders {
            user: Token::new("user").unwrap().into(),
            own: vec![(Holder::Traffic, Token::new("traffic").unwrap())],
            failures: FailureLimit::per_minute(3),
        };
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut headers = HeaderMap::new();
        assert_eq!(label(holders.identify(here, &headers)), "missing_token");
        for (field, outcome, expected) in [
            ("Bearer user", Ok(Holder::User), "success"),
            ("Bearer traffic", Ok(Holder::Traffic), "success"),
            ("Bearer burst", Err(Unauthorized::WrongToken), "wrong_token"),
            ("Basic user", Err(Unauthorized::MalformedHeader), "malformed_header"),
        ] {
            headers.insert(AUTHORIZATION, HeaderValue::from_static(field));
            assert_eq!(holders.identify(here, &headers), outcome, "{field}");
            assert_eq!(label(outcome), expected);
        }
        holders.user.replace([Token::new("burst").unwrap()]);
        for (field, expected) in
            [("Bearer burst", "success"), ("Bearer user", "wrong_token"), ("Bearer burst", "too_many_failures")]
        {
            headers.insert(AUTHORIZATION, HeaderValue::from_static(field));
            assert_eq!(label(holders.identify(here, &headers)), expected, "{field}");
        }
    }

    #[test]
    fn a_random_token_is_a_token_and_new_each_time() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert!(Token::new(&one).is_ok());
        assert_ne!(one, other);
    }
}
