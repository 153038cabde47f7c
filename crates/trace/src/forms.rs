//! What a value may have been before a spreadsheet or a hand changed it.

/// Zeros that a spreadsheet swallows: keys of digits are tried up to this length.
const PADDED_CHARS_MAX: usize = 20;
const FORMS_MAX: usize = 32;

/// Asks for the forms in which a value is looked up, the likeliest first, until one is found: as it
/// stands, without quotes, with plain digits, without what a spreadsheet adds (`.0`, thousands,
/// exponents), without and with leading zeros, a UUID as PostgreSQL prints it.
pub fn find_form<T>(value: &str, mut find: impl FnMut(&str) -> Option<T>) -> Option<T> {
    let plain = value.trim();
    if plain.is_empty() {
        return None;
    }
    // Nearly always it is just that.
    if let Some(found) = find(plain) {
        return Some(found);
    }
    let mut tried = vec![plain.to_owned()];
    let mut look = |form: String| {
        if form.is_empty() || tried.len() >= FORMS_MAX || tried.contains(&form) {
            return None;
        }
        let found = find(&form);
        tried.push(form);
        found
    };
    let narrow = narrowed(plain);
    let bare = unquoted(&narrow);
    if let Some(found) = look(bare.to_owned()).or_else(|| look(uuid(bare)?)) {
        return Some(found);
    }
    let Some(digits) = whole_number(bare) else {
        if !bare.is_ascii() {
            return None;
        }
        return look(bare.to_ascii_lowercase()).or_else(|| look(bare.to_ascii_uppercase()));
    };
    if let Some(found) = look(digits.clone()) {
        return Some(found);
    }
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits.as_str()),
    };
    let short = match digits.trim_start_matches('0') {
        "" => "0",
        short => short,
    };
    look(format!("{sign}{short}")).or_else(|| {
        let mut widths = short.len() + 1..=PADDED_CHARS_MAX;
        if !sign.is_empty() {
            return None;
        }
        widths.find_map(|width| look(format!("{short:0>width$}")))
    })
}

/// Full-width letters and digits as ASCII, wide and zero-width blanks away.
fn narrowed(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' | '\u{a0}' | '\u{202f}' => ' ',
        other => other,
    };
    let kept = |c: &char| !matches!(c, '\u{feff}' | '\u{200b}'..='\u{200d}' | '\u{2060}');
    text.chars().filter(kept).map(narrow).collect()
}

/// `"…"`, `'…'`, and `="…"`, with which a CSV keeps a spreadsheet from counting.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let text = text.strip_prefix('=').unwrap_or(text);
    for quote in ['"', '\'', '`', '“'] {
        let close = if quote == '“' { '”' } else { quote };
        if let Some(inner) = text.strip_prefix(quote) {
            // A spreadsheet's text mark is a lone apostrophe in front.
            return inner.strip_suffix(close).unwrap_or(inner).trim();
        }
    }
    text
}

/// The digits of a whole number, however it is written.
fn whole_number(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Some((mantissa, exponent)) = digits.split_once(['e', 'E']) {
        return Some(format!("{sign}{}", scaled(mantissa, exponent)?));
    }
    let grouped = ungrouped(digits)?;
    let (whole, fraction) = grouped.split_once('.').unwrap_or((&grouped, ""));
    let plain = whole.bytes().all(|b| b.is_ascii_digit()) && fraction.bytes().all(|b| b == b'0');
    plain.then(|| format!("{sign}{whole}"))
}

/// Without `,`, `'`, `_` or blanks between groups of three.
fn ungrouped(digits: &str) -> Option<String> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_mark = |c: char| matches!(c, ',' | '\'' | '_' | ' ');
    if !whole.contains(is_mark) {
        return Some(digits.to_owned());
    }
    let mut groups = whole.split(is_mark);
    let first = groups.next().unwrap_or_default();
    let shaped = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
    let joined: String = whole.chars().filter(|c| !is_mark(*c)).collect();
    shaped.then(|| match fraction {
        "" => joined,
        fraction => format!("{joined}.{fraction}"),
    })
}

/// `4.100004242`, `9` → `4100004242`; `None` where a fraction would be left.
fn scaled(mantissa: &str, exponent: &str) -> Option<String> {
    let exponent: usize = exponent
        .strip_prefix('+')
        .unwrap_or(exponent)
        .parse()
        .ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.bytes().chain(fraction.bytes());
    if exponent > 40 || !digits.clone().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let zeros = exponent.checked_sub(fraction.len())?;
    Some(format!("{whole}{fraction}{}", "0".repeat(zeros)))
}

fn uuid(text: &str) -> Option<String> {
    let inner = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(text);
    let inner = inner.strip_prefix("urn:uuid:").unwrap_or(inner);
    let hex: String = inner
        .chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let cut = |from, to| hex.get(from..to).unwrap_or_default();
    Some([cut(0, 8), cut(8, 12), cut(12, 16), cut(16, 20), cut(20, 32)].join("-"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn forms(value: &str) -> Vec<String> {
        let mut forms = Vec::new();
        let found = find_form(value, |form| {
            forms.push(form.to_owned());
            None::<()>
        });
        assert_eq!(found, None);
        forms
    }

    #[track_caller]
    fn finds(value: &str, key: &str) {
        let forms = forms(value);
        assert!(forms.iter().any(|form| form == key), "{value}: {forms:?}");
        assert!(forms.len() <= FORMS_MAX);
    }

    #[test]
    fn a_key_is_found_behind_what_was_done_to_it() {
        for changed in [
            "4100004242",
            " 4100004242 ",
            "\"4100004242\"",
            "'4100004242",
            "=\"4100004242\"",
            "4100004242.0",
            "4100004242.00",
            "4,100,004,242",
            "4 100 004 242",
            "4100004242".chars().fold("", |_, _| "４１００００４２４２"),
            "4.100004242E9",
            "4.100004242e+09",
            "\u{feff}4100004242",
            "0004100004242",
            "+4100004242",
        ] {
            finds(changed, "4100004242");
        }
        finds("12345", "0012345");
        finds("-007", "-7");
        finds("p-17b", "P-17B");
        finds(
            "{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        );
        finds(
            "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        );
    }

    #[test]
    fn what_stands_there_is_tried_first_and_nothing_is_made_up() {
        assert_eq!(forms("0042")[0], "0042");
        assert!(!forms("1.5").iter().any(|form| form == "1" || form == "15"));
        assert!(!forms("1,2").iter().any(|form| form == "12"));
        assert!(forms("  ").is_empty());
        assert!(!forms("1.5e0").iter().any(|form| form == "15"));
    }
}
