//! What a question about health asks for in its query.

use crate::health::{HealthRegistry, Selection};

use super::refusal::Refusal;

/// The parameters of the paths that tell of many checks, and of those that tell of one.
const OF_MANY: &[&str] = &["strict", "exclude"];
const OF_ONE: &[&str] = &["strict"];

/// What the query asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Question {
    /// Whether the answer is an error also where the whole is degraded.
    pub(super) strict: bool,
    /// Names of checks, all of which there are.
    excluded: Vec<String>,
}

impl Question {
    /// Reads the query of a path that tells of many checks.
    pub(super) fn of_many(query: Option<&str>, health: &HealthRegistry) -> Result<Self, Refusal> {
        let question = Self::read(query, OF_MANY)?;
        if !question.excluded.is_empty() {
            let known = names(health);
            if let Some(unknown) = question.excluded.iter().find(|name| !known.contains(name)) {
                return Err(Refusal::Excluded { name: unknown.clone(), known });
            }
        }
        Ok(question)
    }

    /// Reads the query of a path that tells of one check.
    pub(super) fn of_one(query: Option<&str>) -> Result<Self, Refusal> {
        Self::read(query, OF_ONE)
    }

    fn read(query: Option<&str>, parameters: &'static [&'static str]) -> Result<Self, Refusal> {
        let (mut strict, mut excluded) = (None, Vec::new());
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if !parameters.contains(&&*name) {
                return Err(Refusal::Parameter { name: name.into_owned(), parameters });
            }
            if name == "exclude" {
                excluded.push(value.into_owned());
                continue;
            }
            let flag = value.parse().map_err(|_| Refusal::Strict { value: value.into_owned() })?;
            if strict.replace(flag).is_some() {
                return Err(Refusal::Twice);
            }
        }
        Ok(Self { strict: strict.unwrap_or(false), excluded })
    }

    /// The selection without what is excluded.
    pub(super) fn of(&self, selection: Selection) -> Selection {
        self.excluded.iter().fold(selection, Selection::without)
    }
}

/// The names of all checks, in the order of their registration.
pub(super) fn names(health: &HealthRegistry) -> Vec<String> {
    health.report(&Selection::all()).checks().iter().map(|check| check.name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{CheckOptions, CheckResult};

    fn read(query: &str) -> Result<Question, String> {
        let health = HealthRegistry::new();
        for name in ["a", "b.c"] {
            health.register(name, || async { CheckResult::healthy("") }, CheckOptions::default()).unwrap();
        }
        Question::of_many(Some(query), &health).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_query_is_read_to_its_end() {
        let excluded = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(read(""), Ok(Question::default()));
        assert_eq!(read("strict=false"), Ok(Question::default()));
        assert_eq!(read("strict=true&exclude=a"), Ok(Question { strict: true, excluded: excluded(&["a"]) }));
        assert_eq!(read("exclude=b%2Ec&&exclude=a&exclude=a").map(|read| read.excluded), Ok(excluded(&["b.c", "a", "a"])));
        assert_eq!(Question::of_many(None, &HealthRegistry::new()).unwrap(), Question::default());
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_says_what_does() {
        for (query, told) in [
            ("verbose", "there is no parameter \"verbose\", take one of strict, exclude"),
            ("Strict=true", "there is no parameter \"Strict\", take one of strict, exclude"),
            ("strict=1", "strict is \"1\", write true or false"),
            ("strict", "strict is \"\", write true or false"),
            ("strict=true&strict=true", "strict is given twice, give it once"),
            ("exclude=c", "there is no check \"c\", take one of a, b.c"),
            ("exclude=a&exclude=", "there is no check \"\", take one of a, b.c"),
        ] {
            assert_eq!(read(query).unwrap_err(), told, "{query}");
        }
        let long = read(&format!("{}=1", "x".repeat(10_000))).unwrap_err();
        assert!(long.len() < 200, "{long}");
        assert_eq!(
            Question::of_one(Some("exclude=a")).unwrap_err().to_string(),
            "there is no parameter \"exclude\", take one of strict"
        );
    }
}
