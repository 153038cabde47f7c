//! EXPLAIN in the client's names: the plan's shape, without costs, conditions, masks or filters.

use bytes::BytesMut;
use portcullis_wire::build::server as build;
use portcullis_wire::row;
use serde_json::Value;

use super::{End, Session};

/// Deepest plan that is drawn; PostgreSQL makes none near it.
const MAX_PLAN_DEPTH: usize = 128;

impl Session {
    /// Turns the database's one row of JSON into rows of text.
    pub(super) fn take_plan(&mut self, body: &[u8]) -> Result<(), End> {
        let broke = |what: &str| End::DatabaseBroke(what.to_owned());
        let mut fields =
            row::fields(body).map_err(|error| End::DatabaseBroke(error.to_string()))?;
        let Some(Ok(Some(json))) = fields.next() else {
            return Err(broke("a plan without a value"));
        };
        let plan: Value =
            serde_json::from_slice(json).map_err(|_| broke("a plan that is no JSON"))?;
        let root = plan
            .get(0)
            .and_then(|query| query.get("Plan"))
            .ok_or_else(|| broke("a plan of another form"))?;
        let mut lines = Vec::new();
        draw(root, 0, &self.terms.surface, &mut lines);
        let mut rows = BytesMut::new();
        for line in &lines {
            build::data_row_texts(&mut rows, &[Some(line)])
                .map_err(|error| End::DatabaseBroke(error.to_string()))?;
        }
        // No row of the owner's: the shape is what the method `plan` discloses.
        self.out.put_slice(&rows);
        Ok(())
    }
}

fn draw(node: &Value, depth: usize, surface: &portcullis_sql::Surface, lines: &mut Vec<String>) {
    if depth > MAX_PLAN_DEPTH {
        return;
    }
    let text = |key: &str| node.get(key).and_then(Value::as_str);
    let indent = if depth == 0 {
        String::new()
    } else {
        format!("{}->  ", " ".repeat(depth * 6 - 4))
    };
    let mut line = format!("{indent}{}", text("Node Type").unwrap_or("Plan"));
    if let Some(join) = text("Join Type").filter(|join| *join != "Inner") {
        line.push_str(&format!(" ({join})"));
    }
    if let Some(relation) = text("Relation Name") {
        match surface.tables.iter().find(|table| table.name == relation) {
            Some(table) => {
                line.push_str(&format!(" on {}", table.qualified()));
            }
            None => line.push_str(" on (catalog)"),
        }
    }
    lines.push(line);
    for child in node
        .get("Plans")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|child| !is_of_a_mask(child, surface))
    {
        draw(child, depth + 1, surface, lines);
    }
}

/// A sub-plan that reads no table of the contract: how a mask fetches its key and makes its value. (So is a
/// client's own sub-query without a table; its absence tells nothing that he doesn't know.)
fn is_of_a_mask(node: &Value, surface: &portcullis_sql::Surface) -> bool {
    let apart = node.get("Parent Relationship").and_then(Value::as_str);
    matches!(apart, Some("InitPlan" | "SubPlan")) && !reads_a_table(node, 0, surface)
}

fn reads_a_table(node: &Value, depth: usize, surface: &portcullis_sql::Surface) -> bool {
    let relation = node.get("Relation Name").and_then(Value::as_str);
    let children = node.get("Plans").and_then(Value::as_array);
    let of_contract = |name| surface.tables.iter().any(|table| table.name == name);
    relation.is_some_and(of_contract)
        || depth < MAX_PLAN_DEPTH
            && children
                .into_iter()
                .flatten()
                .any(|child| reads_a_table(child, depth + 1, surface))
}

#[cfg(test)]
mod tests {
    use portcullis_sql::surface::Table;
    use serde_json::json;

    use super::*;

    /// A look-up of a substituted column beside a client's own sub-query, as PostgreSQL tells it.
    #[test]
    fn what_a_mask_computes_is_not_drawn() {
        let surface = portcullis_sql::Surface {
            tables: vec![Table {
                schema: "clinic".into(),
                name: "patients".into(),
                oid: 1,
                view: "clinic.patients".into(),
                view_oid: 2,
                columns: Vec::new(),
                subject: None,
                rows_filtered: false,
                unique_keys: Vec::new(),
            }],
            ..portcullis_sql::Surface::default()
        };
        let plan = json!({ "Node Type": "Index Scan", "Relation Name": "patients", "Plans": [
            { "Node Type": "Aggregate", "Parent Relationship": "InitPlan", "Plans": [
                { "Node Type": "Seq Scan", "Parent Relationship": "Outer", "Relation Name": "patients" } ] },
            { "Node Type": "Subquery Scan", "Parent Relationship": "SubPlan", "Plans": [
                { "Node Type": "Index Scan", "Parent Relationship": "InitPlan", "Relation Name": "mask_key" },
                { "Node Type": "Values Scan", "Parent Relationship": "Subquery" } ] },
        ] });
        let mut lines = Vec::new();
        draw(&plan, 0, &surface, &mut lines);
        assert_eq!(
            lines,
            [
                "Index Scan on clinic.patients",
                "  ->  Aggregate",
                "        ->  Seq Scan on clinic.patients"
            ]
        );
    }
}
