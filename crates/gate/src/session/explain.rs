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
    {
        draw(child, depth + 1, surface, lines);
    }
}
