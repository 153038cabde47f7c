//! Plain tables for the terminal.

use serde_json::Value;

/// Prints rows of JSON objects under the given columns (`header`, `key`).
pub fn print(rows: &[Value], columns: &[(&str, &str)]) {
    let mut cells: Vec<Vec<String>> = vec![
        columns
            .iter()
            .map(|(header, _)| (*header).to_owned())
            .collect(),
    ];
    for row in rows {
        cells.push(
            columns
                .iter()
                .map(|(_, key)| text(row.get(key).unwrap_or(&Value::Null)))
                .collect(),
        );
    }
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| {
            cells
                .iter()
                .filter_map(|row| row.get(at))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in cells {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width.saturating_sub(cell.chars().count()) + 2));
        }
        say!("{}", line.trim_end());
    }
}

/// A value as a cell shows it; control characters of foreign texts never reach the terminal.
pub fn text(value: &Value) -> String {
    let plain = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    plain
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
