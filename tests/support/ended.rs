//! How a run of the program ended.

use std::process::Output;

/// Status, standard output, standard error.
#[derive(Debug)]
pub(crate) struct Ended(pub(crate) Option<i32>, pub(crate) String, pub(crate) String);

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self(output.status.code(), text(output.stdout), text(output.stderr))
    }
}

/// Checks that a run ends with status 2, one line on standard error that holds `part` and that every terminal shows as it is,
/// and nothing on standard output.
#[track_caller]
pub(crate) fn refused(ended: &Ended, part: &str) {
    let Ended(status, out, errors) = ended;
    assert_eq!((*status, out.as_str(), errors.lines().count()), (Some(2), "", 1), "{errors}");
    assert!(errors.starts_with("tachograph: ") && errors.contains(part), "{errors}");
    assert!(!errors.trim_end().contains(|character: char| character.is_control() || character == '\u{202e}'), "{errors:?}");
}
