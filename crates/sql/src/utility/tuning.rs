//! Indexes, vacuum, statistics: read into plain data; the gate builds its own text from it.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::{Method, Refusal};

use crate::node::texts_of;
use crate::read::Reader;
use crate::statement::{IndexColumn, Kind, Tuning};
use crate::understand::Reading;

/// Access methods whose indexes hold nothing beyond their columns.
const ACCESS_METHODS: &[&str] = &["btree", "hash", "brin", "gin", "gist"];

fn reading(tuning: Tuning, verb: &'static str) -> Reading {
    let mut reading = Reading::of(Kind::Tuning(tuning), verb);
    reading.travels = false;
    reading.changes = true;
    reading.methods = vec![Method::Tuning];
    reading.only_these = true;
    reading
}

fn refused(reader: &Reader<'_>, what: &str) -> Refusal {
    reader.unsupported("form.tuning", format!("{what} is not passed")).hint("`tuning` takes CREATE INDEX CONCURRENTLY on plain columns, DROP INDEX, VACUUM, ANALYZE and REINDEX of one table or index")
}

pub(super) fn create_index(
    reader: &mut Reader<'_>,
    index: &pb::IndexStmt,
) -> Result<Reading, Refusal> {
    if !index.concurrent {
        return Err(refused(reader, "CREATE INDEX without CONCURRENTLY"));
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
        return Err(refused(reader, "this form of CREATE INDEX"));
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
        return Err(refused(reader, "this index column"));
    };
    if element.expr.is_some()
        || !element.collation.is_empty()
        || !element.opclass.is_empty()
        || !element.opclassopts.is_empty()
    {
        return Err(refused(
            reader,
            "an expression, collation or operator class in an index",
        ));
    }
    let column = reader
        .surface
        .tables
        .get(table)
        .and_then(|t| t.column(&element.name));
    match column {
        None => Err(reader.unknown_column(&element.name)),
        Some(column) if column.masked => Err(reader
            .refuse("scope.column", format!("column `{}` is masked and cannot be indexed", element.name))
            .hint("an index is built on what is stored; choose columns that the contract shows in the clear")),
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

fn table_of(reader: &mut Reader<'_>, relation: Option<&pb::RangeVar>) -> Result<usize, Refusal> {
    let Some(relation) = relation else {
        return Err(refused(reader, "a statement without a table"));
    };
    let mut database = relation.catalogname.clone();
    reader.own_database(&mut database)?;
    let table = reader.scoped_table(&relation.schemaname, &relation.relname)?;
    Ok(table)
}

pub(super) fn drop_index(reader: &Reader<'_>, drop: &pb::DropStmt) -> Result<Reading, Refusal> {
    if drop.remove_type() != pb::ObjectType::ObjectIndex {
        return Err(reader
            .refuse(
                "method.schema",
                "changes of the database's structure are not allowed",
            )
            .hint("the contract's methods do not include `schema`"));
    }
    if drop.behavior() == pb::DropBehavior::DropCascade {
        return Err(refused(reader, "DROP INDEX … CASCADE"));
    }
    let [object] = drop.objects.as_slice() else {
        return Err(refused(reader, "dropping several indexes at once"));
    };
    let names = match object.node.as_ref() {
        Some(NodeEnum::List(list)) => texts_of(&list.items),
        _ => None,
    };
    let (schema, name) = match names.as_deref() {
        Some([name]) => (None, (*name).to_owned()),
        Some([schema, name]) => (Some((*schema).to_owned()), (*name).to_owned()),
        _ => return Err(refused(reader, "this name of an index")),
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
            _ => return Err(refused(reader, "this option")),
        }
    }
    let [relation] = vacuum.rels.as_slice() else {
        return Err(refused(reader, "VACUUM or ANALYZE of other than one table"));
    };
    let Some(NodeEnum::VacuumRelation(relation)) = relation.node.as_ref() else {
        return Err(refused(reader, "this table"));
    };
    if !relation.va_cols.is_empty() {
        return Err(refused(reader, "a list of columns"));
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
            _ => return Err(refused(reader, "this option of REINDEX")),
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
        _ => Err(refused(
            reader,
            "REINDEX of a schema, a system or a database",
        )),
    }
}
