//! The sections of a scene file, from the first heading to the last property.

use std::borrow::Cow;

use super::Scene;
use super::constructor::Resources;
use super::error::ParseError;
use super::lexer::Lexer;
use super::tree::{Heading, Tree};
use super::value::{Value, read_value};

/// The `format` numbers of Godot 4. It writes 3, and 4 since version 4.3 when a value needs base 64 or vectors of four.
const FORMATS: [&str; 2] = ["3", "4"];

/// Kinds of sections in the order in which they must stand. Nodes, connections and editable paths may mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    External,
    Internal,
    Nodes,
}

/// A heading `[name field=value …]`.
#[derive(Debug)]
struct Section<'a> {
    line: usize,
    name: &'a str,
    fields: Vec<(&'a str, Value<'a>)>,
}

/// Reads one file.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    lexer: Lexer<'a>,
    resources: Resources<'a>,
    tree: Tree<'a>,
    connections: usize,
    stage: Stage,
    /// Whether properties may follow: only resources of this file and nodes have any.
    takes_properties: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            lexer: Lexer::new(text),
            resources: Resources::default(),
            tree: Tree::default(),
            connections: 0,
            stage: Stage::External,
            takes_properties: false,
        }
    }

    /// Reads the file to its end.
    pub(super) fn read(mut self) -> Result<Scene, ParseError> {
        self.read_header()?;
        while let Some(next) = self.lexer.peek() {
            self.lexer.begin_item();
            if next == b'[' {
                let section = self.read_heading()?;
                self.enter(section)?;
            } else {
                self.read_property()?;
            }
            self.lexer.expect_line_end()?;
        }
        self.into_scene()
    }

    /// Reads the first section, which says what the file is.
    fn read_header(&mut self) -> Result<(), ParseError> {
        let foreign = |line, found: &str| Err(ParseError::NotAScene { line, found: found.to_owned() });
        match self.lexer.peek() {
            Some(b'[') => {}
            Some(_) => return foreign(self.lexer.line(), "no heading at all"),
            None => return foreign(self.lexer.line(), "an empty file"),
        }
        self.lexer.begin_item();
        let header = self.read_heading()?;
        if header.name != "gd_scene" {
            return foreign(header.line, &format!("[{}]", header.name));
        }
        match header.field("format") {
            Some(Value::Number(format)) if FORMATS.contains(format) => self.lexer.expect_line_end(),
            Some(Value::Number(format)) => foreign(header.line, &format!("format={format}")),
            _ => foreign(header.line, "no format"),
        }
    }

    fn read_heading(&mut self) -> Result<Section<'a>, ParseError> {
        self.lexer.expect(b'[', "`[`")?;
        let line = self.lexer.line();
        let name = self.lexer.identifier();
        if name.is_empty() {
            return Err(self.lexer.unexpected("the name of a section"));
        }
        let mut fields = Vec::new();
        while !self.lexer.eat(b']') {
            let field = self.lexer.identifier();
            if field.is_empty() {
                return Err(self.lexer.unexpected("a field or `]`"));
            }
            self.lexer.expect(b'=', "`=` after the field")?;
            fields.push((field, read_value(&mut self.lexer, &self.resources)?));
        }
        Ok(Section { line, name, fields })
    }

    fn read_property(&mut self) -> Result<(), ParseError> {
        if !self.takes_properties {
            return Err(self.lexer.unexpected("a [section]"));
        }
        self.lexer.property_name()?;
        self.lexer.expect(b'=', "`=` after the property")?;
        read_value(&mut self.lexer, &self.resources).map(drop)
    }

    /// Takes in a section by its heading.
    fn enter(&mut self, section: Section<'a>) -> Result<(), ParseError> {
        let stage = match section.name {
            "ext_resource" => Stage::External,
            "sub_resource" => Stage::Internal,
            "node" | "connection" | "editable" => Stage::Nodes,
            _ => return Err(section.misplaced()),
        };
        if stage < self.stage {
            return Err(section.misplaced());
        }
        self.stage = stage;
        self.takes_properties = matches!(section.name, "sub_resource" | "node");
        match section.name {
            "ext_resource" => {
                section.text("ext_resource", "type")?;
                section.text("ext_resource", "path")?;
                let id = section.id("ext_resource")?;
                if !self.resources.external.insert(id.clone()) {
                    return Err(section.duplicate("ExtResource", id));
                }
            }
            "sub_resource" => {
                section.text("sub_resource", "type")?;
                let id = section.id("sub_resource")?;
                if !self.resources.internal.insert(id.clone()) {
                    return Err(section.duplicate("SubResource", id));
                }
            }
            "node" => self.tree.insert(section.node()?)?,
            "connection" => {
                for field in ["signal", "from", "to", "method"] {
                    section.text("connection", field)?;
                }
                self.connections += 1;
            }
            _ => {
                section.text("editable", "path")?;
            }
        }
        Ok(())
    }

    fn into_scene(self) -> Result<Scene, ParseError> {
        let Some((root_name, root_type)) = self.tree.root() else {
            return Err(ParseError::NoRoot { line: self.lexer.line() });
        };
        Ok(Scene {
            root_name,
            root_type,
            node_count: self.tree.len(),
            tree_depth: self.tree.depth(),
            nodes_by_type: self.tree.into_types(),
            ext_resource_count: self.resources.external.len(),
            sub_resource_count: self.resources.internal.len(),
            connection_count: self.connections,
        })
    }
}

impl<'a> Section<'a> {
    /// The field of that name. The engine lets the last one win when there are several.
    fn field(&self, name: &str) -> Option<&Value<'a>> {
        self.fields.iter().rev().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    /// A field that must be there and must be a string.
    fn text(&self, section: &'static str, field: &'static str) -> Result<Cow<'a, str>, ParseError> {
        match self.field(field) {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(ParseError::MissingField { line: self.line, section, field }),
        }
    }

    /// A string that may be missing, but may be nothing else.
    fn optional_text(&self, section: &'static str, field: &'static str) -> Result<Option<Cow<'a, str>>, ParseError> {
        self.field(field).map(|_| self.text(section, field)).transpose()
    }

    /// The id of a resource: a string, or a number in files that came from Godot 3.
    fn id(&self, section: &'static str) -> Result<Cow<'a, str>, ParseError> {
        match self.field("id") {
            Some(Value::Number(id)) => Ok(Cow::Borrowed(id)),
            _ => self.text(section, "id"),
        }
    }

    fn node(&self) -> Result<Heading<'a>, ParseError> {
        let placeholder = self.optional_text("node", "instance_placeholder")?;
        let instance = match self.field("instance") {
            Some(Value::External) => true,
            Some(_) => {
                return Err(ParseError::MissingField { line: self.line, section: "node", field: "instance" });
            }
            None => placeholder.is_some(),
        };
        Ok(Heading {
            line: self.line,
            name: self.text("node", "name")?,
            class: self.optional_text("node", "type")?,
            parent: self.optional_text("node", "parent")?,
            instance,
        })
    }

    fn misplaced(&self) -> ParseError {
        ParseError::MisplacedSection { line: self.line, section: self.name.to_owned() }
    }

    fn duplicate(&self, kind: &'static str, id: Cow<'a, str>) -> ParseError {
        ParseError::DuplicateResource { line: self.line, kind, id: id.into_owned() }
    }
}
