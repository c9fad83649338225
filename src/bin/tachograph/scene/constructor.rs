//! The value constructors that Godot 4 writes, `Vector3(…)` and its kind, with what each takes.

use std::borrow::Cow;
use std::collections::HashSet;

use super::error::ParseError;
use super::lexer::Lexer;

/// A constructor by what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Constructor {
    /// Plain arguments, no further values.
    Flat(Arguments),
    /// `Array[type]([…])`.
    Array,
    /// `Dictionary[type, type]({…})`.
    Dictionary,
    /// `Object(class, "property": value, …)`.
    Object,
}

/// What stands between the parentheses of a constructor without values inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arguments {
    /// Exactly so many numbers.
    Numbers(usize),
    /// Any number of elements of so many numbers each.
    Elements(usize),
    /// Bytes as numbers, or as one string in base 64.
    Bytes,
    /// Any number of strings.
    Strings,
    /// One string.
    Path,
    /// A path, a `uid://`, or both.
    File,
    /// The id of an external resource.
    External,
    /// The id of a resource in this file.
    Internal,
    /// A number or nothing.
    Handle,
    /// Nothing.
    Nothing,
}

impl Constructor {
    /// The constructor of that name, if there is one.
    pub(super) fn of(name: &str) -> Option<Self> {
        use Arguments::{Bytes, Elements, External, File, Handle, Internal, Nothing, Numbers, Path, Strings};
        let arguments = match name {
            "Vector2" | "Vector2i" => Numbers(2),
            "Vector3" | "Vector3i" => Numbers(3),
            "Vector4" | "Vector4i" | "Rect2" | "Rect2i" | "Plane" | "Quaternion" | "Color" => Numbers(4),
            "Transform2D" | "AABB" => Numbers(6),
            "Basis" => Numbers(9),
            "Transform3D" => Numbers(12),
            "Projection" => Numbers(16),
            "PackedInt32Array" | "PackedInt64Array" | "PackedFloat32Array" | "PackedFloat64Array" => Elements(1),
            "PackedVector2Array" => Elements(2),
            "PackedVector3Array" => Elements(3),
            "PackedVector4Array" | "PackedColorArray" => Elements(4),
            "PackedByteArray" => Bytes,
            "PackedStringArray" => Strings,
            "NodePath" => Path,
            "Resource" => File,
            "ExtResource" => External,
            "SubResource" => Internal,
            "RID" => Handle,
            "Signal" | "Callable" => Nothing,
            "Array" => return Some(Self::Array),
            "Dictionary" => return Some(Self::Dictionary),
            "Object" => return Some(Self::Object),
            _ => return None,
        };
        Some(Self::Flat(arguments))
    }
}

/// The resources declared so far, by id. A reference must stand below the declaration, as the engine demands.
#[derive(Debug, Default)]
pub(super) struct Resources<'a> {
    pub(super) external: HashSet<Cow<'a, str>>,
    pub(super) internal: HashSet<Cow<'a, str>>,
}

/// Reads the parentheses and what they hold.
pub(super) fn read_arguments<'a>(
    lexer: &mut Lexer<'a>,
    arguments: Arguments,
    resources: &Resources<'a>,
) -> Result<(), ParseError> {
    lexer.expect(b'(', "a `(` after the constructor")?;
    match arguments {
        Arguments::Numbers(count) => read_numbers(lexer, |found| found == count),
        Arguments::Elements(width) => read_numbers(lexer, |found| found.is_multiple_of(width)),
        Arguments::Bytes if lexer.peek() == Some(b'"') => {
            let text = lexer.string()?;
            if !is_base64(&text) {
                return Err(lexer.unexpected("base 64 in the string before this"));
            }
            close(lexer)
        }
        Arguments::Bytes => read_numbers(lexer, |_| true),
        Arguments::Strings => read_list(lexer, |lexer| lexer.string().map(drop)).map(drop),
        Arguments::Path => {
            lexer.string()?;
            close(lexer)
        }
        Arguments::File => {
            lexer.string()?;
            if lexer.eat(b',') {
                lexer.string()?;
            }
            close(lexer)
        }
        Arguments::External => read_reference(lexer, "ExtResource", &resources.external),
        Arguments::Internal => read_reference(lexer, "SubResource", &resources.internal),
        Arguments::Handle => {
            if lexer.peek() != Some(b')') {
                lexer.number()?;
            }
            close(lexer)
        }
        Arguments::Nothing => close(lexer),
    }
}

fn read_numbers(lexer: &mut Lexer<'_>, fits: impl Fn(usize) -> bool) -> Result<(), ParseError> {
    let line = lexer.line();
    let count = read_list(lexer, |lexer| lexer.number().map(drop))?;
    if fits(count) {
        return Ok(());
    }
    let found = format!("{count} of them");
    Err(ParseError::Syntax { line, expected: "as many numbers as the constructor takes", found })
}

/// Reads what `read_one` reads, separated by commas, and the closing parenthesis.
fn read_list<'a>(
    lexer: &mut Lexer<'a>,
    read_one: impl Fn(&mut Lexer<'a>) -> Result<(), ParseError>,
) -> Result<usize, ParseError> {
    if lexer.eat(b')') {
        return Ok(0);
    }
    let mut count = 0;
    loop {
        read_one(lexer)?;
        count += 1;
        if !lexer.eat(b',') {
            lexer.expect(b')', "`,` or `)`")?;
            return Ok(count);
        }
    }
}

fn read_reference<'a>(lexer: &mut Lexer<'a>, kind: &'static str, declared: &HashSet<Cow<'a, str>>) -> Result<(), ParseError> {
    let id = if lexer.peek() == Some(b'"') { lexer.string()? } else { Cow::Borrowed(lexer.number()?) };
    if !declared.contains(&id) {
        return Err(ParseError::UnknownResource { line: lexer.line(), kind, id: id.into_owned() });
    }
    close(lexer)
}

fn close(lexer: &mut Lexer<'_>) -> Result<(), ParseError> {
    lexer.expect(b')', "`)`")
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}
