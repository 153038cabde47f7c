//! The TOML files that `apply` takes: text in, a [`Document`] or all mistakes at once out.
//!
//! Every key is known, every reference resolves and every term that the law profile asks for is
//! there, or nothing is taken. Start at [`parse`].

mod contract;
mod diagnostic;
mod party;
mod reader;
mod redact;
mod resource;
mod scope;
pub(crate) mod suggest;
mod terms;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::de::DeTable;

pub use diagnostic::{Diagnostic, DiagnosticJson, render, to_json};
pub use value::{parse_mask, parse_table_name, write_mask};

use crate::model::{Contract, Person, Resource, Vendor};
use reader::{Node, Reader};

pub(crate) const TOP_KEYS: &[&str] = &["vendor", "person", "resource", "contract"];
pub(crate) use contract::METHOD_KEYS;
// The schema and the law profiles are compared with these.
#[cfg(test)]
pub(crate) use {
    contract::{ACCESS_KEYS, CONTRACT_KEYS},
    party::{PERSON_KEYS, VENDOR_KEYS, VETTING_KEYS},
    resource::RESOURCE_KEYS,
    scope::SCOPE_KEYS,
};

/// One applied file. `name` is its path as the client gave it, absolute where files beside it are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    pub name: String,
    pub text: String,
}

/// A file beyond this is refused unread; a contract is a page or ten, not megabytes.
pub const FILE_BYTES_MAX: usize = 1 << 20;

/// What is registered already, so that a file may refer to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub vendors: BTreeSet<String>,
    pub persons: BTreeSet<String>,
    pub resources: BTreeSet<String>,
    pub contracts: BTreeSet<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub known: Known,
}

/// What the files say, in types, and where each piece stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    pub vendors: Vec<Vendor>,
    pub persons: Vec<Person>,
    pub resources: Vec<Resource>,
    pub contracts: Vec<Contract>,
    pub places: Places,
}

/// Where a piece of a file stands: byte ranges into the file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    pub span: Range<usize>,
}

/// Places by path; keys by name, list items by number: `["contract", ID, "scope", "0", "columns", "2"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    by_path: BTreeMap<Vec<String>, Place>,
}

impl Places {
    /// The place of the path, or of the nearest piece around it.
    pub fn locate(&self, path: &[&str]) -> Option<&Place> {
        (1..=path.len()).rev().find_map(|length| {
            let prefix: Vec<String> = path
                .iter()
                .take(length)
                .map(|part| (*part).to_owned())
                .collect();
            self.by_path.get(&prefix)
        })
    }

    /// A diagnostic that points at the path; for checks that need more than the files (the live catalog).
    pub fn diagnostic(
        &self,
        path: &[&str],
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        let (file, span) = self.locate(path).map_or_else(Default::default, |place| {
            (place.file.clone(), place.span.clone())
        });
        Diagnostic::new(&file, span, message)
            .label(label)
            .help(help)
    }
}

/// Reads the files of one `apply`: all of it, or every mistake that one run can find.
pub fn parse(files: &[SourceFile], options: &Options) -> Result<Document, Vec<Diagnostic>> {
    let mut document = Document::default();
    let mut mistakes = Vec::new();
    let trees: Vec<_> = files
        .iter()
        .filter_map(|file| Some((file, read_toml(file, &mut mistakes)?)))
        .collect();
    // After a syntax error half of a file is missing, and what refers to it would be blamed wrongly.
    if !mistakes.is_empty() {
        return Err(sorted(mistakes, files));
    }
    let names = DeclaredNames::collect(&trees, options);
    for (file, tree) in &trees {
        let Document {
            vendors,
            persons,
            resources,
            contracts,
            places,
        } = &mut document;
        let mut parts = Parts {
            vendors,
            persons,
            resources,
            contracts,
        };
        let mut reader = Reader::new(file, places, &mut mistakes);
        let root = Node::root(tree);
        read_file(&mut reader, &root, &names, &mut parts);
    }
    reject_duplicates(&trees, &mut mistakes);
    if mistakes.is_empty() {
        Ok(document)
    } else {
        Err(sorted(mistakes, files))
    }
}

type Tree<'t> = toml::Spanned<DeTable<'t>>;

struct Parts<'d> {
    vendors: &'d mut Vec<Vendor>,
    persons: &'d mut Vec<Person>,
    resources: &'d mut Vec<Resource>,
    contracts: &'d mut Vec<Contract>,
}

fn read_toml<'t>(file: &'t SourceFile, mistakes: &mut Vec<Diagnostic>) -> Option<Tree<'t>> {
    if file.text.len() > FILE_BYTES_MAX {
        mistakes.push(
            Diagnostic::new(
                &file.name,
                0..0,
                format!("the file is larger than {FILE_BYTES_MAX} bytes"),
            )
            .label("nothing of it was read")
            .help("split it into several files"),
        );
        return None;
    }
    let (tree, errors) = DeTable::parse_recoverable(&file.text);
    let clean = errors.is_empty();
    mistakes.extend(errors.iter().map(|error| {
        Diagnostic::new(
            &file.name,
            error.span().unwrap_or(0..0),
            format!("not valid TOML: {}", error.message().trim_end_matches('.')),
        )
        .label("here")
        .help("the files that `apply` takes are TOML; see docs/formats/contract.md for a sample")
    }));
    clean.then_some(tree)
}

/// Every id that a reference may name: this document's and those registered.
pub(crate) struct DeclaredNames {
    pub vendors: BTreeSet<String>,
    pub resources: BTreeSet<String>,
}

impl DeclaredNames {
    fn collect(trees: &[(&SourceFile, Tree<'_>)], options: &Options) -> Self {
        let mut names = Self {
            vendors: options.known.vendors.clone(),
            resources: options.known.resources.clone(),
        };
        for (_, tree) in trees {
            names
                .vendors
                .extend(ids_of(tree.get_ref(), "vendor").map(|(id, _)| id));
            names
                .resources
                .extend(ids_of(tree.get_ref(), "resource").map(|(id, _)| id));
        }
        names
    }
}

fn ids_of<'t>(
    root: &'t DeTable<'_>,
    kind: &str,
) -> impl Iterator<Item = (String, Range<usize>)> + use<'t> {
    let table = root
        .iter()
        .find(|(key, _)| key.get_ref().as_ref() == kind)
        .and_then(|(_, value)| value.get_ref().as_table());
    table
        .into_iter()
        .flatten()
        .map(|(key, _)| (key.get_ref().to_string(), key.span()))
}

/// The same id twice in one file is TOML's error; in two files it is ours.
fn reject_duplicates(trees: &[(&SourceFile, Tree<'_>)], mistakes: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<(&str, String), &str> = BTreeMap::new();
    for (file, tree) in trees {
        for kind in TOP_KEYS {
            for (id, span) in ids_of(tree.get_ref(), kind) {
                if let Some(other) = first.get(&(*kind, id.clone())) {
                    mistakes.push(
                        Diagnostic::new(
                            &file.name,
                            span,
                            format!("{kind} `{id}` is registered twice"),
                        )
                        .label(format!("registered in `{other}` already"))
                        .help("keep one of the two"),
                    );
                } else {
                    first.insert((kind, id), &file.name);
                }
            }
        }
    }
}

fn read_file(
    reader: &mut Reader<'_>,
    root: &Node<'_>,
    names: &DeclaredNames,
    parts: &mut Parts<'_>,
) {
    let Some(fields) = reader.table(root, TOP_KEYS, "a file") else {
        return;
    };
    for (id, node) in reader.entries(fields.get("vendor").as_ref(), "vendor") {
        parts.vendors.extend(party::read_vendor(reader, &id, &node));
    }
    for (id, node) in reader.entries(fields.get("person").as_ref(), "person") {
        parts
            .persons
            .extend(party::read_person(reader, &id, &node, names));
    }
    for (id, node) in reader.entries(fields.get("resource").as_ref(), "resource") {
        parts
            .resources
            .extend(resource::read_resource(reader, &id, &node));
    }
    for (id, node) in reader.entries(fields.get("contract").as_ref(), "contract") {
        parts
            .contracts
            .extend(contract::read_contract(reader, &id, &node, names));
    }
}

/// In the order in which a person reads the files.
fn sorted(mut mistakes: Vec<Diagnostic>, files: &[SourceFile]) -> Vec<Diagnostic> {
    let position = |name: &str| files.iter().position(|file| file.name == name);
    mistakes.sort_by_cached_key(|mistake| {
        (
            position(&mistake.file),
            mistake.span.start,
            mistake.span.end,
            mistake.message.clone(),
        )
    });
    mistakes.dedup();
    mistakes
}
