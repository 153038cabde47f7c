//! An explanation for a reader: lines of text, the same in a session and on the command line.

use portcullis_contract::Mode;
use unicode_width::UnicodeWidthStr as _;

use super::piece::printable;
use super::{Ceiling, Explained, Explanation, Shown, TableRead, Told, Touched, Verdict};

/// Where the words begin, behind their labels.
const LABEL_COLUMNS: usize = 11;

/// The lines, without line ends.
pub fn draw(explanation: &Explanation) -> Vec<String> {
    let mut page = Page::default();
    page.head(explanation);
    let several = explanation.statements.len() > 1;
    for (index, statement) in explanation.statements.iter().enumerate() {
        if several {
            page.line(String::new());
            page.line(format!("statement {}", index + 1));
        }
        page.statement(statement);
        page.budgets(statement, &explanation.budgets);
        page.sent(statement);
    }
    page.lines
}

#[derive(Default)]
struct Page {
    lines: Vec<String>,
}

impl Page {
    fn line(&mut self, text: String) {
        self.lines.push(text.trim_end().to_owned());
    }

    /// A label and words; further lines stand under the words.
    fn field(&mut self, label: &str, text: &str) {
        let mut label = label;
        for line in text.lines() {
            self.line(format!(
                "{label:<width$}{}",
                printable(line),
                width = LABEL_COLUMNS
            ));
            label = "";
        }
    }

    fn head(&mut self, explanation: &Explanation) {
        self.field(
            "contract",
            &format!("{} on {}", explanation.contract, explanation.resource),
        );
        if let Some(person) = &explanation.person {
            let purpose = match &explanation.purpose {
                Some(purpose) => format!(", purpose {purpose}"),
                None => String::new(),
            };
            self.field("person", &format!("{person}{purpose}"));
        }
        if explanation.mode == Mode::Observe {
            self.field(
                "mode",
                "observe: what would be refused is recorded and passed",
            );
        }
        for note in &explanation.notes {
            self.field("now", note);
        }
    }

    fn statement(&mut self, statement: &Explained) {
        let words = match (statement.decision, &statement.refusal) {
            (Verdict::Allowed, _) | (_, None) => "allowed".to_owned(),
            (Verdict::Refused, Some(told)) => format!("refused [{}]", told.reason),
            (Verdict::Observed, Some(told)) => {
                format!("passed; `enforce` would refuse it [{}]", told.reason)
            }
        };
        self.field("decision", &words);
        if let Some(told) = &statement.refusal {
            self.reason(statement, told);
        }
        if let Some(touched) = &statement.footprint {
            self.footprint(statement, touched);
        }
        for note in &statement.notes {
            self.field("note", note);
        }
    }

    fn reason(&mut self, statement: &Explained, told: &Told) {
        self.field("", &told.message);
        if let Some(detail) = &told.detail {
            self.field("", detail);
        }
        if let Some(hint) = &told.hint {
            self.field("hint", hint);
        }
        if let Some(place) = &told.place {
            let (line, mark) = place.lines(&statement.sql);
            let label = format!("line {}", place.line);
            self.field(&label, &line);
            self.field("", &mark);
        }
    }

    fn footprint(&mut self, statement: &Explained, touched: &Touched) {
        let methods = if touched.methods.is_empty() {
            "none: any session may".to_owned()
        } else {
            touched.methods.join(", ")
        };
        let verb = match statement.verb.as_str() {
            "" => String::new(),
            verb => format!(" ({verb})"),
        };
        self.field("method", &format!("{methods}{verb}"));
        if let Some(of) = &touched.of {
            self.field("of", &first_line(of));
        }
        match touched.shape {
            Shown::Rows => self.field("answers", "rows"),
            Shown::Groups => self.field("answers", "figures over groups"),
            Shown::None => {}
        }
        let mut label = "reads";
        for table in &touched.tables {
            self.table(label, table);
            label = "";
        }
        let mut label = "joins";
        for (left, right) in &touched.joins {
            self.field(label, &format!("{left} with {right}"));
            label = "";
        }
        let mut label = "counts";
        for counted in &touched.subjects {
            let by = match &counted.column {
                Some(column) => format!(", by {column}"),
                None => ", by a column that is not shown".to_owned(),
            };
            self.field(
                label,
                &format!("each subject `{}` of {}{by}", counted.kind, counted.table),
            );
            label = "";
        }
        if let Some(floor) = touched.min_group {
            self.field(
                "floor",
                &format!("at least {floor} distinct subjects behind each figure"),
            );
        }
        self.dimensions(touched);
    }

    fn dimensions(&mut self, touched: &Touched) {
        if let Some(dimensions) = &touched.dimensions {
            self.field("groups", &format!("by {}", dimensions.join(", ")));
        }
    }

    fn table(&mut self, label: &str, table: &TableRead) {
        let rows = if table.rows_filtered {
            " (the rows that the contract shows)"
        } else {
            ""
        };
        self.field(label, &format!("{}{rows}", table.table));
        let width = table
            .columns
            .iter()
            .map(|column| column.column.width())
            .max()
            .unwrap_or(0);
        for column in &table.columns {
            let pad = " ".repeat(width - column.column.width());
            let shown = match &column.mask {
                Some(mask) => format!("masked: {mask}"),
                None => "clear".to_owned(),
            };
            self.field("", &format!("  {}{pad}  {shown}", column.column));
        }
    }

    fn budgets(&mut self, statement: &Explained, ceilings: &[Ceiling]) {
        let keys = match &statement.footprint {
            Some(touched) if statement.decision != Verdict::Refused => &touched.budgets,
            _ => return,
        };
        let charged: Vec<&Ceiling> = ceilings
            .iter()
            .filter(|ceiling| keys.contains(&ceiling.key))
            .collect();
        let width = charged.iter().map(|c| c.key.len()).max().unwrap_or(0);
        let mut label = "budgets";
        for ceiling in charged {
            let left = match ceiling.left {
                Some(0) => format!("used up (of {})", ceiling.limit),
                Some(left) => format!("{left} left of {}", ceiling.limit),
                None => format!("{} for each person", ceiling.limit),
            };
            self.field(label, &format!("{:<width$}  {left}", ceiling.key));
            label = "";
        }
    }

    fn sent(&mut self, statement: &Explained) {
        if let Some(cleared) = &statement.cleared {
            self.field("sent", cleared);
        }
    }
}

fn first_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
