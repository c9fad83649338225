//! Which checks an answer is about.

use super::options::{CheckOptions, Group};

/// Which checks a question is about: all, those of a group, or one, without those that are excluded.
///
/// # Examples
///
/// ```
/// use tachograph::health::{Group, Selection};
///
/// let selection = Selection::group(Group::Ready).without("cache");
/// assert_eq!(selection.excluded(), ["cache"]);
/// ```
///
/// What it chooses:
///
/// ```
/// use tachograph::health::{CheckOptions, CheckResult, HealthRegistry, Selection};
///
/// let health = HealthRegistry::new();
/// for name in ["cache", "queue"] {
///     health.register(name, || async { CheckResult::healthy("") }, CheckOptions::default())?;
/// }
/// let chosen = |selection: Selection| health.report(&selection).checks().len();
/// assert_eq!((chosen(Selection::all()), chosen(Selection::check("queue"))), (2, 1));
/// # Ok::<(), tachograph::health::HealthError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    group: Option<Group>,
    name: Option<String>,
    excluded: Vec<String>,
}

impl Selection {
    /// All checks.
    pub fn all() -> Self {
        Self::default()
    }

    /// The checks of a group.
    pub fn group(group: Group) -> Self {
        Self { group: Some(group), ..Self::default() }
    }

    /// The check of this name.
    pub fn check(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// The same without the check of this name.
    pub fn without(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        if !self.excluded.contains(&name) {
            self.excluded.push(name);
        }
        self
    }

    /// The names that are excluded, each once, whether there are such checks or not.
    pub fn excluded(&self) -> &[String] {
        &self.excluded
    }

    pub(super) fn holds(&self, name: &str, options: &CheckOptions) -> bool {
        self.group.is_none_or(|group| options.groups.contains(&group))
            && self.name.as_ref().is_none_or(|wanted| wanted == name)
            && !self.excluded.iter().any(|excluded| excluded == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_holds_what_its_group_or_name_says_and_nothing_excluded() {
        let ready = CheckOptions { groups: vec![Group::Ready], ..CheckOptions::default() };
        let none = CheckOptions { groups: vec![], ..CheckOptions::default() };
        assert!(Selection::all().holds("a", &ready) && Selection::all().holds("a", &none));
        assert!(Selection::group(Group::Ready).holds("a", &ready));
        assert!(!Selection::group(Group::Live).holds("a", &ready));
        assert!(!Selection::group(Group::Ready).holds("a", &none));
        assert!(Selection::check("a").holds("a", &none) && !Selection::check("a").holds("b", &none));
        assert!(!Selection::all().without("a").holds("a", &ready) && Selection::all().without("a").holds("b", &ready));
    }

    #[test]
    fn what_is_excluded_again_and_again_is_looked_at_once() {
        let often = (0..4_000).fold(Selection::all(), |selection, at| selection.without(["a", "b"][at % 2]));
        assert_eq!(often.excluded(), ["a", "b"]);
    }
}
