//! Groups under declared dimensions: the owner's rows fall into pieces that no statement chooses, and
//! every figure is made of whole pieces.
//!
//! INVARIANT: what such a statement answers is a function of the pieces alone, each of at least the floor's
//! number of distinct subjects; so nothing that is computed from any number of answers tells more than
//! the table of pieces would. The piece of a row: its values of all declared dimensions, if enough
//! subjects share them; else it belongs to the rest, which shows no dimension, if that is large enough;
//! else to none. Start at [`Reader::partition`].

use std::collections::BTreeSet;
use std::fmt::Write as _;

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::{Coarse, Refusal};

use super::Reader;
use super::aggregate::Grouping;
use super::scope::{Item, ItemColumn, ItemKind, Scope, Source, TapSource};
use super::select::{is_output, output_value};
use crate::lists::functions::{self, FunctionClass};
use crate::node::{children, column, location_of, text_of, texts_of};
use crate::rules;
use crate::surface::{Column, Subject, Table};

/// Gives another value for each row: what it selects by is a group of the client's own making.
pub(super) const PER_ROW: &[&str] = &[
    "clock_timestamp",
    "gen_random_uuid",
    "random",
    "timeofday",
    "uuidv4",
    "uuidv7",
];

/// Column of the inner queries: distinct subjects that share the row's values of the dimensions.
const SIZE: &str = "portcullis_size";
/// Whether the row keeps its values of the dimensions.
const WHOLE: &str = "portcullis_whole";
/// Distinct subjects among the rows that do not. (For rows that do, a number that nobody reads.)
const REST: &str = "portcullis_rest";
/// Stands for a client's expression until the text is a tree.
const HOLE: &str = "portcullis_hole_";
const KEY_HOLE: &str = "portcullis_key_";
const CONDITION_HOLE: &str = "portcullis_condition";

/// One level of a query that forms groups.
#[derive(Default)]
pub(crate) struct GroupLevel {
    /// No GROUP BY: one row, whatever is in it.
    pub whole: bool,
    /// Under declared dimensions.
    pub partition: Option<Partition>,
    /// The pieces of totals beside their parts, where no dimensions are declared.
    pub totals: Option<Partition>,
}

/// The pieces of the one table that a query forms its groups over.
pub(crate) struct Partition {
    /// Name of the entry of FROM.
    item: String,
    table: usize,
    dimensions: Vec<PieceColumn>,
    /// Each group is one piece.
    finest: bool,
    /// Columns that arguments of aggregates name.
    columns: BTreeSet<String>,
    figures: Vec<Figure>,
    /// Expressions that groups are formed by, where they are no plain columns.
    keys: Vec<Node>,
    /// The client's own condition, where the pieces are his, too.
    condition: Option<Node>,
}

struct PieceColumn {
    name: String,
    /// SQL that gives it from the view's entry.
    value: String,
    /// No column of the view: an expression.
    made: bool,
}

/// The arguments of one aggregate: counted, and left out of a piece, together.
struct Figure {
    columns: Vec<String>,
    values: Vec<Node>,
}

/// Why an expression is no function of the dimensions.
enum Outside {
    Column(String),
    Query,
    PerRow(String),
}

impl Reader<'_> {
    /// What the aggregates of a query must know of its groups.
    pub(super) fn group_level(
        &mut self,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        columns: &[ItemColumn],
        grouping: &Grouping,
    ) -> Result<GroupLevel, Refusal> {
        if matches!(grouping, Grouping::Plain | Grouping::Floor(_)) {
            self.figures = self.figures.saturating_add(groupings(&select.group_clause));
        }
        Ok(GroupLevel {
            whole: select.group_clause.is_empty(),
            partition: self.partition(select, scope, columns, grouping)?,
            totals: self.totals(select, scope, grouping),
        })
    }

    /// The pieces that a query's groups are made of; `None` where the contract declares no dimensions
    /// or the groups are nobody's. Reads the query before its expressions are turned.
    fn partition(
        &self,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        columns: &[ItemColumn],
        grouping: &Grouping,
    ) -> Result<Option<Partition>, Refusal> {
        let (Some(declared), Grouping::Floor(_)) = (self.dimensions, grouping) else {
            return Ok(None);
        };
        let Some((item, index, table)) = self.only_table(select, scope) else {
            return self
                .deny(
                    &rules::DIMENSION_TABLE,
                    "under declared dimensions figures are made of one table at a time",
                )
                .hint("aggregate each table by itself, without joins and sub-queries in FROM; for figures over a join, ask the owner for a view with its own dimensions")
                .or(|| None);
        };
        let name = table.qualified();
        let dimensions: Vec<PieceColumn> = declared
            .iter()
            .filter(|dimension| dimension.table == name)
            .filter_map(|dimension| {
                let column = table.column(&dimension.column)?;
                Some(PieceColumn {
                    name: column.name.clone(),
                    value: coarse_value(&item.name, column, dimension.by)?,
                    made: false,
                })
            })
            .collect();
        let mut partition = Partition {
            item: item.name.clone(),
            table: index,
            dimensions,
            finest: false,
            columns: BTreeSet::new(),
            figures: Vec::new(),
            keys: Vec::new(),
            condition: None,
        };
        partition.finest = self.is_finest(select, scope, &partition);
        self.check_query(select, scope, columns, &partition)?;
        Ok(Some(partition))
    }

    /// A total beside its parts tells the one part that is withheld: total less the others. So the rows
    /// of the finest groups that are too small are one group in such an answer, as under dimensions.
    /// (Not over joins and derived tables, and not for lists side by side: decision 0009.)
    fn totals(
        &self,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        grouping: &Grouping,
    ) -> Option<Partition> {
        let several = groupings(&select.group_clause) > 1;
        if self.dimensions.is_some() || self.floor <= 1 || !several {
            return None;
        }
        let Grouping::Floor(_) = grouping else {
            return None;
        };
        let (item, table, _) = self.only_table(select, scope)?;
        Some(Partition {
            item: item.name.clone(),
            table,
            dimensions: Vec::new(),
            finest: false,
            columns: BTreeSet::new(),
            figures: Vec::new(),
            keys: Vec::new(),
            condition: None,
        })
    }

    /// Puts pieces by the query's own keys, of the rows that it asks for, in the place of the table.
    pub(super) fn place_totals(
        &self,
        select: &mut pb::SelectStmt,
        mut partition: Partition,
    ) -> Result<(), Refusal> {
        let whole_sets = select.group_clause.iter().all(|g| has_whole_set(g, select));
        if !rules::TOTALS.stands() || !whole_sets {
            return Ok(());
        }
        let mut expressions = Vec::new();
        for group in &select.group_clause {
            gather_keys(group, select, &mut expressions);
        }
        for key in expressions {
            partition.add_key(key, select);
        }
        partition.condition = select.where_clause.take().map(|condition| *condition);
        let mut columns = BTreeSet::new();
        each_part(select, &mut |part| {
            gather_columns(part, &partition.item, &mut columns)
        });
        for value in partition.keys.iter_mut().chain(&mut partition.condition) {
            gather_columns(value, &partition.item, &mut columns);
        }
        columns.retain(|name| {
            !partition
                .dimensions
                .iter()
                .any(|d| d.name == *name && d.made)
        });
        partition.columns = columns;
        self.place_partition(select, partition)
    }

    /// The table in scope that is all of FROM.
    fn only_table<'s>(
        &'s self,
        select: &pb::SelectStmt,
        scope: &'s Scope<'_>,
    ) -> Option<(&'s Item, usize, &'s Table)> {
        let ([item], [from]) = (scope.items.as_slice(), select.from_clause.as_slice()) else {
            return None;
        };
        let ItemKind::Table(index) = item.kind else {
            return None;
        };
        let tapped =
            matches!(item.taps.as_slice(), [tap] if matches!(tap.encoded, TapSource::Table));
        let plain = matches!(from.node, Some(NodeEnum::RangeVar(_)));
        let table = self.surface.tables.get(index)?;
        (tapped && plain).then_some((item, index, table))
    }

    /// Whether GROUP BY names every dimension.
    fn is_finest(&self, select: &pb::SelectStmt, scope: &Scope<'_>, partition: &Partition) -> bool {
        let mut grouped = BTreeSet::new();
        for group in &select.group_clause {
            if matches!(group.node, Some(NodeEnum::GroupingSet(_))) {
                return false;
            }
            let value = match super::select::integer(group) {
                Some(position) => usize::try_from(position)
                    .ok()
                    .and_then(|p| output_value(select, p.checked_sub(1)?)),
                None => Some(group),
            };
            grouped.extend(value.and_then(|value| self.own_column(scope, value)));
        }
        partition
            .dimensions
            .iter()
            .all(|dimension| grouped.contains(&dimension.name))
    }

    /// The column of this level's only table that a plain reference names.
    fn own_column(&self, scope: &Scope<'_>, value: &Node) -> Option<String> {
        let NodeEnum::ColumnRef(reference) = value.node.as_ref()? else {
            return None;
        };
        let found = self.find_column(scope, &texts_of(&reference.fields)?)?;
        let Source::Column(item, column) = found.source else {
            return None;
        };
        let own = found.level == scope.level;
        own.then(|| scope.item(item)?.columns.get(column))
            .flatten()
            .map(|column| column.name.clone())
    }

    /// Everything outside of the aggregates' arguments must be a function of the dimensions.
    fn check_query(
        &self,
        select: &pb::SelectStmt,
        scope: &Scope<'_>,
        columns: &[ItemColumn],
        partition: &Partition,
    ) -> Result<(), Refusal> {
        let check = |value: &Node| self.check_dimensions(value, scope, partition);
        select.where_clause.as_deref().map_or(Ok(()), check)?;
        select.having_clause.as_deref().map_or(Ok(()), check)?;
        let lists = [
            &select.target_list,
            &select.group_clause,
            &select.window_clause,
        ];
        lists.into_iter().flatten().try_for_each(check)?;
        let sorts = select
            .sort_clause
            .iter()
            .filter_map(|sort| match &sort.node {
                Some(NodeEnum::SortBy(by)) => by.node.as_deref(),
                _ => None,
            });
        sorts
            .chain(&select.distinct_clause)
            .filter(|value| value.node.is_some() && !is_output(&mut (*value).clone(), columns))
            .try_for_each(check)
    }

    /// A condition or expression may tell rows apart by the dimensions alone.
    fn check_dimensions(
        &self,
        value: &Node,
        scope: &Scope<'_>,
        partition: &Partition,
    ) -> Result<(), Refusal> {
        let Some((outside, at)) = self.outside(&mut value.clone(), scope, partition) else {
            return Ok(());
        };
        let table = self
            .surface
            .tables
            .get(partition.table)
            .map(Table::qualified)
            .unwrap_or_default();
        let message = match outside {
            Outside::Column(column) => {
                format!("`{column}` is not a dimension of `{table}`: groups cannot be formed by it")
            }
            Outside::Query => {
                "under declared dimensions a query with groups takes no sub-query".to_owned()
            }
            Outside::PerRow(function) => {
                format!("`{function}` would pick rows by chance")
            }
        };
        self.deny(&rules::DIMENSION, message)
            .hint(partition.hint(&table))
            .at(at)
            .stands()
    }

    /// The first part that is no function of the dimensions; arguments of aggregates are not looked at.
    fn outside(
        &self,
        tree: &mut Node,
        scope: &Scope<'_>,
        partition: &Partition,
    ) -> Option<(Outside, Option<usize>)> {
        let at = location_of(tree);
        match tree.node.as_mut() {
            Some(NodeEnum::ColumnRef(_)) => {
                let column = self.own_column(scope, tree)?;
                let declared = partition.dimensions.iter().any(|d| d.name == column);
                return (!declared).then_some((Outside::Column(column), at));
            }
            Some(NodeEnum::SubLink(_) | NodeEnum::SelectStmt(_)) => {
                return Some((Outside::Query, at));
            }
            Some(NodeEnum::FuncCall(call)) => {
                let name = call.funcname.last().and_then(text_of).unwrap_or_default();
                if PER_ROW.contains(&name) {
                    return Some((Outside::PerRow(name.to_owned()), at));
                }
                if call.over.is_none() && is_aggregate(call, name) {
                    let filter = call.agg_filter.as_deref_mut()?;
                    return self.outside(filter, scope, partition);
                }
            }
            _ => {}
        }
        let mut found = None;
        children(tree, &mut |child| {
            if found.is_none() {
                found = self.outside(child, scope, partition);
            }
        });
        found
    }

    /// Before an aggregate's arguments are turned. A figure of distinct values of two pieces together
    /// tells how many they share: it is made of one piece at a time.
    pub(super) fn check_figure(
        &self,
        call: &pb::FuncCall,
        name: &str,
        scope: &Scope<'_>,
        condition: Option<&Node>,
    ) -> Result<(), Refusal> {
        let Some(partition) = self
            .groups
            .last()
            .and_then(|level| level.partition.as_ref())
        else {
            return Ok(());
        };
        if let Some(condition) = condition {
            self.check_dimensions(condition, scope, partition)?;
        }
        if !call.agg_distinct || partition.finest {
            return Ok(());
        }
        let table = self.surface.tables.get(partition.table);
        let once = |value: &Node| {
            let Some(column) = self.own_column(scope, value) else {
                return false;
            };
            partition.dimensions.iter().any(|d| d.name == column)
                || table.is_some_and(|table| {
                    let subject = table.subject.as_ref();
                    subject.is_some_and(|s| names_subject(s, &column) && is_unique(table, s))
                })
        };
        if call.args.iter().all(once) {
            return Ok(());
        }
        let names: Vec<String> = partition.names();
        self.deny(
            &rules::DIMENSION_DISTINCT,
            format!("`{name}(DISTINCT …)` over several groups at once would tell what they share"),
        )
        .hint(format!(
            "group by all dimensions ({}), or leave out DISTINCT",
            names.join(", ")
        ))
        .stands()
    }

    /// An aggregate's arguments, already turned, move to where the pieces are known: a piece with too
    /// few subjects behind a figure gives it nothing.
    pub(super) fn move_arguments(&mut self, call: &mut pb::FuncCall) {
        let moved = |arg: &Node| !matches!(arg.node, Some(NodeEnum::AConst(_)));
        if !call.args.iter().any(moved) {
            return;
        }
        let first = self.next_name;
        let Some(partition) = self
            .groups
            .last_mut()
            .and_then(|level| level.partition.as_mut())
        else {
            return;
        };
        let mut figure = Figure {
            columns: Vec::new(),
            values: Vec::new(),
        };
        for (number, arg) in call.args.iter_mut().filter(|arg| moved(arg)).enumerate() {
            let name = format!("{}figure_{}", super::OWN_PREFIX, first + number + 1);
            let reference = column(&partition.item, &name);
            let mut value = std::mem::replace(arg, reference);
            gather_columns(&mut value, &partition.item, &mut partition.columns);
            figure.columns.push(name);
            figure.values.push(value);
        }
        self.next_name = first + figure.columns.len();
        partition.figures.push(figure);
    }

    /// Puts the pieces in the place of the table.
    pub(super) fn place_partition(
        &self,
        select: &mut pb::SelectStmt,
        partition: Partition,
    ) -> Result<(), Refusal> {
        if !rules::PIECES.stands() {
            return Ok(());
        }
        let unmade = || self.odd("these groups").refusal();
        let Some(NodeEnum::RangeVar(view)) =
            select.from_clause.first().and_then(|n| n.node.as_ref())
        else {
            return Err(unmade());
        };
        let table = self
            .surface
            .tables
            .get(partition.table)
            .ok_or_else(unmade)?;
        let text = partition
            .text(&view.schemaname, &view.relname, table, self.floor)
            .ok_or_else(unmade)?;
        let parsed = pg_query::parse(&text, pg_query::ParserOptions::DEFAULT)
            .map_err(|_| unmade())?
            .protobuf;
        let statement = parsed.stmts.into_iter().next().and_then(|raw| raw.stmt);
        let Some(NodeEnum::SelectStmt(made)) = statement.and_then(|node| node.node) else {
            return Err(unmade());
        };
        let mut from = made.from_clause;
        for node in &mut from {
            fill_holes(node, &partition);
        }
        select.from_clause = from;
        Ok(())
    }
}

impl Partition {
    /// What groups are formed by is a dimension: a column as it is, an expression under a name of its own.
    fn add_key(&mut self, key: Node, select: &mut pb::SelectStmt) {
        if let Some([_, name]) = reference_names(&key) {
            self.dimensions.push(PieceColumn {
                value: format!("{}.{}", quoted(&self.item), quoted(&name)),
                name,
                made: false,
            });
            return;
        }
        let name = format!("{KEY_HOLE}{}", self.keys.len());
        let shown = column(&self.item, &name);
        each_part(select, &mut |part| exchange(part, &key, &shown));
        self.dimensions.push(PieceColumn {
            value: name.clone(),
            name,
            made: true,
        });
        self.keys.push(key);
    }

    /// What a name that stands for a client's expression stands for.
    fn hole(&self, name: &str) -> Option<&Node> {
        if name == CONDITION_HOLE {
            return self.condition.as_ref();
        }
        if let Some(key) = name.strip_prefix(KEY_HOLE) {
            return self.keys.get(key.parse::<usize>().ok()?);
        }
        let (figure, value) = name.strip_prefix(HOLE)?.split_once('_')?;
        let figure = self.figures.get(figure.parse::<usize>().ok()?)?;
        figure.values.get(value.parse::<usize>().ok()?)
    }

    fn names(&self) -> Vec<String> {
        self.dimensions
            .iter()
            .map(|d| format!("`{}.{}`", self.item, d.name))
            .collect()
    }

    fn hint(&self, table: &str) -> String {
        if self.dimensions.is_empty() {
            return format!(
                "the contract declares no dimension of `{table}`: its figures are those of the whole table, without GROUP BY, WHERE and FILTER"
            );
        }
        format!(
            "group and filter by {} alone; other columns may stand in `sum`, `avg` and their like; for one subject's own figures add the subject to GROUP BY",
            self.names().join(", ")
        )
    }

    /// SELECT … FROM the pieces, with holes for the client's own expressions.
    fn text(&self, schema: &str, view: &str, table: &Table, floor: u64) -> Option<String> {
        let subject = table.subject.as_ref()?;
        let alias = quoted(&self.item);
        let of = |name: &str| format!("{alias}.{}", quoted(name));
        let own: Vec<String> = self
            .columns
            .iter()
            .chain([&subject.column])
            .filter(|name| !self.dimensions.iter().any(|d| d.name == **name))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|name| of(name))
            .collect();
        let dimensions: Vec<String> = self.dimensions.iter().map(|d| of(&d.name)).collect();
        let distinct = Distinct {
            subject: of(&subject.column),
            once_a_row: is_unique(table, subject),
            never_null: is_never_null(table, subject),
        };

        let values: Vec<String> = self.dimensions.iter().map(|d| d.value.clone()).collect();
        let mut sized = own.clone();
        sized.extend(
            self.dimensions
                .iter()
                .map(|d| format!("{} AS {}", d.value, quoted(&d.name))),
        );
        sized.push(format!("{} AS {SIZE}", distinct.over(&values, &[])));
        let condition = match self.condition {
            Some(_) => format!(" WHERE {CONDITION_HOLE}"),
            None => String::new(),
        };
        let sized = format!(
            "SELECT {} FROM {}.{} AS {alias}{condition}",
            sized.join(", "),
            quoted(schema),
            quoted(view)
        );

        let whole = format!("{alias}.{SIZE} >= {floor}");
        let mut split = own.clone();
        split.extend(self.dimensions.iter().map(|d| {
            let value = of(&d.name);
            format!("CASE WHEN {whole} THEN {value} END AS {}", quoted(&d.name))
        }));
        split.push(format!("{whole} AS {WHOLE}"));
        split.push(format!("{} AS {REST}", distinct.of_others(&whole)));
        let split = format!("SELECT {} FROM ({sized}) AS {alias}", split.join(", "));

        let mut shown = own;
        shown.extend(dimensions.iter().cloned());
        let mut piece = dimensions;
        piece.push(format!("{alias}.{WHOLE}"));
        for (index, figure) in self.figures.iter().enumerate() {
            let holes: Vec<String> = (0..figure.values.len())
                .map(|value| format!("{HOLE}{index}_{value}"))
                .collect();
            let present: Vec<String> = holes.iter().map(|h| format!("{h} IS NOT NULL")).collect();
            let subjects = distinct.over(&piece, &present);
            for (name, hole) in figure.columns.iter().zip(&holes) {
                shown.push(format!(
                    "CASE WHEN {subjects} >= {floor} THEN {hole} END AS {name}"
                ));
            }
        }
        Some(format!(
            "SELECT 1 FROM (SELECT {} FROM ({split}) AS {alias} WHERE {alias}.{WHOLE} OR {alias}.{REST} >= {floor}) AS {alias}",
            shown.join(", ")
        ))
    }
}

/// How distinct subjects are counted beside each row: PostgreSQL's windows know no DISTINCT.
struct Distinct {
    subject: String,
    /// No two rows are about the same subject.
    once_a_row: bool,
    never_null: bool,
}

impl Distinct {
    /// Distinct subjects among all rows for which a condition does not hold.
    fn of_others(&self, condition: &str) -> String {
        if self.once_a_row {
            // Without a sort.
            let subject = &self.subject;
            return format!("pg_catalog.count({subject}) FILTER (WHERE NOT {condition}) OVER ()");
        }
        self.over(&[condition.to_owned()], &[])
    }

    /// Distinct subjects among the rows that share `keys`, of those alone for which all of `present`
    /// hold (where they do not hold, a number that nobody reads).
    fn over(&self, keys: &[String], present: &[String]) -> String {
        let subject = &self.subject;
        let condition = present.join(" AND ");
        let mut by = keys.to_vec();
        if self.once_a_row {
            let filter = if present.is_empty() {
                String::new()
            } else {
                format!(" FILTER (WHERE {condition})")
            };
            return format!(
                "pg_catalog.count({subject}){filter} OVER ({})",
                partition_by(&by)
            );
        }
        if !present.is_empty() {
            by.push(format!("({condition})"));
        }
        let by = partition_by(&by);
        // A subject's place from below and from above: together one more than there are.
        let mut text = format!(
            "(pg_catalog.dense_rank() OVER ({by} ORDER BY {subject}) + pg_catalog.dense_rank() OVER ({by} ORDER BY {subject} DESC) - 1"
        );
        if !self.never_null {
            // NULL has a place of its own there, and is nobody.
            let _ = write!(
                text,
                " - CASE WHEN pg_catalog.count({subject}) OVER ({by}) < pg_catalog.count(*) OVER ({by}) THEN 1 ELSE 0 END"
            );
        }
        text.push(')');
        text
    }
}

/// In how many ways a query groups its rows.
fn groupings(groups: &[Node]) -> u64 {
    let ways = |group: &Node| match group.node.as_ref() {
        Some(NodeEnum::GroupingSet(set)) => {
            let length = set.content.len() as u64;
            match set.kind() {
                pb::GroupingSetKind::GroupingSetRollup => length + 1,
                pb::GroupingSetKind::GroupingSetCube => 1 << length.min(32),
                pb::GroupingSetKind::GroupingSetSets => set
                    .content
                    .iter()
                    .map(|set| groupings(std::slice::from_ref(set)))
                    .sum(),
                _ => 1,
            }
        }
        _ => 1,
    };
    groups.iter().map(ways).fold(1, u64::saturating_mul)
}

fn partition_by(keys: &[String]) -> String {
    if keys.is_empty() {
        String::new()
    } else {
        format!("PARTITION BY {}", keys.join(", "))
    }
}

/// A dimension's value as aggregate statements see it, of the view's own type; `None`: the type cannot
/// be cut so, and the column is no dimension.
fn coarse_value(alias: &str, column: &Column, by: Option<Coarse>) -> Option<String> {
    const INT8: u32 = 20;
    const INT2: u32 = 21;
    const INT4: u32 = 23;
    const FLOAT4: u32 = 700;
    const FLOAT8: u32 = 701;
    const DATE: u32 = 1082;
    const TIMESTAMP: u32 = 1114;
    const TIMESTAMPTZ: u32 = 1184;
    const NUMERIC: u32 = 1700;
    let value = format!("{}.{}", quoted(alias), quoted(&column.name));
    let unit = match by {
        None => return Some(value),
        Some(Coarse::Day) => "day",
        Some(Coarse::Month) => "month",
        Some(Coarse::Year) => "year",
        Some(Coarse::Bucket(width)) => {
            let exact = format!("CAST({value} AS numeric)");
            let down = format!(
                "pg_catalog.trunc({exact} - pg_catalog.mod(pg_catalog.mod({exact}, {width}) + {width}, {width}))"
            );
            return match column.type_oid {
                INT2 => Some(format!("CAST(GREATEST({down}, {}) AS int2)", i16::MIN)),
                INT4 => Some(format!("CAST(GREATEST({down}, {}) AS int4)", i32::MIN)),
                INT8 => Some(format!("CAST(GREATEST({down}, {}) AS int8)", i64::MIN)),
                NUMERIC => Some(format!("CAST({down} AS {})", column.type_name)),
                FLOAT4 | FLOAT8 => Some(format!(
                    "pg_catalog.floor(CAST({value} AS float8) / {width}) * {width}"
                )),
                _ => None,
            };
        }
    };
    // Never by the session's time zone, which the client sets.
    match column.type_oid {
        DATE => Some(format!(
            "CAST(pg_catalog.date_trunc('{unit}', CAST({value} AS timestamp)) AS date)"
        )),
        TIMESTAMP => Some(format!("pg_catalog.date_trunc('{unit}', {value})")),
        TIMESTAMPTZ => Some(format!("pg_catalog.date_trunc('{unit}', {value}, 'UTC')")),
        _ => None,
    }
}

fn is_aggregate(call: &pb::FuncCall, name: &str) -> bool {
    call.agg_star
        || call.agg_within_group
        || matches!(
            functions::classify(name),
            FunctionClass::Aggregate | FunctionClass::Extreme | FunctionClass::Packing
        )
}

fn names_subject(subject: &Subject, column: &str) -> bool {
    subject.column == column || subject.shown.as_deref() == Some(column)
}

fn is_never_null(table: &Table, subject: &Subject) -> bool {
    table
        .columns
        .iter()
        .any(|c| names_subject(subject, &c.name) && c.not_null)
}

/// Whether no two rows are about one subject, and every row is about one.
fn is_unique(table: &Table, subject: &Subject) -> bool {
    is_never_null(table, subject)
        && table
            .unique_keys
            .iter()
            .any(|key| matches!(key.as_slice(), [only] if names_subject(subject, only)))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The columns of one entry of FROM that an expression, already turned, names.
fn gather_columns(tree: &mut Node, item: &str, names: &mut BTreeSet<String>) {
    if let Some(NodeEnum::ColumnRef(reference)) = tree.node.as_ref()
        && let Some([qualifier, name]) = texts_of(&reference.fields).as_deref()
        && *qualifier == item
    {
        names.insert((*name).to_owned());
    }
    children(tree, &mut |child| gather_columns(child, item, names));
}

fn fill_holes(tree: &mut Node, partition: &Partition) {
    let hole = match tree.node.as_ref() {
        Some(NodeEnum::ColumnRef(reference)) => match texts_of(&reference.fields).as_deref() {
            Some([name]) => partition.hole(name),
            _ => None,
        },
        _ => None,
    };
    if let Some(value) = hole {
        *tree = value.clone();
        return;
    }
    children(tree, &mut |child| fill_holes(child, partition));
}

/// Everything of a query that its groups can be named in.
fn each_part(select: &mut pb::SelectStmt, with: &mut dyn FnMut(&mut Node)) {
    let lists = [
        &mut select.target_list,
        &mut select.group_clause,
        &mut select.window_clause,
        &mut select.sort_clause,
        &mut select.distinct_clause,
    ];
    for part in lists
        .into_iter()
        .flatten()
        .chain(select.having_clause.as_deref_mut())
    {
        with(part);
    }
}

/// The expressions, already turned, that a GROUP BY item forms groups by.
fn gather_keys(group: &Node, select: &pb::SelectStmt, keys: &mut Vec<Node>) {
    match group.node.as_ref() {
        Some(NodeEnum::GroupingSet(set)) => {
            for inner in &set.content {
                gather_keys(inner, select, keys);
            }
            return;
        }
        Some(NodeEnum::RowExpr(row))
            if row.row_format == pb::CoercionForm::CoerceImplicitCast as i32 =>
        {
            for inner in &row.args {
                gather_keys(inner, select, keys);
            }
            return;
        }
        _ => {}
    }
    let value = match super::select::integer(group) {
        Some(position) => usize::try_from(position)
            .ok()
            .and_then(|position| output_value(select, position.checked_sub(1)?)),
        None => Some(group),
    };
    let Some(mut key) = value.cloned() else {
        return;
    };
    crate::node::strip_locations(&mut key);
    if !keys.contains(&key) {
        keys.push(key);
    }
}

/// Whether one of the sets that a GROUP BY item stands for names all its keys: then its groups are the
/// parts that the others are totals of.
fn has_whole_set(group: &Node, select: &pb::SelectStmt) -> bool {
    let Some(NodeEnum::GroupingSet(set)) = group.node.as_ref() else {
        return true;
    };
    if set.kind() != pb::GroupingSetKind::GroupingSetSets {
        return true;
    }
    let mut all = Vec::new();
    gather_keys(group, select, &mut all);
    set.content.iter().any(|one| {
        let mut own = Vec::new();
        gather_keys(one, select, &mut own);
        own.len() == all.len() && has_whole_set(one, select)
    })
}

/// Puts `shown` wherever `key` stands.
fn exchange(tree: &mut Node, key: &Node, shown: &Node) {
    let mut copy = tree.clone();
    crate::node::strip_locations(&mut copy);
    if copy == *key {
        *tree = shown.clone();
        return;
    }
    children(tree, &mut |child| exchange(child, key, shown));
}

fn reference_names(value: &Node) -> Option<[String; 2]> {
    let NodeEnum::ColumnRef(reference) = value.node.as_ref()? else {
        return None;
    };
    match texts_of(&reference.fields)?.as_slice() {
        [qualifier, name] => Some([(*qualifier).to_owned(), (*name).to_owned()]),
        _ => None,
    }
}
