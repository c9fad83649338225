//! Golden texts: one of everything, in every text format and escaping scheme. Judges of other languages read the same files.
//!
//! `GOLDEN=write cargo test --test formats` writes them anew; read the difference before you keep it.

#[path = "support/everything.rs"]
mod everything;

use std::path::Path;

use tachograph::Registry;
use tachograph::exposition::{Encoding, Escaping, Format};
use tachograph_check::Rules;

/// The text, with every time in it the same.
fn timeless(text: &[u8]) -> String {
    let text = std::str::from_utf8(text).unwrap();
    let is_time = |word: &str| {
        word.split_once('.').is_some_and(|(seconds, millis)| {
            seconds.len() == 10 && millis.len() == 3 && (seconds.to_owned() + millis).bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').map(|word| if is_time(word) { "1700000000.125" } else { word }).collect();
        words.join(" ") + "\n"
    };
    text.lines().map(line).collect()
}

fn check(name: &str, encoding: Encoding) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let text = timeless(everything::registry().snapshot().exposition(encoding));
    if std::env::var_os("GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    for (at, (golden, line)) in golden.lines().zip(text.lines()).enumerate() {
        assert_eq!(line, golden, "{name}, line {}", at + 1);
    }
    assert_eq!(text, golden);
    let format = tachograph_check::Format::of_content_type(encoding.content_type()).unwrap();
    // Families stand in the order of their own names, which is not always that of the escaped ones, or of those without a suffix.
    let own_names = encoding.escaping() == Escaping::AllowUtf8 && encoding.format() != Format::OpenMetrics;
    let rules = Rules { families_sorted: own_names, ..Rules::OURS };
    if let Err(finding) = tachograph_check::parse_by(golden.as_bytes(), format, rules) {
        panic!("{name}: {finding}");
    }
}

#[test]
fn text_0_0_4_is_the_golden_one() {
    check("text.txt", Encoding::TEXT);
}

#[test]
fn text_0_0_4_has_no_quoted_names_even_for_who_allows_them() {
    let encoding = Encoding::new(Format::Text, Escaping::AllowUtf8);
    assert_eq!(encoding.escaping(), Escaping::Underscores);
    check("text.txt", encoding);
}

#[test]
fn text_1_0_0_is_the_golden_one() {
    check("utf8_text.txt", Encoding::new(Format::Utf8Text, Escaping::AllowUtf8));
}

#[test]
fn text_in_underscores_is_that_of_0_0_4() {
    check("text.txt", Encoding::new(Format::Utf8Text, Escaping::Underscores));
}

#[test]
fn text_in_dots_is_the_golden_one() {
    check("text_dots.txt", Encoding::new(Format::Text, Escaping::Dots));
}

#[test]
fn text_in_values_is_the_golden_one() {
    check("text_values.txt", Encoding::new(Format::Text, Escaping::Values));
}

#[test]
fn openmetrics_is_the_golden_one() {
    check("openmetrics.txt", Encoding::new(Format::OpenMetrics, Escaping::Underscores).with_created(true));
}

#[test]
fn openmetrics_with_names_of_any_alphabet_is_the_golden_one() {
    check("utf8_openmetrics.txt", Encoding::new(Format::OpenMetrics, Escaping::AllowUtf8));
}

#[test]
fn openmetrics_in_dots_is_the_golden_one() {
    check("openmetrics_dots.txt", Encoding::new(Format::OpenMetrics, Escaping::Dots));
}

#[test]
fn openmetrics_in_values_is_the_golden_one() {
    check("openmetrics_values.txt", Encoding::new(Format::OpenMetrics, Escaping::Values));
}

#[test]
fn an_empty_registry_is_an_empty_text_or_the_end_alone() {
    let snapshot = Registry::new().snapshot();
    assert_eq!(snapshot.exposition(Encoding::TEXT), b"");
    assert_eq!(snapshot.exposition(Encoding::new(Format::OpenMetrics, Escaping::Underscores)), b"# EOF\n");
}

#[test]
fn the_families_that_are_asked_for_are_all_that_there_is() {
    let snapshot = everything::registry().snapshot();
    let encoding = Encoding::new(Format::OpenMetrics, Escaping::AllowUtf8);
    let text = snapshot.exposition_of(encoding, &|family| family.descriptor().name() == "depth");
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "# TYPE depth gauge\ndepth{service=\"a\\\"p\\\\i\\n\",\"host.name\"=\"é\"} -3\n# EOF\n"
    );
}

#[test]
fn a_form_is_rendered_once() {
    let snapshot = everything::registry().snapshot();
    for format in [Format::Text, Format::Utf8Text, Format::OpenMetrics] {
        let encoding = Encoding::new(format, Escaping::Dots);
        assert!(std::ptr::eq(snapshot.exposition(encoding), snapshot.exposition(encoding)));
    }
}
