//! `disclosed --to PERSON --list`: the request, and once another officer has agreed, the list.

use serde_json::{Value, json};

use super::Disclosed;
use crate::cli::answer::{self, rows, text};
use crate::cli::client::Client;
use crate::cli::{Exit, Global};

const HEADER: &str = "resource,kind,table,subject,contracts\n";

pub async fn run(
    global: &Global,
    client: &Client,
    command: &Disclosed,
    to: &str,
) -> Result<(), Exit> {
    let person = to.strip_prefix("person:").unwrap_or(to);
    let body = json!({ "person": person, "contract": command.contract, "why": command.why });
    let asked = client.post("/v1/disclosed/list", &body).await?;
    if asked.get("permitted").is_none_or(Value::is_null) {
        answer::show(global, &asked, |asked| {
            let change = text(asked, "/change/id");
            say!("the list waits for another officer: `portcullis change approve {change}`");
            say!("then ask for it again, within 24 hours");
        });
        return Ok(());
    }
    let response = client
        .post_stream("/v1/disclosed/list/produce", &body)
        .await?;
    lines(global, response).await
}

async fn lines(global: &Global, mut response: reqwest::Response) -> Result<(), Exit> {
    if !global.json {
        answer::write(HEADER);
    }
    let mut rest: Vec<u8> = Vec::new();
    let mut end = None;
    loop {
        let chunk = response.chunk().await.map_err(|error| {
            Exit::unreachable(format!("the list was cut in the middle: {error}"))
        })?;
        let Some(chunk) = chunk else { break };
        rest.extend_from_slice(&chunk);
        let whole = rest
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let mut out = String::new();
        for line in rest
            .drain(..whole)
            .collect::<Vec<_>>()
            .split(|b| *b == b'\n')
        {
            let Ok(line) = serde_json::from_slice::<Value>(line) else {
                continue;
            };
            match line.get("end") {
                Some(told) => end = Some(told.clone()),
                None if global.json => out.push_str(&format!("{line}\n")),
                None => out.push_str(&csv(&line)),
            }
        }
        answer::write(&out);
    }
    let end = end.ok_or_else(|| Exit::unreachable("the list was cut in the middle"))?;
    if global.json {
        say!("{}", json!({ "end": end }));
    } else {
        eprintln!(
            "{} subjects; {} more that he was shown are no longer in the database",
            text(&end, "/listed"),
            text(&end, "/gone")
        );
        for problem in rows(&end, "problems") {
            eprintln!("not complete: {}", crate::cli::table::text(problem));
        }
    }
    if end.get("complete") == Some(&Value::Bool(true)) {
        Ok(())
    } else {
        Err(Exit::incomplete())
    }
}

fn csv(line: &Value) -> String {
    let plain = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default();
    let contracts: Vec<&str> = rows(line, "contracts")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let cells = [
        quoted(plain("resource")),
        quoted(plain("kind")),
        quoted(plain("table")),
        quoted(plain("subject")),
        quoted(&contracts.join(" ")),
    ];
    format!("{}\n", cells.join(","))
}

/// RFC 4180.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must() {
        let line = json!({
            "resource": "hospital", "kind": "clinic.patients", "table": "clinic.patients",
            "subject": "a,\"b\"", "contracts": ["c1", "c2"],
        });
        assert_eq!(
            csv(&line),
            "hospital,clinic.patients,clinic.patients,\"a,\"\"b\"\"\",c1 c2\n"
        );
    }
}
