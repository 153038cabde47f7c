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
use crate::read::place::place_of;
use crate::rules::{self, Denial, Rule};
use crate::statement::Kind;
use crate::understand::{Reading, select_of};

pub(super) fn set(reader: &Reader<'_>, tree: &mut Node) -> Result<Reading, Refusal> {
    use pb::VariableSetKind as Of;
    let Some(NodeEnum::VariableSetStmt(statement)) = tree.node.as_mut() else {
        return reader.odd("this SET").or(super::nothing);
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
                reader
                    .deny(
                        &rules::SET_SNAPSHOT,
                        format!("`SET {}` is not passed", statement.name),
                    )
                    .hint("use `SET TRANSACTION` with an isolation level; snapshots of other sessions are theirs")
                    .stands()?;
            }
            super::transaction::check_modes(reader, &statement.args)?;
            return Ok(Reading::of(Kind::Setting, "SET"));
        }
        Of::VarSetCurrent | Of::Undefined => {
            return reader.odd("`FROM CURRENT`").or(super::nothing);
        }
        Of::VarSetValue | Of::VarSetDefault | Of::VarReset => {}
    }
    let name = statement.name.to_ascii_lowercase();
    let Some(values) = settings::values(&name) else {
        return reader
            .unknown_setting(&rules::SETTING, &name)
            .or(super::nothing);
    };
    let resets = statement.kind() != Of::VarSetValue;
    let verb = if statement.kind() == Of::VarReset {
        "RESET"
    } else {
        "SET"
    };
    if values == Values::SearchPath && rules::SET_PATH_KEPT.stands() {
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
        reader
            .deny(
                &rules::SETTING_SHOWN_ONLY,
                format!("setting `{name}` cannot be changed"),
            )
            .hint(format!("`SHOW {name}` is passed"))
            .stands()?;
    }
    let dates = name == "datestyle" && statement.args.len() == 2;
    if !resets && dates {
        for value in &statement.args {
            check_value(reader, &name, values, value)?;
        }
    } else if !resets {
        let [value] = statement.args.as_slice() else {
            return reader
                .deny(
                    &rules::SETTING_ONE_VALUE,
                    format!("setting `{name}` takes one value"),
                )
                .hint("give one value")
                .or(super::nothing);
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
        return reader
            .odd("this value of a setting")
            .at(place_of(value))
            .stands();
    };
    match settings::accepts(values, &shown) {
        settings::Accepts::Yes => Ok(()),
        settings::Accepts::No => unacceptable(reader, &rules::SETTING_VALUE, name, &shown)
            .at(place_of(value))
            .stands(),
    }
}

pub(crate) fn unacceptable(
    reader: &Reader<'_>,
    rule: &'static Rule,
    name: &str,
    value: &str,
) -> Denial {
    let refusal = reader.deny(
        rule,
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
        Some(Values::ReadOnly) => refusal.hint(format!("`SHOW {name}` is passed")),
        _ => refusal.hint(format!(
            "at most {} bytes are set",
            settings::MAX_SETTING_BYTES
        )),
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
        .map(|name| name.map_or_else(|| reader.odd("this search path").or(String::new), Ok))
        .collect()
}

pub(super) fn show(reader: &Reader<'_>, tree: &mut Node) -> Result<Reading, Refusal> {
    let Some(NodeEnum::VariableShowStmt(statement)) = tree.node.as_ref() else {
        return reader.odd("this SHOW").or(super::nothing);
    };
    let name = statement.name.to_ascii_lowercase();
    let constant = match name.as_str() {
        "session_authorization" => Some(reader.session.user.clone()),
        "role" => Some("none".to_owned()),
        "search_path" => Some(reader.session.search_path_text()),
        _ => None,
    };
    if let Some(value) = constant
        && rules::SHOW_IDENTITY.stands()
    {
        *tree = whole_table(pb::RangeVar::default(), &[]);
        if let Some(select) = select_of(tree) {
            select.from_clause.clear();
            select.target_list = vec![target(&name, as_text(text_constant(&value)))];
        }
        return Ok(Reading::of(Kind::Query, "SHOW"));
    }
    if settings::values(&name).is_none() {
        reader
            .unknown_setting(&rules::SHOW_LISTED, &name)
            .stands()?;
    }
    Ok(Reading::of(Kind::Query, "SHOW"))
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
