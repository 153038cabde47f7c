//! COPY … TO STDOUT: an export of a query.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::{Method, Refusal};

use super::query::{rows, taps, whole_table};
use crate::node::{
    alias, call, coalesce, column, node, string, target, text_constant, text_of, texts_of,
};
use crate::read::Reader;
use crate::read::place::offset;
use crate::read::scope::Output;
use crate::rules::{self, Denial, Rule};
use crate::statement::{CopyFormat, CopyOut, Kind};
use crate::understand::Reading;

pub(super) fn read(reader: &mut Reader<'_>, tree: &mut Node) -> Result<Reading, Refusal> {
    let Some(NodeEnum::CopyStmt(statement)) = tree.node.as_mut() else {
        return reader.odd("this COPY").or(super::nothing);
    };
    if statement.is_program || !statement.filename.is_empty() {
        reader
            .deny(
                &rules::COPY_SERVER_FILE,
                "COPY to or from the server's files and programs is not passed",
            )
            .hint("use `COPY … TO STDOUT`, or psql's `\\copy`, which writes the file on your side")
            .stands()?;
    }
    if statement.is_from {
        reader
            .deny(&rules::COPY_FROM, "`COPY … FROM` is not allowed")
            .hint("the gate passes no change of data; hand the owner's administrator the file, with its ticket")
            .stands()?;
    }
    let copy = options(reader, &mut statement.options)?;
    if let Some(relation) = statement.relation.take() {
        let columns: Vec<String> = texts_of(&statement.attlist)
            .unwrap_or_default()
            .into_iter()
            .map(str::to_owned)
            .collect();
        statement.attlist.clear();
        statement.query = Some(Box::new(whole_table(relation, &columns)));
    }
    let Some(query) = statement.query.as_mut() else {
        return reader.odd("COPY without a query").or(super::nothing);
    };
    let output = rows(reader, query)?;
    let taps = taps(&output);
    if !taps.is_empty() && rules::COPY_TAPS.stands() {
        let inner = std::mem::take(&mut **query);
        **query = encoded(reader, inner, &output);
    }
    let mut reading = Reading::of(Kind::CopyOut(copy), "COPY");
    reading.taps = taps;
    reading.output = Some(output);
    if rules::METHOD_EXPORT.stands() {
        reading.methods = vec![Method::Export];
    }
    Ok(reading)
}

/// The query's columns as they are, its taps in hex, which no format quotes.
fn encoded(reader: &mut Reader<'_>, inner: Node, output: &Output) -> Node {
    let name = reader.fresh_name("copy");
    let mut around = whole_table(pb::RangeVar::default(), &[]);
    let mut colnames = Vec::new();
    let mut targets = Vec::new();
    for (position, shown) in output.columns.iter().enumerate() {
        let own = format!("c{position}");
        colnames.push(string(&own));
        targets.push(target(&shown.name, column(&name, &own)));
    }
    for (position, tap) in output.taps.iter().enumerate() {
        let own = format!("t{position}");
        colnames.push(string(&own));
        let bytes = call(
            "pg_catalog",
            "convert_to",
            vec![column(&name, &own), text_constant("UTF8")],
        );
        let hex = call("pg_catalog", "encode", vec![bytes, text_constant("hex")]);
        targets.push(target(&tap.column, coalesce(vec![hex, text_constant("-")])));
    }
    if let Some(NodeEnum::SelectStmt(select)) = around.node.as_mut() {
        let mut named = alias(&name);
        named.colnames = colnames;
        select.target_list = targets;
        select.from_clause = vec![node(NodeEnum::RangeSubselect(Box::new(
            pb::RangeSubselect {
                lateral: false,
                subquery: Some(Box::new(inner)),
                alias: Some(named),
            },
        )))];
    }
    around
}

fn options(reader: &Reader<'_>, options: &mut Vec<Node>) -> Result<CopyOut, Refusal> {
    let mut copy = CopyOut {
        format: CopyFormat::Text,
        delimiter: b'\t',
        header: false,
    };
    let mut delimiter = None;
    for option in options.iter_mut() {
        let Some(NodeEnum::DefElem(element)) = option.node.as_mut() else {
            reader.odd("this option of COPY").stands()?;
            continue;
        };
        let at = offset(element.location);
        let value = element.arg.as_deref().and_then(|n| match n.node.as_ref() {
            Some(NodeEnum::String(s)) => Some(s.sval.clone()),
            Some(NodeEnum::Integer(i)) => Some(i.ival.to_string()),
            Some(NodeEnum::Boolean(b)) => Some(if b.boolval { "true" } else { "false" }.to_owned()),
            _ => None,
        });
        let name = element.defname.clone();
        match (name.as_str(), value.as_deref()) {
            ("format", Some("text")) => copy.format = CopyFormat::Text,
            ("format", Some("csv")) => copy.format = CopyFormat::Csv,
            ("format", Some("binary")) => copy.format = CopyFormat::Binary,
            ("header", None) if element.arg.is_none() => copy.header = true,
            ("header", Some(v))
                if matches!(v.to_ascii_lowercase().as_str(), "true" | "on" | "1") =>
            {
                copy.header = true
            }
            ("header", Some(v))
                if matches!(v.to_ascii_lowercase().as_str(), "false" | "off" | "0") =>
            {
                copy.header = false
            }
            ("delimiter", Some(d)) => {
                if !separates(d) {
                    refused(
                        reader,
                        &rules::COPY_DELIMITER,
                        "this delimiter",
                        "take one character that is no letter, digit or `-`: `,`, `;`, `|`, tab",
                    )
                    .at(at)
                    .stands()?;
                }
                delimiter = d.bytes().next();
            }
            ("null", Some(v)) => {
                if reads_as_tap(v) {
                    refused(
                        reader,
                        &rules::COPY_NULL,
                        "this text for NULL",
                        "take one with a letter beyond `f`, for instance `NULL` or `\\N`",
                    )
                    .at(at)
                    .stands()?;
                }
            }
            ("quote" | "escape", Some(v)) => {
                if v.len() != 1 || v.bytes().all(tap_byte) {
                    refused(
                        reader,
                        &rules::COPY_QUOTE,
                        "this character for quoting",
                        "take one that is no letter, digit or `-`: `\"`",
                    )
                    .at(at)
                    .stands()?;
                }
            }
            ("encoding", Some(v)) => {
                if !matches!(v.to_ascii_lowercase().as_str(), "utf8" | "utf-8") {
                    refused(
                        reader,
                        &rules::COPY_ENCODING,
                        "another encoding than UTF8",
                        "leave ENCODING out, and convert the file in the client",
                    )
                    .at(at)
                    .stands()?;
                }
            }
            ("force_quote", _) => {
                if !names_columns(element) {
                    refused(
                        reader,
                        &rules::COPY_FORCE_QUOTE,
                        "FORCE_QUOTE *",
                        "name the columns: `FORCE_QUOTE (a, b)`",
                    )
                    .at(at)
                    .stands()?;
                }
            }
            _ => refused(
                reader,
                &rules::COPY_OPTION,
                &format!("option `{name}` of COPY with this value"),
                "FORMAT text, csv and binary, DELIMITER, NULL, HEADER true or false, QUOTE, ESCAPE and FORCE_QUOTE (columns) are passed",
            )
            .at(at)
            .stands()?,
        }
    }
    // `HEADER on`, `HEADER 1` and `CSV HEADER` are one and the same; so it is written in one way.
    if rules::COPY_HEADER.stands() {
        options.retain_mut(|option| match option.node.as_mut() {
            Some(NodeEnum::DefElem(element)) if element.defname == "header" => {
                element.arg = None;
                copy.header
            }
            _ => true,
        });
    }
    copy.delimiter = delimiter.unwrap_or(if copy.format == CopyFormat::Csv {
        b','
    } else {
        b'\t'
    });
    Ok(copy)
}

fn refused(reader: &Reader<'_>, rule: &'static Rule, what: &str, instead: &str) -> Denial {
    reader
        .deny(rule, format!("{what} is not passed"))
        .hint(instead)
}

/// Bytes that a tap's column is made of.
fn tap_byte(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b'-'
}

/// The server quotes a value that equals the NULL string.
fn reads_as_tap(null: &str) -> bool {
    !null.is_empty() && null.bytes().all(tap_byte)
}

/// Whether a delimiter can be told from every tap.
fn separates(text: &str) -> bool {
    matches!(text.as_bytes(), [one] if !tap_byte(*one) && !one.is_ascii_alphanumeric())
}

/// A list of columns; `*` would quote the taps as well.
fn names_columns(element: &pb::DefElem) -> bool {
    match element.arg.as_deref().and_then(|n| n.node.as_ref()) {
        Some(NodeEnum::List(list)) => list
            .items
            .iter()
            .all(|n| text_of(n).is_some_and(|name| !name.starts_with(crate::read::OWN_PREFIX))),
        _ => false,
    }
}
