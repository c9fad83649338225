//! One value of any shape: scalars, constructors, arrays and dictionaries inside each other.
//!
//! Values are checked, not kept: a scene's meshes are megabytes that the API never shows. The open arrays and
//! dictionaries lie on a stack of their own, so that hostile nesting meets [`DEPTH_LIMIT`] and never the thread's stack.

use std::borrow::Cow;

use super::constructor::{Arguments, Constructor, Resources, read_arguments};
use super::error::ParseError;
use super::lexer::Lexer;

/// Levels of arrays and dictionaries that are read. The engine's writer stops at 100.
pub(super) const DEPTH_LIMIT: usize = 100;

/// A value as far as a section's heading needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A string or a string name.
    Text(Cow<'a, str>),
    /// A number, as it is written.
    Number(&'a str),
    /// `ExtResource(…)`, which is declared.
    External,
    /// Anything else.
    Other,
}

/// An array or dictionary that is open.
#[derive(Debug)]
struct Frame {
    /// The byte that closes it.
    close: u8,
    /// Whether a parenthesis follows the closing byte, as in `Array[int]([1])`.
    wrapped: bool,
    next: Next,
}

/// What a frame waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The first element of an array, or its end.
    FirstItem,
    /// What follows an element.
    AfterItem,
    /// The first key of a dictionary, or its end.
    FirstKey,
    /// What follows a key.
    AfterKey,
    /// What follows the value that belongs to a key.
    AfterPair,
}

/// What a value turned out to be after its first characters.
enum Start<'a> {
    Whole(Value<'a>),
    Opened(Frame),
}

/// Reads one value and checks the resources that it refers to.
pub(super) fn read_value<'a>(lexer: &mut Lexer<'a>, resources: &Resources<'a>) -> Result<Value<'a>, ParseError> {
    let mut open: Vec<Frame> = Vec::new();
    loop {
        let mut value = match start(lexer, resources)? {
            Start::Whole(value) => value,
            Start::Opened(frame) => {
                if open.len() == DEPTH_LIMIT {
                    return Err(ParseError::TooDeep { line: lexer.line(), limit: DEPTH_LIMIT });
                }
                open.push(frame);
                Value::Other
            }
        };
        // A value that ends may end the array around it, and so on outwards.
        loop {
            let Some(frame) = open.last_mut() else {
                return Ok(value);
            };
            if frame.wants_value(lexer)? {
                break;
            }
            open.pop();
            value = Value::Other;
        }
    }
}

fn start<'a>(lexer: &mut Lexer<'a>, resources: &Resources<'a>) -> Result<Start<'a>, ParseError> {
    let value = match lexer.peek() {
        Some(b'[') => return Ok(Start::Opened(Frame::open(lexer, b']', false))),
        Some(b'{') => return Ok(Start::Opened(Frame::open(lexer, b'}', false))),
        Some(b'"') => Value::Text(lexer.string()?),
        Some(b'&') => {
            lexer.eat(b'&');
            Value::Text(lexer.string()?)
        }
        Some(b'#') => {
            lexer.colour()?;
            Value::Other
        }
        Some(b'-' | b'0'..=b'9') => Value::Number(lexer.number()?),
        Some(b'A'..=b'Z' | b'a'..=b'z' | b'_') => return start_named(lexer, resources),
        _ => return Err(lexer.unexpected("a value")),
    };
    Ok(Start::Whole(value))
}

/// Reads a value that begins with an identifier.
fn start_named<'a>(lexer: &mut Lexer<'a>, resources: &Resources<'a>) -> Result<Start<'a>, ParseError> {
    let line = lexer.line();
    let name = lexer.identifier();
    if matches!(name, "true" | "false" | "null" | "nil" | "inf" | "inf_neg" | "nan") {
        return Ok(Start::Whole(Value::Other));
    }
    let Some(constructor) = Constructor::of(name) else {
        return Err(ParseError::Syntax { line, expected: "a value", found: format!("{name:?}") });
    };
    let frame = match constructor {
        Constructor::Array => {
            read_types(lexer, resources, 1)?;
            lexer.expect(b'(', "`(`")?;
            if lexer.peek() != Some(b'[') {
                return Err(lexer.unexpected("an array"));
            }
            Frame::open(lexer, b']', true)
        }
        Constructor::Dictionary => {
            read_types(lexer, resources, 2)?;
            lexer.expect(b'(', "`(`")?;
            if lexer.peek() != Some(b'{') {
                return Err(lexer.unexpected("a dictionary"));
            }
            Frame::open(lexer, b'}', true)
        }
        Constructor::Object => {
            lexer.expect(b'(', "`(`")?;
            if lexer.identifier().is_empty() {
                return Err(lexer.unexpected("the class of the object"));
            }
            if lexer.peek() != Some(b',') {
                return Err(lexer.unexpected("`,`"));
            }
            Frame::open(lexer, b')', false)
        }
        Constructor::Flat(arguments) => {
            read_arguments(lexer, arguments, resources)?;
            let external = arguments == Arguments::External;
            return Ok(Start::Whole(if external { Value::External } else { Value::Other }));
        }
    };
    Ok(Start::Opened(frame))
}

/// Reads `[type]` or `[type, type]`, where a type is a class or the script that makes one.
fn read_types<'a>(lexer: &mut Lexer<'a>, resources: &Resources<'a>, count: usize) -> Result<(), ParseError> {
    lexer.expect(b'[', "the type of the elements in brackets")?;
    for position in 0..count {
        if position > 0 {
            lexer.expect(b',', "`,` and the type of the values")?;
        }
        match lexer.identifier() {
            "" => return Err(lexer.unexpected("a type")),
            "ExtResource" => read_arguments(lexer, Arguments::External, resources)?,
            "SubResource" => read_arguments(lexer, Arguments::Internal, resources)?,
            "Resource" => read_arguments(lexer, Arguments::File, resources)?,
            _class => {}
        }
    }
    lexer.expect(b']', "`]` after the type")
}

impl Frame {
    /// Takes the byte that opens an array, dictionary or object.
    fn open(lexer: &mut Lexer<'_>, close: u8, wrapped: bool) -> Self {
        let (opening, next) = match close {
            b']' => (b'[', Next::FirstItem),
            b'}' => (b'{', Next::FirstKey),
            _ => (b',', Next::FirstKey),
        };
        let taken = lexer.eat(opening);
        debug_assert!(taken, "the caller has seen the opening byte");
        Self { close, wrapped, next }
    }

    /// Reads the punctuation that follows, and tells whether a value must come next: if not, the frame has ended.
    fn wants_value(&mut self, lexer: &mut Lexer<'_>) -> Result<bool, ParseError> {
        match self.next {
            Next::AfterKey => {
                lexer.expect(b':', "`:` after the key")?;
                self.next = Next::AfterPair;
                return Ok(true);
            }
            Next::FirstItem | Next::FirstKey => {}
            // The engine allows a comma after the last element, so an end may follow it.
            Next::AfterItem | Next::AfterPair => {
                if !lexer.eat(b',') && lexer.peek() != Some(self.close) {
                    return Err(lexer.unexpected(if self.close == b']' { "`,` or `]`" } else { "`,` or the end" }));
                }
            }
        }
        if lexer.eat(self.close) {
            if self.wrapped {
                lexer.expect(b')', "`)`")?;
            }
            return Ok(false);
        }
        self.next = match self.next {
            Next::FirstItem | Next::AfterItem => Next::AfterItem,
            Next::FirstKey | Next::AfterKey | Next::AfterPair => Next::AfterKey,
        };
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a value that must be all that stands on its last line.
    fn read(text: &str) -> Result<Value<'_>, ParseError> {
        let mut lexer = Lexer::new(text);
        let value = read_value(&mut lexer, &Resources::default())?;
        lexer.expect_line_end()?;
        Ok(value)
    }

    #[test]
    fn every_kind_of_value_is_read() {
        for text in [
            "true",
            "null",
            "-12",
            "0.5",
            "1e-05",
            "-3.4E+10",
            "inf",
            "-inf",
            "nan",
            "#3f8fff",
            "\"\"",
            "&\"left\"",
            "\"a \\\"quoted\\\" line\nand \\u00e9 \\U01F680 \\ud83d\\ude80 another\"",
            "[]",
            "[1, 2,]",
            "[[], [{}]]",
            "{}",
            "{\n\"a\": 1,\n&\"b\": [Vector2(0, 1)]\n}",
            "{1: 2, Vector2i(0, 1): null}",
            "Vector3(1, -2.5, 1e-07)",
            "Color(1, 1, 1, 1)",
            "Transform3D(1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)",
            "PackedVector3Array()",
            "PackedVector3Array(1, 2, 3,\n4, 5, 6)",
            "PackedByteArray(1, 255)",
            "PackedByteArray(\"AACAPw==\")",
            "PackedStringArray(\"a\", \"b\")",
            "NodePath(\"../A:position:x\")",
            "Array[int]([1, 2])",
            "Dictionary[int, float]({\n1: 2.0\n})",
            "Array[Node]([])",
            "RID()",
            "Signal()",
            "Object(InputEventKey,\"device\":-1,\"pressed\":false)\n",
            "Resource(\"res://a.tres\")",
            "1 ; a comment",
        ] {
            assert!(read(text).is_ok(), "{text}: {:?}", read(text));
        }
    }

    #[test]
    fn a_value_that_the_engine_refuses_is_refused() {
        for text in [
            "",
            "1 2",
            "1..2",
            "1e",
            "-x",
            "yes",
            "Vector3(1, 2)",
            "Vector3(1, 2, 3,)",
            "PackedVector3Array(1, 2)",
            "#12",
            "[1 2]",
            "[,]",
            "{1}",
            "{1: }",
            "{1: 2 3: 4}",
            "(1)",
            "Vector9(1)",
            "&left",
            "\"\\u12g4\"",
            "\"\\ud83d\"",
            "PackedByteArray(\"A=A=\")",
            "NodePath(a)",
            "Array[int](1)",
            "Array[]([])",
            "Dictionary[int]({})",
            "Object()",
            "]",
            "= 1",
        ] {
            let result = read(text);
            let told = matches!(result, Err(ParseError::Syntax { .. } | ParseError::Truncated { .. }));
            assert!(told, "{text:?}: {result:?}");
        }
    }

    #[test]
    fn a_heading_sees_strings_numbers_and_external_resources() {
        let text = Cow::Borrowed("left");
        assert_eq!(read("\"left\""), Ok(Value::Text(text.clone())));
        assert_eq!(read("&\"left\""), Ok(Value::Text(text)));
        let escaped = read(r#""a\"b\\ \ud83d\ude80""#);
        assert_eq!(escaped, Ok(Value::Text(Cow::Owned("a\"b\\ 🚀".to_owned()))));
        assert_eq!(read("-1.5e+03"), Ok(Value::Number("-1.5e+03")));
        let mut resources = Resources::default();
        resources.external.insert(Cow::Borrowed("1_a"));
        let external = read_value(&mut Lexer::new("ExtResource(\"1_a\")"), &resources);
        assert_eq!(external, Ok(Value::External));
        assert_eq!(read("[\"left\"]"), Ok(Value::Other));
    }
}
