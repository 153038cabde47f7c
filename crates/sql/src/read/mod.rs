//! One walk over the parsed tree: names resolved, lists checked, the tree turned into what may
//! travel. Whatever the walk has no rule for is refused.

mod aggregate;
pub(crate) mod catalog;
mod correlated;
pub(crate) mod expression;
mod from;
mod instead;
mod multiplied;
mod name;
mod order;
mod outer;
mod own_type;
pub(crate) mod partition;
mod picked;
pub(crate) mod place;
pub(crate) mod registered;
pub(crate) mod scope;
pub(crate) mod select;
mod summed;
mod trace;
mod unknown;

use std::collections::{BTreeMap, BTreeSet};

use portcullis_contract::{AggregateRule, Dimension, Footprint, Method, Refusal, Shape, TableUse};

use crate::rules::{self, Denial, Rule};
use crate::{SessionNames, Surface};

/// Deepest nesting of queries and expressions that is read.
pub(crate) const MAX_DEPTH: usize = 2_000;

/// What the reading of one statement gathers.
pub(crate) struct Reader<'a> {
    pub surface: &'a Surface,
    pub session: &'a SessionNames,
    /// Least distinct subjects behind an aggregate.
    pub floor: u64,
    /// By which columns groups may be formed; `None` = by any.
    pub dimensions: Option<&'a [Dimension]>,
    /// Columns named, by index into `Surface::tables`.
    pub tables: BTreeMap<usize, BTreeSet<String>>,
    /// Catalog relations beyond the baseline.
    pub catalog: bool,
    /// Any catalog relation.
    pub catalog_any: bool,
    pub frames: Vec<Frame>,
    /// The named windows of the queries being read, as the client wrote them.
    pub windows: Vec<Vec<pg_query::protobuf::WindowDef>>,
    /// The levels of the query that form groups.
    pub groups: Vec<partition::GroupLevel>,
    /// How many answers with groups the statement gives.
    pub figures: u64,
    /// Whether the floor stands anywhere in what was read.
    pub floored: bool,
    pub next_name: usize,
    pub depth: usize,
    /// How a value that stands for an object is told where it is read.
    told: registered::Told,
    /// A rule looked at what a literal says: another text there could be read otherwise.
    pub literal_read: bool,
    /// A type that stands for objects occurs: an untyped literal beside it would be looked up.
    pub registered: bool,
    /// The first untyped literal that reads as the name of something that is not shown.
    pub unshown_literal: Option<(String, Option<usize>)>,
    /// What reading has cost beyond the statement's size; see [`crate::limits::MAX_STEPS`].
    pub steps: usize,
}

/// What one level of a query gathers while it is read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Frame {
    /// Sub-queries in expressions that show rows of the owner's tables.
    pub rows: bool,
    /// Sub-queries in expressions that show groups.
    pub groups: bool,
    /// Rows were picked by the subject, a key or their order: no floor stands on them.
    pub picked: bool,
    /// Some rows count more often than others.
    pub multiplied: bool,
}

impl<'a> Reader<'a> {
    pub fn new(surface: &'a Surface, session: &'a SessionNames, rule: &'a AggregateRule) -> Self {
        Self {
            surface,
            session,
            floor: rule.min_group.max(1),
            dimensions: rule.dimensions.as_deref(),
            tables: BTreeMap::new(),
            catalog: false,
            catalog_any: false,
            frames: Vec::new(),
            windows: Vec::new(),
            groups: Vec::new(),
            figures: 0,
            floored: false,
            next_name: 0,
            depth: 0,
            told: registered::Told::default(),
            literal_read: false,
            registered: false,
            unshown_literal: None,
            steps: 0,
        }
    }

    /// The one way to a refusal: it names its rule.
    pub fn deny(&self, rule: &'static Rule, message: impl Into<String>) -> Denial {
        Denial::new(rule, Some(&self.surface.contract), message)
    }

    /// A tree that the grammar does not make.
    pub fn odd(&self, what: &str) -> Denial {
        self.deny(&rules::ODD_TREE, format!("{what} is not passed"))
            .hint("write the statement in a simpler form")
    }

    pub fn fresh_name(&mut self, stem: &str) -> String {
        self.next_name += 1;
        format!("{OWN_PREFIX}{stem}_{}", self.next_name)
    }

    /// Counts steps that a short text can cause many of.
    pub fn spend(&mut self, steps: usize) -> Result<(), Refusal> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > crate::limits::MAX_STEPS {
            self.deny(&rules::STEPS, "the message takes too long to understand")
                .hint("name fewer tables and columns at once, or send it in parts")
                .stands()?;
        }
        Ok(())
    }

    pub fn deeper(&mut self) -> Result<(), Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            too_deep(&rules::DEPTH).stands()?;
        }
        Ok(())
    }

    /// What the reading found, for `decide`.
    pub fn footprint(&self, output: Option<&scope::Output>) -> Footprint {
        let mut methods = BTreeSet::new();
        let rows = output.is_some_and(|o| o.rows);
        let groups = output.is_some_and(|o| o.groups);
        if rows && rules::METHOD_LOOKUP.stands() {
            methods.insert(Method::Lookup);
        }
        if groups && rules::METHOD_AGGREGATE.stands() {
            methods.insert(Method::Aggregate);
        }
        if self.catalog && rules::METHOD_CATALOG.stands() {
            methods.insert(Method::Catalog);
        }
        if methods.is_empty() && !self.tables.is_empty() && rules::METHOD_TOUCH.stands() {
            methods.insert(Method::Lookup);
        }
        // What is read shows something, be it that a condition holds.
        let shape = if rows || (!groups && !self.tables.is_empty()) {
            Shape::RowLevel
        } else if groups {
            Shape::Aggregate
        } else {
            Shape::NoData
        };
        let tables: Vec<TableUse> = self
            .tables
            .iter()
            .filter_map(|(index, columns)| {
                Some(TableUse {
                    table: self.surface.tables.get(*index)?.qualified(),
                    columns: columns.clone(),
                })
            })
            .collect();
        let joins = if rules::JOIN_PAIRS.stands() {
            pairs(&tables)
        } else {
            BTreeSet::new()
        };
        Footprint {
            methods,
            shape,
            tables,
            joins,
        }
    }
}

impl Reader<'_> {
    /// A type that a statement declares.
    pub fn declared_type(&self, name: &mut pg_query::protobuf::TypeName) -> Result<(), Refusal> {
        self.inferred(name);
        self.named_type(name)
    }

    /// A type that values take without the gate between: none that looks names up.
    fn named_type(&self, name: &mut pg_query::protobuf::TypeName) -> Result<(), Refusal> {
        let at = place::offset(name.location);
        if self.type_name(name)? == crate::lists::types::TypeClass::Registered {
            self.deny(
                &rules::REGISTERED_DECLARED,
                "a type that stands for objects is not declared",
            )
            .hint("declare `oid` or `text`, and cast the value where it is shown")
            .at(at)
            .stands()?;
        }
        Ok(())
    }

    /// An expression outside any query: constants and functions of them.
    pub fn lone_expression(&mut self, value: &mut pg_query::protobuf::Node) -> Result<(), Refusal> {
        let scope = scope::Scope::default();
        let before = self.tables.len();
        self.frames.push(Frame::default());
        let read = self.expression(value, &scope, expression::Clause::Limit);
        self.frames.pop();
        read?;
        if self.tables.len() > before || self.catalog_any {
            self.deny(&rules::ARGUMENT_CONSTANT, "an argument here is a constant")
                .hint("read the value first, then send it as the argument")
                .stands()?;
        }
        Ok(())
    }
}

/// Names with this prefix are the gate's own.
pub(crate) const OWN_PREFIX: &str = "portcullis_";

pub(crate) fn too_deep(rule: &'static Rule) -> Denial {
    Denial::new(rule, None, "the statement is nested too deeply").hint("split it into smaller statements, or use `= ANY($1)` in place of a long chain of conditions")
}

fn pairs(tables: &[TableUse]) -> BTreeSet<(String, String)> {
    let mut pairs = BTreeSet::new();
    for (at, left) in tables.iter().enumerate() {
        for right in tables.iter().skip(at + 1) {
            let (a, b) = if left.table <= right.table {
                (left, right)
            } else {
                (right, left)
            };
            pairs.insert((a.table.clone(), b.table.clone()));
        }
    }
    pairs
}
