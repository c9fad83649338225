//! How names are written for those who know legacy names only, `[a-zA-Z_:][a-zA-Z0-9_:]*` and for labels the same without colons.
//!
//! The schemes are those of Prometheus, as its reference implementations in Go and Java have them. Where its document differs from
//! them, the code counts: an illegal character is `__` in `dots` (the document: `_`), hexadecimal digits are lower case in `values`
//! (the document shows upper case).

use std::borrow::Cow;

use crate::metric::descriptor::is_legal;

/// How the names of families and labels are written that are not of the legacy alphabet.
///
/// # Examples
///
/// ```
/// use tachograph::exposition::Escaping;
///
/// assert_eq!(Escaping::AllowUtf8.as_str(), "allow-utf-8");
/// assert_eq!(Escaping::Underscores.label_name("k8s.pod"), "k8s_pod");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Escaping {
    /// As they are, in quotes where they must be.
    AllowUtf8,
    /// Every illegal character becomes `_`.
    Underscores,
    /// `_` becomes `__`, `.` becomes `_dot_`, any other illegal character `__`.
    Dots,
    /// Legal names stay. Any other becomes `U__` and the name in which `_` is `__` and each illegal character its code point in
    /// hexadecimal between underscores, `_2e_` for a dot. It can be undone.
    Values,
}

impl Escaping {
    /// How many there are.
    pub(crate) const COUNT: usize = 4;

    /// What `Accept` and `Content-Type` call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    /// A family's name in this scheme.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::exposition::Escaping;
    ///
    /// let in_scheme = |escaping: Escaping| escaping.family_name("http.requests_total").into_owned();
    /// assert_eq!(in_scheme(Escaping::AllowUtf8), "http.requests_total");
    /// assert_eq!(in_scheme(Escaping::Underscores), "http_requests_total");
    /// assert_eq!(in_scheme(Escaping::Dots), "http_dot_requests__total");
    /// assert_eq!(in_scheme(Escaping::Values), "U__http_2e_requests__total");
    /// ```
    pub fn family_name(self, name: &str) -> Cow<'_, str> {
        self.escape(name, true)
    }

    /// A label's name in this scheme.
    pub fn label_name(self, name: &str) -> Cow<'_, str> {
        self.escape(name, false)
    }

    fn escape(self, name: &str, colons: bool) -> Cow<'_, str> {
        let stays = match self {
            Self::AllowUtf8 => true,
            Self::Underscores | Self::Values => is_legal(name, colons),
            Self::Dots => is_legal(name, colons) && !name.contains('_'),
        };
        if stays {
            return Cow::Borrowed(name);
        }
        let mut escaped = String::with_capacity(name.len() + 16);
        if self == Self::Values {
            escaped.push_str("U__");
        }
        for (at, c) in name.char_indices() {
            let legal = c.is_ascii_alphabetic() || c == '_' || (at > 0 && c.is_ascii_digit()) || (colons && c == ':');
            match (self, c) {
                (Self::Dots | Self::Values, '_') => escaped.push_str("__"),
                _ if legal => escaped.push(c),
                (Self::Dots, '.') => escaped.push_str("_dot_"),
                (Self::Dots, _) => escaped.push_str("__"),
                (Self::Values, _) => escaped.push_str(&format!("_{:x}_", u32::from(c))),
                (Self::Underscores | Self::AllowUtf8, _) => escaped.push('_'),
            }
        }
        Cow::Owned(escaped)
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The inverse of `values`, written from its description.
    fn undone(escaped: &str) -> Option<String> {
        let Some(mut rest) = escaped.strip_prefix("U__") else {
            return Some(escaped.to_owned());
        };
        let mut name = String::new();
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            if c != '_' {
                name.push(c);
            } else if let Some(after) = rest.strip_prefix('_') {
                name.push('_');
                rest = after;
            } else {
                let (digits, after) = rest.split_once('_')?;
                name.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
                rest = after;
            }
        }
        Some(name)
    }

    #[test]
    fn each_scheme_writes_what_the_reference_writes() {
        for (name, underscores, dots, values) in [
            ("jobs_total", "jobs_total", "jobs__total", "jobs_total"),
            ("jobs", "jobs", "jobs", "jobs"),
            ("http.status:sum", "http_status:sum", "http_dot_status:sum", "U__http_2e_status:sum"),
            ("wait in_queue 😱", "wait_in_queue__", "wait__in__queue____", "U__wait_20_in__queue_20__1f631_"),
            ("温度", "__", "____", "U___6e29__5ea6_"),
            ("9lives.a_b", "_lives_a_b", "__lives_dot_a__b", "U___39_lives_2e_a__b"),
            ("a-b", "a_b", "a__b", "U__a_2d_b"),
        ] {
            assert_eq!(Escaping::Underscores.family_name(name), underscores);
            assert_eq!(Escaping::Dots.family_name(name), dots);
            assert_eq!(Escaping::Values.family_name(name), values);
            assert_eq!(Escaping::AllowUtf8.family_name(name), name);
        }
    }

    #[test]
    fn a_colon_is_legal_in_a_family_alone() {
        assert_eq!(Escaping::Underscores.family_name("a:b"), "a:b");
        assert_eq!(Escaping::Underscores.label_name("a:b"), "a_b");
        assert_eq!(Escaping::Values.label_name("a:b"), "U__a_3a_b");
    }

    proptest! {
        #[test]
        fn every_scheme_makes_legal_names_and_values_can_be_undone(name in "[a-z._\\-é\u{1f631}:0-9 ]{1,12}|\\PC{1,8}") {
            for escaping in [Escaping::Underscores, Escaping::Dots, Escaping::Values] {
                prop_assert!(is_legal(&escaping.family_name(&name), true));
                prop_assert!(is_legal(&escaping.label_name(&name), false));
            }
            prop_assume!(!name.starts_with("U__"));
            prop_assert_eq!(undone(&Escaping::Values.family_name(&name)), Some(name.clone()));
            prop_assert_eq!(undone(&Escaping::Values.label_name(&name)), Some(name));
        }
    }
}
