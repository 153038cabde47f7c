//! Which names stand for what, at one level of a query.

use pg_query::protobuf::Node;

use super::registered::RegisteredColumn;
use crate::node::{coalesce, column};

/// A column of a FROM item, as the client sees it.
#[derive(Clone, Debug)]
pub(crate) struct ItemColumn {
    pub name: String,
    /// The name in the cleared text, where several columns of a derived table share one.
    pub emitted: Option<String>,
    /// The item's tap whose subject this column holds in the clear.
    pub subject_of: Option<usize>,
    /// A plain value of a row (or simple arithmetic on one): what may be summed under a floor.
    pub simple: bool,
    /// What such a value of a derived table is made of.
    pub measure: super::summed::Measure,
    /// Whether it tells single subjects, or rows about them, apart.
    pub keyed: Keyed,
    /// Of a type that has no order: no ORDER BY can tell its values apart.
    pub unordered: bool,
    /// Whether its values stand for objects.
    pub registered: Option<RegisteredColumn>,
}

/// What a column says about single rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keyed {
    #[default]
    No,
    /// A subject or a unique key of a table with one, as it stands.
    Plain,
    /// Made of one, or of a row's place among others.
    Made,
}

impl ItemColumn {
    /// A column that is neither a plain value nor a subject.
    pub fn named(name: String) -> Self {
        Self {
            name,
            emitted: None,
            subject_of: None,
            simple: false,
            measure: super::summed::Measure::default(),
            keyed: Keyed::No,
            unordered: false,
            registered: None,
        }
    }
}

/// Where a FROM item tells whom its row is about.
#[derive(Clone, Debug)]
pub(crate) struct ItemTap {
    /// Index into `Surface::tables`.
    pub table: usize,
    pub kind: String,
    /// Gives the tap's text from the item (encoded as [`crate::Tap`] says).
    pub encoded: TapSource,
}

#[derive(Clone, Debug)]
pub(crate) enum TapSource {
    /// The item is a scoped table's view.
    Table,
    /// The item is a derived table that carries the tap in this column.
    Column(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ItemKind {
    /// Index into `Surface::tables`.
    Table(usize),
    /// Qualified name of what the look-alike stands for.
    Catalog(String),
    Derived,
    Function,
}

/// One entry of FROM.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// The name by which the statement qualifies it.
    pub name: String,
    /// Whether `schema.table.column` may name it: no alias hides the table's own name.
    pub schema: Option<String>,
    pub kind: ItemKind,
    pub columns: Vec<ItemColumn>,
    pub taps: Vec<ItemTap>,
    /// Tap t is about the same subject as tap u (or about none), for (t, u) of this item.
    pub follows: Vec<(usize, usize)>,
    /// Rows of the owner's tables.
    pub rows: bool,
}

/// What an unqualified column name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// (item, column) of this level.
    Column(usize, usize),
    /// The merged column of a full join.
    Either(Box<Source>, Box<Source>),
}

#[derive(Clone, Debug)]
pub(crate) struct Visible {
    pub name: String,
    pub source: Source,
}

/// The names visible at a point of a FROM clause: items by qualifier, columns without one in `*` order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub items: Vec<usize>,
    pub columns: Vec<Visible>,
}

impl Names {
    pub fn join(mut self, right: Self) -> Self {
        self.items.extend(right.items);
        self.columns.extend(right.columns);
        self
    }
}

/// A tap of an item at some level: a node of the graph of "is about the same subject as".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TapId {
    pub level: usize,
    pub item: usize,
    pub tap: usize,
}

/// The result of a query, as an enclosing query sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    pub columns: Vec<ItemColumn>,
    pub taps: Vec<OutputTap>,
    /// (t, u): tap t is about the same subject as tap u.
    pub follows: Vec<(usize, usize)>,
    pub rows: bool,
    pub groups: bool,
    /// The query has an ORDER BY.
    pub ordered: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct OutputTap {
    pub table: usize,
    pub kind: String,
    /// Name of the column that carries it, if taps were asked for.
    pub column: String,
    /// The enclosing query's taps whose subject this one shares.
    pub outer: Vec<TapId>,
}

#[derive(Clone, Debug)]
pub(crate) struct Cte {
    pub name: String,
    pub output: Output,
}

/// One level of a query.
#[derive(Default)]
pub(crate) struct Scope<'p> {
    pub parent: Option<&'p Scope<'p>>,
    pub level: usize,
    pub items: Vec<Item>,
    pub names: Names,
    pub ctes: Vec<Cte>,
    /// (t, u): wherever t's row is present, it is about the same subject as u's.
    pub follows: Vec<(TapId, TapId)>,
    /// Outer joins whose missing rows could tell of somebody.
    pub telling: Vec<super::outer::Telling>,
}

/// What a name was found to be.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub level: usize,
    pub source: Source,
}

pub(crate) enum Lookup {
    Found(Found),
    Missing,
    Ambiguous,
}

impl<'p> Scope<'p> {
    pub fn child(parent: Option<&'p Scope<'p>>) -> Self {
        Self {
            parent,
            level: parent.map_or(0, |p| p.level + 1),
            ..Self::default()
        }
    }

    /// A column named without a qualifier, innermost level first.
    pub fn find_bare(&self, name: &str) -> Lookup {
        let mut scope = Some(self);
        while let Some(here) = scope {
            let mut hits = here.names.columns.iter().filter(|v| v.name == name);
            if let Some(first) = hits.next() {
                return match hits.next() {
                    Some(_) => Lookup::Ambiguous,
                    None => Lookup::Found(Found {
                        level: here.level,
                        source: first.source.clone(),
                    }),
                };
            }
            scope = here.parent;
        }
        Lookup::Missing
    }

    /// Whether this level alone has a column of the name.
    pub fn has_own_column(&self, name: &str) -> bool {
        self.names.columns.iter().any(|v| v.name == name)
    }

    /// The item that a qualifier names, innermost level first.
    pub fn find_item(&self, schema: Option<&str>, name: &str) -> Option<(&Scope<'p>, usize)> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            let hit = here.names.items.iter().copied().find(|index| {
                here.items.get(*index).is_some_and(|item| {
                    item.name == name && (schema.is_none() || item.schema.as_deref() == schema)
                })
            });
            if let Some(index) = hit {
                return Some((here, index));
            }
            scope = here.parent;
        }
        None
    }

    pub fn at_level(&self, level: usize) -> Option<&Scope<'p>> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if here.level == level {
                return Some(here);
            }
            scope = here.parent;
        }
        None
    }

    pub fn find_cte(&self, name: &str) -> Option<&Cte> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            // The latest definition of a level wins only over outer levels: names within one WITH are distinct.
            if let Some(cte) = here.ctes.iter().rev().find(|cte| cte.name == name) {
                return Some(cte);
            }
            scope = here.parent;
        }
        None
    }

    pub fn item(&self, index: usize) -> Option<&Item> {
        self.items.get(index)
    }

    /// The qualified reference that the cleared statement makes.
    pub fn reference(&self, source: &Source) -> Option<Node> {
        match source {
            Source::Column(item, index) => {
                let item = self.items.get(*item)?;
                let of = item.columns.get(*index)?;
                Some(column(&item.name, of.emitted.as_ref().unwrap_or(&of.name)))
            }
            Source::Either(left, right) => Some(coalesce(vec![
                self.reference(left)?,
                self.reference(right)?,
            ])),
        }
    }

    /// The tap whose subject a source holds.
    pub fn subject_of(&self, source: &Source) -> Option<TapId> {
        let Source::Column(item, index) = source else {
            return None;
        };
        let tap = self.items.get(*item)?.columns.get(*index)?.subject_of?;
        Some(TapId {
            level: self.level,
            item: *item,
            tap,
        })
    }

    pub fn tap(&self, id: TapId) -> Option<&ItemTap> {
        self.at_level(id.level)?
            .items
            .get(id.item)?
            .taps
            .get(id.tap)
    }

    /// All taps of this level.
    pub fn own_taps(&self) -> Vec<TapId> {
        let mut taps = Vec::new();
        for (item, entry) in self.items.iter().enumerate() {
            taps.extend((0..entry.taps.len()).map(|tap| TapId {
                level: self.level,
                item,
                tap,
            }));
        }
        taps
    }

    /// All taps that `from` is about the same subject as, itself included.
    pub fn reach(&self, from: TapId) -> Vec<TapId> {
        let mut reached = vec![from];
        let mut next = 0;
        while let Some(tap) = reached.get(next).copied() {
            next += 1;
            for (t, u) in &self.follows {
                if *t == tap && !reached.contains(u) {
                    reached.push(*u);
                }
            }
        }
        reached
    }
}
