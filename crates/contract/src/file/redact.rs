//! Blots passwords out of text that is shown; the bytes keep their places.

/// Replaces what follows `password =`, `password=` or stands between `://user:` and `@` by asterisks.
///
/// Works on lines, so that a broken file, too, shows none of its secrets.
pub(super) fn redact(text: &str) -> String {
    text.split_inclusive('\n').map(redact_line).collect()
}

fn redact_line(line: &str) -> String {
    let mut secret = vec![false; line.len()];
    mark_assigned(line, &mut secret);
    mark_in_urls(line, &mut secret);
    let blotted = |(at, c): (usize, char)| {
        let hidden = secret.get(at).copied().unwrap_or(false) && !c.is_control();
        // As many asterisks as the character had bytes.
        if hidden {
            "*".repeat(c.len_utf8())
        } else {
            c.to_string()
        }
    };
    line.char_indices().map(blotted).collect()
}

fn mark(secret: &mut [bool], from: usize, to: usize) {
    if let Some(range) = secret.get_mut(from..to) {
        range.fill(true);
    }
}

/// `password = "…"` as a key and `…?password=…` in a URL; `password_file` and `password_env` are no secrets.
fn mark_assigned(line: &str, secret: &mut [bool]) {
    let lower = line.to_ascii_lowercase();
    for (at, word) in lower.match_indices("password") {
        let after = at + word.len();
        let rest = lower.get(after..).unwrap_or_default();
        let value = rest.trim_start_matches(['"', '\'', ' ', '\t']);
        if let Some(value) = value.strip_prefix('=') {
            mark(secret, line.len() - value.len(), line.len());
        }
    }
}

fn mark_in_urls(line: &str, secret: &mut [bool]) {
    for (at, found) in line.match_indices("://") {
        let start = at + found.len();
        let rest = line.get(start..).unwrap_or_default();
        let authority = rest.split(['/', '"', '\'', ' ']).next().unwrap_or_default();
        // A password may itself hold a slash, so look for the last `@` before the quote as well.
        let quoted = rest.split(['"', '\'']).next().unwrap_or_default();
        let end = quoted.rfind('@').or_else(|| authority.rfind('@'));
        if let (Some(end), Some(colon)) = (end, rest.find(':'))
            && colon < end
        {
            mark(secret, start + colon + 1, start + end);
        }
    }
}
