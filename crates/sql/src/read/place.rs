//! Where in the text a piece stands.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use super::Reader;
use crate::node::location_of;

/// A location of the grammar as a place in the text. A query begins with a word, so that 0 is the
/// location of what the gate itself put in.
pub(crate) fn offset(location: i32) -> Option<usize> {
    usize::try_from(location).ok().filter(|at| *at > 0)
}

/// A refusal that points at the piece at fault, if nothing more precise is known.
pub(crate) fn pointed(refusal: Refusal, at: Option<usize>) -> Refusal {
    match (refusal.position, at) {
        (None, Some(at)) => refusal.at(at),
        _ => refusal,
    }
}

impl Reader<'_> {
    pub(crate) fn position_of(&self, node: &Node) -> Option<usize> {
        place_of(node)
    }
}

/// The node's own place, or that of its first part that has one.
pub(crate) fn place_of(node: &Node) -> Option<usize> {
    if let Some(at) = location_of(node) {
        return (at > 0).then_some(at);
    }
    let first = |nodes: &[Node]| nodes.iter().find_map(place_of);
    match node.node.as_ref()? {
        NodeEnum::CollateClause(n) => offset(n.location),
        NodeEnum::BooleanTest(n) => n.arg.as_deref().and_then(place_of),
        NodeEnum::NamedArgExpr(n) => offset(n.location),
        NodeEnum::GroupingFunc(n) => offset(n.location),
        NodeEnum::SetToDefault(n) => offset(n.location),
        NodeEnum::AIndirection(n) => n.arg.as_deref().and_then(place_of),
        NodeEnum::List(n) => first(&n.items),
        NodeEnum::SortBy(n) => n.node.as_deref().and_then(place_of),
        NodeEnum::GroupingSet(n) => offset(n.location),
        NodeEnum::CommonTableExpr(n) => offset(n.location),
        NodeEnum::ColumnDef(n) => offset(n.location),
        NodeEnum::DefElem(n) => offset(n.location),
        NodeEnum::TypeName(n) => offset(n.location),
        NodeEnum::LockingClause(n) => first(&n.locked_rels),
        NodeEnum::RangeSubselect(n) => n.subquery.as_deref().and_then(place_of),
        NodeEnum::RangeFunction(n) => first(&n.functions),
        NodeEnum::JoinExpr(n) => n.larg.as_deref().and_then(place_of),
        NodeEnum::RangeTableFunc(n) => offset(n.location),
        NodeEnum::JsonTable(n) => offset(n.location),
        NodeEnum::SelectStmt(n) => place_of_query(n),
        NodeEnum::XmlSerialize(n) => offset(n.location),
        NodeEnum::JsonObjectConstructor(n) => offset(n.location),
        NodeEnum::JsonArrayConstructor(n) => offset(n.location),
        NodeEnum::JsonArrayQueryConstructor(n) => offset(n.location),
        NodeEnum::JsonObjectAgg(n) => n.constructor.as_ref().and_then(|c| offset(c.location)),
        NodeEnum::JsonArrayAgg(n) => n.constructor.as_ref().and_then(|c| offset(c.location)),
        NodeEnum::JsonFuncExpr(n) => offset(n.location),
        NodeEnum::JsonIsPredicate(n) => offset(n.location),
        NodeEnum::JsonParseExpr(n) => offset(n.location),
        NodeEnum::JsonScalarExpr(n) => offset(n.location),
        NodeEnum::JsonSerializeExpr(n) => offset(n.location),
        _ => None,
    }
}

/// Where a query's select list begins; of a set operation its first part's.
pub(crate) fn place_of_query(query: &pb::SelectStmt) -> Option<usize> {
    let mut query = query;
    while let Some(left) = query.larg.as_deref() {
        query = left;
    }
    let lists = [&query.target_list, &query.values_lists, &query.from_clause];
    lists
        .into_iter()
        .find_map(|list| list.first().and_then(place_of))
}
