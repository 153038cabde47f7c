//! Indexes, vacuum, statistics: read into plain data; the gate builds its own text from it.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::{Method, Refusal};

use crate::node::texts_of;
use crate::read::Reader;
use crate::read::place::place_of;
use crate::rules::{self, Denial, Rule};
use crate::statement::{IndexColumn, Kind, Tuning};
use crate::understand::Reading;

/// Access methods whose indexes hold nothing beyond their columns.
const ACCESS_METHODS: &[&str] = &["btree", "hash", "brin", "gin", "gist"];

fn reading(tuning: Tuning, verb: &'static str) -> Reading {
    let mut reading = Reading::of(Kind::Tuning(tuning), verb);
    reading.travels = false;
    reading.changes = rules::TUNING_CHANGES.stands();
    if rules::METHOD_TUNING.stands() {
        reading.methods = vec![Method::Tuning];
    }
    reading.only_these = true;
    reading
}

fn refused(reader: &Reader<'_>, rule: &'static Rule, what: &str) -> Denial {
    reader.deny(rule, format!("{what} is not passed")).hint("`tuning` takes CREATE INDEX CONCURRENTLY on plain columns, DROP INDEX, VACUUM, ANALYZE and REINDEX of one table or index")
}

pub(super) fn create_index(
    reader: &mut Reader<'_>,
    index: &pb::IndexStmt,
) -> Result<Reading, Refusal> {
    if !index.concurrent {
        reader
            .deny(
                &rules::INDEX_CONCURRENTLY,
                "CREATE INDEX without CONCURRENTLY is not passed",
            )
            .hint("it would lock the table: write CREATE INDEX CONCURRENTLY")
            .stands()?;
    }
    let plain = !index.unique
        && !index.nulls_not_distinct
        && !index.primary
        && !index.isconstraint
        && index.table_space.is_empty()
        && index.index_including_params.is_empty()
        && index.options.is_empty()
        && index.where_clause.is_none()
        && index.exclude_op_names.is_empty();
    if !plain || !ACCESS_METHODS.contains(&index.access_method.as_str()) {
        refused(reader, &rules::INDEX_PLAIN, "this form of CREATE INDEX").stands()?;
    }
    let table = table_of(reader, index.relation.as_ref())?;
    let columns = index
        .index_params
        .iter()
        .map(|param| index_column(reader, table, param))
        .collect::<Result<Vec<_>, _>>()?;
    for column in &columns {
        reader
            .tables
            .entry(table)
            .or_default()
            .insert(column.column.clone());
    }
    let name = (!index.idxname.is_empty()).then(|| index.idxname.clone());
    Ok(reading(
        Tuning::CreateIndex {
            name,
            if_not_exists: index.if_not_exists,
            table,
            columns,
            access_method: index.access_method.clone(),
        },
        "CREATE INDEX",
    ))
}

fn index_column(reader: &Reader<'_>, table: usize, param: &Node) -> Result<IndexColumn, Refusal> {
    let Some(NodeEnum::IndexElem(element)) = param.node.as_ref() else {
        return reader.odd("this column of an index").or(unnamed);
    };
    if element.expr.is_some()
        || !element.collation.is_empty()
        || !element.opclass.is_empty()
        || !element.opclassopts.is_empty()
    {
        refused(
            reader,
            &rules::INDEX_COLUMN_PLAIN,
            "an expression, collation or operator class in an index",
        )
        .stands()?;
    }
    let column = reader
        .surface
        .tables
        .get(table)
        .and_then(|t| t.column(&element.name));
    match column {
        None => {
            let known: Vec<&str> = reader
                .surface
                .tables
                .get(table)
                .map(|t| {
                    let shown = t.columns.iter().filter(|c| !c.hidden);
                    shown.map(|c| c.name.as_str()).collect()
                })
                .unwrap_or_default();
            reader
                .unknown_column_among(&element.name, &known)
                .or(unnamed)
        }
        Some(column) if column.masked => reader
            .deny(
                &rules::INDEX_MASKED,
                format!("column `{}` is masked and cannot be indexed", element.name),
            )
            .hint("an index is built on what is stored; choose columns that the contract shows in the clear")
            .or(unnamed),
        Some(_) => Ok(IndexColumn {
            column: element.name.clone(),
            descending: element.ordering() == pb::SortByDir::SortbyDesc,
            nulls_first: match element.nulls_ordering() {
                pb::SortByNulls::SortbyNullsFirst => Some(true),
                pb::SortByNulls::SortbyNullsLast => Some(false),
                _ => None,
            },
        }),
    }
}

/// What an index column reads as, where a test removed the rule against it.
fn unnamed() -> IndexColumn {
    IndexColumn {
        column: String::new(),
        descending: false,
        nulls_first: None,
    }
}

fn table_of(reader: &mut Reader<'_>, relation: Option<&pb::RangeVar>) -> Result<usize, Refusal> {
    let Some(relation) = relation else {
        return reader.odd("a statement without a table").or(|| 0);
    };
    let mut database = relation.catalogname.clone();
    reader.own_database(&mut database)?;
    let table = reader.scoped_table(&relation.schemaname, &relation.relname)?;
    Ok(table)
}

pub(super) fn drop_index(reader: &Reader<'_>, drop: &pb::DropStmt) -> Result<Reading, Refusal> {
    if drop.remove_type() != pb::ObjectType::ObjectIndex {
        reader
            .deny(
                &rules::DROP_INDEX_ONLY,
                "changes of the database's structure are not allowed",
            )
            .hint(super::refused::FOR_SCHEMA)
            .stands()?;
    }
    if drop.behavior() == pb::DropBehavior::DropCascade {
        refused(reader, &rules::DROP_CASCADE, "DROP INDEX … CASCADE").stands()?;
    }
    let [object] = drop.objects.as_slice() else {
        return refused(reader, &rules::DROP_ONE, "dropping several indexes at once")
            .or(super::nothing);
    };
    let names = match object.node.as_ref() {
        Some(NodeEnum::List(list)) => texts_of(&list.items),
        _ => None,
    };
    let (schema, name) = match names.as_deref() {
        Some([name]) => (None, (*name).to_owned()),
        Some([schema, name]) => (Some((*schema).to_owned()), (*name).to_owned()),
        _ => {
            return refused(reader, &rules::DROP_NAME, "this name of an index").or(super::nothing);
        }
    };
    Ok(reading(
        Tuning::DropIndex {
            schema,
            name,
            if_exists: drop.missing_ok,
        },
        "DROP INDEX",
    ))
}

pub(super) fn vacuum(reader: &mut Reader<'_>, vacuum: &pb::VacuumStmt) -> Result<Reading, Refusal> {
    let mut analyze = false;
    for option in &vacuum.options {
        match option.node.as_ref() {
            Some(NodeEnum::DefElem(element))
                if element.defname == "analyze" && element.arg.is_none() =>
            {
                analyze = true
            }
            Some(NodeEnum::DefElem(element)) => refused(
                reader,
                &rules::VACUUM_OPTION,
                &format!("option `{}` of VACUUM or ANALYZE", element.defname),
            )
            .at(place_of(option))
            .stands()?,
            _ => reader.odd("this option").stands()?,
        }
    }
    let [relation] = vacuum.rels.as_slice() else {
        return refused(
            reader,
            &rules::VACUUM_ONE,
            "VACUUM or ANALYZE of other than one table",
        )
        .or(super::nothing);
    };
    let Some(NodeEnum::VacuumRelation(relation)) = relation.node.as_ref() else {
        return reader.odd("this table").or(super::nothing);
    };
    if !relation.va_cols.is_empty() {
        refused(reader, &rules::VACUUM_COLUMNS, "a list of columns").stands()?;
    }
    let table = table_of(reader, relation.relation.as_ref())?;
    Ok(if vacuum.is_vacuumcmd {
        reading(Tuning::Vacuum { table, analyze }, "VACUUM")
    } else {
        reading(Tuning::Analyze { table }, "ANALYZE")
    })
}

pub(super) fn reindex(
    reader: &mut Reader<'_>,
    reindex: &pb::ReindexStmt,
) -> Result<Reading, Refusal> {
    for param in &reindex.params {
        match param.node.as_ref() {
            Some(NodeEnum::DefElem(element)) if element.defname == "concurrently" => {}
            _ => refused(reader, &rules::REINDEX_OPTION, "this option of REINDEX")
                .at(place_of(param))
                .stands()?,
        }
    }
    match (reindex.kind(), reindex.relation.as_ref()) {
        (pb::ReindexObjectType::ReindexObjectTable, relation) => {
            let table = table_of(reader, relation)?;
            Ok(reading(Tuning::ReindexTable { table }, "REINDEX"))
        }
        (pb::ReindexObjectType::ReindexObjectIndex, Some(relation)) => {
            let schema = (!relation.schemaname.is_empty()).then(|| relation.schemaname.clone());
            Ok(reading(
                Tuning::ReindexIndex {
                    schema,
                    name: relation.relname.clone(),
                },
                "REINDEX",
            ))
        }
        _ => refused(
            reader,
            &rules::REINDEX_ONE,
            "REINDEX of a schema, a system or a database",
        )
        .or(super::nothing),
    }
}
