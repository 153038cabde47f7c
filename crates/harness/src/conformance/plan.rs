//! What a line of EXPLAIN may say: kinds of nodes, and tables of the contract. Which nodes, and how many,
//! may depend on hidden values by way of statistics: the method `plan` declares that.

/// All tables that the world's contracts show.
const TABLES: [&str; 5] = [
    "clinic.patients",
    "clinic.visits",
    "clinic.doctors",
    "clinic.wards",
    "lab.samples",
];

/// The words of PostgreSQL's names for nodes.
const WORDS: &str = "Aggregate Anti Append Bitmap BitmapAnd BitmapOr CTE Except Finalize Full Function Gather \
    Group Hash HashAggregate HashSetOp Heap Incremental Index InitPlan Intersect Join Left Limit Loop \
    LockRows Materialize Memoize Merge MixedAggregate Named Nested Only Parallel Partial ProjectSet \
    Recursive Result Right Sample Scan Semi Seq SetOp Sort SubPlan Subquery Table Tid Union Unique Values \
    WindowAgg WorkTable";

/// Whether the line is nothing but a node and, if any, the table it reads.
pub(super) fn is_plan_line(line: &str) -> bool {
    let line = line.trim_start_matches(' ');
    let line = line.strip_prefix("->  ").unwrap_or(line);
    let (node, table) = match line.split_once(" on ") {
        Some((node, table)) => (node, Some(table)),
        None => (line, None),
    };
    let known = |word: &str| WORDS.split_whitespace().any(|own| own == word);
    let bare = |word: &str| {
        word.trim_start_matches('(')
            .trim_end_matches(')')
            .to_owned()
    };
    node.split(' ').all(|word| known(&bare(word)))
        && table.is_none_or(|table| TABLES.contains(&table))
}

/// Whether a value is a whole plan as JSON or XML, of nothing but nodes and tables.
pub(super) fn is_plan_document(text: &str) -> bool {
    let fields: Option<Vec<(String, String)>> = if text.starts_with('<') {
        text.lines().filter_map(xml_field).collect()
    } else {
        let mut fields = Vec::new();
        serde_json::from_str(text)
            .is_ok_and(|plan| json_fields("", &plan, &mut fields))
            .then_some(fields)
    };
    fields.is_some_and(|fields| {
        !fields.is_empty() && fields.iter().all(|(key, value)| is_plan_field(key, value))
    })
}

fn is_plan_field(key: &str, value: &str) -> bool {
    let words = |value: &str| {
        value
            .split(' ')
            .all(|word| WORDS.split_whitespace().any(|own| own == word))
    };
    let part = |of: fn(&str) -> Option<(&str, &str)>, name: bool| {
        TABLES
            .iter()
            .filter_map(|table| of(table))
            .any(|(schema, table)| value == if name { table } else { schema })
    };
    let split: fn(&str) -> Option<(&str, &str)> = |table| table.split_once('.');
    match key {
        "Node Type" | "Join Type" => words(value) || value == "Inner",
        "Relation Name" => value == "(catalog)" || part(split, true),
        "Schema" => part(split, false),
        "Parent Relationship" => matches!(
            value,
            "Outer" | "Inner" | "Member" | "Subquery" | "InitPlan" | "SubPlan"
        ),
        _ => false,
    }
}

/// All texts with their keys; `false` where something else stands.
fn json_fields(key: &str, value: &serde_json::Value, fields: &mut Vec<(String, String)>) -> bool {
    match value {
        serde_json::Value::Array(list) => list.iter().all(|one| json_fields(key, one, fields)),
        serde_json::Value::Object(map) => {
            map.iter().all(|(key, one)| json_fields(key, one, fields))
        }
        serde_json::Value::String(text) => {
            fields.push((key.to_owned(), text.clone()));
            true
        }
        _ => false,
    }
}

/// `None` for a line of tags alone; what is neither is a field that no plan has.
fn xml_field(line: &str) -> Option<Option<(String, String)>> {
    let line = line.trim();
    let inner = line.strip_prefix('<')?;
    let (tag, rest) = inner.split_once('>')?;
    if rest.is_empty() {
        return None;
    }
    let value = rest.strip_suffix(&format!("</{tag}>"));
    Some(value.map(|value| (tag.replace('-', " "), value.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_document_tells_nothing_else() {
        let plan = |table: &str| {
            format!(
                "[{{\"Plan\": {{\"Node Type\": \"Seq Scan\", \"Schema\": \"clinic\", \"Relation Name\": \"{table}\"}}}}]"
            )
        };
        assert!(is_plan_document(&plan("visits")));
        assert!(!is_plan_document(&plan("salaries")));
        assert!(!is_plan_document(
            "[{\"Plan\": {\"Node Type\": \"Seq Scan\", \"Plan Rows\": 7}}]"
        ));
        assert!(!is_plan_document("[]"));
        let xml = |rest: &str| {
            format!("<explain>\n<Plan>\n<Node-Type>Limit</Node-Type>\n{rest}\n</Plan>")
        };
        assert!(is_plan_document(&xml(
            "<Relation-Name>visits</Relation-Name>"
        )));
        assert!(!is_plan_document(&xml("<Filter>(ward)</Filter>")));
    }

    #[test]
    fn a_plan_line_tells_nothing_else() {
        assert!(is_plan_line("Limit"));
        assert!(is_plan_line("  ->  Hash Join (Right)"));
        assert!(is_plan_line("        ->  Seq Scan on clinic.visits"));
        assert!(!is_plan_line(
            "Seq Scan on clinic.visits  (cost=0.00..1.07 rows=7 width=4)"
        ));
        assert!(!is_plan_line("  Filter: (ward <> 'VIP'::text)"));
        assert!(!is_plan_line(
            "Index Scan using patients_secret on clinic.patients"
        ));
        assert!(!is_plan_line("Seq Scan on hr.salaries"));
    }
}
