//! Label texts as a scrape shows them, `a="x",b="y"`: their parts, and whether they are what a registry would have made.

use crate::metric::descriptor::Descriptor;

/// What is wrong with a label text.
type Fault = &'static str;

/// Checks a label text: names as at registration, values with just the escapes that they need.
pub(super) fn validate(descriptor: &Descriptor, text: &str) -> Result<(), Fault> {
    let names: Vec<&str> = parts(text)?.iter().filter_map(|part| Some(part.split_once('=')?.0)).collect();
    descriptor.validate_labels(&names).map_err(|_| "a label's name is illegal or there twice")
}

/// The text that two label texts have in common when a scraper takes them for one series: ordered, and without empty labels.
pub(super) fn identity(text: &str) -> Box<str> {
    let mut parts = parts(text).unwrap_or_else(|_| vec![text]);
    parts.retain(|part| !part.ends_with("=\"\""));
    parts.sort_unstable();
    parts.join(",").into()
}

/// Each label with its value, as they stand.
fn parts(text: &str) -> Result<Vec<&str>, Fault> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if !parts.is_empty() {
            rest = rest.strip_prefix(',').ok_or("labels are not parted by a comma")?;
        }
        let (name, value) = rest.split_once('=').ok_or("a label has no value")?;
        let value = value.strip_prefix('"').ok_or("a label's value is not quoted")?;
        let (part, after) = rest.split_at(name.len() + "=\"".len() + length(value)?);
        parts.push(part);
        rest = after;
    }
    Ok(parts)
}

/// Bytes up to the quote that closes a value, and with it.
fn length(value: &str) -> Result<usize, Fault> {
    let mut bytes = value.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Ok(at + 1),
            b'\\' if matches!(bytes.next(), Some((_, b'\\' | b'n' | b'"'))) => {}
            b'\\' | b'\n' => return Err("a label's value is not escaped"),
            _ => {}
        }
    }
    Err("a label's value has no end")
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;
    use crate::metric::descriptor::Kind;

    #[test]
    fn only_texts_that_a_registry_makes_are_taken() {
        let descriptor = Descriptor::new("a", Kind::Histogram, "").unwrap();
        for text in ["", r#"a="""#, r#"a="x",b="é,=}""#, r#"a="\\\n\"""#] {
            assert_eq!(validate(&descriptor, text), Ok(()), "{text}");
        }
        let lacking = ["a", "a=x", r#"a="x"#, r#"a="x"b="y""#, r#"a="x","#, r#",a="x""#, r#"="x""#, r#"a="x"} 1"#, r#"a=b="""#];
        let illegal = [r#"le="1""#, r#"a="x",a="y""#, r#"__name__="x""#, r#"a b="x""#, "\na=\"x\""];
        let unescaped = [r#"a="\x""#, r#"a="\"#, "a=\"\n\"", "a=\"x\"}\nb 1"];
        for text in lacking.into_iter().chain(illegal).chain(unescaped) {
            assert!(validate(&descriptor, text).is_err(), "{text}");
        }
    }

    #[test]
    fn labels_in_another_order_or_with_an_empty_one_are_the_same_series() {
        assert_eq!(identity(r#"b="2",a="1",c="""#), identity(r#"a="1",b="2""#));
        assert_eq!(identity(r#"a="""#), identity(""));
        for other in [r#"a="1",b="3""#, r#"a="1,b=\"2""#, r#"a="1\"""#, r#"a="1",b="=\"""#] {
            assert_ne!(identity(r#"a="1",b="2""#), identity(other));
        }
    }
}
