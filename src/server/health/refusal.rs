//! Why a question about health is not answered, and what is answered instead.

use std::fmt;

use hyper::StatusCode;

use crate::server::respond::{Response, error};

/// Characters of what somebody has sent that an error repeats: a name of a check fits.
const SHOWN: usize = 64;

/// Why a question gets no answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Its query has a parameter that there is not.
    Parameter { name: String, parameters: &'static [&'static str] },
    /// `strict` is neither true nor false.
    Strict { value: String },
    /// `strict` is there more than once.
    Twice,
    /// It excludes a check that there is not.
    Excluded { name: String, known: Vec<String> },
    /// It asks for a check that there is not.
    NoCheck { name: String, known: Vec<String> },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter { name, parameters } => {
                write!(f, "there is no parameter {:?}, take one of {}", shown(name), parameters.join(", "))
            }
            Self::Strict { value } => write!(f, "strict is {:?}, write true or false", shown(value)),
            Self::Twice => f.write_str("strict is given twice, give it once"),
            Self::Excluded { name, known } | Self::NoCheck { name, known } if known.is_empty() => {
                write!(f, "there is no check {:?}: there is none at all", shown(name))
            }
            Self::Excluded { name, known } | Self::NoCheck { name, known } => {
                write!(f, "there is no check {:?}, take one of {}", shown(name), known.join(", "))
            }
        }
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::NoCheck { .. } => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        };
        error(status, &refusal.to_string())
    }
}

/// The beginning of a text that may be long.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
