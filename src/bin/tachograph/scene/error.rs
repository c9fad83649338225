//! What can be wrong with a scene file, told with the line where it shows.

use std::fmt;

/// Why a scene file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum ParseError {
    /// The file ends inside a heading or a value. It was cut short: copy or save it again.
    Truncated {
        /// Last line of the file.
        line: usize,
        /// Line on which the unfinished heading or property begins.
        since: usize,
    },
    /// The text does not follow the grammar. Mend the line, or save the scene from the editor.
    Syntax {
        /// Line of the offending text.
        line: usize,
        /// What the grammar asks for there.
        expected: &'static str,
        /// The offending text, or its beginning.
        found: String,
    },
    /// Values are nested deeper than any editor writes. Flatten the arrays and dictionaries.
    TooDeep {
        /// Line of the value that is one level too deep.
        line: usize,
        /// The number of levels that are read.
        limit: usize,
    },
    /// The file is no scene of Godot 4. Open it in Godot 4 and save it as `.tscn`.
    NotAScene {
        /// Line of the first section.
        line: usize,
        /// What stands there in place of a `gd_scene` heading of a known format.
        found: String,
    },
    /// A section is unknown, or stands after a section that must follow it.
    MisplacedSection {
        /// Line of the section's heading.
        line: usize,
        /// Name of the section.
        section: String,
    },
    /// A heading lacks a field that its section needs, or has it with a value of the wrong kind.
    MissingField {
        /// Line of the heading.
        line: usize,
        /// Name of the section.
        section: &'static str,
        /// Name of the field.
        field: &'static str,
    },
    /// Two resources of one kind share an id. Give one of them a new id.
    DuplicateResource {
        /// Line of the second heading.
        line: usize,
        /// `ExtResource` or `SubResource`.
        kind: &'static str,
        /// The id that is taken.
        id: String,
    },
    /// A value names a resource that no section above it declares.
    UnknownResource {
        /// Line of the reference.
        line: usize,
        /// `ExtResource` or `SubResource`.
        kind: &'static str,
        /// The id that nothing has.
        id: String,
    },
    /// A node cannot stand where its heading puts it.
    BadNode {
        /// Line of the node's heading.
        line: usize,
        /// Name of the node.
        name: String,
        /// What is wrong with it.
        problem: NodeProblem,
    },
    /// The file has no node at all. A scene needs at least its root.
    NoRoot {
        /// Last line of the file.
        line: usize,
    },
}

/// What is wrong with one node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum NodeProblem {
    /// The name is empty or has a character that node paths reserve.
    Name,
    /// A node without parent comes after the root.
    SecondRoot,
    /// The first node names a parent.
    ParentBeforeRoot,
    /// The parent's path leads nowhere.
    UnknownParent(String),
    /// The node's parent has a child of that name already.
    SameName(usize),
    /// The node has neither a type nor an instance, and does not lie inside an instanced scene.
    NoType,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { line, since } => {
                write!(f, "line {line}: the file ends inside what begins on line {since}, it is cut short")
            }
            Self::Syntax { line, expected, found } => write!(f, "line {line}: expected {expected}, found {found}"),
            Self::TooDeep { line, limit } => {
                write!(f, "line {line}: values are nested more than {limit} levels deep")
            }
            Self::NotAScene { line, found } => {
                write!(f, "line {line}: expected a heading [gd_scene format=3] as Godot 4 writes it, found {found}")
            }
            Self::MisplacedSection { line, section } => {
                write!(f, "line {line}: a section [{section}] is unknown or must stand further up")
            }
            Self::MissingField { line, section, field } => {
                write!(f, "line {line}: the heading [{section}] needs a field {field}")
            }
            Self::DuplicateResource { line, kind, id } => {
                write!(f, "line {line}: {kind}({id:?}) is declared a second time")
            }
            Self::UnknownResource { line, kind, id } => {
                write!(f, "line {line}: {kind}({id:?}) is not declared above")
            }
            Self::BadNode { line, name, problem } => write!(f, "line {line}: node {name:?} {problem}"),
            Self::NoRoot { line } => write!(f, "line {line}: the file ends without a node, a scene needs a root"),
        }
    }
}

impl fmt::Display for NodeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("needs a name without any of . : @ / \" %"),
            Self::SecondRoot => f.write_str("has no parent, but the scene has its root already"),
            Self::ParentBeforeRoot => f.write_str("names a parent, but the first node must be the root"),
            Self::UnknownParent(path) => {
                write!(f, "has the parent {path:?}, which does not exist above it")
            }
            Self::SameName(first) => write!(f, "has the name of its sibling on line {first}"),
            Self::NoType => f.write_str("needs a type or an instance"),
        }
    }
}

impl std::error::Error for ParseError {}
