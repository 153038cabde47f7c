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

#[cfg(test)]
mod tests {
    use super::*;

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
