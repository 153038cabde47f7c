//! The start-up parameter `options` (`-c name=value`, `--name=value`): what SET would take, nothing else.

use portcullis_contract::{Refusal, SqlState};
use portcullis_sql::{Kind, SessionNames, Surface};

/// More settings than any client sends.
const MAX_OPTIONS: usize = 32;

/// The settings that may travel; a search path goes into `names`.
pub fn settings_of(
    options: &str,
    names: &mut SessionNames,
    surface: &Surface,
) -> Result<Vec<(String, String)>, Refusal> {
    let mut settings = Vec::new();
    let words = split(options);
    if words.len() > 2 * MAX_OPTIONS {
        return Err(Refusal::new(
            SqlState::LimitExceeded,
            "limit.options",
            "too many start-up options",
        ));
    }
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let setting = match word.as_str() {
            "-c" => words.next().map(String::as_str),
            word => word.strip_prefix("--").or_else(|| word.strip_prefix("-c")),
        };
        let Some((name, value)) = setting.and_then(|setting| setting.split_once('=')) else {
            return Err(not_passed(word));
        };
        settings.extend(setting_of(&name.replace('-', "_"), value, names, surface)?);
    }
    Ok(settings)
}

/// One setting, judged as its SET would be.
pub fn setting_of(
    name: &str,
    value: &str,
    names: &mut SessionNames,
    surface: &Surface,
) -> Result<Option<(String, String)>, Refusal> {
    // Not SET: a value of several names is one string here, as in a start-up packet.
    let constant = |text: &str| text.replace('\'', "''");
    let text = format!(
        "SELECT set_config('{}', '{}', false)",
        constant(&name.to_ascii_lowercase()),
        constant(value)
    );
    let statements =
        portcullis_sql::understand(&text, surface, names).map_err(|_| not_passed(name))?;
    match statements.first().map(|statement| &statement.kind) {
        Some(Kind::SetSearchPath { path, .. }) => {
            names.search_path.clone_from(path);
            Ok(None)
        }
        Some(Kind::Setting | Kind::Query) => Ok(Some((name.to_owned(), value.to_owned()))),
        _ => Err(not_passed(name)),
    }
}

fn not_passed(what: &str) -> Refusal {
    Refusal::new(
        SqlState::NotPassed,
        "setting.option",
        format!("the start-up option `{what}` is not passed"),
    )
    .hint("leave it out of `options`/`PGOPTIONS`; the list of settings is in the guide")
}

/// Words as PostgreSQL splits them: at white space, a backslash keeps the next character.
fn split(options: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = options.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.extend(chars.next()),
            c if c.is_ascii_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_split_as_postgresql_splits_them() {
        assert_eq!(split(r"-c a=b  --c=d\ e"), ["-c", "a=b", "--c=d e"]);
        assert!(split("  ").is_empty());
    }
}
