//! EXPLAIN in the client's names: the plan's shape, without costs, conditions, masks or filters.

use bytes::BytesMut;
use portcullis_sql::{PlanForm, Surface};
use portcullis_wire::build::server as build;
use portcullis_wire::row;
use serde_json::{Map, Value};

use super::{End, Session};

/// Deepest plan that is drawn; PostgreSQL makes none near it.
const MAX_PLAN_DEPTH: usize = 128;

/// PostgreSQL's OIDs of `text`, `json` and `xml`: what EXPLAIN gives.
pub(super) fn type_oid(form: PlanForm) -> u32 {
    match form {
        PlanForm::Text => 25,
        PlanForm::Json => 114,
        PlanForm::Xml => 142,
    }
}

impl Session {
    /// Turns the database's one row of JSON into what the client asked for.
    pub(super) fn take_plan(&mut self, body: &[u8], form: PlanForm) -> Result<(), End> {
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
        let plan = Shape::of(root, 0, &self.terms.surface);
        let values = match form {
            PlanForm::Text => {
                let mut lines = Vec::new();
                plan.lines(0, &mut lines);
                lines
            }
            PlanForm::Json => vec![plan.document()],
            PlanForm::Xml => {
                let mut document = XML_HEAD.to_owned();
                plan.xml(&mut document);
                document.push_str(XML_END);
                vec![document]
            }
        };
        let mut rows = BytesMut::new();
        for value in &values {
            build::data_row_texts(&mut rows, &[Some(value)])
                .map_err(|error| End::DatabaseBroke(error.to_string()))?;
        }
        // No row of the owner's: the shape is what the method `plan` discloses.
        self.out.put_slice(&rows);
        Ok(())
    }
}

const XML_HEAD: &str = "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n<Query>\n";
const XML_END: &str = "</Query>\n</explain>";

/// What is shown of a plan, whatever the form.
///
/// INVARIANT: words of PostgreSQL's own and names of tables in scope; nothing else that the owner wrote.
struct Shape {
    node: String,
    join: Option<String>,
    /// Schema and name of a table in scope; empty for what is the catalog's or the gate's.
    relation: Option<(String, String)>,
    parent: Option<String>,
    plans: Vec<Shape>,
}

impl Shape {
    fn of(node: &Value, depth: usize, surface: &Surface) -> Self {
        let text = |key: &str| node.get(key).and_then(Value::as_str).map(str::to_owned);
        let children = node.get("Plans").and_then(Value::as_array);
        let plans = children
            .into_iter()
            .flatten()
            .filter(|child| depth < MAX_PLAN_DEPTH && !is_of_a_mask(child, surface))
            .map(|child| Self::of(child, depth + 1, surface))
            .collect();
        let relation = text("Relation Name").map(|relation| {
            let table = surface.tables.iter().find(|table| table.name == relation);
            table.map_or_else(Default::default, |table| {
                (table.schema.clone(), table.name.clone())
            })
        });
        Self {
            node: text("Node Type").unwrap_or_else(|| "Plan".to_owned()),
            join: text("Join Type"),
            relation,
            parent: text("Parent Relationship"),
            plans,
        }
    }

    fn lines(&self, depth: usize, lines: &mut Vec<String>) {
        let mut line = match depth {
            0 => String::new(),
            _ => format!("{}->  ", " ".repeat(depth * 6 - 4)),
        };
        line.push_str(&self.node);
        if let Some(join) = self.join.as_ref().filter(|join| *join != "Inner") {
            line.push_str(&format!(" ({join})"));
        }
        match &self.relation {
            Some((schema, name)) if !name.is_empty() => {
                line.push_str(&format!(" on {schema}.{name}"));
            }
            Some(_) => line.push_str(" on (catalog)"),
            None => {}
        }
        lines.push(line);
        for plan in &self.plans {
            plan.lines(depth + 1, lines);
        }
    }

    /// What is known of a node, under PostgreSQL's own keys.
    fn fields(&self) -> Vec<(&'static str, &str)> {
        let mut fields = vec![("Node Type", self.node.as_str())];
        fields.extend(
            self.parent
                .as_deref()
                .map(|parent| ("Parent Relationship", parent)),
        );
        fields.extend(self.join.as_deref().map(|join| ("Join Type", join)));
        match &self.relation {
            Some((schema, name)) if !name.is_empty() => {
                fields.extend([
                    ("Relation Name", name.as_str()),
                    ("Schema", schema.as_str()),
                ]);
            }
            Some(_) => fields.push(("Relation Name", "(catalog)")),
            None => {}
        }
        fields
    }

    fn document(&self) -> String {
        let query = Value::Object(Map::from_iter([("Plan".to_owned(), self.value())]));
        format!("{:#}", Value::Array(vec![query]))
    }

    fn value(&self) -> Value {
        let mut map: Map<String, Value> = self
            .fields()
            .into_iter()
            .map(|(key, value)| (key.to_owned(), Value::from(value)))
            .collect();
        if !self.plans.is_empty() {
            let plans = self.plans.iter().map(Self::value).collect();
            map.insert("Plans".to_owned(), plans);
        }
        Value::Object(map)
    }

    fn xml(&self, document: &mut String) {
        document.push_str("<Plan>\n");
        for (key, value) in self.fields() {
            let key = key.replace(' ', "-");
            document.push_str(&format!("<{key}>{}</{key}>\n", escaped(value)));
        }
        if !self.plans.is_empty() {
            document.push_str("<Plans>\n");
            for plan in &self.plans {
                plan.xml(document);
            }
            document.push_str("</Plans>\n");
        }
        document.push_str("</Plan>\n");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A sub-plan that reads no table of the contract: how a mask fetches its key and makes its value. (So is a
/// client's own sub-query without a table; its absence tells nothing that he doesn't know.)
fn is_of_a_mask(node: &Value, surface: &Surface) -> bool {
    let apart = node.get("Parent Relationship").and_then(Value::as_str);
    matches!(apart, Some("InitPlan" | "SubPlan")) && !reads_a_table(node, 0, surface)
}

fn reads_a_table(node: &Value, depth: usize, surface: &Surface) -> bool {
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
        let shape = Shape::of(&plan, 0, &surface);
        let mut lines = Vec::new();
        shape.lines(0, &mut lines);
        assert_eq!(
            lines,
            [
                "Index Scan on clinic.patients",
                "  ->  Aggregate",
                "        ->  Seq Scan on clinic.patients"
            ]
        );
        let scan = json!({ "Node Type": "Seq Scan", "Parent Relationship": "Outer",
            "Relation Name": "patients", "Schema": "clinic" });
        let aggregate =
            json!({ "Node Type": "Aggregate", "Parent Relationship": "InitPlan", "Plans": [scan] });
        let root = json!({ "Node Type": "Index Scan", "Relation Name": "patients",
            "Schema": "clinic", "Plans": [aggregate] });
        let document = json!([{ "Plan": root }]);
        assert_eq!(shape.document(), format!("{document:#}"));
        let mut xml = String::new();
        shape.xml(&mut xml);
        assert_eq!(xml.matches("<Plan>").count(), 3);
        assert!(!xml.contains("mask_key") && xml.contains("<Node-Type>Aggregate</Node-Type>"));
    }
}
