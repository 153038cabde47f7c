//! What no text of a corpus gives: trees that the grammar does not make, texts of a size that no file
//! should have, surfaces that lack something.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use portcullis_contract::{AggregateRule, Refusal};
use portcullis_grammar::Fault;

use super::check::{Desk, refused};
use super::desk;
use crate::node::{integer_constant, node, target};
use crate::read::Reader;
use crate::read::select::Taps;
use crate::{SessionNames, Surface, limits, rewrite, utility};

type Read = Box<dyn Fn() -> String + Send + Sync>;

pub(super) fn all() -> Vec<(&'static str, Read)> {
    let mut made: Vec<(&'static str, Read)> = Vec::new();
    let mut text = |name: &'static str, text: String| {
        made.push((name, Box::new(move || short(desk().outcome(&text)))));
    };
    text(
        "a long text",
        format!("SELECT '{}'", "x".repeat(limits::MAX_STATEMENT_BYTES)),
    );
    text("a zero byte", "SELECT 1\0".to_owned());
    text(
        "many statements",
        "SELECT 1;".repeat(limits::MAX_STATEMENTS + 1),
    );
    text(
        "brackets in a literal",
        format!("SELECT '{}'", "(".repeat(limits::MAX_NESTING_UNITS + 1)),
    );
    text(
        "nested calls",
        format!("SELECT {}1{}", "abs(".repeat(2_500), ")".repeat(2_500)),
    );
    text(
        "a chain of operators",
        format!("SELECT 1{}", " + 1".repeat(2_500)),
    );
    let entries: Vec<String> = (0..=200).map(|n| format!("wards w{n}")).collect();
    text(
        "many entries",
        format!("SELECT 1 FROM {}", entries.join(", ")),
    );
    text(
        "a wide result",
        format!(
            "SELECT {} FROM wards",
            vec!["*"; limits::MAX_COLUMNS].join(", ")
        ),
    );
    text(
        "windows written out",
        format!(
            "SELECT {} FROM visits WINDOW w AS (PARTITION BY {})",
            vec!["row_number() OVER w"; 300].join(", "),
            vec!["cost"; 300].join(", ")
        ),
    );
    text(
        "wide lists",
        format!("SELECT {}", vec!["1"; limits::MAX_COLUMNS + 1].join(", ")),
    );
    text(
        "deep and wide",
        format!(
            "{}SELECT * FROM patients a, patients b, patients c{}",
            "SELECT * FROM (".repeat(300),
            ") x".repeat(300)
        ),
    );
    made.extend(odd_trees());
    made.extend(poor_surfaces());
    made
}

/// An outcome may hold a text of a megabyte.
fn short(lines: Vec<String>) -> String {
    let lines: Vec<String> = lines
        .into_iter()
        .map(|line| line.chars().take(500).collect())
        .collect();
    lines.join("\n")
}

fn told<T>(read: Result<T, Refusal>) -> String {
    match read {
        Ok(_) => "passes".to_owned(),
        Err(refusal) => refused(
            "",
            &Refusal {
                position: None,
                ..refusal
            },
        )
        .join("\n"),
    }
}

fn with_reader<T>(read: impl Fn(&mut Reader<'_>) -> Result<T, Refusal>) -> String {
    let surface = Surface {
        contract: "c".into(),
        ..Surface::default()
    };
    let session = SessionNames::new("u", "d", &surface);
    let rule = AggregateRule::default();
    told(read(&mut Reader::new(&surface, &session, &rule)))
}

fn odd_trees() -> Vec<(&'static str, Read)> {
    let statement = |inner: fn() -> pb::Node| -> Read {
        Box::new(move || with_reader(|reader| utility::read(reader, &mut inner())))
    };
    vec![
        ("an empty statement", statement(|| pb::Node { node: None })),
        (
            "a sub-query without a query",
            statement(|| {
                let link = node(NodeEnum::SubLink(Box::default()));
                node(NodeEnum::SelectStmt(Box::new(pb::SelectStmt {
                    target_list: vec![target("x", link)],
                    op: pb::SetOperation::SetopNone as i32,
                    ..Default::default()
                })))
            }),
        ),
        (
            "an entry of FROM that is no relation",
            Box::new(|| {
                with_reader(|reader| {
                    let mut query = pb::SelectStmt {
                        target_list: vec![target("x", integer_constant(1))],
                        from_clause: vec![integer_constant(1)],
                        op: pb::SetOperation::SetopNone as i32,
                        ..Default::default()
                    };
                    reader.query(&mut query, None, Taps::Emit)
                })
            }),
        ),
        (
            "a tree that does not read back",
            Box::new(|| told(rewrite::deparse(&mut not_reading_back()))),
        ),
        (
            "a node that the comparison does not know",
            Box::new(|| told(rewrite::deparse(&mut parsed("NOTIFY news")))),
        ),
        (
            "a parser out of stack",
            Box::new(|| {
                told(
                    crate::understand::unparsable(
                        "",
                        &portcullis_grammar::Fault::Refused("stack depth limit exceeded".into()),
                    )
                    .stands(),
                )
            }),
        ),
        (
            "a long list",
            Box::new(|| told(crate::understand::unparsable("", &Fault::LongList).stands())),
        ),
        (
            "many nodes",
            Box::new(|| told(crate::understand::unparsable("", &Fault::ManyNodes).stands())),
        ),
        (
            "many steps",
            Box::new(|| {
                let surface = Surface::default();
                let session = SessionNames::new("u", "d", &surface);
                let rule = AggregateRule::default();
                told(Reader::new(&surface, &session, &rule).spend(limits::MAX_STEPS + 1))
            }),
        ),
        (
            "a list that is too long",
            Box::new(|| {
                told(
                    crate::understand::unparsable("", &portcullis_grammar::Fault::LongList)
                        .stands(),
                )
            }),
        ),
        (
            "too many nodes",
            Box::new(|| {
                told(
                    crate::understand::unparsable("", &portcullis_grammar::Fault::ManyNodes)
                        .stands(),
                )
            }),
        ),
        (
            "too many steps",
            Box::new(|| with_reader(|reader| reader.spend(limits::MAX_STEPS + 1))),
        ),
        (
            "a tree that cannot be handed over",
            Box::new(|| {
                told(
                    crate::understand::unparsable("", &portcullis_grammar::Fault::Unreadable)
                        .stands(),
                )
            }),
        ),
    ]
}

/// The tree of a statement's text.
fn parsed(text: &str) -> pb::Node {
    let read = portcullis_grammar::parse(text, portcullis_grammar::Places::Kept).unwrap();
    let statement = read.statements.into_iter().next().unwrap();
    *statement.stmt.unwrap()
}

/// `SELECT 1 AS x` with an operator that has no operands: its text reads as something else.
fn not_reading_back() -> pb::Node {
    let mut negative = integer_constant(1);
    if let Some(NodeEnum::AConst(constant)) = negative.node.as_mut() {
        constant.val = Some(pb::a_const::Val::Fval(pb::Float {
            fval: "-1".to_owned(),
        }));
    }
    node(NodeEnum::SelectStmt(Box::new(pb::SelectStmt {
        target_list: vec![target("x", negative)],
        op: pb::SetOperation::SetopNone as i32,
        limit_option: pb::LimitOption::Default as i32,
        ..Default::default()
    })))
}

fn poor_surfaces() -> Vec<(&'static str, Read)> {
    let on = |change: fn(&mut Desk), text: &'static str| -> Read {
        Box::new(move || {
            let mut desk = desk();
            change(&mut desk);
            short(desk.outcome(text))
        })
    };
    vec![
        (
            "a reg-type without a filter",
            on(
                |desk| desk.surface.reg_filters.clear(),
                "SELECT oid::regclass FROM pg_class",
            ),
        ),
        (
            "an owner's column that stands for objects",
            on(
                |desk| {
                    for table in &mut desk.surface.tables {
                        for column in table.columns.iter_mut().filter(|c| c.name == "ward") {
                            column.type_name = "regclass".to_owned();
                        }
                    }
                },
                "SELECT coalesce(w.ward, '1259') FROM clinic.wards w WHERE ward = 5",
            ),
        ),
        (
            "settings without a look-alike",
            on(
                |desk| {
                    desk.surface.catalog_functions.remove("current_setting");
                },
                "SELECT current_setting(relname) FROM pg_class",
            ),
        ),
        (
            "a subject shown apart from its digest",
            on(
                |desk| {
                    for table in &mut desk.surface.tables {
                        if let Some(subject) = &mut table.subject {
                            subject.shown = Some(std::mem::replace(
                                &mut subject.column,
                                "portcullis_row".to_owned(),
                            ));
                        }
                    }
                },
                "SELECT patient_id, count(*) FROM visits GROUP BY patient_id",
            ),
        ),
    ]
}
