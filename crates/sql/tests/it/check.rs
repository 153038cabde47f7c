//! One place that reads a text and says what became of it, and one that judges what would travel.

use portcullis_contract as contract;
use portcullis_sql::{Kind, SessionNames, Statement, Surface, rewrite, understand};
use serde_json::Value;

use crate::world;

/// What the tests' permits put under aggregates.
pub const MIN_GROUP: u64 = 5;

pub struct Desk {
    pub surface: Surface,
    pub session: SessionNames,
}

impl Desk {
    pub fn new() -> Self {
        let surface = world::surface();
        let session = world::session(&surface);
        Self { surface, session }
    }

    pub fn read(&self, text: &str) -> Result<Vec<Statement>, contract::Refusal> {
        understand(text, &self.surface, &self.session)
    }

    /// The outcome in lines, as the goldens have it. What travels is judged on the way.
    pub fn outcome(&self, text: &str) -> Vec<String> {
        let statements = match self.read(text) {
            Ok(statements) => statements,
            Err(refusal) => {
                let at = refusal
                    .position
                    .map_or(String::new(), |at| format!(" at {at}"));
                return vec![
                    format!("no {} {refusal}{at}", refusal.sqlstate.code()),
                    format!("   hint: {}", refusal.hint.unwrap_or_default()),
                ];
            }
        };
        statements
            .iter()
            .flat_map(|statement| self.cleared(statement))
            .collect()
    }

    fn cleared(&self, statement: &Statement) -> Vec<String> {
        let methods: Vec<&str> = statement
            .footprint
            .methods
            .iter()
            .map(|m| m.name())
            .collect();
        let tables: Vec<String> = statement
            .footprint
            .tables
            .iter()
            .map(|t| {
                format!(
                    "{}({})",
                    t.table,
                    t.columns.iter().cloned().collect::<Vec<_>>().join(" ")
                )
            })
            .collect();
        let permit = permit(MIN_GROUP);
        let cleared = rewrite(statement, &permit, &self.surface, &self.session)
            .expect("what is understood can be rewritten");
        judge(cleared.text(), &self.surface);
        let taps: Vec<String> = cleared
            .taps()
            .iter()
            .map(|t| self.surface.tables[t.table].qualified())
            .collect();
        let mut lines = vec![format!(
            "{:?} [{}] {:?} {} taps [{}]",
            kind_name(&statement.kind),
            methods.join(" "),
            statement.footprint.shape,
            tables.join(", "),
            taps.join(" ")
        )];
        if !cleared.text().is_empty() {
            lines.push(format!("   {}", cleared.text()));
        }
        lines
    }
}

fn kind_name(kind: &Kind) -> String {
    let debug = format!("{kind:?}");
    debug
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// INVARIANT: a text that travels is one statement, names no relation but those of the contract's
/// schema and its own WITH queries, and no function or operator but those of the contract's schema,
/// `pg_catalog` and the one helper of `information_schema`.
pub fn judge(text: &str, surface: &Surface) {
    if text.is_empty() {
        return;
    }
    let read = pg_query::parse(text, 0).unwrap_or_else(|e| panic!("does not parse: {text}: {e}"));
    assert_eq!(read.protobuf.stmts.len(), 1, "one statement: {text}");
    let tree = serde_json::to_value(&read.protobuf).unwrap();
    let mut ctes = Vec::new();
    gather(&tree, "CommonTableExpr", &mut |cte| {
        ctes.push(cte["ctename"].as_str().unwrap_or_default().to_owned())
    });
    gather(&tree, "RangeVar", &mut |var| {
        let (schema, name) = (
            var["schemaname"].as_str().unwrap_or_default(),
            var["relname"].as_str().unwrap_or_default(),
        );
        let known =
            schema == surface.view_schema || (schema.is_empty() && ctes.iter().any(|c| c == name));
        assert!(known, "names `{schema}.{name}`: {text}");
        assert!(var["catalogname"].as_str().unwrap_or_default().is_empty());
    });
    gather(&tree, "FuncCall", &mut |call| {
        let names: Vec<&str> = call["funcname"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n["node"]["String"]["sval"].as_str().unwrap_or_default())
            .collect();
        let known = match names.as_slice() {
            ["pg_catalog", name] => {
                !["set_config", "pg_sleep"].contains(name)
                    || (*name == "set_config" && text.starts_with("SELECT pg_catalog.set_config("))
            }
            ["information_schema", "_pg_expandarray"] => true,
            [schema, _] => *schema == surface.view_schema,
            _ => false,
        };
        assert!(known, "calls {names:?}: {text}");
    });
}

/// Calls `see` with every node of a type.
pub fn gather(tree: &Value, node: &str, see: &mut dyn FnMut(&Value)) {
    match tree {
        Value::Object(map) => {
            for (key, value) in map {
                if key == node {
                    see(value);
                }
                gather(value, node, see);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, node, see)),
        _ => {}
    }
}

/// A permit with the given floor, from a contract that allows every method.
pub fn permit(min_group: u64) -> contract::Permit {
    let day = |text: &str| text.parse().unwrap();
    let terms = contract::Contract {
        id: "clinic-ops-2026".into(),
        title: String::new(),
        vendor: "acme".into(),
        law: "none".into(),
        mode: contract::Mode::Enforce,
        purposes: Default::default(),
        valid_from: day("2026-01-01"),
        valid_until: day("2027-12-31"),
        vetting: Vec::new(),
        access: contract::Access {
            timezone: "UTC".into(),
            hours: Vec::new(),
            networks: Vec::new(),
            grant_at_most_seconds: 1,
        },
        methods: contract::Methods {
            allowed: contract::Method::ALL.into_iter().collect(),
            aggregate_min_group: min_group,
            aggregate_dimensions: None,
        },
        budgets: Vec::new(),
        scope: Vec::new(),
        joins: contract::Joins::Scoped,
        params_hashed: false,
        terms: Default::default(),
    };
    let footprint = contract::Footprint {
        methods: Default::default(),
        shape: contract::Shape::NoData,
        tables: Vec::new(),
        joins: Default::default(),
    };
    contract::decide(&terms, "hospital", &footprint).expect("a session's baseline needs no method")
}
