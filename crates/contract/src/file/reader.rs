//! Reading a TOML tree piece by piece: each getter answers a value or leaves a diagnostic.

use std::ops::Range;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::suggest::nearest;
use super::{Diagnostic, Place, Places, SourceFile};

/// A value, where it stands and by which path.
#[derive(Clone)]
pub(super) struct Node<'t> {
    pub value: Value<'t>,
    pub span: Range<usize>,
    /// The key it stands under; for a missing key points here.
    pub key_span: Range<usize>,
    pub path: Vec<String>,
}

#[derive(Clone, Copy)]
pub(super) enum Value<'t> {
    Table(&'t DeTable<'t>),
    Array(&'t DeArray<'t>),
    Other(&'t DeValue<'t>),
}

impl<'t> Node<'t> {
    pub fn root(tree: &'t Spanned<DeTable<'t>>) -> Self {
        Self {
            value: Value::Table(tree.get_ref()),
            span: tree.span(),
            key_span: 0..0,
            path: Vec::new(),
        }
    }

    fn child(&self, name: &str, key_span: Range<usize>, value: &'t Spanned<DeValue<'t>>) -> Self {
        let mut path = self.path.clone();
        path.push(name.to_owned());
        let span = value.span();
        let value = match value.get_ref() {
            DeValue::Table(table) => Value::Table(table),
            DeValue::Array(array) => Value::Array(array),
            other => Value::Other(other),
        };
        Self {
            value,
            span,
            key_span,
            path,
        }
    }

    /// What stands under a key of this table.
    pub fn key(&self, key: &str) -> Option<Self> {
        let Value::Table(table) = self.value else {
            return None;
        };
        let (name, value) = table
            .iter()
            .find(|(name, _)| name.get_ref().as_ref() == key)?;
        Some(self.child(key, name.span(), value))
    }

    pub fn is_empty(&self) -> bool {
        match self.value {
            Value::Table(table) => table.is_empty(),
            Value::Array(array) => array.is_empty(),
            Value::Other(_) => false,
        }
    }

    pub fn text(&self) -> Option<&'t str> {
        match self.value {
            Value::Other(DeValue::String(text)) => Some(text.as_ref()),
            _ => None,
        }
    }

    /// Whether a list holds a text.
    pub fn holds(&self, wanted: &str) -> bool {
        matches!(self.value, Value::Array(array) if array.iter().any(|item| item.get_ref().as_str() == Some(wanted)))
    }

    fn name(&self) -> &str {
        self.path
            .iter()
            .rev()
            .find(|part| part.parse::<usize>().is_err())
            .map_or("", String::as_str)
    }

    fn found(&self) -> &'static str {
        match self.value {
            Value::Table(_) => "a table",
            Value::Array(_) => "a list",
            Value::Other(DeValue::String(_)) => "text",
            Value::Other(DeValue::Integer(_)) => "a whole number",
            Value::Other(DeValue::Float(_)) => "a fraction",
            Value::Other(DeValue::Boolean(_)) => "true or false",
            Value::Other(DeValue::Datetime(_)) => "a date or time",
            Value::Other(_) => "something else",
        }
    }
}

/// A table whose keys are known.
pub(super) struct Fields<'t> {
    node: Node<'t>,
    table: &'t DeTable<'t>,
    /// Keys that a misspelled one was taken for: not missing, then.
    meant: Vec<String>,
}

impl<'t> Fields<'t> {
    /// Whether the key stands there, if only misspelled.
    pub fn means(&self, key: &str) -> bool {
        self.meant.iter().any(|meant| meant == key)
    }

    pub fn get(&self, key: &str) -> Option<Node<'t>> {
        let (name, value) = self
            .table
            .iter()
            .find(|(name, _)| name.get_ref().as_ref() == key)?;
        Some(self.node.child(key, name.span(), value))
    }

    pub fn node(&self) -> &Node<'t> {
        &self.node
    }
}

pub(super) struct Reader<'r> {
    file: &'r SourceFile,
    places: &'r mut Places,
    mistakes: &'r mut Vec<Diagnostic>,
}

impl<'r> Reader<'r> {
    pub fn new(
        file: &'r SourceFile,
        places: &'r mut Places,
        mistakes: &'r mut Vec<Diagnostic>,
    ) -> Self {
        Self {
            file,
            places,
            mistakes,
        }
    }

    pub fn file(&self) -> &SourceFile {
        self.file
    }

    pub fn mistake(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.mistakes.push(
            Diagnostic::new(&self.file.name, span, message)
                .label(label)
                .help(help),
        );
    }

    fn record(&mut self, node: &Node<'_>) {
        let span = match node.value {
            Value::Table(_) if !node.key_span.is_empty() => node.key_span.clone(),
            _ => node.span.clone(),
        };
        self.places.by_path.insert(
            node.path.clone(),
            Place {
                file: self.file.name.clone(),
                span,
            },
        );
    }

    fn wrong_type(&mut self, node: &Node<'_>, expected: &str) {
        let name = node.name().to_owned();
        self.mistake(
            node.span.clone(),
            format!("wrong type for `{name}`"),
            format!("expected {expected}, found {}", node.found()),
            format!("write {expected}"),
        );
    }

    /// A table with these keys and no others.
    pub fn table<'t>(&mut self, node: &Node<'t>, keys: &[&str], what: &str) -> Option<Fields<'t>> {
        let expected = if keys.is_empty() {
            "an empty table, {}".to_owned()
        } else {
            format!("a table ({})", some_of(keys))
        };
        let table = self.any_table(node, &expected)?;
        let mut meant = Vec::new();
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if keys.contains(&name) {
                continue;
            }
            let near = nearest(name, keys.iter().copied());
            meant.extend(near.map(str::to_owned));
            self.mistake(
                key.span(),
                format!("unknown key `{name}`"),
                format!("{what} has no such key"),
                unknown_key_help(name, near, keys),
            );
        }
        Some(Fields {
            node: node.clone(),
            table,
            meant,
        })
    }

    fn any_table<'t>(&mut self, node: &Node<'t>, expected: &str) -> Option<&'t DeTable<'t>> {
        self.record(node);
        match node.value {
            Value::Table(table) => Some(table),
            _ => {
                self.wrong_type(node, expected);
                None
            }
        }
    }

    /// The entries of a table whose keys are names of the owner's choice, in file order.
    pub fn entries<'t>(&mut self, node: Option<&Node<'t>>, kind: &str) -> Vec<(String, Node<'t>)> {
        let Some(node) = node else { return Vec::new() };
        let expected = format!("a table of each {kind}");
        let Some(table) = self.any_table(node, &expected) else {
            return Vec::new();
        };
        let mut entries: Vec<_> = table
            .iter()
            .map(|(key, value)| {
                (
                    key.get_ref().to_string(),
                    node.child(key.get_ref().as_ref(), key.span(), value),
                )
            })
            .collect();
        entries.sort_by_key(|(_, entry)| entry.key_span.start);
        entries
    }

    fn missing(&mut self, fields: &Fields<'_>, key: &str, expected: &str) {
        if fields.means(key) {
            return;
        }
        let place = fields.node().key_span.clone();
        let place = if place.is_empty() {
            fields.node().span.clone()
        } else {
            place
        };
        self.mistake(
            place,
            format!("`{key}` is missing"),
            format!("expected `{key}` in here"),
            format!("add: {expected}"),
        );
    }

    /// The value of a key that must be there; `example` is how one writes it.
    pub fn require<'t>(
        &mut self,
        fields: &Fields<'t>,
        key: &str,
        example: &str,
    ) -> Option<Node<'t>> {
        let node = fields.get(key);
        if node.is_none() {
            self.missing(fields, key, example);
        }
        node
    }

    pub fn string(&mut self, node: &Node<'_>) -> Option<String> {
        self.string_as(node, "text in quotes")
    }

    /// Text, where a wrong type is answered with what kind of text is meant.
    pub fn string_as(&mut self, node: &Node<'_>, expected: &str) -> Option<String> {
        self.record(node);
        if let Value::Other(DeValue::String(text)) = node.value {
            return Some(text.to_string());
        }
        self.wrong_type(node, expected);
        None
    }

    /// Text that says something.
    pub fn words(&mut self, node: &Node<'_>) -> Option<String> {
        let text = self.string(node)?;
        if text.trim().is_empty() {
            let name = node.name().to_owned();
            self.mistake(
                node.span.clone(),
                format!("`{name}` is empty"),
                "expected words",
                "say in a few words what it is",
            );
            return None;
        }
        Some(text)
    }

    pub fn integer(&mut self, node: &Node<'_>, least: u64, expected: &str) -> Option<u64> {
        self.record(node);
        let Value::Other(DeValue::Integer(integer)) = node.value else {
            self.wrong_type(node, expected);
            return None;
        };
        let parsed = i64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .and_then(|number| u64::try_from(number).ok());
        match parsed.filter(|number| *number >= least) {
            Some(number) => Some(number),
            None => {
                let name = node.name().to_owned();
                self.mistake(
                    node.span.clone(),
                    format!("`{name}` is out of range"),
                    format!("expected {expected}, found {integer}"),
                    format!("the least is {least}, the most {}", i64::MAX),
                );
                None
            }
        }
    }

    pub fn boolean(&mut self, node: &Node<'_>) -> Option<bool> {
        self.record(node);
        if let Value::Other(DeValue::Boolean(value)) = node.value {
            return Some(*value);
        }
        self.wrong_type(node, "true or false");
        None
    }

    pub fn date(&mut self, node: &Node<'_>) -> Option<Date> {
        self.record(node);
        let expected = "a date such as 2026-01-31, without quotes";
        let Value::Other(DeValue::Datetime(datetime)) = node.value else {
            self.wrong_type(node, expected);
            return None;
        };
        let date = match (datetime.date, datetime.time) {
            (Some(date), None) => civil(date.year, date.month, date.day),
            _ => None,
        };
        if date.is_none() {
            let name = node.name().to_owned();
            self.mistake(
                node.span.clone(),
                format!("`{name}` is not a date"),
                format!("expected {expected}"),
                "days are whole: no time, no zone",
            );
        }
        date
    }

    /// A list's items.
    pub fn items<'t>(&mut self, node: &Node<'t>, expected: &str) -> Option<Vec<Node<'t>>> {
        self.record(node);
        let Value::Array(array) = node.value else {
            self.wrong_type(node, expected);
            return None;
        };
        Some(
            array
                .iter()
                .enumerate()
                .map(|(index, item)| node.child(&index.to_string(), item.span(), item))
                .collect(),
        )
    }

    /// A list of texts, each with its node.
    pub fn strings<'t>(
        &mut self,
        node: &Node<'t>,
        expected: &str,
    ) -> Option<Vec<(String, Node<'t>)>> {
        let items = self.items(node, expected)?;
        Some(
            items
                .into_iter()
                .filter_map(|item| Some((self.string(&item)?, item)))
                .collect(),
        )
    }

    /// One of a few words.
    pub fn choice<'c, T: Copy>(
        &mut self,
        node: &Node<'_>,
        choices: &'c [(&'c str, T)],
    ) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let text = self.string_as(node, &format!("one of {}", some_of(&names)))?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let key = node.name().to_owned();
        let help = nearest(&text, names.iter().copied()).map_or_else(
            || format!("write one of {}", some_of(&names)),
            |known| format!("did you mean `{known}`?"),
        );
        self.mistake(
            node.span.clone(),
            format!("`{text}` is not known as `{key}`"),
            format!("expected one of {}", some_of(&names)),
            help,
        );
        None
    }

    /// One of the names that are declared somewhere.
    pub fn reference<'k>(
        &mut self,
        node: &Node<'_>,
        kind: &str,
        known: impl IntoIterator<Item = &'k String>,
    ) -> Option<String> {
        let id = self.string(node)?;
        let known: Vec<&str> = known.into_iter().map(String::as_str).collect();
        if known.contains(&id.as_str()) {
            return Some(id);
        }
        let help = nearest(&id, known.iter().copied()).map_or_else(
            || format!("register it in the same `apply`: [{kind}.{id}]"),
            |near| format!("did you mean `{near}`?"),
        );
        self.mistake(
            node.span.clone(),
            format!("unknown {kind} `{id}`"),
            format!("no {kind} of this name is registered or in these files"),
            help,
        );
        None
    }
}

fn unknown_key_help(name: &str, near: Option<&str>, keys: &[&str]) -> String {
    if name == "password" && keys.contains(&"password_file") {
        return "never write a password here; name a file with `password_file` or a variable with `password_env`".to_owned();
    }
    match near {
        Some(known) => format!("did you mean `{known}`?"),
        None if keys.is_empty() => "it takes no keys: write {}".to_owned(),
        None => format!("known keys: {}", some_of(keys)),
    }
}

fn civil(year: u16, month: u8, day: u8) -> Option<Date> {
    Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    )
    .ok()
}

/// Names in backticks.
pub(super) fn some_of(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
