//! SET, RESET, SHOW, DISCARD: an allow-list.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use super::query::whole_table;
use crate::SessionNames;
use crate::lists::settings::{self, Values};
use crate::node::{as_text, target, text_constant};
use crate::read::Reader;
use crate::statement::Kind;
use crate::understand::{Reading, select_of};

pub(super) fn set(reader: &Reader<'_>, tree: &mut Node) -> Result<Reading, Refusal> {
    use pb::VariableSetKind as Of;
    let Some(NodeEnum::VariableSetStmt(statement)) = tree.node.as_mut() else {
        return Err(reader.unsupported("form.node", "not a setting"));
    };
    match statement.kind() {
        Of::VarResetAll => {
            return Ok(Reading::of(
                Kind::ResetSession { everything: false },
                "RESET",
            ));
        }
        Of::VarSetMulti => {
            if !matches!(
                statement.name.as_str(),
                "TRANSACTION" | "SESSION CHARACTERISTICS"
            ) {
                return Err(reader.unsupported(
                    "setting.name",
                    format!("`SET {}` is not passed", statement.name),
                ));
            }
            super::transaction::check_modes(reader, &statement.args)?;
            return Ok(Reading::of(Kind::Setting, "SET"));
        }
        Of::VarSetCurrent | Of::Undefined => {
            return Err(reader.unsupported("setting.value", "`FROM CURRENT` is not passed"));
        }
        Of::VarSetValue | Of::VarSetDefault | Of::VarReset => {}
    }
    let name = statement.name.to_ascii_lowercase();
    let Some(values) = settings::values(&name) else {
        return Err(reader.unknown_setting(&name));
    };
    let resets = statement.kind() != Of::VarSetValue;
    let verb = if statement.kind() == Of::VarReset {
        "RESET"
    } else {
        "SET"
    };
    if values == Values::SearchPath {
        let path = if resets {
            SessionNames::new("", "", reader.surface).search_path
        } else {
            path_of(reader, &statement.args)?
        };
        let mut reading = Reading::of(
            Kind::SetSearchPath {
                path,
                local: statement.is_local,
            },
            verb,
        );
        reading.travels = false;
        return Ok(reading);
    }
    if values == Values::ReadOnly {
        return Err(reader.unsupported(
            "setting.name",
            format!("setting `{name}` cannot be changed"),
        ));
    }
    let dates = name == "datestyle" && statement.args.len() == 2;
    if !resets && dates {
        for value in &statement.args {
            check_value(reader, &name, values, value)?;
        }
    } else if !resets {
        let [value] = statement.args.as_slice() else {
            return Err(reader
                .unsupported("setting.value", format!("setting `{name}` takes one value"))
                .hint("give one value"));
        };
        check_value(reader, &name, values, value)?;
    }
    Ok(Reading::of(Kind::Setting, verb))
}

fn check_value(
    reader: &Reader<'_>,
    name: &str,
    values: Values,
    value: &Node,
) -> Result<(), Refusal> {
    let shown = match value.node.as_ref() {
        Some(NodeEnum::AConst(constant)) => constant_shown(constant),
        // SET TIME ZONE INTERVAL '…'
        Some(NodeEnum::TypeCast(cast)) if name == "timezone" => {
            match cast.arg.as_deref().and_then(|n| n.node.as_ref()) {
                Some(NodeEnum::AConst(constant)) => constant_shown(constant),
                _ => None,
            }
        }
        _ => None,
    };
    let Some(shown) = shown else {
        return Err(reader.unsupported(
            "setting.value",
            format!("setting `{name}` takes a constant"),
        ));
    };
    match settings::accepts(values, &shown) {
        settings::Accepts::Yes => Ok(()),
        settings::Accepts::No => Err(unacceptable(reader, name, &shown)),
    }
}

pub(super) fn unacceptable(reader: &Reader<'_>, name: &str, value: &str) -> Refusal {
    let refusal = reader.unsupported(
        "setting.value",
        format!(
            "setting `{name}` may not be `{}`",
            value.chars().take(40).collect::<String>()
        ),
    );
    match settings::values(name) {
        Some(Values::OneOf(_)) if name.eq_ignore_ascii_case("row_security") => refusal.hint(
            "dumps turn it off (pg_dump, backups of tools): they are not passed; rows leave with SELECT, or with COPY where the contract names `export`",
        ),
        Some(Values::OneOf(choices)) => refusal.hint(format!("one of: {}", choices.join(", "))),
        _ => refusal,
    }
}

fn constant_shown(constant: &pb::AConst) -> Option<String> {
    Some(match constant.val.as_ref()? {
        pb::a_const::Val::Ival(i) => i.ival.to_string(),
        pb::a_const::Val::Fval(f) => f.fval.clone(),
        pb::a_const::Val::Boolval(b) => if b.boolval { "on" } else { "off" }.to_owned(),
        pb::a_const::Val::Sval(s) => s.sval.clone(),
        pb::a_const::Val::Bsval(_) => return None,
    })
}

/// Each item of SET search_path is one name.
fn path_of(reader: &Reader<'_>, args: &[Node]) -> Result<Vec<String>, Refusal> {
    args.iter()
        .map(|arg| match arg.node.as_ref() {
            Some(NodeEnum::AConst(constant)) => constant_shown(constant),
            _ => None,
        })
        .filter(|name| name.as_deref() != Some(""))
        .map(|name| {
            name.ok_or_else(|| reader.unsupported("setting.value", "the search path takes names"))
        })
        .collect()
}

pub(super) fn show(reader: &Reader<'_>, tree: &mut Node) -> Result<Reading, Refusal> {
    let Some(NodeEnum::VariableShowStmt(statement)) = tree.node.as_ref() else {
        return Err(reader.unsupported("form.node", "not a setting"));
    };
    let name = statement.name.to_ascii_lowercase();
    let constant = match name.as_str() {
        "session_authorization" => Some(reader.session.user.clone()),
        "role" => Some("none".to_owned()),
        "search_path" => Some(reader.session.search_path_text()),
        _ => None,
    };
    if let Some(value) = constant {
        *tree = whole_table(pb::RangeVar::default(), &[]);
        if let Some(select) = select_of(tree) {
            select.from_clause.clear();
            select.target_list = vec![target(&name, as_text(text_constant(&value)))];
        }
        return Ok(Reading::of(Kind::Query, "SHOW"));
    }
    if name == "all" {
        return Err(reader
            .unsupported("setting.name", "`SHOW ALL` is not passed")
            .hint("show one setting at a time"));
    }
    match settings::values(&name) {
        Some(_) => Ok(Reading::of(Kind::Query, "SHOW")),
        None => Err(reader.unknown_setting(&name)),
    }
}

pub(super) fn discard(tree: &Node) -> Result<Reading, Refusal> {
    let all = matches!(tree.node.as_ref(), Some(NodeEnum::DiscardStmt(d)) if d.target() == pb::DiscardMode::DiscardAll);
    let kind = if all {
        Kind::ResetSession { everything: true }
    } else {
        Kind::Setting
    };
    Ok(Reading::of(kind, "DISCARD"))
}
