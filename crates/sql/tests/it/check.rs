//! One place that reads a text and says what became of it, and one that judges what would travel.

use portcullis_contract as contract;
use portcullis_sql::{Kind, SessionNames, Statement, Surface, limits, rewrite, understand_on};
use serde_json::Value;

use super::world;

/// What the tests' permits put under aggregates.
pub const MIN_GROUP: u64 = 5;

pub struct Desk {
    pub surface: Surface,
    pub session: SessionNames,
    /// What stands under aggregates in the text that travels.
    pub permit: contract::Permit,
    /// Stack of the thread that asks.
    pub stack_bytes: usize,
}

impl Desk {
    pub fn new() -> Self {
        let surface = world::surface();
        let mut session = world::session(&surface);
        let permit = permit(MIN_GROUP);
        session.rule = permit.aggregate_rule().clone();
        Self {
            surface,
            session,
            permit,
            stack_bytes: limits::DEFAULT_CALLER_STACK_BYTES,
        }
    }

    /// A desk under a contract that declares dimensions.
    pub fn with_dimensions() -> Self {
        let mut desk = Self::new();
        desk.session.rule = dimensions();
        desk.permit = permit_under(dimensions());
        for table in &mut desk.surface.tables {
            for column in &mut table.columns {
                column.type_oid = match column.type_name.as_str() {
                    "integer" => 23,
                    "date" => 1082,
                    "numeric" => 1700,
                    _ => 25,
                };
            }
        }
        desk
    }

    pub fn read(&self, text: &str) -> Result<Vec<Statement>, contract::Refusal> {
        understand_on(self.stack_bytes, text, &self.surface, &self.session)
    }

    /// The outcome in lines, as the goldens have it. What travels is judged on the way.
    pub fn outcome(&self, text: &str) -> Vec<String> {
        let statements = match self.read(text) {
            Ok(statements) => statements,
            Err(refusal) => return refused(text, &refusal),
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
        let cleared = rewrite(statement, &self.permit, &self.surface, &self.session)
            .expect("what is understood can be rewritten");
        judge(cleared.text(), &self.surface);
        let taps: Vec<String> = cleared
            .taps()
            .iter()
            .map(|t| self.surface.tables[t.table].qualified())
            .collect();
        let joins: Vec<String> = statement
            .footprint
            .joins
            .iter()
            .map(|(left, right)| format!(" {left}+{right}"))
            .collect();
        let mut lines = vec![format!(
            "{:?} [{}] {:?} {} taps [{}]{}{}",
            kind_name(&statement.kind),
            methods.join(" "),
            statement.footprint.shape,
            tables.join(", "),
            taps.join(" "),
            joins.concat(),
            if statement.changes { " changes" } else { "" }
        )];
        if !cleared.text().is_empty() {
            lines.push(format!("   {}", cleared.text()));
        }
        lines
    }
}

/// A refusal in lines, as the goldens have it.
pub fn refused(text: &str, refusal: &contract::Refusal) -> Vec<String> {
    let mut lines = vec![format!("no {} {refusal}", refusal.sqlstate.code())];
    if let Some(at) = refusal.position {
        let piece: String = text[at..].chars().take(PIECE_CHARS).collect();
        lines.push(format!("   at {at}: {}", piece.replace('\n', "⏎")));
    }
    if let Some(detail) = &refusal.detail {
        lines.push(format!("   detail: {detail}"));
    }
    if let Some(hint) = &refusal.hint {
        lines.push(format!("   hint: {hint}"));
    }
    lines
}

/// So much of the text at a refusal's place is shown.
const PIECE_CHARS: usize = 24;

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
                    || (*name == "set_config" && !names_search_path(call))
            }
            ["information_schema", "_pg_expandarray"] => true,
            [schema, _] => *schema == surface.view_schema,
            _ => false,
        };
        assert!(known, "calls {names:?}: {text}");
    });
}

/// The server's search path is the gate's own; a setting that is no constant could be it.
fn names_search_path(call: &Value) -> bool {
    let setting = &call["args"][0]["node"]["AConst"]["val"]["Sval"]["sval"];
    setting
        .as_str()
        .is_none_or(|name| name.eq_ignore_ascii_case("search_path"))
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

/// The dimensions that the tests' contract declares.
pub fn dimensions() -> contract::AggregateRule {
    let dimensions = [
        "clinic.patients.sex",
        "clinic.patients.hospital_ward",
        "clinic.patients.birth_date by year",
        "clinic.visits.diagnosis",
        "clinic.visits.visit_date by month",
        "clinic.visits.doctor_id by 10",
    ];
    contract::AggregateRule {
        min_group: MIN_GROUP,
        dimensions: Some(
            dimensions
                .iter()
                .map(|text| contract::Dimension::parse(text).unwrap())
                .collect(),
        ),
    }
}

/// A permit with the given floor, from a contract that allows every method.
pub fn permit(min_group: u64) -> contract::Permit {
    permit_under(contract::AggregateRule {
        min_group,
        dimensions: None,
    })
}

pub fn permit_under(rule: contract::AggregateRule) -> contract::Permit {
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
            aggregate_min_group: rule.min_group,
            aggregate_dimensions: rule.dimensions,
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
