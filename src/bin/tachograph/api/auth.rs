//! Bearer tokens: who a request comes from.

use tachograph::server::{HeaderMap, Token, Unauthorized};

/// Random bytes of a token that we make ourselves.
const RANDOM_BYTES: usize = 24;

/// Whoever holds a valid token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The user's own token; the only one that opens `/demo/*` and `/debug/*`.
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

/// The tokens that are known.
pub(crate) struct Tokens(Vec<(Holder, Token)>);

impl Tokens {
    pub(crate) fn new(tokens: Vec<(Holder, Token)>) -> Self {
        Self(tokens)
    }

    /// Finds out who sends these headers.
    pub(crate) fn identify(&self, headers: &HeaderMap) -> Outcome {
        Token::identify(headers, self.0.iter().map(|(holder, token)| (*holder, token)))
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
    use tachograph::server::header::{AUTHORIZATION, HeaderValue};

    use super::*;

    #[test]
    fn each_token_has_its_holder_and_its_outcome_a_label() {
        let tokens =
            Tokens::new(vec![(Holder::Traffic, Token::new("traffic").unwrap()), (Holder::User, Token::new("user").unwrap())]);
        let mut headers = HeaderMap::new();
        assert_eq!(label(tokens.identify(&headers)), "missing_token");
        for (field, outcome, expected) in [
            ("Bearer user", Ok(Holder::User), "success"),
            ("Bearer traffic", Ok(Holder::Traffic), "success"),
            ("Bearer burst", Err(Unauthorized::WrongToken), "wrong_token"),
            ("Basic user", Err(Unauthorized::MalformedHeader), "malformed_header"),
        ] {
            headers.insert(AUTHORIZATION, HeaderValue::from_static(field));
            assert_eq!(tokens.identify(&headers), outcome, "{field}");
            assert_eq!(label(outcome), expected);
        }
    }

    #[test]
    fn a_random_token_is_a_token_and_new_each_time() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert!(Token::new(&one).is_ok());
        assert_ne!(one, other);
    }
}
